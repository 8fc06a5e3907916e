"""The accountant's rules: pure, no I/O, no clock, no chance."""
