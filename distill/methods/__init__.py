"""Methods of distillation, one file for each."""
