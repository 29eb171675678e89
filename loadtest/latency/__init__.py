"""From producing an event to its decision, beside a bare echo."""
