"""The model's life: how fast it is rebuilt, whether it stays the same, and how honestly it is measured."""
