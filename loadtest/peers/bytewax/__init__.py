"""Bytewax, in an environment of its own."""
