"""What is opened once for all tests, and closed when they end."""

from contextlib import ExitStack

session = ExitStack()
