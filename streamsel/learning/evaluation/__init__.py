"""How good the serving model is over the whole stream, told from labels that it chose itself."""
