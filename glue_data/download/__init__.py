"""GLUE's archives, fetched, checked and unpacked."""
