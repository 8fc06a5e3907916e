"""The pure core of evidence: no I/O, no clock, no randomness."""
