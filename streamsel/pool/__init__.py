"""A historical file as a pool: the events most worth a label are picked, written or put on the desk."""
