"""What a service looks like from outside, and the ports that it is given."""
