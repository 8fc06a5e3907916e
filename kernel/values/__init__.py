"""Values without I/O: money, text, telephone numbers, errors, the clock."""
