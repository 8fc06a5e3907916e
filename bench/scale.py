"""A backlog drained by 1, 2, 4 and 8 members of the filter and of billing, real in all.

Each member is a process of ``antirelou serve``, held to a fixed share of a core
(``bench/shares.py``), so that broker and database are not what ends it. Members stand at a locked
table until all hold their partitions; what is measured begins when each has committed a batch.
Once nothing is due, once everything: every verdict of the filter; for billing a full fund, so that
it looks for whom to pay. After each run what was kept and told is counted. Runs during which the
machine was full are left out of the medians: then others' work was the limit.

    .venv/bin/python bench/scale.py                 # as root: control groups
    .venv/bin/python bench/scale.py --share 0       # members take what they find
    .venv/bin/python bench/scale.py --pauses        # a member joins, leaves, dies
"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import asyncpg
import uvloop
from aiokafka import TopicPartition
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from antirelou.commands.demo.house import Process, run_once
from bench import billing
from bench import filter as filter_bench
from bench.group import TABLES, TOLD, Group, Told, ends, forget_told, gate, listen
from bench.pressure import Pressure, watch_pressure
from bench.shares import Hold, open_shares
from bench.stages import Bench, fill, fresh_database, rewind
from kernel.database.postgres import open_postgres
from kernel.sealing.keys import new_keys
from kernel.telemetry.metrics import configure_logging
from tests.faults.group import open_groups
from tests.support.kafka import open_broker

BENCHES = {"filter": filter_bench.BENCH, "billing": billing.BENCH}
MEMBERS = (1, 2, 4, 8)
WANTED = {1: 1.0, 2: 1.8, 4: 3.4, 8: 6.0}
"""Of one member's rate, so many members' at least."""
SHARES = {"filter": 0.1, "billing": 0.05}
"""Of a core: eight of them leave more than half of two cores to broker and database."""
RECORDS = {"filter": 48_000, "billing": 120_000}
DUE = {"nothing": timedelta(minutes=1), "everything": timedelta(days=1)}
"""How long ago the first message came: longer than any reply waits, or not."""
IDLE_MIN = 0.1
"""Of the machine: with less, somebody else's work was the limit, and the run says nothing of us."""
POLL_SECONDS = 0.05
DRAIN_SECONDS_MAX = 600.0
EVENTS = ("joins", "leaves", "dies")
AUTHORIZED = 30
"""Replies that are paid for while nobody sends them: a minute of sending."""
FUND_EUROS = "1000000"


@dataclass
class Drain:
    """What one run showed.

    Attributes:
        seconds: from when each member had committed a batch until all was done.
        per_second: records, while each member had some left.
        cores: that the members kept busy, all together.
        kept: rows of distinct messages afterwards.
        told: distinct records told of what was due; ``again``: those told more than once.
        pauses: for each event, the longest stretch in seconds around it with nothing handled.
    """

    seconds: float = 0.0
    per_second: float = 0.0
    cores: float = 0.0
    kept: int = 0
    told: int = 0
    again: int = 0
    pressure: Pressure = field(default_factory=Pressure)
    pauses: dict[str, float] = field(default_factory=dict)


@dataclass
class Place:
    """Where the runs of one service take place; each has a database of its own."""

    bench: Bench
    folder: Path
    bootstrap: str
    url: str
    records: int
    due: str
    runs: int = 0

    @property
    def judges(self) -> bool:
        """Whether a record is done once its verdict is told."""
        return self.due == "everything" and self.bench.name == "filter"

    @property
    def pays(self) -> bool:
        """Whether there is a fund to pay from."""
        return self.due == "everything" and self.bench.name == "billing"


async def drain(group: Group, place: Place, members: int, hold: Callable[[int], None]) -> Drain:
    """Start so many members, let them begin at once, and wait until everything is done."""
    async with gate(group):
        for _ in range(members):
            group.start()
        held: list[Sequence[TopicPartition]] = []
        async for _ in _watch(group):
            if held := await group.shares():
                break
        if place.pays:
            await asyncio.to_thread(_fill_fund, group)
        for member in group.members:
            hold(member.pid)
    async with listen(place.bootstrap, TOLD[place.bench.name]) as told:
        async with watch_pressure(group.settings["database_url"]) as pressure:
            spent = group.cpu_seconds()
            found = await _time(group, place, told, held)
            spent = group.cpu_seconds() - spent
        async for _ in _watch(group):
            # What was received is booked: now it is known what the fund holds.
            if not place.pays or len(told.ids) >= AUTHORIZED:
                break
        found.told, found.again = len(told.ids), told.ids.total() - len(told.ids)
    found.pressure, found.cores = pressure, spent / pressure.seconds
    return found


