"""HTTP: the queue API, the console, health and metrics."""
