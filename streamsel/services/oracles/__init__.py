"""Oracles other than people at work: those that are asked, and what happened in the end."""
