"""A PostgreSQL for a test session: given, or in a container, or our own; a database a test."""

import asyncio
import itertools
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from kernel.database.migrations import Schema, migrate
from kernel.database.pool import Connection, Pool
from kernel.database.postgres import open_postgres
from tests.support import docker
from tests.support.eventually import eventually

GIVEN = "ANTIRELOU_TEST_DATABASE_URL"
IMAGE = "postgres:17-alpine"

# Nothing of a test outlives it, so nothing needs to reach the disk.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
}

Result = TypeVar("Result")


WAITING = """
SELECT count(*) FROM pg_locks w JOIN pg_locks r USING (pid)
WHERE NOT w.granted
  AND r.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def waits_or_ends(pool: Pool | Connection, work: "asyncio.Task[Any]") -> None:
    """Until the work is over, or somebody in that database waits for a lock."""

    async def check() -> bool:
        return work.done() or bool(await pool.fetchval(WAITING))

    await eventually(check, seconds_max=20)


class LoopThread:
    """An event loop of its own, so that what lives a session is tied to no test's loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine there and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=120)

    def close(self) -> None:
        """End the loop and the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


class PostgresServer:
    """A server in which each test gets databases of its own.

    Attributes:
        url: of a database that is not a test's, as a login that may create roles and databases.
    """

    def __init__(self, thread: LoopThread, url: str) -> None:
        self.url = url
        self._thread = thread
        self._templates: dict[tuple[str, ...], str] = {}
        self._names = (f"test_{secrets.token_hex(4)}_{n}" for n in itertools.count())
        self._connection = thread.run(_connect(url))

    def create_database(self, *schemas: Schema) -> str:
        """Create a database, empty but for these schemas. Returns its URL."""
        name = next(self._names)
        self._execute(f"CREATE DATABASE {name} TEMPLATE {self._template(schemas)} ENCODING 'UTF8'")
        return self._url(name)

    def _template(self, schemas: tuple[Schema, ...]) -> str:
        """A database that has them, migrated once a session."""
        if not schemas:
            return "template0"
        names = tuple(schema.name for schema in schemas)
        if names not in self._templates:
            url = self.create_database()
            self._thread.run(migrate(url, schemas))
            self._templates[names] = urlsplit(url).path.lstrip("/")
        return self._templates[names]

    def _url(self, name: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop_database(self, url: str) -> None:
        """Drop it, whoever is still connected."""
        name = urlsplit(url).path.lstrip("/")
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def close(self) -> None:
        """Leave the server."""
        with suppress(Exception):
            self._thread.run(self._connection.close(timeout=5))

    def _execute(self, statement: str) -> None:
        if self._connection.is_closed():
            self._connection = self._thread.run(_connect(self.url))
        self._thread.run(self._connection.execute(statement))


async def _connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url, timeout=10)
    return connection


@contextmanager
def open_server() -> Iterator[PostgresServer]:
    """The session's server, found in the order of issue 4; stopped at the end if we started it."""
    given = os.environ.get(GIVEN)
    if given:
        with _serving(given) as server:
            yield server
    elif docker.can_run(IMAGE):
        with _container() as url, _serving(url) as server:
            yield server
    else:
        with _own() as server:
            yield server


@contextmanager
def _serving(url: str) -> Iterator[PostgresServer]:
    thread = LoopThread()
    try:
        server = PostgresServer(thread, url)
        yield server
        server.close()
    finally:
        thread.close()


@contextmanager
def _container() -> Iterator[str]:
    from testcontainers.postgres import PostgresContainer

    container = PostgresContainer(IMAGE, driver=None).with_command(
        " ".join(["postgres", *(f"-c {name}={value}" for name, value in SETTINGS.items())])
    )
    with container:
        yield container.get_connection_url()


@contextmanager
def _own() -> Iterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="antirelou-pg-"))
    thread = LoopThread()
    opened = open_postgres(folder, overrides=SETTINGS)
    try:
        url = thread.run(opened.__aenter__())
        try:
            server = PostgresServer(thread, url)
            yield server
            server.close()
        finally:
            thread.run(opened.__aexit__(None, None, None))
    finally:
        thread.close()
        shutil.rmtree(folder, ignore_errors=True)
