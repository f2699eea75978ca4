"""One BERT: names, config, checkpoint, tokenizer, graph, heads, optimizer and training loop."""
