"""Tasks that a user declares: in a YAML file of many, or by flags; what is declared, and how it is read."""