def _fill_fund(group: Group) -> None:
    url = group.members[0].ready_url.removesuffix("/readyz")
    fund = ["fund", "add", FUND_EUROS, "--note", "bench"]
    run_once(fund, {**group.settings, "operator_url": url}, group.folder)


async def _time(
    group: Group, place: Place, told: Told, held: Sequence[Sequence[TopicPartition]]
) -> Drain:
    last = await ends(place.bootstrap, group.bench.topics)
    found, began, first, busy = Drain(), 0.0, 0, True
    async for now in _watch(group):
        done = await group.committed()
        if place.judges:
            done = {p: min(count, told.by_partition[p.partition]) for p, count in done.items()}
        total = sum(done.values())
        if not began:
            if all(any(done.get(p, 0) for p in partitions) for partitions in held):
                began, first = now, total
            continue
        busy &= all(any(done.get(p, 0) < last[p] for p in partitions) for partitions in held)
        if busy or not found.per_second:
            found.per_second = (total - first) / (now - began)
        if all(done.get(p, 0) >= end for p, end in last.items()):
            found.seconds = now - began
            return found
    raise AssertionError("unreachable")


async def disturb(group: Group, place: Place) -> Drain:
    """One member; another joins, leaves and dies, at even shares of the work."""
    group.start()
    marks = {event: place.records * (n + 1) / 4 for n, event in enumerate(EVENTS)}
    pauses: dict[str, float] = {}
    event, moved_at, last, began = "", 0.0, 0, 0.0
    other: Process | None = None
    async for now in _watch(group):
        handled = sum((await group.committed()).values())
        if handled > last:
            if event and moved_at:
                pauses[event] = max(pauses.get(event, 0.0), now - moved_at)
            began, last, moved_at = began or now, handled, now
        for name, mark in marks.items():
            if handled >= mark and name not in pauses:
                event, pauses[name] = name, 0.0
                other = await _happen(group, name, other)
        if handled >= place.records:
            return Drain(seconds=now - began, pauses=pauses)
    raise AssertionError("unreachable")


async def _happen(group: Group, event: str, other: Process | None) -> Process | None:
    if event == "joins":
        return group.start()
    assert other is not None
    group.members.remove(other)
    if event == "leaves":
        await asyncio.to_thread(other.stop)
        joined = group.start()
        await asyncio.to_thread(joined.wait_ready)
        return joined
    other.kill()
    return None


async def _watch(group: Group) -> AsyncIterator[float]:
    deadline = time.monotonic() + DRAIN_SECONDS_MAX
    while time.monotonic() < deadline:
        yield time.monotonic()
        for member in group.members:
            member.check()
        await asyncio.sleep(POLL_SECONDS)
    raise SystemExit(f"{group.bench.name}: not drained in {DRAIN_SECONDS_MAX} s")


