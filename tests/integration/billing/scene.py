"""Billing at a desk: a store, a log in memory, a clock that stands still, and nobody else."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry

from kernel.database.migrations import Schema, migrate
from kernel.database.pool import open_pool, role_of
from kernel.facts.records import Record, SmsReceived, decode_as
from kernel.facts.topics import BILLING_GROUP, PARTITIONS, READS, outgoing
from kernel.log.port import Partition
from kernel.sealing.privacy import Pseudonymizer
from kernel.settings.settings import load_settings
from kernel.stage.stage import Progress, Received, Stage
from kernel.telemetry.metrics import StageTelemetry, Telemetry
from kernel.values.errors import Transient
from services.billing.accountant import Accountant
from services.billing.core.ledger import Account, Balances, Movement, TransferKind, transfer
from services.billing.core.posture import take_donation
from services.billing.handler import BillingHandler
from services.billing.memory import MemoryStore
from services.billing.metrics import Metrics
from services.billing.operator_books import PostgresOperatorStore
from services.billing.settings import UNREAD_MAX, BillingSettings, read_settings
from services.billing.store import PostgresStore, Store
from tests.fakes.clock import ManualClock
from tests.fakes.log import MemoryLog, house_log
from tests.support.operator_api import OWN_NUMBER, PUBLIC_KEY, TOKEN
from tests.unit.billing.cases import EURO, HOUR, NOW, judged, received

SCHEMA = Schema("billing", Path("services/billing/sql").resolve())
PSEUDONYM_KEY = bytes(range(32))
PSEUDONYMIZER = Pseudonymizer(PSEUDONYM_KEY)
TRIES_MAX = 100
R = TypeVar("R", bound=Record)

Moved = tuple[str, str, str, str, str, int]
"""A transfer without its time: id, kind, subject, debit, credit, amount."""


def make_settings(**overrides: Any) -> BillingSettings:
    """Billing's settings: the defaults, but for the night."""
    values: dict[str, Any] = {
        "operator_token": TOKEN,
        "number": OWN_NUMBER,
        "pseudonym_key": PSEUDONYM_KEY.hex(),
        "sending_public_key": PUBLIC_KEY.hex(),
        "quiet_hours": "off",
    }
    return read_settings(load_settings(**values | overrides))


def phone(number: int) -> str:
    return f"+3363998{number:04}"


def sender(number: int) -> str:
    """The pseudonym of the phone of that number."""
    return PSEUDONYMIZER.pseudonym(phone(number))


def texts(*numbers: int, **fields: Any) -> list[Record]:
    """A text of each, received an hour ago."""
    at = NOW - HOUR
    return [received(f"m-{n}", sender=sender(n), at=at, **fields) for n in numbers]


def verdicts(*numbers: int, **fields: Any) -> list[Record]:
    """They deserve a reply, unless said otherwise; who has the smaller number is a bit better."""
    return [
        judged(
            f"m-{n}", sender=sender(n),
            **{"score": -n / 1000} | fields,
        )
        for n in numbers
    ]  # fmt: skip


def read_to(lag: int = 0, at: datetime = NOW) -> Progress:
    """All receipts are read but for so many, as of then."""
    lags = {Partition(SmsReceived.TOPIC, n): lag if n == 0 else 0 for n in range(PARTITIONS)}
    return Progress(lags=lags, at=at)


