"""No statement of the work or of housekeeping reads a table that grows as a whole.

PostgreSQL counts the sequential scans of a transaction, those inside of its functions too; a plan
shown by EXPLAIN hides these.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from kernel.database.migrations import Schema, migrate
from kernel.database.pool import Connection
from kernel.database.store import read_queries
from services.evidence.core.entry import NOBODY, START
from tests.unit.evidence.cases import NOW, pseudonym

SCHEMA = Schema("evidence", Path("services/evidence/sql").resolve())
QUERIES = read_queries("services.evidence")
MESSAGES = 20_000
DAY = timedelta(days=1)

GROW = f"""
INSERT INTO records (leaf, name, kind, message_id, sender, campaign, at, salt, record)
SELECT n, substr(sha256(n::text::bytea), 1, 16),
       CASE WHEN n = 0 THEN 'terms' WHEN n % 2 = 1 THEN 'received' ELSE 'judged' END,
       CASE WHEN n > 0 THEN 'm-' || (n + 1) / 2 END,
       CASE WHEN n > 0 THEN lpad(to_hex((n + 1) / 2 % 5000), 32, '0') END,
       CASE WHEN n > 0 AND n % 2 = 0 AND n % 50 = 0 THEN 'c-' || n % 7 END,
       timestamptz '2017-10-27 14:00Z' + n * interval '1 minute', sha256(n::text::bytea), '{{}}'
FROM generate_series(0, {2 * MESSAGES}) n;
INSERT INTO objections SELECT lpad(to_hex(n), 32, '0'), '2017-10-27Z'
FROM generate_series(0, 4000) n;
INSERT INTO checkpoints SELECT n, 'note', '2017-10-27Z' FROM generate_series(1, {MESSAGES}) n;
INSERT INTO tiles SELECT 0, n, sha256('') FROM generate_series(0, 4000) n;
INSERT INTO cases (id, reason, hold_until, senders, campaigns, since, until, opened_at)
VALUES ('a', 'r', '2099-01-01Z', '{{}}', '{{c-1}}', NULL, NULL, '2017-10-27Z'),
       ('b', 'r', '2099-01-01Z', '{{}}', '{{}}', '2017-10-28Z', '2017-10-29Z', '2017-10-27Z');
ANALYZE
"""

LATE = NOW + 60 * DAY
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "add_checkpoint": (10**6, "note", NOW),
    "erase_expired": (NOW + 9 * DAY, LATE, *START, 1000),
    "erase_objected": (NOW + 9 * DAY, LATE, NOBODY, 100, 50),
    "erase_subject": (pseudonym(7), LATE),
    "find_names": ([bytes(16)] * 6000,),
    "last_terms": (),
    "load_checkpoints": (MESSAGES, 1, True),
    "load_holds": (pseudonym(7), LATE),
    "load_records": (list(range(500)),),
    "load_tiles": ([0] * 20, list(range(20))),
    "lock_tree": (),
    "message_leaves": ("m-7",),
    "read_tree": (),
    "stamp_checkpoint": (7, b"stamp", NOW),
    "subject_leaves": (pseudonym(7),),
    "witness_checkpoint": (7, "note", NOW),
    "witnessed_size": (),
}
SCANS = """
SELECT relname, seq_scan FROM pg_stat_xact_user_tables
WHERE seq_scan > 0 AND relname NOT IN ('tree', 'cases') ORDER BY relname
"""


@pytest.fixture
async def grown(fresh_database: str) -> AsyncIterator[Connection]:
    await migrate(fresh_database, [SCHEMA])
    connection = await asyncpg.connect(
        fresh_database, server_settings={"search_path": "evidence", "jit": "off"}
    )
    await connection.execute(GROW)
    yield connection
    await connection.close()


async def scans(connection: Connection, query: str, *arguments: Any) -> list[str]:
    """Of which tables it makes sequential scans."""
    async with connection.transaction():
        before = await connection.fetch(SCANS)
        await connection.fetch(query, *arguments)
        after = await connection.fetch(SCANS)
    return sorted(name for name, _ in set(map(tuple, after)) - set(map(tuple, before)))


async def test_no_table_that_grows_is_read_as_a_whole(grown: Connection) -> None:
    assert await scans(grown, "SELECT count(record) FROM records") == ["records"]  # it can fail
    found = {name: await scans(grown, QUERIES[name], *args) for name, args in ARGUMENTS.items()}
    assert {name: tables for name, tables in found.items() if tables} == {}
    # Nor when the server has made up its mind once for all arguments.
    await grown.execute("SET plan_cache_mode = force_generic_plan")
    for name in ("erase_expired", "erase_objected", "erase_subject", "find_names"):
        assert await scans(grown, QUERIES[name], *ARGUMENTS[name]) == [], name


async def test_what_is_not_told_of_here_is_asked_by_a_person(grown: Connection) -> None:
    """An export may take its time; it holds nobody up."""
    assert set(QUERIES) - set(ARGUMENTS) == {
        "add_case", "add_objection", "case_leaves", "case_window", "close_case", "load_cases",
        "load_erased", "load_objection", "save_tiles", "save_tree",
    }  # fmt: skip
    at: datetime = await grown.fetchval("SELECT max(at) FROM records")
    assert at > LATE - 40 * DAY
