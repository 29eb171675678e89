"""What the model is and how a label changes it."""
