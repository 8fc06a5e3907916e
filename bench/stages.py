"""A stage on a filled topic: records a second of one process, real Kafka, real PostgreSQL.

What ``bench/filter.py`` and ``bench/billing.py`` have in common. Processes take turns: the real
service with a fresh database until nothing is left to read, and the same stage with a handler that
does nothing. The figure is the median over the rounds; the command exits with 1 below its target.
"""

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table

from antirelou.serve import tune_collector
from kernel.database.migrations import Schema, migrate
from kernel.database.postgres import open_postgres
from kernel.facts.topics import PARTITIONS, READS, topic_specs
from kernel.log.kafka.log import open_kafka_log
from kernel.log.port import Outgoing
from kernel.sealing.keys import new_keys
from kernel.service.port import Ports, Service
from kernel.settings.settings import Settings, load_settings
from kernel.stage.stage import Due, Progress, Received, Stage, StageLimits
from kernel.telemetry.metrics import StageTelemetry, Telemetry, configure_logging
from kernel.values.clock import SystemClock

POLL_SECONDS = 0.02
ROUND_SECONDS_MAX = 180.0
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Bench:
    """One service to be measured.

    Attributes:
        script: the command's own file, that its processes run.
        make_records: what the topics are filled with, by how many and, unless as usual, how long
            ago the first came; their keys say the partitions.
        topics: those that are filled.
        per_second_min: the target.
    """

    name: str
    script: str
    group: str
    topics: Sequence[str]
    limits: StageLimits
    opener: Callable[[Settings, Ports], AbstractAsyncContextManager[Service]]
    make_records: Callable[..., Iterable[Outgoing]]
    per_second_min: int
    records: int
    about: str


def make_settings(bootstrap: str) -> Settings:
    """Everything as by default, with keys of its own."""
    return load_settings(
        number="+33937000000", kafka_bootstrap=bootstrap, **dict(new_keys().settings)
    )


class Nothing:
    """A handler that keeps and gives nothing: what reading, decoding and committing cost."""

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
        """See ``stage.Handler``."""
        return ()

    async def due(self, progress: Progress, now: datetime) -> Due:
        """See ``stage.Handler``."""
        return Due()


def idle_stage(bench: Bench, ports: Ports) -> Stage:
    """The service's stage, which does nothing with what it reads."""
    return Stage(
        name=bench.name,
        group=bench.group,
        topics=READS[bench.group],
        log=ports.log,
        handler=Nothing(),
        clock=ports.clock,
        metrics=StageTelemetry(ports.telemetry, bench.name),
        limits=bench.limits,
    )


async def fill(bench: Bench, bootstrap: str, count: int, *ago: timedelta) -> None:
    """Create the topics and put the records on them; the first came so long ago."""
    specs = topic_specs(retain_text=timedelta(days=7), wait_longest=timedelta(days=1))
    async with open_kafka_log(make_settings(bootstrap)) as log:
        await log.apply_topics(specs)
        chunk: list[Outgoing] = []
        for record in bench.make_records(count, *ago):
            chunk.append(record)
            if len(chunk) == 2000:
                await log.append(chunk)
                chunk = []
        await log.append(chunk)


