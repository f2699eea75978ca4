"""Students from teachers."""
