"""PostgreSQL: the pool, the embedded server, migrations, a store's base."""
