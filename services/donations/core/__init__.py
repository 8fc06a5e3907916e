"""What donations decides: pure."""
