"""faust-streaming, in an environment of its own."""
