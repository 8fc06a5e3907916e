"""The responder's pure core: no I/O, no clock, no randomness."""
