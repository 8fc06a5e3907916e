"""What every service's PostgreSQL store is made of: its queries by name, alone or in a transaction.

The services reach their database through this alone; what a statement does is in ``queries.sql``.
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any, TypeAlias, TypeVar

import asyncpg

from kernel.database.migrations import MIGRATION_SECONDS_MAX
from kernel.database.pool import (
    CONNECT_SECONDS_MAX,
    Connection,
    Pool,
    close_connection,
    translate_errors,
)

Row: TypeAlias = asyncpg.Record
UniqueViolation: TypeAlias = asyncpg.UniqueViolationError
"""A key is taken. Only inside of a transaction; a store says what it means."""

_HEAD = re.compile(r"^-- ([a-z_]+) --\n", re.MULTILINE)
"""The line above a query."""


def read_queries(package: str, **replaced: str) -> dict[str, str]:
    """The queries of a package's ``queries.sql`` by their names.

    Args:
        replaced: what stands in the file for ``{name}``.
    """
    text = (resources.files(package) / "queries.sql").read_text("utf-8")
    for name, value in replaced.items():
        text = text.replace(f"{{{name}}}", value)
    _, *found = _HEAD.split(text)
    names, queries = found[::2], found[1::2]
    # Whoever looks at a statement sees its name.
    return {name: f"-- {name}\n{query}" for name, query in zip(names, queries, strict=True)}


class SqlTransaction:
    """A transaction under way. A service's own adds a method for each thing to be done in it."""

    def __init__(self, connection: Connection, queries: Mapping[str, str]) -> None:
        self._connection, self._queries = connection, queries

    async def fetch(self, name: str, *arguments: Any) -> list[Row]:
        """Run a query. Returns its rows."""
        return await self._connection.fetch(self._queries[name], *arguments)

    async def change(self, name: str, *arguments: Any) -> int:
        """Run a query. Returns how many rows it changed."""
        return _count(await self._connection.execute(self._queries[name], *arguments))

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows, which must be new."""
        await self._connection.copy_records_to_table(table, columns=list(columns), records=rows)


T = TypeVar("T", bound=SqlTransaction)


class SqlStore:
    """A service's database. A service's own adds a method for each thing to be done.

    Args:
        pool: of the service's role.
        queries: as of ``read_queries``.
    """

    def __init__(self, pool: Pool, queries: Mapping[str, str]) -> None:
        self._pool, self._queries = pool, queries

    @asynccontextmanager
    async def begin(self, transaction: type[T]) -> AsyncIterator[T]:
        """All or nothing; committed when the context is left without an error.

        Raises:
            Transient, Rejected, Fatal: as ``database.translate_errors``, here and below.
        """
        with translate_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                yield transaction(connection, self._queries)

    async def fetch(self, name: str, *arguments: Any) -> list[Row]:
        """Run a query by itself. Returns its rows."""
        with translate_errors():
            return await self._pool.fetch(self._queries[name], *arguments)

    async def change(self, name: str, *arguments: Any) -> int:
        """Run a query by itself. Returns how many rows it changed."""
        with translate_errors():
            return _count(await self._pool.execute(self._queries[name], *arguments))


def _count(status: str) -> int:
    """Of PostgreSQL's ``INSERT 0 3``, ``UPDATE 3``: 3."""
    return int(status.rpartition(" ")[2])


async def scrub(url: str) -> bool:
    """Write tables and write-ahead log anew, without the bytes of what was deleted.

    Args:
        url: a login that owns the tables.

    Returns:
        whether it could be done.
    """
    try:
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS_MAX,
            command_timeout=MIGRATION_SECONDS_MAX,
            server_settings={"application_name": "antirelou-scrub", "lock_timeout": "10s"},
        )
        try:
            await connection.execute("VACUUM FULL")
            await connection.execute("SELECT pg_switch_wal()")
            await connection.execute("CHECKPOINT")
        finally:
            await close_connection(connection)
    except (asyncpg.PostgresError, OSError, TimeoutError):
        return False
    return True
