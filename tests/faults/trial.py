"""One trial of a fault: what was harmed, what came through, what it cost, how long it took to heal.

Every trial is a row of the report that ``make faults`` ends with.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.table import Table

from antirelou.commands.audit.facts import Judgement
from antirelou.commands.demo.run import look, read_bill
from antirelou.commands.demo.watch import call
from tests.faults.lag import LAG_SECONDS_MAX, LOOK_EVERY_SECONDS, LagMeter
from tests.support.audit import audit_house, violations
from tests.support.eventually import eventually
from tests.support.evidence_log import expect_kept
from tests.support.house import at_rest

if TYPE_CHECKING:
    from tests.faults.broken import Broken

REST_SECONDS_MAX = 150.0
"""A send that died with its process is given up by its lease, 90 s, and then looked for."""
RECOVER_SECONDS_MAX = 90.0
AGREE_SECONDS_MAX = 60.0
AUDIT_SECONDS_MAX = 30.0
KEEP_SECONDS_MAX = 60.0
"""Evidence that failed is started again after 30 s."""
LEAST = {"kills": 60, "broker": 12, "database": 12, "messages": 25_000}
"""What the long suite holds."""


@dataclass
class Row:
    """What a trial found; added up, what all trials of a fault found.

    Attributes:
        kills, broker, database: how many harms of each kind it holds.
        messages: distinct messages that the provider took for us meanwhile.
        lost, doubled, overspent: found by audit and bill at rest; must be zero.
        unresolved: replies that the operator decided about, as nobody could know.
        recover_seconds: see ``Trial.healed``; None: it was not measured, or did not recover.
        failure: why it failed; empty: it did not.
    """

    fault: str
    tried: int = 1
    kills: int = 0
    broker: int = 0
    database: int = 0
    messages: int = 0
    lost: int = 0
    doubled: int = 0
    overspent: int = 0
    unresolved: int = 0
    recover_seconds: float | None = None
    failure: str = ""

    def add(self, other: "Row") -> None:
        """Add another's numbers; of the times to recover the longest stays."""
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        known = [s for s in (self.recover_seconds, other.recover_seconds) if s is not None]
        self.recover_seconds = max(known, default=None)
        self.failure = self.failure or other.failure


COUNTED = tuple(one.name for one in fields(Row) if one.type in {int, "int"})


@dataclass
class Report:
    """All trials of a session.

    Attributes:
        seed: repeats every draw.
        planned: how many trials there will be, about.
    """

    seed: str
    planned: int = 0
    rows: list[Row] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def say(self, what: str) -> None:
        """A line of progress, for who runs it with ``-s``."""
        seconds = time.monotonic() - self.began
        messages = sum(row.messages for row in self.rows)
        place = f"{len(self.rows) + 1}/{self.planned}" if self.planned else len(self.rows) + 1
        print(
            f"[{seconds // 60:02.0f}:{seconds % 60:02.0f}] trial {place}, "
            f"{messages:,} messages through: {what}",
            flush=True,
        )

    def by_fault(self) -> list[Row]:
        """A row a fault."""
        found: dict[str, Row] = {}
        for row in self.rows:
            if row.fault in found:
                found[row.fault].add(row)
            else:
                found[row.fault] = Row(**asdict(row))
        return list(found.values())

    def total(self) -> Row:
        """All in one."""
        total = Row("all", tried=0)
        for row in self.rows:
            total.add(row)
        return total

    def missing(self) -> dict[str, str]:
        """What of a long suite is not reached: has and needs."""
        total = self.total()
        return {
            name: f"{getattr(total, name)} of {least}"
            for name, least in LEAST.items()
            if getattr(total, name) < least
        }

    def draw(self, console: Console) -> None:
        """Print the table, fault by fault."""
        table = Table(title=f"faults, seed {self.seed}")
        names = ("tried", "kills", "broker", "database", "messages", "lost", "doubled",
                 "overspent", "unresolved", "recovered within")  # fmt: skip
        table.add_column("fault")
        for name in names:
            table.add_column(name, justify="right")
        for row in self.by_fault():
            table.add_row(*_cells(row), style="red" if row.failure else None)
        table.add_section()
        table.add_row(*_cells(self.total()))
        console.print(table)

    def write(self, path: Path) -> None:
        """Write all of it as JSON."""
        said = {
            "seed": self.seed,
            "seconds": round(time.monotonic() - self.began, 1),
            "total": asdict(self.total()),
            "faults": [asdict(row) for row in self.by_fault()],
            "trials": [asdict(row) for row in self.rows],
        }
        path.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def _cells(row: Row) -> list[str]:
    seconds = "-" if row.recover_seconds is None else f"{row.recover_seconds:.1f} s"
    counts = (row.tried, row.kills, row.broker, row.database, row.messages, row.lost,
              row.doubled, row.overspent, row.unresolved)  # fmt: skip
    return [row.fault, *(f"{count:,}" for count in counts), seconds]


