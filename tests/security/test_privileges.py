"""What each database role may not do: tried on a real PostgreSQL, with the product's own schemas.

Each service connects with a login of its own that is a member of its role alone, as the runbook
has it for a cluster (``docs/operations/runbook.md``, "A login for each service").
"""

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from antirelou.compose import schemas
from kernel.database.migrations import migrate
from kernel.database.pool import role_of, session_settings
from tests.support.postgres import PostgresServer

KEEPING = ("filter", "billing", "responder", "evidence", "console", "donations", "log")


@dataclass(frozen=True)
class Logins:
    """A URL for each service, and the migrator's."""

    migrator: str
    urls: Mapping[str, str]

    async def as_service(self, service: str, statement: str) -> None:
        """Execute as the service does, from the first statement on its role."""
        settings = session_settings(role=role_of(service), schema=service, application="test")
        connection = await asyncpg.connect(self.urls[service], server_settings=settings)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def as_login(self, service: str, statement: str) -> None:
        """Execute as one who was given, or took, the service's login, and nothing else."""
        connection = await asyncpg.connect(self.urls[service])
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def logins(postgres_server: PostgresServer) -> Iterator[Logins]:
    url = postgres_server.create_database()
    mark = secrets.token_hex(4)
    try:
        yield asyncio.run(_make_logins(url, mark))
        asyncio.run(_drop_logins(url, mark))
    finally:
        postgres_server.drop_database(url)


async def _make_logins(url: str, mark: str) -> Logins:
    await migrate(url, schemas())
    connection = await asyncpg.connect(url)
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    urls = {}
    for service in KEEPING:
        name, password = f"test_{service}_{mark}", secrets.token_hex(8)
        await connection.execute(
            f"CREATE ROLE {name} LOGIN NOINHERIT PASSWORD '{password}' IN ROLE {role_of(service)}"
        )
        urls[service] = urlunsplit(parts._replace(netloc=f"{name}:{password}@{host}"))
    await connection.close()
    return Logins(url, urls)


async def _drop_logins(url: str, mark: str) -> None:
    connection = await asyncpg.connect(url)
    for service in KEEPING:
        await connection.execute(f"DROP ROLE test_{service}_{mark}")
    await connection.close()


async def tables_of(url: str, schema: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1", schema
        )
        return [row[0] for row in rows]
    finally:
        await connection.close()


async def test_a_login_of_its_own_is_enough_for_each_service(logins: Logins) -> None:
    for service in KEEPING:
        (table, *_) = await tables_of(logins.migrator, service)
        await logins.as_service(service, f"SELECT 1 FROM {table}")


@pytest.mark.parametrize("service", KEEPING)
async def test_no_service_reads_another_s_tables(logins: Logins, service: str) -> None:
    tried = 0
    for other in (*KEEPING, "antirelou"):
        for table in await tables_of(logins.migrator, other) if other != service else ():
            for run in (logins.as_service, logins.as_login):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await run(service, f"SELECT * FROM {other}.{table}")
                tried += 1
    assert tried > 30


@pytest.mark.parametrize("service", KEEPING)
async def test_no_service_takes_another_s_role(logins: Logins, service: str) -> None:
    others = [role_of(other) for other in KEEPING if other != service]
    for role in (*others, urlsplit(logins.migrator).username or "postgres"):
        for run in (logins.as_service, logins.as_login):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await run(service, f'SET ROLE "{role}"')


@pytest.mark.parametrize("service", KEEPING)
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE {schema}.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION {schema}.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE mine",
        "ALTER TABLE {schema}.{table} ADD COLUMN mine int",
        "ALTER TABLE {schema}.{table} DISABLE TRIGGER ALL",
        "DROP TABLE {schema}.{table}",
        "TRUNCATE {schema}.{table} CASCADE",
        "CREATE TRIGGER mine BEFORE UPDATE ON {schema}.{table} FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "COPY {schema}.{table} TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
async def test_no_service_changes_what_the_migrator_made(
    logins: Logins, service: str, statement: str
) -> None:
    (table, *_) = await tables_of(logins.migrator, service)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await logins.as_service(service, statement.format(schema=service, table=table))


