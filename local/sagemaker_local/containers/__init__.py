"""A process that plays a container; it does not know what runs inside.

Read in this order: ``archives``, ``process``, ``leftovers``.
"""
