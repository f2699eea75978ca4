"""Google's, Hugging Face's and tf-models-official's checkpoints, read and written."""
