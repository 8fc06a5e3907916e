"""A backlog drained by 1, 2 and 4 members of the filter and of billing: real services, real Kafka.

Each member is a process of ``antirelou serve``. Between the runs a member joins, leaves by SIGTERM
and dies by SIGKILL in the middle of the work: what is measured is the longest stretch in which the
group handled nothing. After each run the tables are counted: nothing lost, nothing doubled.

    .venv/bin/python bench/scale.py      # starts a broker through scripts/kafka.sh
"""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from antirelou.commands.demo.house import Process, free_port
from bench import billing
from bench import filter as filter_bench
from bench.stages import Bench, fill, fresh_database, rewind
from kernel.database.postgres import open_postgres
from kernel.facts.records import PostureChanged
from kernel.sealing.keys import new_keys
from kernel.telemetry.metrics import configure_logging
from tests.support.kafka import open_broker

MEMBERS = (1, 2, 4)
POLL_SECONDS = 0.05
DRAIN_SECONDS_MAX = 600.0
EVENTS = ("joins", "leaves", "dies")
COUNT_SQL = {
    "filter": "SELECT count(*) FROM filter.messages",
    "billing": "SELECT count(*) FROM billing.receipts",
}
"""One row a distinct message: more would be impossible, fewer would be lost."""

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Group:
    """Members of one service over one broker and one database."""

    bench: Bench
    folder: Path
    settings: dict[str, str]
    members: list[Process] = field(default_factory=list)
    _seen: dict[str, float] = field(default_factory=dict)

    def start(self) -> Process:
        """Another member."""
        ops = f"127.0.0.1:{free_port()}"
        own = {**self.settings, "ops_listen": ops}
        name = f"{self.bench.name}-{len(self._seen)}"
        member = Process(
            name, ["serve", self.bench.name], own, self.folder, f"http://{ops}/metrics"
        )
        self._seen[name] = 0.0
        member.start()
        self.members.append(member)
        return member

    def handled(self) -> float:
        """Records that all members have handled; one that was killed counts as last seen."""
        for member in self.members:
            with contextlib.suppress(OSError):
                self._seen[member.name] = self._read(member)
        return sum(self._seen.values())

    def stop(self) -> None:
        """Let all drain."""
        for member in self.members:
            member.stop()

    def _read(self, member: Process) -> float:
        with _DIRECT.open(member.ready_url, timeout=2) as answer:
            text = answer.read().decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "antirelou_stage_records_total"
        )


@dataclass
class Drain:
    """What one run showed.

    Attributes:
        pauses: for each event, the longest stretch in seconds around it with nothing handled.
        counted: rows of distinct messages afterwards.
    """

    seconds: float
    records: int
    counted: int
    pauses: dict[str, float] = field(default_factory=dict)


async def drain(group: Group, records: int, members: int) -> Drain:
    """Start so many members at once, and wait until they have handled everything."""
    for _ in range(members):
        group.start()
    began, first = 0.0, 0.0
    async for handled, now in _watch(group):
        if handled and not began:
            began, first = now, handled
        # What a rebalance gave to another member is handled twice: the table says the end.
        if handled >= records and await count(group) >= records // len(group.bench.topics):
            group.stop()
            return Drain(now - began, int(records - first), 0)
    raise SystemExit(f"{group.bench.name}: not drained in {DRAIN_SECONDS_MAX} s")


async def disturb(group: Group, records: int) -> Drain:
    """One member; another joins, leaves and dies, at even shares of the work."""
    group.start()
    marks = {event: records * (n + 1) / 4 for n, event in enumerate(EVENTS)}
    pauses: dict[str, float] = {}
    event, moved_at, last, began = "", 0.0, 0.0, 0.0
    other: Process | None = None
    async for handled, now in _watch(group):
        if handled > last:
            if event and moved_at:
                pauses[event] = max(pauses.get(event, 0.0), now - moved_at)
            began, last, moved_at = began or now, handled, now
        for name, mark in marks.items():
            if handled >= mark and name not in pauses:
                event, pauses[name] = name, 0.0
                other = await _happen(group, name, other)
        # What a killed member handled after the last look is not seen, and its partitions are
        # nobody's for a while: the table says the end.
        if handled >= records * 0.95 and await count(group) >= records // len(group.bench.topics):
            group.stop()
            return Drain(now - began, records, 0, pauses)
    raise SystemExit(f"{group.bench.name}: not drained in {DRAIN_SECONDS_MAX} s")


