"""PostgreSQL: pools that run as one service's role, and errors by reaction.

One schema and one role a service. The login named by the URL owns the schemas and may take the
roles; a pool of ``open_pool`` takes one and sees that schema only. That guards against mistakes;
against a process that was taken over, give each service a login that may take its own role alone.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from kernel.values.errors import Fatal, Rejected, Transient

if TYPE_CHECKING:
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection

CONNECT_SECONDS_MAX = 5.0
ACQUIRE_SECONDS_MAX = 10.0
"""How long one waits for a free connection; it bounds what a frozen server can hold up."""
STATEMENT_SECONDS_MAX = 15
"""The server gives up a statement after this; the client a little later, should it be frozen."""
COMMAND_SECONDS_MAX = STATEMENT_SECONDS_MAX + 3.0
LOCK_SECONDS_MAX = 8
IDLE_TRANSACTION_SECONDS_MAX = 30
IDLE_CONNECTION_SECONDS_MAX = 60.0
CLOSE_SECONDS_MAX = 5.0


# SQLSTATE classes and codes after which the same work, tried again, can succeed.
_TRANSIENT_STATES = (
    ("08", "database_away"),  # connection exception
    ("57P0", "database_away"),  # admin shutdown, crash, cannot connect now
    ("57014", "database_slow"),  # statement timeout
    ("25P03", "database_slow"),  # idle in transaction too long
    ("25P04", "database_slow"),  # transaction timeout
    ("55P03", "database_locked"),  # lock not available
    ("40", "database_conflict"),  # deadlock, serialization failure
    ("53", "database_full"),  # too many connections, disk full, out of memory
    ("25006", "database_away"),  # read only: a standby, or one that is being demoted
)

_UNMIGRATED = "the database is not migrated for this version: run `antirelou migrate`"

# What no waiting mends; what to do about it.
_FATAL_STATES = (
    ("28", "database_login", "the database refuses the login of DATABASE_URL"),
    ("3D000", "database_missing", "the database named by DATABASE_URL does not exist"),
    ("22023", "database_unmigrated", _UNMIGRATED),
    # Schema, table, column, function or right missing: no record is to blame for it.
    ("3F000", "database_unmigrated", _UNMIGRATED),
    ("42P01", "database_unmigrated", _UNMIGRATED),
    ("42703", "database_unmigrated", _UNMIGRATED),
    ("42883", "database_unmigrated", _UNMIGRATED),
    ("42501", "database_unmigrated", _UNMIGRATED),
)


_DATA_CLASS = "22"
"""What cannot be stored, now or later: a NUL in a text, a number out of range, a wrong type."""


def role_of(service: str) -> str:
    """The role of a service's pool."""
    return f"antirelou_{service}"


def describe_error(error: BaseException) -> Transient | Rejected | Fatal | None:
    """What an error of asyncpg or of the network means for the caller; None: a defect."""
    if isinstance(error, asyncpg.PostgresError):
        return _describe_state(error.sqlstate or "", str(error))
    if isinstance(error, asyncpg.ClientConfigurationError):
        return Fatal(f"DATABASE_URL, or a PGSSL… variable beside it: {error}", code="database_url")
    if isinstance(error, TimeoutError):
        return Transient("the database did not answer in time", code="database_slow")
    # A connection that dies while it is used shows as an InterfaceError, as does misuse; both
    # are told apart by the text alone, so only those of a lost connection are listed.
    lost = isinstance(error, asyncpg.InterfaceError) and re.search(
        r"connection (is|was) closed|connection has been released|pool is clos", str(error)
    )
    if lost or isinstance(error, OSError | asyncpg.InternalClientError):
        return Transient("the connection to the database is lost", code="database_away")
    return None


