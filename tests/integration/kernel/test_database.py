"""Migrations, roles, and how errors of a real server are told apart."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from kernel.database import pool as database
from kernel.database.migrations import Schema, migrate
from kernel.database.pool import Pool, open_pool, role_of, translate_errors
from kernel.values.errors import Fatal, Rejected, Transient
from tests.support.postgres import PostgresServer

LEDGER = """
CREATE TABLE entries (id int PRIMARY KEY, note text NOT NULL DEFAULT '');
GRANT SELECT, INSERT, UPDATE ON entries TO antirelou_{name};
"""


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, sql in files.items():
        (folder / f"{name.removeprefix('n')}.sql").write_text(sql)


@pytest.fixture
def tested(tmp_path: Path) -> Schema:
    write(tmp_path / "tested", n0001_entries=LEDGER.format(name="tested"))
    return Schema("tested", tmp_path / "tested")


@pytest.fixture
def other(tmp_path: Path) -> Schema:
    write(tmp_path / "other", n0001_entries=LEDGER.format(name="other"))
    return Schema("other", tmp_path / "other")


@pytest.fixture
async def pool(fresh_database: str, tested: Schema) -> AsyncIterator[Pool]:
    await migrate(fresh_database, [tested])
    async with open_pool(
        fresh_database, role=tested.role, schema=tested.name, size_max=3
    ) as opened:
        yield opened


async def test_migrations_are_applied_once_and_in_order(
    fresh_database: str, tested: Schema
) -> None:
    write(tested.folder, n0002_more="ALTER TABLE entries ADD COLUMN amount bigint")
    assert await migrate(fresh_database, [tested]) == [
        "tested/0001_entries.sql",
        "tested/0002_more.sql",
    ]
    assert await migrate(fresh_database, [tested]) == []
    write(tested.folder, n0003_last="CREATE TABLE lasts (id int)")
    assert await migrate(fresh_database, [tested]) == ["tested/0003_last.sql"]


async def test_several_migrating_at_once_apply_each_file_once(
    fresh_database: str, tested: Schema, other: Schema
) -> None:
    applied = await asyncio.gather(*(migrate(fresh_database, [tested, other]) for _ in range(5)))
    assert sorted(name for names in applied for name in names) == [
        "other/0001_entries.sql",
        "tested/0001_entries.sql",
    ]


async def test_several_databases_of_one_server_migrated_at_once(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    urls = [postgres_server.create_database() for _ in range(3)]
    # A role that no test made before: all three are about to make it.
    name = f"r{secrets.token_hex(4)}"
    write(tmp_path / name, n0001_entries=LEDGER.format(name=name))
    schema = Schema(name, tmp_path / name)
    try:
        applied = await asyncio.gather(*(migrate(url, [schema]) for url in urls))
        assert applied == [[f"{name}/0001_entries.sql"]] * 3
    finally:
        for url in urls:
            postgres_server.drop_database(url)
        connection = await asyncpg.connect(postgres_server.url)
        await connection.execute(f"DROP ROLE IF EXISTS {schema.role}")
        await connection.close()


async def test_a_changed_migration_stops_with_the_fix(fresh_database: str, tested: Schema) -> None:
    await migrate(fresh_database, [tested])
    write(tested.folder, n0001_entries="CREATE TABLE entries (id bigint)")
    with pytest.raises(Fatal, match=r"0001_entries\.sql was changed.*restore the file") as caught:
        await migrate(fresh_database, [tested])
    assert caught.value.code == "migrations"


async def test_a_database_of_a_later_version_is_left_alone(
    fresh_database: str, tested: Schema
) -> None:
    write(tested.folder, n0002_more="SELECT 1")
    await migrate(fresh_database, [tested])
    (tested.folder / "0002_more.sql").unlink()
    with pytest.raises(Fatal, match="newer than this program"):
        await migrate(fresh_database, [tested])


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "none in"),
        ({"n0002_entries": "SELECT 1"}, "expected 0001_name.sql"),
        ({"n0001_entries": "SELECT 1", "n0003_more": "SELECT 1"}, "expected 0002_name.sql"),
        ({"n0001_entries": "SELECT 1", "n0001_more": "SELECT 1"}, "expected 0002_name.sql"),
        ({"entries": "SELECT 1"}, "expected 0001_name.sql"),
    ],
)
async def test_misnumbered_files_stop_before_the_database(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    write(tmp_path / "sql", **files)
    with pytest.raises(Fatal, match=said) as caught:
        await migrate("postgresql://nowhere.invalid/x", [Schema("tested", tmp_path / "sql")])
    assert caught.value.code == "migrations"


async def test_a_failing_migration_leaves_nothing_and_can_be_mended(
    fresh_database: str, tested: Schema
) -> None:
    write(tested.folder, n0002_more="CREATE TABLE half (id int); SELECT 1 / 0")
    with pytest.raises(Rejected):
        await migrate(fresh_database, [tested])
    write(tested.folder, n0002_more="CREATE TABLE half (id int)")
    assert await migrate(fresh_database, [tested]) == ["tested/0002_more.sql"]


async def test_a_login_without_rights_is_told_what_it_needs(
    postgres_server: PostgresServer, fresh_database: str, tested: Schema
) -> None:
    admin = await asyncpg.connect(postgres_server.url)
    await admin.execute("CREATE ROLE bare_login LOGIN PASSWORD 'bare'")
    try:
        parts = urlsplit(fresh_database)
        address = parts.netloc.rpartition("@")[2]
        bare = urlunsplit(parts._replace(netloc=f"bare_login:bare@{address}"))
        with pytest.raises(Fatal) as caught:
            await migrate(bare, [tested])
        assert caught.value.code == "database_rights"
    finally:
        await admin.execute("DROP ROLE bare_login")
        await admin.close()


async def test_a_pool_is_its_role_and_sees_its_schema(pool: Pool) -> None:
    row = await pool.fetchrow(
        "SELECT current_user, current_schema(), current_setting('jit') AS jit,"
        " current_setting('statement_timeout') AS statement, current_setting('TimeZone') AS zone"
    )
    assert row is not None
    assert dict(row) == {
        "current_user": "antirelou_tested",
        "current_schema": "tested",
        "jit": "off",
        "statement": "15s",
        "zone": "UTC",
    }
    await pool.execute("INSERT INTO entries VALUES (1)")
    assert await pool.fetchval("SELECT count(*) FROM entries") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM other.entries",
        "INSERT INTO other.entries VALUES (1)",
        "SELECT * FROM antirelou.migrations",
        "DELETE FROM entries",  # its own grants are what its files say, no more
        "CREATE TABLE tested.more (id int)",
        "CREATE TABLE public.more (id int)",
        "CREATE SCHEMA more",
        "CREATE ROLE more",
    ],
)
async def test_a_role_reaches_nothing_but_what_it_was_granted(
    pool: Pool, fresh_database: str, other: Schema, statement: str
) -> None:
    await migrate(fresh_database, [other])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)


async def test_a_pool_of_a_database_not_migrated_says_so(
    fresh_database: str,
) -> None:
    async with open_pool(
        fresh_database, role=role_of("unheard_of"), schema="unheard_of", size_max=1
    ) as opened:
        with pytest.raises(Fatal, match="antirelou migrate") as caught, translate_errors():
            await opened.fetchval("SELECT 1")
    assert caught.value.code == "database_unmigrated"


async def test_a_missing_database_is_fatal(fresh_database: str, tested: Schema) -> None:
    with pytest.raises(Fatal) as caught:
        await migrate(fresh_database.replace("/test_", "/no_test_"), [tested])
    assert caught.value.code == "database_missing"


async def test_nobody_listening_is_transient(tested: Schema) -> None:
    with pytest.raises(Transient) as caught:
        await migrate("postgresql://someone@127.0.0.1:9/x", [tested])
    assert caught.value.code == "database_away"


async def test_a_lost_connection_is_transient_and_the_next_one_works(
    pool: Pool, postgres_server: PostgresServer
) -> None:
    async def cut() -> None:
        with translate_errors():
            async with pool.acquire() as connection:
                pid = await connection.fetchval("SELECT pg_backend_pid()")
                await _terminate(pid, postgres_server.url)
                await connection.fetchval("SELECT 1")

    with pytest.raises(Transient) as caught:
        await cut()
    assert caught.value.code == "database_away"
    assert await pool.fetchval("SELECT 1") == 1


async def test_a_connection_lost_while_idle_is_not_noticed(
    pool: Pool, postgres_server: PostgresServer
) -> None:
    async with pool.acquire() as first, pool.acquire() as second:
        pids = [await c.fetchval("SELECT pg_backend_pid()") for c in (first, second)]
    await _terminate(pids[0], postgres_server.url)
    async with pool.acquire() as first, pool.acquire() as second:
        assert [await c.fetchval("SELECT 1") for c in (first, second)] == [1, 1]


async def _terminate(pid: int, url: str) -> None:
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    await connection.close()


async def test_a_deadlock_is_transient(pool: Pool) -> None:
    await pool.execute("INSERT INTO entries VALUES (1), (2)")
    locked = [asyncio.Event(), asyncio.Event()]

    async def lock_both(mine: int, theirs: int) -> None:
        with translate_errors():
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute("UPDATE entries SET note = 'x' WHERE id = $1", mine)
                locked[mine - 1].set()
                await locked[theirs - 1].wait()
                await connection.execute("UPDATE entries SET note = 'x' WHERE id = $1", theirs)

    ended = await asyncio.gather(lock_both(1, 2), lock_both(2, 1), return_exceptions=True)
    failed = [error for error in ended if error is not None]
    assert len(failed) == 1
    assert isinstance(failed[0], Transient)
    assert failed[0].code == "database_conflict"


async def test_a_statement_that_takes_too_long_is_transient(pool: Pool) -> None:
    async def dawdle() -> None:
        with translate_errors():
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute("SET LOCAL statement_timeout = '50ms'")
                await connection.execute("SELECT pg_sleep(30)")

    with pytest.raises(Transient) as caught:
        await dawdle()
    assert caught.value.code == "database_slow"


async def test_nobody_waits_without_end_for_a_connection(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ACQUIRE_SECONDS_MAX", 0.05)
    async with pool.acquire(), pool.acquire(), pool.acquire():
        with pytest.raises(Transient) as caught, translate_errors():
            await pool.fetchval("SELECT 1")
    assert caught.value.code == "database_slow"
    assert await pool.fetchval("SELECT 1") == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [("note", "se\x00cret"), ("id", 2**40), ("id", "secret")],
)
async def test_a_value_that_cannot_be_stored_is_rejected_and_not_quoted(
    pool: Pool, column: str, value: object
) -> None:
    row: dict[str, object] = {"id": 1, "note": "", column: value}
    with pytest.raises(Rejected) as caught, translate_errors():
        await pool.execute("INSERT INTO entries (id, note) VALUES ($1, $2)", *row.values())
    assert caught.value.code == "bad_value"
    assert "cret" not in str(caught.value)


async def test_a_defect_is_no_trouble_that_passes(pool: Pool) -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError), translate_errors():
        await pool.execute("SELEKT 1")


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM nowhere", "SELECT nothing FROM entries", "SELECT nowhere(1)",
     "CREATE TABLE more (id int)"],
)  # fmt: skip
async def test_what_only_migrating_mends_stops_rather_than_blame_a_record(
    pool: Pool, statement: str
) -> None:
    with pytest.raises(Fatal) as caught, translate_errors():
        await pool.execute(statement)
    assert caught.value.code == "database_unmigrated"


async def test_a_task_that_is_cancelled_within_a_statement_ends_as_cancelled(pool: Pool) -> None:
    # Its connection is given up, so its ROLLBACK fails: that must not hide the cancellation.
    begun = asyncio.Event()

    async def work() -> None:
        with translate_errors():
            async with pool.acquire() as connection, connection.transaction():
                begun.set()
                await connection.fetch("SELECT pg_sleep(30)")

    for _ in range(5):
        begun.clear()
        task = asyncio.create_task(work())
        await begun.wait()
        await asyncio.sleep(0.05)  # the statement is on its way
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with translate_errors():
        assert await pool.fetchval("SELECT 1") == 1


async def test_a_time_out_is_no_cancellation_though_one_brought_it_about() -> None:
    with pytest.raises(Transient), translate_errors():
        async with asyncio.timeout(0.01):
            await asyncio.sleep(10)
