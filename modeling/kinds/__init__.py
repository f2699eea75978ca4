"""The kinds of task: one file for each, with all that depends on what sort of answer a task gives."""
