"""What the door decides: is it the provider, is it well-formed, who is it. Pure."""
