"""One task's model in the files of other code, and branches from such files."""
