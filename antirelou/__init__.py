"""The program: composes services and serves them; its commands."""