@dataclass
class Desk:
    """Billing, driven by hand."""

    store: Any
    settings: BillingSettings
    log: MemoryLog
    clock: ManualClock
    telemetry: Telemetry
    accountant: Accountant
    handler: BillingHandler
    operator: PostgresOperatorStore | None = None

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def hear(self, *records: Record) -> None:
        """Handle a batch, again if the database cannot now, as the stage does."""
        batch = [Received(r, Partition(r.TOPIC, 0), self.now) for r in records]
        for _ in range(TRIES_MAX):
            try:
                assert await self.handler.handle(batch, self.now) == ()
            except Transient:
                continue
            return
        raise AssertionError(f"the database could not {TRIES_MAX} times")

    async def look(self, lag: int = 0) -> int:
        """Let the timer run until it has nothing to tell. Returns how much it told."""
        told = 0
        for _ in range(TRIES_MAX):
            try:
                due = await self.handler.due(read_to(lag, self.now), self.now)
            except Transient:
                continue
            if not due.records:
                return told
            await self.log.append(due.records)
            assert due.mark is not None
            await due.mark()
            told += len(due.records)
        raise AssertionError(f"there was something to tell {TRIES_MAX} times")

    async def wait(self, hours: int, lag: int = UNREAD_MAX + 1) -> None:
        """Let time pass while billing looks, and for all that is unread pays nobody."""
        step = self.settings.unlooked_max
        for _ in range(int(timedelta(hours=hours) / step)):
            self.clock.advance(step.total_seconds())
            await self.look(lag)

    async def give(self, amount: int = 100 * EURO, of: str = "gift") -> None:
        """Put money into the fund, as the operator does."""
        gift = Movement(TransferKind.DONATION, Account.DONATIONS, Account.FUND, amount)
        async with self.store.transaction() as work:
            standing = await work.load_standing()
            await work.add_transfers([transfer(gift, of, self.now)])
            balances = await work.read_balances()
            await work.save_standing(take_donation(standing, balances, self.now))

    def told(self, kind: type[R]) -> list[R]:
        """What the topic holds, decoded."""
        return [decode_as(kind, record.value) for record in self.log.read_all(kind.TOPIC)]

    async def balances(self) -> Balances:
        async with self.store.transaction() as work:
            found: Balances = await work.read_balances()
        assert sum(found.values()) == 0
        return found

    async def count(self, *names: str) -> list[int]:
        """Tallies by their names."""
        async with self.store.transaction() as work:
            counts = await work.read_tallies()
        return [counts.get(name, 0) for name in names]

    async def state(self, number: int) -> tuple[str, str]:
        """State and reason of the reply to a phone's text."""
        async with self.store.transaction() as work:
            reply = (await work.load_replies([f"m-{number}"]))[f"m-{number}"]
        return reply.state.value, reply.reason

    async def transfers(self) -> list[Moved]:
        """All that was booked, by id."""
        if isinstance(self.store, MemoryStore):
            kept = self.store.tables.transfers.values()
            return sorted(
                (t.id, t.kind.value, t.subject, t.debit.value, t.credit.value, t.amount_microeuros)
                for t in kept
            )
        rows = await self.rows("SELECT * FROM transfers")
        return sorted(
            (r["id"].hex, r["kind"], r["subject"], r["debit"], r["credit"], r["amount_microeuros"])
            for r in rows
        )

    async def rows(self, query: str) -> Sequence[Any]:
        """What PostgreSQL holds."""
        async with self.store.transaction() as work:
            found: Sequence[Any] = await work._connection.fetch(query)
        return found

    def stage(self) -> Stage:
        """The real stage of it."""
        return Stage(
            name="billing",
            group=BILLING_GROUP,
            topics=READS[BILLING_GROUP],
            log=self.log,
            handler=self.handler,
            clock=self.clock,
            metrics=StageTelemetry(self.telemetry, "billing"),
        )

    async def append(self, *records: Record) -> None:
        """Put records into the log, for a stage."""
        await self.log.append([outgoing(record) for record in records])


def make_desk(
    store: Store,
    settings: BillingSettings | None = None,
    log: MemoryLog | None = None,
    clock: ManualClock | None = None,
    count_lag: Callable[[], Awaitable[int]] | None = None,
) -> Desk:
    """Billing over this store; give it another's log and clock to make it a second member.

    Args:
        count_lag: the group's lag; None: as the log says.
    """
    settings, clock = settings or make_settings(), clock or ManualClock(NOW)
    log = log or house_log(clock)
    telemetry = Telemetry(CollectorRegistry())
    metrics = Metrics(telemetry)

    async def ask_log() -> int:
        return sum((await log.group_lag(BILLING_GROUP, SmsReceived.TOPIC)).values())

    accountant = Accountant(store, count_lag or ask_log, settings, clock, metrics)

    async def keep(_: datetime) -> None:
        if desk.operator is not None:
            await desk.operator.tell(log.append)

    handler = BillingHandler(store, settings, accountant, metrics, keep)
    desk = Desk(store, settings, log, clock, telemetry, accountant, handler)
    return desk


@asynccontextmanager
async def open_desk(database_url: str, **settings: Any) -> AsyncIterator[Desk]:
    """Billing on PostgreSQL, with its operator's books."""
    await migrate(database_url, [SCHEMA])
    async with open_pool(
        database_url, role=role_of("billing"), schema="billing", size_max=6
    ) as pool:
        store = PostgresStore(pool)
        desk = make_desk(store, make_settings(**settings))
        desk.operator = PostgresOperatorStore(pool, store, desk.accountant, desk.settings)
        yield desk
