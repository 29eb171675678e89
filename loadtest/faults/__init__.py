"""Processes killed at any moment and servers that fail: what is lost, what is done twice, for how long."""
