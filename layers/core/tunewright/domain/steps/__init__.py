"""The steps that the brain can take, each a pure function from a study to the next one.

Read in this order: `step` (what a step is), `fold` (trials into the study), `plan` (the next
round), `close` (a round that has ended), `choose` (the winner and its deployment), `command` (a
person's word), `settle` (what came of an action).
"""
