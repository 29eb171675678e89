"""A whole running system on one machine: a transaction stream with a known truth, reviewers, a live view."""