@pytest.mark.parametrize(
    ("service", "table", "forbidden"),
    [
        ("billing", "transfers", ("UPDATE", "DELETE")),
        ("billing", "entries", ("UPDATE", "DELETE")),
        ("billing", "steps", ("UPDATE", "DELETE")),
        ("billing", "verdicts", ("UPDATE", "DELETE")),
        ("billing", "decisions", ("UPDATE", "DELETE")),
        ("billing", "accounts", ("INSERT", "DELETE")),
        ("billing", "receipts", ("DELETE",)),
        ("billing", "replies", ("DELETE",)),
        ("billing", "postures", ("DELETE",)),
        ("billing", "gift_parts", ("UPDATE (id)", "DELETE")),
        ("billing", "payments", ("DELETE",)),
        ("billing", "pot", ("INSERT", "DELETE")),
        ("donations", "starts", ("UPDATE", "DELETE")),
        ("donations", "told", ("DELETE",)),
        ("evidence", "records", ("DELETE",)),
        ("evidence", "tiles", ("DELETE",)),
        ("evidence", "tree", ("INSERT", "DELETE")),
        ("evidence", "checkpoints", ("UPDATE (at)", "DELETE")),
        ("evidence", "cases", ("UPDATE (reason)", "UPDATE (hold_until)", "DELETE")),
        ("evidence", "objections", ("UPDATE", "DELETE")),
        ("console", "acts", ("DELETE", "UPDATE (actor)", "UPDATE (why)", "UPDATE (at)")),
        ("responder", "replies", ("DELETE",)),
        ("filter", "secret", ("INSERT", "UPDATE", "DELETE")),
        ("log", "records", ("UPDATE (key)", "UPDATE (appended_at)")),
    ],
)
async def test_what_is_only_added_stays(
    logins: Logins, service: str, table: str, forbidden: tuple[str, ...]
) -> None:
    connection = await asyncpg.connect(logins.migrator)
    try:
        for right in forbidden:
            verb, _, column = right.partition(" ")
            column = column.strip("()") or await connection.fetchval(
                "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass "
                "AND attnum > 0 AND attidentity = '' ORDER BY attnum LIMIT 1",
                f"{service}.{table}",
            )
            statement = {
                "INSERT": f"INSERT INTO {table} DEFAULT VALUES",
                "UPDATE": f"UPDATE {table} SET {column} = {column}",
                "DELETE": f"DELETE FROM {table}",
            }[verb]
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await logins.as_service(service, statement)
    finally:
        await connection.close()


async def test_balances_move_by_transfers_alone(logins: Logins) -> None:
    for column in ("balance_microeuros",):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await logins.as_service("billing", f"UPDATE accounts SET {column} = 0")


async def test_billing_cannot_call_its_owner_s_function_by_itself(logins: Logins) -> None:
    with pytest.raises(asyncpg.PostgresError, match="trigger"):
        await logins.as_service("billing", "SELECT billing.book_transfers()")


async def test_the_responder_has_no_column_for_what_a_sender_wrote(logins: Logins) -> None:
    connection = await asyncpg.connect(logins.migrator)
    try:
        rows = await connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'responder'"
        )
    finally:
        await connection.close()
    columns = {row[0] for row in rows}
    assert "sender_sealed" in columns
    assert not columns & {"text", "body", "words", "evidence_sealed", "from_number"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET record = 'another' WHERE leaf = 0",
        "UPDATE records SET salt = sha256('another') WHERE leaf = 0",
        "UPDATE records SET sealed = 'another' WHERE leaf = 0",
        "UPDATE records SET leaf = 7 WHERE leaf = 0",
        "UPDATE tiles SET hashes = sha256('another')",
        "UPDATE tiles SET number = 7",
        "UPDATE tree SET size = 0",
    ],
)
async def test_the_evidence_is_only_added_to(logins: Logins, statement: str) -> None:
    await logins.as_service("evidence", _LEAF)
    with pytest.raises(asyncpg.CheckViolationError, match="only added to"):
        await logins.as_service("evidence", statement)


async def test_the_evidence_grows_and_is_erased(logins: Logins) -> None:
    await logins.as_service("evidence", _LEAF)
    for statement in (
        "UPDATE tiles SET hashes = hashes || sha256('next') WHERE length(hashes) = 32",
        "UPDATE tree SET size = 2",
        "UPDATE records SET kind = NULL, message_id = NULL, sender = NULL, at = NULL, salt = NULL, "
        "record = NULL, sealed = NULL, erased_at = now(), erased_why = 'request' WHERE leaf = 1",
    ):
        await logins.as_service("evidence", statement)


_LEAF = """
INSERT INTO records (leaf, name, kind, message_id, at, salt, record)
SELECT n, substring(sha256(n::text::bytea) FOR 16), 'judged', 'm', now(), sha256('salt'), 'first'
FROM generate_series(0, 1) n ON CONFLICT DO NOTHING;
INSERT INTO tiles VALUES (0, 0, sha256('first')) ON CONFLICT DO NOTHING;
UPDATE tree SET size = greatest(size, 1)
"""
