"""What the console decides. Pure."""
