"""The selector and the desk: where pure parts and ports meet."""