def _describe_state(state: str, said: str) -> Transient | Rejected | Fatal | None:
    for prefix, code in _TRANSIENT_STATES:
        if state.startswith(prefix):
            return Transient(f"the database cannot now (SQLSTATE {state})", code=code)
    for prefix, code, meaning in _FATAL_STATES:
        # 22023 is any invalid parameter; where it names a role, it is that of the session.
        if state.startswith(prefix) and (prefix != "22023" or re.search(r'role "|"role"', said)):
            return Fatal(meaning, code=code)
    if state.startswith(_DATA_CLASS):
        # Not what the server says: it quotes the value.
        return Rejected(f"the database cannot hold a value (SQLSTATE {state})", code="bad_value")
    return None


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn asyncpg's errors that pass by themselves into ``Transient``.

    Use it outside of the transaction, so that a failing COMMIT is translated too; and never as a
    decorator: of a coroutine it would see the call alone, which does not fail.

    Raises:
        Transient: ``database_away``, ``database_slow``, ``database_locked``,
            ``database_conflict``, ``database_full``. What was in hand is rolled back, but for a
            COMMIT whose answer was lost: handlers are idempotent.
        Rejected: ``bad_value``: PostgreSQL cannot hold a value of this statement.
        Fatal: ``database_login``, ``database_missing``, ``database_unmigrated``.
    """
    try:
        yield
    except Exception as error:
        if cancelled := _find_cancellation(error):
            raise cancelled from None
        described = describe_error(error)
        if described is None:
            raise
        raise described from (None if isinstance(described, Rejected) else error)


def _find_cancellation(error: BaseException) -> asyncio.CancelledError | None:
    """The cancellation that an error hides, as the ROLLBACK on its way out failed as well.

    Whoever waits for the cancelled task would wait for ever, were it told of a database instead.
    """
    hidden: BaseException | None = error
    while hidden is not None and not isinstance(hidden, TimeoutError):  # that one is answered
        if isinstance(hidden, asyncio.CancelledError):
            return hidden
        hidden = hidden.__context__
    return None


class _Connection(asyncpg.Connection):
    """A connection that is given up with the statement that got no answer in time.

    asyncpg would ask the server to cancel it, over the same network, and wait for that as long
    again. The server needs no asking: its own time limit (``STATEMENT_SECONDS_MAX``) is shorter.
    """

    given_up = False

    def _cancel_current_command(self, *_: Any) -> None:
        self.given_up = True
        asyncio.get_running_loop().call_soon(self.terminate)  # its caller is told first


class _BoundedPool(Pool):
    """A pool in which nobody waits without end; asyncpg's own default is to.

    Where one connection dies in use the idle ones are given up too: a network that forgot one has
    forgotten all, and each would be found out by a time limit of its own.
    """

    async def _acquire(self, timeout: float | None) -> Any:  # noqa: ASYNC109 - asyncpg's signature
        # The timeout of acquire is also that of release, which may wait for a cancellation.
        return await super()._acquire(timeout or ACQUIRE_SECONDS_MAX)  # type: ignore[misc]

    async def release(
        self,
        connection: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> None:
        """See ``asyncpg.Pool``."""
        used = connection._con  # noqa: SLF001 - None: detached, as it died
        if used is not None and used.given_up:
            used.terminate()
        if used is None or used.is_closed():
            for holder in self._holders:  # type: ignore[attr-defined]
                if holder.is_idle():
                    holder.terminate()
        await super().release(connection, timeout=timeout)


async def _keep_session(_: Connection) -> None:
    """Instead of RESET ALL at each release, a round trip: nothing here changes session state."""


OpenPool: TypeAlias = Callable[..., AbstractAsyncContextManager[Pool]]
"""``open_pool``, or what stands in for it."""


@asynccontextmanager
async def open_pool(
    url: str, *, role: str, schema: str, size_max: int, application: str = "antirelou"
) -> AsyncIterator[Pool]:
    """Open a pool whose connections are a service's role and see its schema.

    Connections are made when needed, so opening succeeds while the database is away. Use
    ``SET LOCAL`` only: session state is not reset between users of a connection.

    Args:
        url: ``postgresql://…``, TCP or socket folder (``?host=/folder``).
        role: ``role_of(service)``; every connection is this role from the first statement on.
        schema: becomes the ``search_path``.
        size_max: the most connections.
        application: shown in ``pg_stat_activity``.

    Yields:
        the pool. Calls on it raise asyncpg's errors: wrap them in ``translate_errors``.
    """
    pool = _BoundedPool(
        url,
        min_size=0,
        init_size=0,
        max_size=size_max,
        max_queries=1_000_000,
        max_inactive_connection_lifetime=IDLE_CONNECTION_SECONDS_MAX,
        connection_class=_Connection,
        record_class=asyncpg.Record,
        connect=None,
        setup=None,
        init=None,
        reset=_keep_session,
        loop=None,
        timeout=CONNECT_SECONDS_MAX,
        command_timeout=COMMAND_SECONDS_MAX,
        server_settings=session_settings(role=role, schema=schema, application=application),
    )
    await pool
    try:
        yield pool
    finally:
        await _close(pool)


def session_settings(*, role: str, schema: str, application: str) -> dict[str, str]:
    """What a session starts with: role, schema, and the server's own time limits."""
    return {
        "application_name": application,
        "role": role,
        "search_path": schema,
        "timezone": "UTC",
        "client_min_messages": "warning",
        "statement_timeout": f"{STATEMENT_SECONDS_MAX}s",
        "lock_timeout": f"{LOCK_SECONDS_MAX}s",
        "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS_MAX}s",
        # So that the locks of a machine that vanished are free again soon (TCP only).
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
        "jit": "off",
    }


async def _close(pool: Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await pool.close()
    except Exception:  # noqa: BLE001 - whatever keeps it from closing, it is closed now
        pool.terminate()


async def close_connection(connection: Connection) -> None:
    """Close it within ``CLOSE_SECONDS_MAX``, or drop it."""
    try:
        await connection.close(timeout=CLOSE_SECONDS_MAX)
    except Exception:  # noqa: BLE001 - as in _close
        connection.terminate()
