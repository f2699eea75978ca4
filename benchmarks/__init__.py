"""Measurements that take longer than a test: run by hand, figures in docs/RESULTS.md."""
