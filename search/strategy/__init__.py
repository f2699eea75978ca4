"""Which jobs are worth running next, and what they will cost."""
