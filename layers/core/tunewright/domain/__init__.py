"""The brain: everything that is decided is decided here, purely; nothing here does anything.

Read in this order: `values` and `errors` (the ground), `names`, `space`, `objective`, `trial` (the
nouns), `spec` and `expand` (what a person asks for), `stopping`, `refinement`, `forecast`,
`budget`, `warm_start`, `gates` (one judgement each), `study` (the state), `decide` (the brain).
"""
