"""The migrations of the house one by one, and what each leaves of the queries of a release."""

import json
import shutil
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import asyncpg

from kernel.database.migrations import Schema, migrate
from kernel.database.store import read_queries
from services.billing import rows as billing
from services.responder import store as responder

RELEASES = Path(__file__).parent / "releases"
"""The queries of each release, ``VERSION.json``: what a rolling update runs beside this tree."""

Queries = Mapping[str, str]
"""By name."""


def read_today() -> dict[str, Queries]:
    """The queries of this tree, by schema."""
    columns = ", ".join(responder._COLUMNS)
    return {
        "filter": read_queries("services.filter"),
        "billing": billing.read_queries(),
        "responder": read_queries("services.responder", columns=columns),
        "evidence": read_queries("services.evidence"),
        "console": read_queries("services.console"),
        "donations": read_queries("services.donations"),
    }


def keep_release(version: str, folder: Path = RELEASES) -> Path:
    """Keep this tree's queries as a release's. Returns the file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{version}.json"
    path.write_text(json.dumps(read_today(), indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def read_releases(folder: Path = RELEASES) -> dict[str, dict[str, Queries]]:
    """The queries of each release that was kept, by version and schema."""
    paths = sorted(folder.glob("*.json"))
    return {path.stem: json.loads(path.read_text("utf-8")) for path in paths}


@dataclass(frozen=True, slots=True)
class Step:
    """The database after one migration.

    Attributes:
        name: of the migration.
        refused: the queries that PostgreSQL would not prepare, each with why.
        columns: each table's columns, and whether an INSERT must name it.
    """

    name: str
    refused: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[tuple[str, str], bool] = field(default_factory=dict)


async def walk(url: str, schema: Schema, queries: Queries, scratch: Path) -> AsyncIterator[Step]:
    """Apply a schema's migrations one by one; a step after each.

    Args:
        url: an empty database, as a login that may create schemas and roles.
        scratch: an empty folder.
    """
    partial = Schema(schema.name, scratch)
    for path in sorted(schema.folder.glob("*.sql")):
        shutil.copy(path, scratch)
        await migrate(url, [partial])
        yield await _look(url, schema.name, queries, path.name)


async def _look(url: str, schema: str, queries: Queries, name: str) -> Step:
    connection = await asyncpg.connect(url, server_settings={"search_path": schema})
    try:
        refused = {}
        for query, text in queries.items():
            try:
                await connection.prepare(text)
            except asyncpg.PostgresError as error:
                refused[query] = str(error)
        rows = await connection.fetch(_COLUMNS, schema)
    finally:
        await connection.close()
    return Step(name, refused, {(row["table"], row["column"]): row["must"] for row in rows})


_COLUMNS = """
SELECT c.relname AS table, a.attname AS column,
       a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS must
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p')
  AND a.attnum > 0 AND NOT a.attisdropped
"""


def find_breaks(
    steps: Sequence[Step], queries: Queries, dropped: Collection[str] = ()
) -> list[str]:
    """What a migration takes from code that ran before it, a line each.

    A query that was taken once must be taken from then on. A table keeps its columns, for what is
    copied into it stands in no query; and it gains none that an INSERT must name.

    Args:
        dropped: ``table.column`` that no release in use names any more.
    """
    found = [
        f"{steps[-1].name}: {name} was never taken: {steps[-1].refused[name]}"
        for name in queries
        if all(name in step.refused for step in steps)
    ]
    for before, after in pairwise(steps):
        found += [
            f"{after.name} breaks {name}: {after.refused[name]}"
            for name in queries
            if name in after.refused and name not in before.refused
        ]
        gone = {".".join(column) for column in before.columns.keys() - after.columns.keys()}
        found += [f"{after.name} takes away {name}" for name in sorted(gone - set(dropped))]
        tables = {table for table, _ in before.columns}
        found += [
            f"{after.name}: an INSERT into {table} must name {column}"
            for (table, column), must in after.columns.items()
            if must and table in tables and not before.columns.get((table, column), False)
        ]
    return found
