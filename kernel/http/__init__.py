"""The HTTP server: bounds on strangers' connections, guarded routes."""
