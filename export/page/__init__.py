"""The page on which a person tries the model."""
