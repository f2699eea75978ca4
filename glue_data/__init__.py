"""From the files of a task to examples and tensors, and the metrics that judge the answers."""
