"""What of the caller's environment counts for PostgreSQL: how to prove who is who, not where to go.

asyncpg, ``pg_dump`` and ``pg_restore`` all read ``PG…`` variables. Where the database is
``DATABASE_URL`` says alone: a shell that was set up for another one leads nobody astray.
"""

from collections.abc import MutableMapping

PROOFS = frozenset({
    "PGPASSWORD", "PGPASSFILE", "PGREQUIREAUTH", "PGCHANNELBINDING", "PGKRBSRVNAME", "PGGSSENCMODE",
    "PGSSLMODE", "PGSSLROOTCERT", "PGSSLCRL", "PGSSLCRLDIR", "PGSSLCERT", "PGSSLKEY",
    "PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION",
})  # fmt: skip
"""What counts beside ``DATABASE_URL``, as an operator may keep a password out of it, or ask for TLS
in each connection."""


def forget_postgres(
    environment: MutableMapping[str, str], *, keep: frozenset[str] = PROOFS
) -> None:
    """Take PostgreSQL's variables out of an environment, but for those to keep."""
    for name in [name for name in environment if name.startswith("PG") and name not in keep]:
        del environment[name]
