"""Metrics, log lines, and traces through them."""