async def rewind(bench: Bench, bootstrap: str) -> None:
    """Let the group start at the first record again."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=bench.group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = [
            TopicPartition(topic, number) for topic in bench.topics for number in range(PARTITIONS)
        ]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, 0))
    finally:
        await consumer.stop()


async def work(bench: Bench, options: argparse.Namespace) -> None:
    """Read the topics to their end; print what it took as JSON."""
    settings = make_settings(options.bootstrap)
    registry = CollectorRegistry()
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(open_kafka_log(settings))
        ports = Ports(log, SystemClock(), Telemetry(registry), options.database_url)
        service: Stage | Service = idle_stage(bench, ports)
        if options.role != "idle":
            service = await stack.enter_async_context(bench.opener(settings, ports))
        working = asyncio.create_task(service.run())
        result = await watch(bench, registry, options.records)
        service.drain()
        await working
    print(json.dumps(result))


def handled_by(bench: Bench, registry: CollectorRegistry) -> float:
    """Records handled so far."""
    name = "antirelou_stage_records_total"
    labels = ({"service": bench.name, "topic": topic} for topic in bench.topics)
    return sum(registry.get_sample_value(name, found) or 0.0 for found in labels)


async def watch(bench: Bench, registry: CollectorRegistry, count: int) -> dict[str, float]:
    """Wait until all is handled; the first batch is left out, as the joining of the group is."""
    deadline = time.monotonic() + ROUND_SECONDS_MAX
    first, began, cpu = 0.0, 0.0, 0.0
    while True:
        handled = handled_by(bench, registry)
        if handled and not first:
            first, began, cpu = handled, time.perf_counter(), time.process_time()
        if handled >= count:
            seconds = time.perf_counter() - began
            return {
                "per_second": (count - first) / seconds,
                "cpu_microseconds": (time.process_time() - cpu) / (count - first) * 1e6,
            }
        if time.monotonic() > deadline:
            raise SystemExit(f"{handled} of {count} after {ROUND_SECONDS_MAX} s")
        await asyncio.sleep(POLL_SECONDS)


async def run_role(
    bench: Bench, role: str, options: argparse.Namespace, bootstrap: str, url: str
) -> dict[str, float]:
    """One process, from the first record to the last."""
    await rewind(bench, bootstrap)
    command = [sys.executable, bench.script, "--role", role, "--records", str(options.records)]
    command += ["--bootstrap", bootstrap, "--database-url", url]
    if role != "idle" and options.profile:
        command += ["--profile", options.profile]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{role} failed")
    result: dict[str, float] = json.loads(out)
    return result


async def fresh_database(bench: Bench, url: str, number: int) -> str:
    """An empty, migrated database in the same server."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE DATABASE bench_{number}")
    finally:
        await connection.close()
    database_url = urlunsplit(urlsplit(url)._replace(path=f"/bench_{number}"))
    await migrate(database_url, [Schema(bench.name, ROOT / "services" / bench.name / "sql")])
    return database_url


async def measure(bench: Bench, options: argparse.Namespace, bootstrap: str) -> int:
    """Take turns, print the table. Returns the exit status."""
    console = Console()
    results: dict[str, list[dict[str, float]]] = {"idle": [], bench.name: []}
    with tempfile.TemporaryDirectory(prefix="antirelou-bench-") as folder:
        async with open_postgres(Path(folder)) as url:
            console.print(f"filling {', '.join(bench.topics)} with {options.records:,} records")
            await fill(bench, bootstrap, options.records)
            for number in range(options.rounds):
                database_url = await fresh_database(bench, url, number)
                for role, rounds in results.items():
                    rounds.append(await run_role(bench, role, options, bootstrap, database_url))
    return report(bench, console, results, options)


def report(
    bench: Bench,
    console: Console,
    results: dict[str, list[dict[str, float]]],
    options: argparse.Namespace,
) -> int:
    """Print what was measured. Returns the exit status."""
    table = Table(
        title=f"{options.records:,} records ({bench.about}), one process, {options.rounds} "
        f"rounds; broker and database on the same {os.cpu_count()} cores"
    )
    for column in ("handler", "median records/s", "lowest", "highest", "own CPU a record"):
        table.add_column(column, justify="left" if column == "handler" else "right")
    rates = {role: [r["per_second"] for r in rounds] for role, rounds in results.items()}
    for role, rounds in results.items():
        cpu = statistics.median(r["cpu_microseconds"] for r in rounds)
        figures = (f"{f(rates[role]):,.0f}" for f in (statistics.median, min, max))
        table.add_row("none" if role == "idle" else role, *figures, f"{cpu:.0f} µs")
    console.print(table)
    ratios = [a / b for a, b in zip(rates[bench.name], rates["idle"], strict=True)]
    per_second = statistics.median(rates[bench.name])
    console.print(
        f"median {per_second:,.0f} records/s (target {bench.per_second_min:,}), "
        f"{statistics.median(ratios):.2f} of the same stage with no handler"
    )
    if options.profile:
        pstats.Stats(options.profile).sort_stats("tottime").print_stats(45)
    return 0 if per_second >= bench.per_second_min else 1


def run(bench: Bench) -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", choices=("kafka",), default="kafka")
    parser.add_argument("--bootstrap", default=os.environ.get("ANTIRELOU_KAFKA_BOOTSTRAP", ""))
    parser.add_argument("--records", type=int, default=bench.records)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", default="", help="write the profile here, print it")
    parser.add_argument("--role", help=argparse.SUPPRESS)
    parser.add_argument("--database-url", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    configure_logging()
    if options.role is None:
        from tests.support.kafka import open_broker

        if options.bootstrap:
            return uvloop.run(measure(bench, options, options.bootstrap))
        with open_broker() as bootstrap:
            return uvloop.run(measure(bench, options, bootstrap))
    tune_collector()  # as `antirelou serve` does
    job = work(bench, options)
    if options.profile:
        profile = cProfile.Profile()
        profile.runcall(uvloop.run, job)
        profile.dump_stats(options.profile)
    else:
        uvloop.run(job)
    return 0
