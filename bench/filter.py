"""The filter on a filled topic: records a second of one process, real Kafka, real PostgreSQL.

``sms.received`` is filled with records as ingest makes them. Then processes take turns: the real
filter with a fresh database until nothing is left to read, and the same stage with a handler that
does nothing. The figure is the median over the rounds.

    .venv/bin/python bench/filter.py --log kafka      # starts a broker through scripts/kafka.sh
"""

import argparse
import asyncio
import cProfile
import hashlib
import json
import os
import pstats
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from antirelou.cli.serve import tune_collector
from antirelou.clock import SystemClock
from antirelou.database import Schema, migrate
from antirelou.log.kafka import open_kafka_log
from antirelou.log.port import Outgoing
from antirelou.postgres import open_postgres
from antirelou.privacy import BLOCK_BYTES, BLOCK_DIGITS, Sealer, new_keypair
from antirelou.records import SenderKind, SignatureMode, SmsReceived, derive_id, derive_trace
from antirelou.service import Ports
from antirelou.settings import Settings, load_settings
from antirelou.stage import Due, Progress, Received, Stage
from antirelou.telemetry import StageTelemetry, Telemetry, configure_logging
from antirelou.topics import FILTER_GROUP, PARTITIONS, READS, outgoing, topic_specs
from services.filter.service import LIMITS, Filter, open_filter
from simulator import crowd_texts

RECORDS = 120_000
SENDERS = 40_000
RAID_SHARE = 0.1
REPEATED_SHARE = 1 / 3
"""Of the texts, that were written before: greetings, and the copies of a raid."""
MOBILES = 150_000_000
"""Numbers that French mobiles may have."""
EVIDENCE_BYTES = 620
"""The request as it came, sealed."""
MINUTES = 40
"""The stretch of time in which they arrive; shorter than the delay, so all are deliberated."""
PER_SECOND_MIN = 15_000
POLL_SECONDS = 0.02
ROUND_SECONDS_MAX = 120.0
SCHEMA = Schema("filter", Path(__file__).parent.parent / "services/filter/sql")


def make_records(count: int) -> Iterator[Outgoing]:
    """Texts of ``SENDERS`` numbers in the order of their arrival, the same at each run."""
    draw = random.Random(2017)
    senders = [derive_id("sender", number) for number in range(SENDERS)]
    blocks = {sender: draw_blocks(draw) for sender in senders}
    sealed = Sealer(new_keypair()[1], SystemClock()).seal(b"+33639980000")
    start = datetime.fromtimestamp(time.time(), UTC) - timedelta(minutes=MINUTES)
    for number in range(count):
        message_id, sender = derive_id("bench", number), draw.choice(senders)
        yield outgoing(
            SmsReceived(
                id=message_id,
                trace=derive_trace(message_id),
                at=start + timedelta(minutes=MINUTES) * number / count,
                sender=sender,
                sender_kind=SenderKind.MOBILE,
                sender_sealed=sealed,
                blocks=blocks[sender],
                country="FR",
                to_ours=True,
                text=draw_text(draw, number),
                amount_microunits=10_000,
                signature=SignatureMode.V2,
                nonce=derive_id("nonce", number),
                evidence_sealed=draw.randbytes(EVIDENCE_BYTES),
            )
        )


def draw_blocks(draw: random.Random) -> tuple[bytes, ...]:
    """The hashed blocks of a number that may be any French mobile's."""
    number = draw.randrange(MOBILES)
    blocks = (f"{digits} {number // 10**digits}" for digits in BLOCK_DIGITS)
    return tuple(hashlib.blake2b(b.encode(), digest_size=BLOCK_BYTES).digest() for b in blocks)


