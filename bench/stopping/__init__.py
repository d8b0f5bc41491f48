"""Stopping rules, measured: recorded traces of whole searches, replayed under other rules."""
