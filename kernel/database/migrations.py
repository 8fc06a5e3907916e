"""Migrations: the schemas, each with its role, brought up to date by numbered files."""

import contextlib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from kernel.database.pool import (
    CONNECT_SECONDS_MAX,
    Connection,
    close_connection,
    role_of,
    translate_errors,
)
from kernel.values.errors import Fatal

MIGRATION_SECONDS_MAX = 600.0
_MIGRATION_LOCK = 0x616E7469
_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,40}")


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
            await close_connection(connection)


async def find_missing(url: str, schemas: Sequence[Schema]) -> Sequence[str]:
    """What ``migrate`` would apply, as ``schema/NNNN_name.sql``; changes nothing. Raises as it:

    ``database_rights``: a service's own login may not look.
    """
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
        except asyncpg.InsufficientPrivilegeError:
            raise Fatal(
                "only the owner's login sees the migrations", code="database_rights"
            ) from None
        else:
            return missing
        finally:
            await close_connection(connection)


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
    await _revoke_from_everybody(connection)
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


async def _revoke_from_everybody(connection: Connection) -> None:
    """Take away what PostgreSQL gives to every login: temporary tables, and tables in public.

    A login that does not own the database cannot; it then stays as it is.
    """
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    for what in (f"TEMPORARY ON DATABASE {database}", "CREATE ON SCHEMA public"):
        with contextlib.suppress(
            asyncpg.InsufficientPrivilegeError, asyncpg.InvalidSchemaNameError
        ):
            await connection.execute(f"REVOKE {what} FROM PUBLIC")


async def _ensure_role(connection: Connection, role: str) -> None:
    # Roles belong to the whole server, our lock to one database: another may be at it as well.
    with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} NOLOGIN")
    # From 16 on, who creates a role is a member of it that may not take it yet.
    may = "SET" if connection.get_server_version().major >= 16 else "MEMBER"
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
