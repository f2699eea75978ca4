"""How the states of a student and of a teacher are compared."""
