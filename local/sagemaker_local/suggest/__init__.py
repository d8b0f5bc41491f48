"""What AMT would try next, and when it would stop; pure: no I/O, no clock, no hidden randomness.

Read in this order: `space`, `random_search`, `bayesian`, `early_stopping`, `completion`.
"""