def draw_text(draw: random.Random, number: int) -> str:
    """A third was written before; the others are somebody's own."""
    if draw.random() < RAID_SHARE:
        return draw.choice(crowd_texts.RAID)
    pattern = draw.choice(crowd_texts.FIRST)
    text = pattern.format(
        name=draw.choice(crowd_texts.NAMES),
        day=draw.choice(crowd_texts.DAYS),
        place=draw.choice(crowd_texts.PLACES),
    )
    repeated = draw.random() < (REPEATED_SHARE - RAID_SHARE) / (1 - RAID_SHARE)
    return text if repeated else f"{text} {number}"


async def fill(bootstrap: str, count: int) -> None:
    """Create the topics and put the records on ``sms.received``."""
    specs = topic_specs(retain_text=timedelta(days=7), wait_longest=timedelta(days=1))
    async with open_kafka_log(make_settings(bootstrap)) as log:
        await log.apply_topics(specs)
        chunk: list[Outgoing] = []
        for record in make_records(count):
            chunk.append(record)
            if len(chunk) == 2000:
                await log.append(chunk)
                chunk = []
        await log.append(chunk)


async def rewind(bootstrap: str) -> None:
    """Let the group start at the first record again."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=FILTER_GROUP, enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = [TopicPartition(SmsReceived.TOPIC, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, 0))
    finally:
        await consumer.stop()


def make_settings(bootstrap: str) -> Settings:
    """The filter's settings, everything as by default."""
    return load_settings(number="+33937000000", kafka_bootstrap=bootstrap)


class Nothing:
    """A handler that keeps and gives nothing: what reading, decoding and committing cost."""

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:  # noqa: ARG002
        """See ``stage.Handler``."""
        return ()

    async def due(self, progress: Progress, now: datetime) -> Due:  # noqa: ARG002
        """See ``stage.Handler``."""
        return Due()


class Idle:
    """A service whose stage does nothing with what it reads."""

    def __init__(self, ports: Ports) -> None:
        self._stage = Stage(
            name="filter",
            group=FILTER_GROUP,
            topics=READS[FILTER_GROUP],
            log=ports.log,
            handler=Nothing(),
            clock=ports.clock,
            metrics=StageTelemetry(ports.telemetry, "filter"),
            limits=LIMITS,
        )

    async def run(self) -> None:
        """Until drained."""
        await self._stage.run()

    def drain(self) -> None:
        """Stop."""
        self._stage.drain()


async def work(role: str, bootstrap: str, database_url: str, count: int) -> None:
    """Read the topic to its end; print what it took as JSON."""
    settings = make_settings(bootstrap)
    registry = CollectorRegistry()
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(open_kafka_log(settings))
        ports = Ports(log, SystemClock(), Telemetry(registry), database_url)
        service: Idle | Filter = Idle(ports)
        if role == "filter":
            service = await stack.enter_async_context(open_filter(settings, ports))
        working = asyncio.create_task(service.run())
        result = await watch(registry, count)
        service.drain()
        await working
    print(json.dumps(result))


async def watch(registry: CollectorRegistry, count: int) -> dict[str, float]:
    """Wait until all is handled; the first batch is left out, as the joining of the group is."""
    deadline = time.monotonic() + ROUND_SECONDS_MAX
    first, began, cpu = 0.0, 0.0, 0.0
    while True:
        handled = registry.get_sample_value(
            "antirelou_stage_records_total", {"service": "filter", "topic": SmsReceived.TOPIC}
        )
        if handled and not first:
            first, began, cpu = handled, time.perf_counter(), time.process_time()
        if handled and handled >= count:
            seconds = time.perf_counter() - began
            return {
                "per_second": (count - first) / seconds,
                "cpu_microseconds": (time.process_time() - cpu) / (count - first) * 1e6,
            }
        if time.monotonic() > deadline:
            raise SystemExit(f"{handled} of {count} after {ROUND_SECONDS_MAX} s")
        await asyncio.sleep(POLL_SECONDS)


