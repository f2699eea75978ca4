"""Fine-tuning one branch: rows, graph, optimizer, estimator, and the frozen trunk's outputs kept on disk."""
