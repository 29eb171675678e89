"""The routes, one module for each part they stand on."""
