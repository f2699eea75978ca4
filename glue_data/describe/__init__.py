"""What there is to know of a task's data before it is trained."""
