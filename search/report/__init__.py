"""The tables and figures of a search."""