class Trial:
    """A house under a small flood, harmed inside the ``async with``, judged at its end.

    Entering sends a crowd. Leaving measures how long the house takes to recover, waits until all
    is at rest, audits, holds the ledger against the provider's bill, records a row, and only then
    fails if something is wrong. Made by ``Broken.trial``.

    Args:
        row: its fault, and how many harms it counts as.
        crowd: whether to send one.
    """

    def __init__(self, broken: "Broken", row: Row, *, crowd: bool = True) -> None:
        self.broken, self.row = broken, row
        self._crowd = crowd
        self._before = 0
        self._judgements: list[Judgement] = []
        self._recovering: asyncio.Task[float] | None = None

    async def __aenter__(self) -> Self:
        self.broken.report.say(self.row.fault)
        bill = read_bill(self.broken.house)
        self._before = bill.accepted + bill.lost
        if self._crowd:
            self.broken.send_crowd()
        return self

    async def passed(self, share: float) -> None:
        """Wait until so much of the crowd has texted."""
        await self.broken.passed(share)

    def healed(self) -> None:
        """Nothing harms the house any more: from here its recovery is timed.

        It has recovered at the first instant at which its lag is below one second again (see
        ``lag.LagMeter``) while all five services say that they are ready. Called again, it counts
        from the later one.
        """
        if self._recovering is not None:
            self._recovering.cancel()
        self._recovering = asyncio.create_task(self._recover())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            if error is not None:
                raise error  # noqa: TRY301 - recorded like any other
            if self._recovering is None:
                self.healed()
            assert self._recovering is not None
            self.row.recover_seconds = round(await self._recovering, 2)
            await self._settle()
        except BaseException as trouble:
            self.row.failure = f"{type(trouble).__name__}: {trouble}"[:500]
            self.broken.spoiled = True
            self.broken.report.say(f"FAILED {self.row.failure}")
            if error is None:
                raise
        finally:
            if self._recovering is not None:
                self._recovering.cancel()
                await asyncio.gather(self._recovering, return_exceptions=True)
            self.broken.report.rows.append(self.row)

    async def _recover(self) -> float:
        healed_at = time.monotonic()
        async with self.broken.eye() as eye:
            meter = LagMeter(eye)
            while True:
                self.broken.house.check()
                lag = await meter.look()
                now = time.monotonic()
                caught_up = lag is not None and lag < LAG_SECONDS_MAX
                if caught_up and await asyncio.to_thread(self.broken.all_ready):
                    return now - healed_at
                assert now - healed_at < RECOVER_SECONDS_MAX, (
                    f"not recovered within {RECOVER_SECONDS_MAX} s: lag {lag} s {meter.trouble}"
                )
                await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _settle(self) -> None:
        """Wait for rest, count, and hold everything against everything."""
        house = self.broken.house
        self.row.unresolved = await at_rest(house, seconds_max=REST_SECONDS_MAX)
        try:
            # What the provider gave up on comes by backfill, after the rest.
            await eventually(self.broken.agrees, seconds_max=AGREE_SECONDS_MAX, every=0.5)
            await eventually(self._is_clean, seconds_max=AUDIT_SECONDS_MAX, every=1)
            await eventually(self._is_kept, seconds_max=KEEP_SECONDS_MAX, every=1)
        finally:
            bill = read_bill(house)
            self.row.messages = bill.accepted + bill.lost - self._before
            self._count(self._judgements or await audit_house(house), look(house).status)
        self._check()

    async def _is_clean(self) -> bool:
        """Whether every invariant holds, and nothing is under way any more."""
        self._judgements = await audit_house(self.broken.house)
        assert violations(self._judgements) == []
        assert [found for judged in self._judgements for found in judged.under_way] == []
        return True

    async def _is_kept(self) -> bool:
        """Whether the evidence log has all of it, and verifies."""
        bill = read_bill(self.broken.house)
        told = bill.accepted + bill.lost
        await expect_kept(self.broken.house, accepted=bill.accepted, told=told)
        return True

    def _count(self, judgements: Sequence[Judgement], status: Any) -> None:
        bill = read_bill(self.broken.house)
        wrong = count_wrong(
            judgements,
            taken=bill.accepted + bill.lost,
            received=status["messages"]["received"],
            available=status["fund"]["available_microeuros"],
            provider_url=self.broken.house.provider_url,
        )
        for name, count in wrong.items():
            setattr(self.row, name, count)

    def _check(self) -> None:
        row = self.row
        assert (row.lost, row.doubled, row.overspent) == (0, 0, 0), row


def count_wrong(
    judgements: Sequence[Judgement], *, taken: int, received: int, available: int, provider_url: str
) -> dict[str, int]:
    """What was lost, doubled, overspent: by the audit's ids, or by the bill where that says more.

    Args:
        taken: messages that the provider took for us.
        received: messages in our books.
        available: in the fund, micro-euros.
    """
    found = {one.invariant: {i for f in one.violations for i in f.ids} for one in judgements}
    return {
        "lost": max(len(found["I1"]), taken - received),
        "doubled": max(len(found["I3"]), count_doubled(provider_url)),
        "overspent": max(len(found["I2"]), int(available < 0)),
    }


def count_doubled(provider_url: str) -> int:
    """How many SMS the provider sent to somebody who had one already."""
    sent = call(f"{provider_url}/_sim/messages?direction=outbound")["messages"]
    to = [message["to"] for message in sent if message["amount_microunits"]]
    return len(to) - len(set(to))
