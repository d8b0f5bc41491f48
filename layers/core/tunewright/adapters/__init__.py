"""How the world is asked and told: each module is one answer to a port, and imports no other."""
