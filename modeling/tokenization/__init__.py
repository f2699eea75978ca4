"""From text to the ids that BERT reads: BERT's basic and WordPiece tokenizers as one TensorFlow graph."""
