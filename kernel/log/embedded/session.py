"""The embedded log's session: the one connection of a process that listens and holds locks.

As long as it lives its members live; when it is lost they have left their groups, and join again
once it is back. It also takes dead members out of our groups. Expired records are taken off the
disk over other connections (``run_retention``): what is slow there ends no session.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import structlog

from kernel.database.pool import Connection, Pool, session_settings, translate_errors
from kernel.upkeep.upkeep import REST_FACTOR
from kernel.values.errors import Transient

LOG = structlog.get_logger("log")

CHANNEL = "antirelou_log"
SWEEP_SECONDS = 2.0
"""How often a session looks for dead members; bounds how long their partitions lie fallow."""
FROZEN_SECONDS_MAX = 10
"""The server ends a session that has not swept for so long: its process hangs."""
RECONNECT_SECONDS = 0.5
EXPIRE_SECONDS = 60.0
EXPIRE_RECORDS_MAX = 5000
QUERY_SECONDS_MAX = 5.0

Listener = Callable[[str], None]
"""Called with each notification: ``p1,2`` appended, ``g<group>`` changed, ``t`` topics, empty:
anything may have happened. Must not block."""


class Session:
    """Listens, holds the members' locks, sweeps. Made by ``open_session``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None
        self._there = asyncio.Event()
        self._lost = asyncio.Event()
        self._lock = asyncio.Lock()
        self._listeners: dict[Listener, str | None] = {}
        self.number = 0
        """Counts the connections: a member of an older one is no member any more."""

    def is_there(self, number: int) -> bool:
        """Whether that connection still lives, as far as we know."""
        return self._there.is_set() and number == self.number

    def listen(self, listener: Listener, group: str | None = None) -> None:
        """Call the listener from now on; ``group``: sweep that group while it is listening."""
        self._listeners[listener] = group

    def unlisten(self, listener: Listener) -> None:
        """Stop calling it."""
        self._listeners.pop(listener, None)

    async def hold(self, statement: str, *arguments: object) -> object:
        """Run a statement on the session and return its first value.

        Raises:
            Transient: there is no connection now.
        """
        try:
            async with asyncio.timeout(QUERY_SECONDS_MAX):
                await self._there.wait()
                return await self._fetch(statement, *arguments)
        except TimeoutError:
            raise Transient("the log's database does not answer", code="log_away") from None

    def reset(self) -> None:
        """Give up the connection and all it holds; another follows."""
        if self._connection is not None:
            self._connection.terminate()

    async def run(self) -> None:
        """Connect, sweep, and connect again when the connection is lost; until cancelled."""
        while True:
            try:
                with translate_errors():
                    async with self._connected():
                        await self._sweep_until_lost()
            except Transient as trouble:
                LOG.warning("log_session_lost", code=trouble.code)
            except Exception:
                LOG.exception("log_session_failed")
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _fetch(self, statement: str, *arguments: object) -> object:
        async with self._lock:
            if self._connection is None:
                raise Transient("the log's database is away", code="log_away")
            with translate_errors():
                return await self._connection.fetchval(statement, *arguments)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        settings = session_settings(
            role="antirelou_log", schema="log", application="antirelou-log-session"
        )
        connection = await asyncpg.connect(
            self._url,
            timeout=QUERY_SECONDS_MAX,
            command_timeout=QUERY_SECONDS_MAX,
            server_settings=settings | {"idle_session_timeout": f"{FROZEN_SECONDS_MAX}s"},
        )
        try:
            await connection.add_listener(CHANNEL, self._heard)
            self._lost.clear()
            connection.add_termination_listener(lambda _: self._lost.set())
            self._connection = connection
            self.number += 1
            self._there.set()
            self._tell("")  # whatever was notified before is lost
            yield
        finally:
            self._connection = None
            self._there.clear()
            connection.terminate()
            self._tell("")

    async def _sweep_until_lost(self) -> None:
        while True:
            groups = sorted({group for group in self._listeners.values() if group is not None})
            await self._fetch("SELECT sweep($1)", groups)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._lost.wait()

    def _heard(self, _: object, __: int, ___: str, payload: object) -> None:
        self._tell(str(payload))

    def _tell(self, payload: str) -> None:
        for listener in list(self._listeners):
            listener(payload)


async def run_retention(pool: Pool) -> None:
    """Take expired records off the disk now and then, until cancelled. It fails alone."""
    while True:
        try:
            with translate_errors():
                await _expire(pool)
        except Transient as trouble:
            LOG.warning("log_retention_waits", code=trouble.code)
        except Exception:
            LOG.exception("log_retention_failed")
        await asyncio.sleep(EXPIRE_SECONDS)


async def _expire(pool: Pool) -> None:
    clock = asyncio.get_running_loop()
    for number in await pool.fetchval("SELECT array(SELECT expired_partitions())"):
        gone = EXPIRE_RECORDS_MAX
        while gone == EXPIRE_RECORDS_MAX:
            began = clock.time()
            gone = await pool.fetchval("SELECT expire($1, $2)", number, EXPIRE_RECORDS_MAX)
            await asyncio.sleep(REST_FACTOR * (clock.time() - began))


@asynccontextmanager
async def open_session(url: str) -> AsyncIterator[Session]:
    """Keep a session to the log's database; opening succeeds while the database is away."""
    session = Session(url)
    task = asyncio.create_task(session.run())
    try:
        yield session
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
