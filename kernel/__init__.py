"""The ground that every service stands on; it knows none of them."""

__version__ = "0.1.0"