async def _happen(group: Group, event: str, other: Process | None) -> Process | None:
    if event == "joins":
        return group.start()
    assert other is not None
    if event == "leaves":
        await asyncio.to_thread(other.stop)
        group.members.remove(other)
        joined = group.start()
        await asyncio.to_thread(joined.wait_ready)
        return joined
    other.kill()
    group.members.remove(other)
    return None


async def _watch(group: Group) -> AsyncIterator[tuple[float, float]]:
    deadline = time.monotonic() + DRAIN_SECONDS_MAX
    while time.monotonic() < deadline:
        yield await asyncio.to_thread(group.handled), time.monotonic()
        for member in group.members:
            member.check()
        await asyncio.sleep(POLL_SECONDS)


async def count(group: Group) -> int:
    """Distinct messages in the service's tables."""
    connection = await asyncpg.connect(group.settings["database_url"])
    try:
        found: int = await connection.fetchval(COUNT_SQL[group.bench.name])
    finally:
        await connection.close()
    return found


async def measure(options: argparse.Namespace) -> int:
    """Run all, print the tables. Returns the exit status: 1 where a count is wrong."""
    console = Console()
    table = Table(
        title=f"a backlog of {options.records:,} records; members, broker and database share "
        f"{os.cpu_count()} cores"
    )
    for column in ("service", "members", "seconds", "records/s", "of one member", "messages"):
        table.add_column(column, justify="right")
    pauses = Table(title="the longest stretch with nothing handled, in seconds, when a member …")
    for column in ("service", *EVENTS, "messages"):
        pauses.add_column(column, justify="right")
    good = True
    # A broker each: both read sms.received.
    with contextlib.ExitStack() as brokers:
        folder = Path(brokers.enter_context(tempfile.TemporaryDirectory(prefix="antirelou-scale-")))
        async with open_postgres(folder / "postgres") as url:
            place = Place(folder, "", url, options.records)
            for bench in (filter_bench.BENCH, billing.BENCH):
                place.bootstrap = await asyncio.to_thread(brokers.enter_context, open_broker())
                console.print(f"filling {', '.join(bench.topics)} for {bench.name}")
                await fill(bench, place.bootstrap, options.records)
                messages = options.records // len(bench.topics)
                alone = 0.0
                for members in MEMBERS:
                    found = await _run(bench, place, members)
                    rate = found.records / found.seconds
                    alone = alone or rate
                    good &= found.counted == messages
                    table.add_row(
                        bench.name, str(members), f"{found.seconds:.1f}", f"{rate:,.0f}",
                        f"{rate / alone:.2f}", f"{found.counted:,} of {messages:,}",
                    )  # fmt: skip
                found = await _run(bench, place, 0)
                good &= found.counted == messages
                pauses.add_row(
                    bench.name, *(f"{found.pauses.get(event, 0):.1f}" for event in EVENTS),
                    f"{found.counted:,} of {messages:,}",
                )  # fmt: skip
    console.print(table)
    console.print(pauses)
    console.print("nothing lost, nothing doubled" if good else "[red]COUNTS ARE WRONG[/]")
    return 0 if good else 1


async def _forget_postures(bootstrap: str) -> None:
    """What the last run's billing told: a fresh database would take itself for a restored one."""
    place = TopicPartition(PostureChanged.TOPIC, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await consumer.start()
    await admin.start()
    try:
        end = (await consumer.end_offsets([place]))[place]
        if end:
            await admin.delete_records({place: RecordsToDelete(before_offset=end)})
    finally:
        await admin.close()
        await consumer.stop()


@dataclass
class Place:
    """Where all runs take place; each has a database of its own."""

    folder: Path
    bootstrap: str
    url: str
    records: int
    runs: int = 0


async def _run(bench: Bench, place: Place, members: int) -> Drain:
    """One run on a fresh database from the first record on; 0 members: with the disturbances."""
    database_url = await fresh_database(bench, place.url, place.runs)
    place.runs += 1
    await rewind(bench, place.bootstrap)
    await _forget_postures(place.bootstrap)
    settings = {
        "number": "+33937000000",
        "kafka_bootstrap": place.bootstrap,
        "database_url": database_url,
        **new_keys().settings,
    }
    group = Group(bench, place.folder, settings)
    try:
        found = await (
            drain(group, place.records, members) if members else disturb(group, place.records)
        )
    finally:
        group.stop()
    found.counted = await count(group)
    return found


def main() -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=200_000)
    options = parser.parse_args()
    configure_logging()
    return uvloop.run(measure(options))


if __name__ == "__main__":
    sys.exit(main())
