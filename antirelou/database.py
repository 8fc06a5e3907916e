"""PostgreSQL: pools that run as one service's role, migrations, and errors by reaction.

One schema and one role a service. The login named by the URL owns the schemas and may take the
roles; a pool of ``open_pool`` takes one and sees that schema only. That guards against mistakes;
against a process that was taken over, give each service a login that may take its own role alone.
"""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from antirelou.errors import Fatal, Rejected, Transient

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
MIGRATION_SECONDS_MAX = 600.0

_MIGRATION_LOCK = 0x616E7469
_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,40}")

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


@dataclass(frozen=True, slots=True)
class Schema:
    """A PostgreSQL schema, owned by one service.

    Attributes:
        name: of the schema; its role is ``antirelou_<name>``.
        folder: holds the migrations, ``NNNN_name.sql``, numbered from 0001 without a gap.
    """

    name: str
    folder: Path

    @property
    def role(self) -> str:
        """The role that may use it."""
        return role_of(self.name)


def role_of(service: str) -> str:
    """The role of a service's pool."""
    return f"antirelou_{service}"


def describe_error(error: BaseException) -> Transient | Rejected | Fatal | None:
    """What an error of asyncpg or of the network means for the caller; None: a defect."""
    if isinstance(error, asyncpg.PostgresError):
        return _describe_state(error.sqlstate or "", str(error))
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
        described = describe_error(error)
        if described is None:
            raise
        raise described from (None if isinstance(described, Rejected) else error)


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


async def migrate(url: str, schemas: Sequence[Schema]) -> Sequence[str]:
    """Bring the schemas up to date; idempotent, and safe when several start at once.

    Each file runs once, in a transaction of its own, as the login and with its schema as
    ``search_path``. The role of a schema gets USAGE on it; every other grant is in the files.

    Args:
        url: a login that owns the database or may create schemas and roles in it.
        schemas: in the order to migrate.

    Returns:
        what was applied, as ``schema/NNNN_name.sql``.

    Raises:
        Fatal: ``migrations``: files missing, misnumbered or changed after they were applied;
            ``database_encoding``; ``database_rights``: the login may not create a role or schema.
        Transient: the database is away.
    """
    files = {schema.name: _read_folder(schema) for schema in schemas}
    with translate_errors():
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS_MAX,
            command_timeout=MIGRATION_SECONDS_MAX,
            server_settings={
                "application_name": "antirelou-migrate",
                "timezone": "UTC",
                "client_min_messages": "warning",
            },
        )
        try:
            return await _migrate(connection, schemas, files)
        except asyncpg.InsufficientPrivilegeError as error:
            raise Fatal(
                f"the database login may not do what `antirelou migrate` needs ({error}): let a "
                "login with CREATEROLE that owns the database run it, and GRANT the roles "
                "antirelou_* to this one",
                code="database_rights",
            ) from None
        finally:
            await _close_connection(connection)


async def find_missing(url: str, schemas: Sequence[Schema]) -> Sequence[str]:
    """What ``migrate`` would apply, as ``schema/NNNN_name.sql``; changes nothing. Raises as it."""
    files = {schema.name: _read_folder(schema) for schema in schemas}
    with translate_errors():
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS_MAX)
        try:
            if not await connection.fetchval("SELECT to_regclass('antirelou.migrations')"):
                return [f"{name}/{one.name}" for name, found in files.items() for one in found]
            missing = []
            for schema in schemas:
                found = await _select_missing(connection, schema, files[schema.name])
                missing += [f"{schema.name}/{migration.name}" for migration in found]
            return missing
        finally:
            await _close_connection(connection)


async def _close_connection(connection: Connection) -> None:
    try:
        await connection.close(timeout=CLOSE_SECONDS_MAX)
    except Exception:  # noqa: BLE001 - as in _close
        connection.terminate()


@dataclass(frozen=True, slots=True)
class _Migration:
    number: int
    name: str
    sql: str
    checksum: str


