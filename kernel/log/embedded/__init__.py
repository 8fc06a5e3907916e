"""The log by tables in PostgreSQL."""
