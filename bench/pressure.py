"""What a database does while others work: its CPU, commits, fsyncs, and what sessions wait for."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import psutil

SAMPLE_SECONDS = 0.05
WAITS_SHOWN = 3
WAITS_SQL = """
    SELECT CASE WHEN state <> 'active' THEN 'open, client works'
                ELSE coalesce(wait_event_type || ':' || wait_event, 'works') END
    FROM pg_stat_activity
    WHERE datname = $1 AND pid <> pg_backend_pid() AND backend_type = 'client backend'
      AND (state = 'active' OR state LIKE 'idle in transaction%')
"""
COUNTS_SQL = """
    SELECT (SELECT xact_commit FROM pg_stat_database WHERE datname = $1) AS commits,
           (SELECT sum(fsyncs) FROM pg_stat_io)::bigint AS fsyncs
"""


@dataclass
class Pressure:
    """What was seen between ``begin`` and ``end``.

    Attributes:
        cores: that the server kept busy.
        idle: share of the whole machine that nobody used: without any, the machine was the limit.
        commits, fsyncs: a second.
        waits: sessions by what they waited for, over all samples.
    """

    cores: float = 0.0
    idle: float = 0.0
    commits: float = 0.0
    fsyncs: float = 0.0
    waits: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    samples: int = 0

    def describe(self) -> str:
        """The waits that were seen most, in sessions on average."""
        shares = ((name, count / max(self.samples, 1)) for name, count in self.waits.most_common())
        return ", ".join(f"{name} {share:.1f}" for name, share in list(shares)[:WAITS_SHOWN])


@asynccontextmanager
async def watch_pressure(url: str) -> AsyncIterator[Pressure]:
    """Look at a database until the context is left, which completes what is given."""
    connection = await asyncpg.connect(url)
    seen = Pressure()
    try:
        name = await connection.fetchval("SELECT current_database()")
        server = psutil.Process(connection.get_server_pid()).parent()
        assert server is not None
        counts, cpu = (await connection.fetch(COUNTS_SQL, name))[0], _cpu_seconds(server)
        began, machine = time.monotonic(), psutil.cpu_times()
        sampling = asyncio.create_task(_sample(connection, name, seen))
        try:
            yield seen
        finally:
            sampling.cancel()
            await asyncio.gather(sampling, return_exceptions=True)
        seen.seconds = time.monotonic() - began
        seen.idle = _idle_share(machine, psutil.cpu_times())
        after = (await connection.fetch(COUNTS_SQL, name))[0]
        seen.cores = (_cpu_seconds(server) - cpu) / seen.seconds
        seen.commits = (after["commits"] - counts["commits"]) / seen.seconds
        seen.fsyncs = (after["fsyncs"] - counts["fsyncs"]) / seen.seconds
    finally:
        await connection.close()


async def _sample(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, seen: Pressure
) -> None:
    while True:
        seen.waits.update(row[0] for row in await connection.fetch(WAITS_SQL, name))
        seen.samples += 1
        await asyncio.sleep(SAMPLE_SECONDS)


def _idle_share(before: tuple[float, ...], after: tuple[float, ...]) -> float:
    spent = [b - a for a, b in zip(before, after, strict=True)]
    return (spent[3] + spent[4]) / max(sum(spent[:8]), 1e-9)  # idle, and waiting for a disk


def _cpu_seconds(server: psutil.Process) -> float:
    """Of the server with all its processes, those that have ended included."""
    spent = sum(server.cpu_times()[:4])
    for process in server.children():
        with contextlib.suppress(psutil.Error):
            spent += sum(process.cpu_times()[:2])
    return float(spent)
