"""The services from inside: the world around them in memory, time that jumps, deaths at a chosen moment."""
