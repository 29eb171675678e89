"""What the parts of the whole cost: telling about itself, asking, and models that are no single product."""
