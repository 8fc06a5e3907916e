"""What people read, in French and in English: one catalogue."""
