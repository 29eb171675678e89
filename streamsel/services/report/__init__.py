"""A dataset sheet and a model card, from the logs alone."""
