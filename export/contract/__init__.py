"""What graph, server, client and deployment agree on, without TensorFlow."""
