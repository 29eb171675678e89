"""What selection is worth: prequential quality on public streams, beside random and beside all labels."""
