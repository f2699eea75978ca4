"""Formats of data files: each reader makes a table of one file and refuses what it does not understand."""