def _read_folder(schema: Schema) -> list[_Migration]:
    if not _IDENTIFIER.fullmatch(schema.name):
        raise Fatal(f"migrations: {schema.name!r} cannot name a schema", code="migrations")
    paths = sorted(schema.folder.glob("*.sql"))
    found = []
    for expected, path in enumerate(paths, start=1):
        match = _FILE_NAME.fullmatch(path.name)
        if not match or int(match[1]) != expected:
            raise Fatal(
                f"migrations: expected {expected:04d}_name.sql in {schema.folder}, found "
                f"{path.name}",
                code="migrations",
            )
        text = path.read_text("utf-8")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        found.append(_Migration(expected, path.name, text, checksum))
    if not found:
        raise Fatal(f"migrations: none in {schema.folder}; reinstall antirelou", code="migrations")
    return found


async def _migrate(
    connection: Connection, schemas: Sequence[Schema], files: dict[str, list[_Migration]]
) -> Sequence[str]:
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise Fatal(f"the database's encoding is {encoding}; it must be UTF8: create it with "
                    "ENCODING 'UTF8' TEMPLATE template0", code="database_encoding")  # fmt: skip
    # A session lock, as each file has a transaction of its own; it ends with the connection.
    await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
    await connection.execute(_REGISTER)
    applied = []
    for schema in schemas:
        await _ensure_role(connection, schema.role)
        await connection.execute(
            f"CREATE SCHEMA IF NOT EXISTS {schema.name};"
            f"GRANT USAGE ON SCHEMA {schema.name} TO {schema.role}"
        )
        for migration in await _select_missing(connection, schema, files[schema.name]):
            await _apply(connection, schema, migration)
            applied.append(f"{schema.name}/{migration.name}")
    return applied


_REGISTER = """
CREATE SCHEMA IF NOT EXISTS antirelou;
CREATE TABLE IF NOT EXISTS antirelou.migrations (
    schema text NOT NULL,
    number int NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (schema, number)
)
"""


async def ensure_roles(connection: Connection, schemas: Sequence[Schema]) -> None:
    """Create the schemas' roles where they are missing; the login may take them then."""
    for schema in schemas:
        await _ensure_role(connection, schema.role)


async def _ensure_role(connection: Connection, role: str) -> None:
    # Roles belong to the whole server, our lock to one database: another may be at it as well.
    with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} NOLOGIN")
    # From 16 on, who creates a role is a member of it that may not take it yet.
    may = "SET" if connection.get_server_version().major >= 16 else "MEMBER"  # noqa: PLR2004
    if not await connection.fetchval("SELECT pg_has_role(current_user, $1, $2)", role, may):
        await connection.execute(f"GRANT {role} TO CURRENT_USER")


async def _select_missing(
    connection: Connection, schema: Schema, files: Sequence[_Migration]
) -> Sequence[_Migration]:
    rows = await connection.fetch(
        "SELECT number, name, checksum FROM antirelou.migrations WHERE schema = $1", schema.name
    )
    if len(rows) > len(files):
        raise Fatal(f"migrations: the schema {schema.name} is newer than this program; install "
                    "the version that migrated it, or a later one", code="migrations")  # fmt: skip
    for row in rows:
        if files[row["number"] - 1].checksum != row["checksum"]:
            raise Fatal(
                f"migrations: {schema.name}/{row['name']} was changed after it was applied; "
                "restore the file and put the change into a new one",
                code="migrations",
            )
    done = {row["number"] for row in rows}
    return [migration for migration in files if migration.number not in done]


async def _apply(connection: Connection, schema: Schema, migration: _Migration) -> None:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL search_path = {schema.name}")
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO antirelou.migrations (schema, number, name, checksum) "
            "VALUES ($1, $2, $3, $4)",
            schema.name, migration.number, migration.name, migration.checksum,
        )  # fmt: skip
