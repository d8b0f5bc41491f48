"""Search quality, measured: problems, conditions, contestants, one simulator, one report."""
