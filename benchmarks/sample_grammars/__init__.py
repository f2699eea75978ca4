"""What wrote glue_data/samples: sentences with known labels and scores."""
