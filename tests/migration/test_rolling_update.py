"""Old code goes on while and after the database is migrated (docs/decisions/0014).

Old code is the queries of each release, kept in ``releases/``. There is no release yet: so far the
queries of today alone are walked through all migrations.
"""

import shutil
from pathlib import Path

import pytest

from antirelou.compose import schemas
from kernel.database.migrations import Schema
from tests.migration.steps import Step, find_breaks, keep_release, read_releases, read_today, walk

SCHEMAS = {schema.name: schema for schema in schemas() if schema.name != "log"}
"""Those of the services. What the embedded log asks stands in its code, in no file of queries."""

DROPPED: dict[str, frozenset[str]] = {}
"""By schema: ``table.column`` that a migration took away, once no release in use named it."""

RELEASED = {"today": read_today(), **read_releases()}

RENAMED = "ALTER TABLE senders RENAME COLUMN texts TO text_count"
DEMANDING = "ALTER TABLE senders ADD COLUMN mood text NOT NULL"
RENAMED_AND_BACK = "ALTER TABLE senders RENAME COLUMN text_count TO texts"
ADDED = """
ALTER TABLE senders ADD COLUMN mood text NOT NULL DEFAULT '';
CREATE TABLE moods (mood text PRIMARY KEY)
"""


async def walk_through(url: str, schema: Schema, version: str, tmp_path: Path) -> list[str]:
    queries = RELEASED[version][schema.name]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    steps = [step async for step in walk(url, schema, queries, scratch)]
    assert len(steps) == len(list(schema.folder.glob("*.sql")))
    return find_breaks(steps, queries, DROPPED.get(schema.name, frozenset()))


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("version", RELEASED)
async def test_no_migration_breaks_code_that_ran_before_it(
    version: str, name: str, fresh_database: str, tmp_path: Path
) -> None:
    assert len(RELEASED[version][name]) > 5
    assert await walk_through(fresh_database, SCHEMAS[name], version, tmp_path) == []


@pytest.mark.parametrize(
    ("migrations", "said"),
    [
        ((RENAMED,), ("breaks load_senders", "takes away senders.texts")),
        ((RENAMED, RENAMED_AND_BACK), ("breaks load_senders",)),
        ((DEMANDING,), ("an INSERT into senders must name mood",)),
        (("ALTER TABLE senders ALTER COLUMN due_at SET NOT NULL",), ("must name due_at",)),
        (("DROP TABLE nonces",), ("breaks load_nonces", "takes away nonces.nonce")),
        ((ADDED,), ()),
    ],
)
async def test_a_migration_that_breaks_them_is_found(
    migrations: tuple[str, ...], said: tuple[str, ...], fresh_database: str, tmp_path: Path
) -> None:
    folder = tmp_path / "filter"
    shutil.copytree(SCHEMAS["filter"].folder, folder)
    last = len(list(folder.glob("*.sql")))
    for number, sql in enumerate(migrations, start=last + 1):
        (folder / f"{number:04d}_planted.sql").write_text(sql)
    found = await walk_through(fresh_database, Schema("filter", folder), "today", tmp_path)
    assert bool(found) == bool(said)
    for part in said:
        assert any(part in line for line in found), found


def test_what_is_taken_away_on_purpose_is_named() -> None:
    steps = [Step("0001", {}, {("a", "b"): False, ("a", "c"): False}), Step("0002")]
    assert find_breaks(steps, {}, {"a.b"}) == ["0002 takes away a.c"]


def test_a_query_that_no_step_takes_is_found() -> None:
    steps = [Step("0001", {"q": "no table"}), Step("0002", {"q": "no column"})]
    assert find_breaks(steps, {"q": "…"}) == ["0002: q was never taken: no column"]


def test_a_release_is_read_as_it_was_kept(tmp_path: Path) -> None:
    keep_release("0.1.0", tmp_path)
    assert read_releases(tmp_path) == {"0.1.0": read_today()}
