"""Others' ways to do the same work on the same events, run in turn with ours."""
