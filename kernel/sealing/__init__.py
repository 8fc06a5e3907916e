"""Keys, pseudonyms, sealed copies, encrypted backups."""
