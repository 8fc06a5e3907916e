"""How soon a record wakes a reader that waits: from its acknowledgement to its batch.

Both adapters, one after the other, each with a reader that has nothing else to do (the port
promises less than 50 ms), and what a waiting reader costs of a core meanwhile.

    .venv/bin/python bench/log.py      # starts PostgreSQL and a broker of its own
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from antirelou.compose import open_database, open_log, schemas
from kernel.database.migrations import migrate
from kernel.log.port import Log, Outgoing, TopicSpec
from kernel.settings.settings import load_settings
from kernel.telemetry.metrics import configure_logging
from tests.support.kafka import own_broker

TOPIC, GROUP = "bench.wake", "bench-wake"
WAKE_MS_MAX = 50.0
WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class Woken:
    """The delays of one adapter in milliseconds, and the share of a core while it waited."""

    delays_ms: list[float]
    idle_core_percent: float

    @property
    def median_ms(self) -> float:
        """The delay in the middle."""
        return statistics.median(self.delays_ms)


async def measure(log: Log, records: int) -> Woken:
    """Append one record at a time to a reader that waits."""
    loop = asyncio.get_running_loop()
    delays = []
    await log.apply_topics([TopicSpec(TOPIC, 12, None)])
    async with log.reader(GROUP, [TOPIC]) as reader:
        for n in range(records + 1):  # the first one warms up
            reading = asyncio.create_task(
                reader.read(records_max=9, bytes_max=9999, wait_seconds=WAIT_SECONDS)
            )
            await asyncio.sleep(0.02)
            await log.append([Outgoing(TOPIC, f"k{n}".encode(), b"v")])
            acknowledged = loop.time()
            batch = await reading
            delays.append((loop.time() - acknowledged) * 1000)
            await reader.commit(batch)
        spent, began = time.process_time(), loop.time()
        await reader.read(records_max=9, bytes_max=9999, wait_seconds=WAIT_SECONDS)
        idle = (time.process_time() - spent) / (loop.time() - began) * 100
    return Woken(delays[1:], idle)


@asynccontextmanager
async def opened(name: str) -> AsyncIterator[Log]:
    """The log on a server of its own."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="antirelou-bench-"))
        bootstrap = stack.enter_context(own_broker()) if name == "kafka" else ""
        settings = load_settings(data_dir=folder, kafka_bootstrap=bootstrap)
        url = ""
        if name == "embedded":
            url = await stack.enter_async_context(open_database(settings))
            await migrate(url, [schema for schema in schemas() if schema.name == "log"])
        yield await stack.enter_async_context(open_log(settings, url))


async def run(records: int) -> int:
    """Measure both, print the table. Returns the exit status."""
    table = Table(title=f"{records} records, one at a time")
    for column in ("log", "median ms", "95 % ms", "longest ms", "of a core, waiting"):
        table.add_column(column, justify="left" if column == "log" else "right")
    missed = False
    for name in ("embedded", "kafka"):
        async with opened(name) as log:
            woken = await measure(log, records)
        slow = statistics.quantiles(woken.delays_ms, n=20)[-1]
        figures = (woken.median_ms, slow, max(woken.delays_ms))
        table.add_row(name, *(f"{f:.1f}" for f in figures), f"{woken.idle_core_percent:.1f} %")
        missed |= woken.median_ms >= WAKE_MS_MAX
    Console().print(table)
    return int(missed)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--records", type=int, default=200)
    configure_logging()
    return asyncio.run(run(parser.parse_args().records))


if __name__ == "__main__":
    sys.exit(main())
