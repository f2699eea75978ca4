"""Which branch to take for every task, within a budget."""
