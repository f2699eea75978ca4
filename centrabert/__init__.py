"""Serve many text tasks from one BERT."""
