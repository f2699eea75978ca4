"""Branches onto one shared trunk."""
