"""What the measurements are made of: models, loads, and the sides that are compared; no script of its own."""
