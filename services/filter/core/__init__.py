"""The judge's rules: pure, no I/O, no clock, no chance."""
