"""The service seen from outside: its processes, those who call it, and what its logs and store hold."""
