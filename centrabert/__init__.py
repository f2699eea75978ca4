"""Serve many text tasks from one BERT."""

__version__ = "0.1.0"