async def run(place: Place, members: int, hold: Callable[[int], None]) -> Drain:
    """One run on a fresh database from the first record on; 0 members: with the disturbances."""
    bench = place.bench
    database_url = await fresh_database(bench, place.url, place.runs)
    await rewind(bench, place.bootstrap)
    await forget_told(place.bootstrap, [TOLD[bench.name]])
    settings = {
        "number": "+33937000000",
        "quiet_hours": "off",
        "kafka_bootstrap": place.bootstrap,
        "database_url": database_url,
        **new_keys().settings,
    }
    async with open_groups(place.bootstrap) as groups:
        group = Group(bench, place.folder, settings, groups)
        try:
            found = await (drain(group, place, members, hold) if members else disturb(group, place))
            connection = await asyncpg.connect(database_url)
            try:
                found.kept = await connection.fetchval(f"SELECT count(*) FROM {TABLES[bench.name]}")
            finally:
                await connection.close()
        finally:
            await group.stop()
    connection = await asyncpg.connect(place.url)
    try:
        await connection.execute(f"DROP DATABASE bench_{place.runs} WITH (FORCE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    place.runs += 1
    return found


def is_right(place: Place, found: Drain) -> bool:
    """Nothing was lost, nothing doubled."""
    if found.kept != place.records // len(place.bench.topics):
        return False
    return found.told == (
        AUTHORIZED if place.pays else place.records if place.judges else found.told
    )


async def measure(options: argparse.Namespace, hold: Hold | None) -> int:
    """Run all, print the tables. Returns the exit status: 1 where a count or a ratio is wrong."""
    console = Console(width=180)
    good = True
    with tempfile.TemporaryDirectory(prefix="antirelou-scale-") as name:
        folder = Path(name)
        async with open_postgres(folder / "postgres") as url:
            for bench in (BENCHES[name] for name in options.services):
                for due in ["nothing"] if options.pauses else options.due:
                    with contextlib.ExitStack() as brokers:
                        bootstrap = await asyncio.to_thread(brokers.enter_context, open_broker())
                        records = options.records or RECORDS[bench.name]
                        place = Place(bench, folder, bootstrap, url, records, due)
                        await fill(bench, bootstrap, records, DUE[due])
                        if options.pauses:
                            good &= await show_pauses(console, place)
                        else:
                            good &= await show_ratios(console, place, options, hold)
    console.print(
        "nothing lost, nothing doubled, all ratios reached" if good else "[red]NOT GOOD[/]"
    )
    return 0 if good else 1


async def show_ratios(
    console: Console, place: Place, options: argparse.Namespace, hold: Hold | None
) -> bool:
    """All rounds of one service. False: not good."""
    share = SHARES[place.bench.name] if options.share is None else options.share
    runs: dict[int, list[Drain]] = {members: [] for members in options.members}
    good = True

    def held(pid: int) -> None:
        if hold is not None:
            hold(pid, share)

    for _ in range(options.rounds):
        for members in options.members:
            found = await run(place, members, held)
            runs[members].append(found)
            right = is_right(place, found)
            good &= right
            console.print(
                f"{place.bench.name}, {place.due} due, {members}: {found.per_second:,.0f} a "
                f"second, all in {found.seconds:.1f} s; kept {found.kept:,}, told {found.told:,}, "
                f"again {found.again:,}{'' if right else ' [red]WRONG[/]'}; cores: members "
                f"{found.cores:.2f}, database {found.pressure.cores:.2f}, idle "
                f"{found.pressure.idle:.0%} of the machine"
            )
    table = Table(
        title=f"{place.bench.name}, {place.due} due: {place.records:,} records, members "
        f"{f'each held to {share} of a core' if hold else 'not held'}; medians"
    )
    for column in (
        "members", "rounds", "records/s", "of one", "wanted", "drained in", "of one",
        "their cores", "database's", "idle", "commits/s", "fsyncs/s", "its sessions, on average",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    alone = _free(runs[options.members[0]])
    for members, all_runs in runs.items():
        free = _free(all_runs)
        ratio = _median(free, "per_second") / _median(alone, "per_second")
        good &= hold is None or options.members[0] != 1 or ratio >= WANTED.get(members, 0.0)
        pressures = [found.pressure for found in free]
        table.add_row(
            str(members),
            f"{len(free)} of {len(all_runs)}",
            f"{_median(free, 'per_second'):,.0f}",
            f"{ratio:.2f}",
            f"{WANTED.get(members, 0.0)}",
            f"{_median(free, 'seconds'):.1f} s",
            f"{_median(alone, 'seconds') / _median(free, 'seconds'):.2f}",
            f"{_median(free, 'cores'):.2f}",
            f"{_median(pressures, 'cores'):.2f}",
            f"{_median(pressures, 'idle'):.0%}",
            f"{_median(pressures, 'commits'):,.0f}",
            f"{_median(pressures, 'fsyncs'):,.0f}",
            pressures[-1].describe(),
        )
    console.print(table)
    return good


def _free(runs: Sequence[Drain]) -> Sequence[Drain]:
    """Those in which the machine had room; all, where none had."""
    return [found for found in runs if found.pressure.idle >= IDLE_MIN] or runs


def _median(found: Sequence[Drain] | Sequence[Pressure], name: str) -> float:
    return float(statistics.median(getattr(one, name) for one in found))


async def show_pauses(console: Console, place: Place) -> bool:
    """One run with the disturbances. False: a count is wrong."""
    bench = place.bench
    found = await run(place, 0, lambda _pid: None)
    told = ", ".join(f"{event} {found.pauses.get(event, 0.0):.1f} s" for event in EVENTS)
    console.print(f"{bench.name}: nothing handled for, when a member {told}; kept {found.kept:,}")
    return is_right(place, found)


def main() -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--services", nargs="+", choices=sorted(BENCHES), default=list(BENCHES))
    parser.add_argument("--due", nargs="+", choices=sorted(DUE), default=list(DUE))
    parser.add_argument("--members", nargs="+", type=int, default=list(MEMBERS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--records", type=int, help="messages, or messages and their verdicts")
    parser.add_argument("--share", type=float, help="of a core a member; 0: not held")
    parser.add_argument("--pauses", action="store_true")
    options = parser.parse_args()
    configure_logging()
    if options.pauses or options.share == 0:
        return uvloop.run(measure(options, None))
    with open_shares() as hold:
        return uvloop.run(measure(options, hold))


if __name__ == "__main__":
    sys.exit(main())
