"""Leaves alone what the clients run in environments of their own."""

collect_ignore_glob = ["guide_*.py", "study_of.py", "scripts/*"]
