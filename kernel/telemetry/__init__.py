"""Metrics and log lines, which may fail no work."""