async def run_role(
    role: str, options: argparse.Namespace, bootstrap: str, url: str
) -> dict[str, float]:
    """One process, from the first record to the last."""
    await rewind(bootstrap)
    command = [
        sys.executable,
        __file__,
        "--role",
        role,
        "--records",
        str(options.records),
    ]
    command += ["--bootstrap", bootstrap, "--database-url", url]
    if role == "filter" and options.profile:
        command += ["--profile", options.profile]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{role} failed")
    result: dict[str, float] = json.loads(out)
    return result


async def fresh_database(url: str, number: int) -> str:
    """An empty, migrated database in the same server."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE DATABASE bench_{number}")
    finally:
        await connection.close()
    database_url = urlunsplit(urlsplit(url)._replace(path=f"/bench_{number}"))
    await migrate(database_url, [SCHEMA])
    return database_url


async def measure(options: argparse.Namespace, bootstrap: str) -> int:
    """Take turns, print the table. Returns the exit status."""
    console = Console()
    results: dict[str, list[dict[str, float]]] = {"idle": [], "filter": []}
    with tempfile.TemporaryDirectory(prefix="antirelou-bench-") as folder:
        async with open_postgres(Path(folder)) as url:
            console.print(f"filling {SmsReceived.TOPIC} with {options.records:,} records")
            await fill(bootstrap, options.records)
            for number in range(options.rounds):
                database_url = await fresh_database(url, number)
                for role, rounds in results.items():
                    rounds.append(await run_role(role, options, bootstrap, database_url))
    return report(console, results, options)


def report(
    console: Console, results: dict[str, list[dict[str, float]]], options: argparse.Namespace
) -> int:
    """Print what was measured. Returns the exit status."""
    table = Table(
        title=f"{options.records:,} records of {SENDERS:,} senders, one process, "
        f"{options.rounds} rounds; broker and database on the same {os.cpu_count()} cores"
    )
    for column in ("handler", "median records/s", "lowest", "highest", "own CPU a record"):
        table.add_column(column, justify="left" if column == "handler" else "right")
    rates = {role: [r["per_second"] for r in rounds] for role, rounds in results.items()}
    for role, name in (("idle", "none"), ("filter", "filter")):
        cpu = statistics.median(r["cpu_microseconds"] for r in results[role])
        figures = (f"{f(rates[role]):,.0f}" for f in (statistics.median, min, max))
        table.add_row(name, *figures, f"{cpu:.0f} µs")
    console.print(table)
    ratios = [a / b for a, b in zip(rates["filter"], rates["idle"], strict=True)]
    per_second = statistics.median(rates["filter"])
    console.print(
        f"median {per_second:,.0f} records/s (target {PER_SECOND_MIN:,}), "
        f"{statistics.median(ratios):.2f} of the same stage with no handler"
    )
    if options.profile:
        pstats.Stats(options.profile).sort_stats("tottime").print_stats(45)
    return 0 if per_second >= PER_SECOND_MIN else 1


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--log", choices=("kafka",), default="kafka")
    parser.add_argument("--bootstrap", default=os.environ.get("ANTIRELOU_KAFKA_BOOTSTRAP", ""))
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", default="", help="write the filter's profile here, print it")
    parser.add_argument("--role", choices=("filter", "idle"), help=argparse.SUPPRESS)
    parser.add_argument("--database-url", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    configure_logging()
    if options.role is None:
        from tests.support.kafka import open_broker

        if options.bootstrap:
            return uvloop.run(measure(options, options.bootstrap))
        with open_broker() as bootstrap:
            return uvloop.run(measure(options, bootstrap))
    tune_collector()  # as `antirelou serve` does
    job = work(options.role, options.bootstrap, options.database_url, options.records)
    if options.profile:
        profile = cProfile.Profile()
        profile.runcall(uvloop.run, job)
        profile.dump_stats(options.profile)
    else:
        uvloop.run(job)
    return 0


if __name__ == "__main__":
    sys.exit(main())
