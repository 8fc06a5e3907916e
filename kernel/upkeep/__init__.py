"""Housekeeping beside the work: planned, bounded, failing alone."""
