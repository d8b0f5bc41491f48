"""Tunewright's core: the brain, and what carries its decisions out; it knows nothing of local mode.

Read in this order: `domain` (what is decided, and why), `app` (when, and what is then done),
`adapters` (how the world is asked and told), `cloud` (how the parts are put together).
"""
