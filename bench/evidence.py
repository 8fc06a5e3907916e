"""What evidence costs, and how long a weekend takes to export and to verify.

On a real PostgreSQL, in one run: the filter's cost a message, the log's (commitments, tree, tiles,
head: all that the Merkle tree adds to keeping the records), and the whole service's; the size of a
message; then 25,000 messages exported over the operator API and verified by the lone verifier in a
process of its own.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from antirelou.compose import schemas
from kernel.database.migrations import migrate
from kernel.database.pool import Pool, open_pool, role_of
from kernel.database.postgres import open_postgres
from kernel.facts.records import Record, SmsReceived, derive_trace
from kernel.log.port import Partition
from kernel.settings.settings import load_settings
from kernel.stage.stage import Received
from kernel.telemetry.metrics import Telemetry
from services.evidence.core.entry import enter
from services.evidence.core.merkle import append_leaves, edge_tiles
from services.evidence.core.verifier import commit, hash_leaf
from services.evidence.store import PostgresStore
from services.filter.handler import FilterHandler
from services.filter.metrics import Metrics
from services.filter.settings import read_settings
from services.filter.store import PostgresStore as FilterStore
from tests.support.evidence import CASE, Desk, open_desk
from tests.unit.evidence.cases import NOW, OWN, judged, pseudonym, received, replied

BATCH = 2000
SHARE_MAX = 1 / 5
SECONDS_MAX = 10.0
ANSWERED_EVERY = 12


def weekend(messages: int) -> list[SmsReceived]:
    """As many messages as that weekend had, four a sender."""
    found = []
    for n in range(messages):
        at = NOW.fromtimestamp(NOW.timestamp() + n * 10, NOW.tzinfo)
        text = f"Coucou, on s'est vus au bar samedi, c'est Thomas, message {n}"
        message = received(n, n // 4 % 9999, text, at=at, trace=derive_trace(f"m-{n}"))
        found.append(message)
    return found


def batches(records: Sequence[Record]) -> list[list[Received]]:
    """As a stage hands them over, all partitions mixed."""
    told = [Received(r, Partition(r.TOPIC, hash(r.id) % 12), r.at) for r in records]
    return [told[start : start + BATCH] for start in range(0, len(told), BATCH)]


async def time_filter(pool: Pool, messages: Sequence[SmsReceived]) -> float:
    """Seconds that the filter takes to handle the messages."""
    settings = load_settings(number=OWN)
    handler = FilterHandler(
        FilterStore(pool), read_settings(settings), Metrics(Telemetry(CollectorRegistry()))
    )
    began = time.perf_counter()
    for batch in batches(messages):
        await handler.handle(batch, NOW)
    return time.perf_counter() - began


async def time_log(store: PostgresStore, messages: Sequence[SmsReceived]) -> float:
    """Seconds that the tree alone takes: hashing, tiles, head, each batch a transaction."""
    told = [enter(message, "1.0") for message in messages]
    records = [entry.record for entry in told if entry is not None]
    began = time.perf_counter()
    for start in range(0, len(records), BATCH):
        some = records[start : start + BATCH]
        salts = os.urandom(32 * len(some))
        async with store.transaction() as transaction:
            tree = await transaction.lock_tree()
            edge = await transaction.load_tiles(edge_tiles(tree.size))
            leaves = [
                hash_leaf(commit(salts[32 * n : 32 * n + 32], record))
                for n, record in enumerate(some)
            ]
            await transaction.save_tree(*append_leaves(tree.size, leaves, edge))
    return time.perf_counter() - began


async def time_keeping(desk: Desk, records: Sequence[Record]) -> float:
    """Seconds that the whole of the stage's handler takes."""
    began = time.perf_counter()
    for batch in batches(records):
        await desk.handler.handle(batch, NOW)
    return time.perf_counter() - began


async def time_export(desk: Desk, folder: Path) -> tuple[float, float, float]:
    """Seconds of the export, of its verification by the lone verifier, and the size in MB."""
    began = time.perf_counter()
    files = await desk.export(CASE)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    exported = time.perf_counter() - began
    began = time.perf_counter()
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-I", str(folder / "verify.py")], check=False
    )
    verified = time.perf_counter() - began
    assert done.returncode == 0
    return exported, verified, sum(map(len, files.values())) / 1e6


@asynccontextmanager
async def pools(url: str) -> AsyncIterator[dict[str, Pool]]:
    """A pool each of filter and evidence."""
    async with (
        open_pool(url, role=role_of("filter"), schema="filter", size_max=4) as judging,
        open_pool(url, role=role_of("evidence"), schema="evidence", size_max=4) as keeping,
    ):
        yield {"filter": judging, "evidence": keeping}


async def empty(pool: Pool) -> None:
    """The log as it was before anything was received."""
    await pool.execute("UPDATE tree SET size = 0, root = sha256('')")


async def measure(messages: int, folder: Path) -> tuple[Table, bool]:
    """All of it."""
    texts = weekend(messages)
    later = [judged(n, n // 4 % 9999) for n in range(messages)]
    answers = [replied(n, n // 4 % 9999) for n in range(0, messages, ANSWERED_EVERY)]
    async with open_postgres(folder / "data") as url:
        await migrate(url, schemas())
        async with pools(url) as pool:
            judging = await time_filter(pool["filter"], texts)
            tries = []
            for _ in range(3):
                tries.append(await time_log(PostgresStore(pool["evidence"]), texts))
                await empty(pool["evidence"])
            logging = statistics.median(tries)
            async with open_desk(PostgresStore(pool["evidence"])) as desk:
                keeping = await time_keeping(desk, texts)
                await time_keeping(desk, [*later, *answers])
                size = await pool["evidence"].fetchval(
                    "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c "
                    "WHERE c.relnamespace = 'evidence'::regnamespace AND c.relkind = 'r'"
                )
                exported, verified, megabytes = await time_export(desk, folder / "case")
    assert pseudonym(1)
    share, seconds = logging / judging, exported + verified
    table = Table(f"evidence, {messages:,} messages", "measured", "bound")
    micro = 1e6 / messages
    table.add_row("filter, a message", f"{judging * micro:.1f} µs", "")
    table.add_row("the log, a message", f"{logging * micro:.1f} µs", "")
    table.add_row("… of the filter's", f"{share:.3f}", f"{SHARE_MAX:.1f}")
    table.add_row("the whole service, a message", f"{keeping * micro:.1f} µs", "")
    table.add_row("kept, a message with its verdict", f"{size / messages:,.0f} B", "")
    table.add_row("exported", f"{exported:.1f} s, {megabytes:.0f} MB", "")
    table.add_row("verified alone", f"{verified:.1f} s", "")
    table.add_row("exported and verified", f"{seconds:.1f} s", f"{SECONDS_MAX:.0f} s")
    return table, share < SHARE_MAX and seconds < SECONDS_MAX


def main() -> None:
    """Measure, print, and fail if a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=25_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="antirelou-evidence-") as folder:
        table, good = asyncio.run(measure(arguments.messages, Path(folder)))
    Console().print(table)
    if not good:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
