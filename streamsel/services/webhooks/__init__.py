"""Telling others what happens at the desk: signed messages, each at least once, in the order of its log."""
