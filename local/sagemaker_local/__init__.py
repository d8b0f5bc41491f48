"""SageMaker's tuning, training and hosting on one machine; it has never heard of Tunewright.

Read in this order: `settings`, `service` (the app), `protocol` and `validation` (the wire),
`operations` (the API), `tuning_rules` and `warm_start` (what is refused), `engine`, `tuner` and
`trials` (what moves), `server` (all on one port).
"""
