"""The house in virtual time: the handlers of the filter and of billing, on stores in memory.

Time goes on by whole minutes while anything is under way and leaps over what is quiet. Each minute
the door takes what arrived, the judge judges what is due, the accountant pays for whom he may, and
the provider, who never fails here, sends at ``SEND_RATE`` and charges the tariff. The order within
a minute is fixed and nothing else is read, so the same trace and settings give the same bytes.
"""

import hashlib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from antirelou.commands.rehearse.course import Course, Fate, Glance
from antirelou.commands.rehearse.trace import TraceLine
from kernel.facts.records import (
    Posture,
    Record,
    ReplyAuthorized,
    ReplyChanged,
    ReplyState,
    SignatureMode,
    SmsJudged,
    SmsReceived,
    decode,
    derive_id,
    derive_trace,
)
from kernel.facts.topics import PARTITIONS
from kernel.log.port import Outgoing, Partition
from kernel.sealing.identity import Identifier
from kernel.sealing.privacy import public_half
from kernel.settings.settings import Settings
from kernel.stage.stage import Due, Progress, Received
from kernel.telemetry.metrics import Telemetry
from kernel.values.text import segment_text
from services.billing.accountant import Accountant
from services.billing.core.ledger import Account, Movement, TransferKind, transfer
from services.billing.core.posture import take_donation
from services.billing.handler import BillingHandler
from services.billing.memory import MemoryStore as Books
from services.billing.metrics import Metrics as BillingMetrics
from services.billing.settings import read_settings as read_billing_settings
from services.filter.handler import FilterHandler
from services.filter.memory import MemoryStore as Judgements
from services.filter.metrics import Metrics as FilterMetrics
from services.filter.settings import read_settings as read_filter_settings

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
HOPELESS = timedelta(hours=48)
"""After the trace's end, suspended for so long without a change: it will stay so."""
NUMBER = "+33937000000"
"""Ours, where no setting names one."""
KEY = hashlib.sha256(b"antirelou rehearse").digest()
"""Of pseudonyms and hashes: nothing leaves the process, and the same must come out each time."""
DETACHED = "detached"
ALL_PARTITIONS = tuple(range(PARTITIONS))
GLANCE_EVERY = timedelta(minutes=15)
PRUNE_EVERY = timedelta(days=1)


class VirtualClock:
    """A ``Clock`` that is set."""

    def __init__(self) -> None:
        self.at = datetime(2000, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """See ``Clock``."""
        return self.at

    def monotonic(self) -> float:
        """See ``Clock``."""
        return self.at.timestamp()


class RehearsalHouse:
    """Takes a trace, part by part, and lets it pass.

    Args:
        settings: as the services would be run with, ``CLOCK_SPEED`` 1.
        fund_microeuros: donated when the first message arrives.
    """

    def __init__(self, settings: Settings, fund_microeuros: int) -> None:
        settings = _complete(settings)
        self._settings, self._fund = settings, fund_microeuros
        self._number = settings.number or NUMBER
        self._clock = VirtualClock()
        self._identifier = Identifier(KEY, public_half(KEY), self._number, self._clock)
        self._books = Books(snapshots=False)
        telemetry = Telemetry(CollectorRegistry())
        self._judgements = Judgements(KEY)
        self._filter = FilterHandler(
            self._judgements,
            replace(read_filter_settings(settings), prune_every=PRUNE_EVERY),
            FilterMetrics(telemetry),
        )
        # Nobody releases in virtual time: it is rehearsed as though the house did.
        billing = replace(read_billing_settings(settings), by_person=False)
        metrics = BillingMetrics(telemetry)
        self._accountant = Accountant(self._books, _nothing_unread, billing, self._clock, metrics)
        self._billing = BillingHandler(self._books, billing, self._accountant, metrics, _keep)
        self._arrived: list[TraceLine] = []
        self._outbox: deque[ReplyAuthorized] = deque()
        self._taken: set[str] = set()
        self._free_at = self._clock.at
        self._next_tick: datetime | None = None
        self._next_due: datetime | None = None
        self._quiet_since: datetime | None = None
        self.course = Course()

    async def feed(self, lines: Iterable[TraceLine]) -> None:
        """Let these arrive, in order of time; may be called again with what comes after."""
        for line in lines:
            if self._next_tick is None:
                await self._open(line.at)
            await self._pass_until(line.at)
            self._arrived.append(line)

    async def finish(self) -> Course:
        """Let the last arrive, and all that waits be paid or expire. Returns the whole course."""
        if self._next_tick is None:
            return self.course
        ended_at = self._next_tick
        latest = ended_at + self._settings.fund_horizon + 4 * self._settings.max_wait
        while not self._is_over(ended_at) and self._next_tick < latest:
            await self._tick()
        self._glance(self._clock.at)
        self._settle()
        return self.course

    # -- time --------------------------------------------------------------------------------------

    async def _open(self, at: datetime) -> None:
        """Donate, and set the clock to the minute of the first message."""
        at = at.astimezone(UTC)
        self._clock.at = at.replace(second=0, microsecond=0)
        self._next_tick = self._clock.at + MINUTE
        self._free_at = self._clock.at
        if not self._fund:
            return
        async with self._books.transaction() as store:
            given = Movement(TransferKind.DONATION, Account.DONATIONS, Account.FUND, self._fund)
            await store.add_transfers([transfer(given, "fund", self._clock.at)])
            standing, balances = await store.load_standing(), await store.read_balances()
            await store.save_standing(take_donation(standing, balances, self._clock.at))

    async def _pass_until(self, at: datetime) -> None:
        """Run all minutes that end before ``at``; leap over those in which nothing can happen."""
        assert self._next_tick is not None
        while self._next_tick <= at:
            await self._tick()
            if self._is_idle() and self._next_tick < at:
                awake = min(at, self._next_due or at).astimezone(UTC)
                minute = awake.replace(second=0, microsecond=0)
                self._next_tick = max(self._next_tick, minute)

    def _is_idle(self) -> bool:
        return not (self._arrived or self._outbox or self._waiting())

    def _waiting(self) -> int:
        return self._books.tables.tallies.get("reply.waiting", 0)

    def _is_over(self, ended_at: datetime) -> bool:
        """Nothing is under way, or nothing that is will ever be paid."""
        if self._arrived or self._outbox or self._next_due is not None:
            return False
        if not self._waiting():
            return True
        hopeless = self._books.tables.standing.posture is Posture.SUSPENDED
        if not hopeless:
            self._quiet_since = None
            return False
        self._quiet_since = self._quiet_since or self._clock.at
        return self._clock.at - max(self._quiet_since, ended_at) > HOPELESS

    # -- one minute --------------------------------------------------------------------------------

    async def _tick(self) -> None:
        assert self._next_tick is not None
        now = self._clock.at = self._next_tick
        self._next_tick += MINUTE
        await self._receive(now)
        await self._judge(now)
        await self._pay(now)
        await self._send(now)
        self._glance_if_due(now)

    async def _receive(self, now: datetime) -> None:
        arrived, self._arrived = self._arrived, []
        if not arrived:
            return
        attached = self._books.tables.standing.attach
        records = []
        for line in arrived:
            if line.id in self.course.fates:
                self.course.repeated += 1
                continue
            fate = self.course.fates[line.id] = Fate(line.id, line.at)
            if attached:
                records.append(self._record(line))
            else:
                fate.reason = DETACHED
        if records:
            batch = [_received(record) for record in records]
            told = await self._filter.handle(batch, now)
            await self._billing.handle(batch, now)
            await self._hear_verdicts(_verdicts(told), now)

    async def _judge(self, now: datetime) -> None:
        self._next_due = await self._judgements.next_due(ALL_PARTITIONS)
        while self._next_due is not None and self._next_due < now:
            due = await self._filter.due(_progress(now), now)
            await self._tell(due, now)
            self._next_due = await self._judgements.next_due(ALL_PARTITIONS)

    async def _pay(self, now: datetime) -> None:
        while True:
            due = await self._accountant.due(_progress(now), now)
            await self._tell(due, now)
            if not due.records:
                return

    async def _send(self, now: datetime) -> None:
        """What the rate and the night let go by now; each settles at once."""
        sent: list[Record] = []
        pause = timedelta(seconds=1 / self._settings.send_rate)
        quiet = self._settings.quiet
        while self._outbox:
            at = max(self._free_at, self._outbox[0].at)
            at = quiet.next_loud(at) if quiet is not None else at
            if at > now:
                break
            authorized = self._outbox.popleft()
            self._free_at = at + pause
            self.course.fates[authorized.id].replied_at = at
            sent.append(_delivered(authorized, at))
        await self._hear(sent, now)

    async def _tell(self, due: Due, now: datetime) -> None:
        """Pass on what a timer told."""
        records = [decode(told.topic, told.value) for told in due.records]
        if due.mark is not None:
            await due.mark()
        for record in records:
            # What waits in the outbox for long is told again; it is sent once.
            if isinstance(record, ReplyAuthorized) and record.id not in self._taken:
                self._taken.add(record.id)
                self._outbox.append(record)
        await self._hear_verdicts([r for r in records if isinstance(r, SmsJudged)], now)
        await self._hear([record for record in records if isinstance(record, ReplyChanged)], now)

    async def _hear_verdicts(self, verdicts: Sequence[SmsJudged], now: datetime) -> None:
        for verdict in verdicts:
            fate = self.course.fates[verdict.id]
            fate.decision, fate.reason = verdict.decision.value, verdict.reason.value
            fate.score, fate.due_at = verdict.score, verdict.due_at
        if verdicts:
            await self._billing.handle([_received(verdict) for verdict in verdicts], now)

    async def _hear(self, changes: Sequence[Record], now: datetime) -> None:
        """What became of replies: billing and the filter both hear of it."""
        if changes:
            batch = [_received(change) for change in changes]
            await self._billing.handle(batch, now)
            await self._filter.handle(batch, now)

    # -- records -----------------------------------------------------------------------------------

    def _record(self, line: TraceLine) -> SmsReceived:
        """The record that ingest would make of it."""
        sender = self._identifier.identify(line.sender, self._number)
        self.course.senders.add(sender.pseudonym)
        return SmsReceived(
            id=line.id,
            trace=derive_trace(line.id),
            at=line.at.astimezone(UTC),
            sender=sender.pseudonym,
            sender_kind=sender.facts.kind,
            sender_sealed=sender.number_sealed,
            blocks=sender.blocks,
            country=sender.facts.country,
            to_ours=sender.to_ours,
            text=line.text,
            segments=segment_text(line.text or "").segments,
            signature=SignatureMode.NONE,
        )

    # -- what is seen ------------------------------------------------------------------------------

    def _glance_if_due(self, now: datetime) -> None:
        seen = self.course.glances
        standing = self._books.tables.standing
        if seen and now - seen[-1].at < GLANCE_EVERY:
            last = seen[-1]
            if (last.posture, last.cause, last.attached) == (
                standing.posture, standing.cause, standing.attach,
            ):  # fmt: skip
                return
        self._glance(now)

    def _glance(self, now: datetime) -> None:
        tables = self._books.tables
        balances = tables.balances
        self.course.glances.append(
            Glance(
                at=now,
                received=tables.tallies.get("received", 0),
                waiting=self._waiting(),
                posture=tables.standing.posture.value,
                cause=tables.standing.cause.value,
                attached=tables.standing.attach,
                available=balances[Account.FUND],
                spent_receive=balances[Account.SPENT_RECEIVE],
                spent_reply=balances[Account.SPENT_REPLY],
                reserved=balances[Account.RESERVED],
            )
        )

    def _settle(self) -> None:
        """Write to each message what it cost."""
        tables = self._books.tables
        for fate in self.course.fates.values():
            receipt, reply = tables.receipts.get(fate.id), tables.replies.rows.get(fate.id)
            fate.cost_microeuros = (receipt.cost_microeuros if receipt else 0) + (
                reply.cost_microeuros if reply else 0
            )


async def _nothing_unread() -> int:
    return 0


async def _keep(now: datetime) -> None:
    """Nobody operates a rehearsal, and nobody looks at its gauges."""


def _complete(settings: Settings) -> Settings:
    """With what the services require and a rehearsal has no use for."""
    key = SecretStr(KEY.hex())
    return settings.model_copy(
        update={
            "number": settings.number or NUMBER,
            "operator_token": key,
            "pseudonym_key": key,
            "sending_public_key": key,
        }
    )


def _received(record: Record) -> Received:
    return Received(record, Partition(record.TOPIC, _partition_of(record)), record.at)


def _partition_of(record: Record) -> int:
    return int.from_bytes(record.key()[:4], "little") % PARTITIONS


def _progress(now: datetime) -> Progress:
    """Everything that was appended is read."""
    held = [Partition(SmsReceived.TOPIC, number) for number in ALL_PARTITIONS]
    return Progress(dict.fromkeys(held, now), dict.fromkeys(held, 0), now)


def _verdicts(told: Sequence[Outgoing]) -> list[SmsJudged]:
    """The verdicts among what was told."""
    return [
        record
        for outgoing in told
        if isinstance(record := decode(outgoing.topic, outgoing.value), SmsJudged)
    ]


def _delivered(authorized: ReplyAuthorized, at: datetime) -> ReplyChanged:
    """What the responder would tell in the end; the amount is not told: the tariff is booked."""
    return ReplyChanged(
        id=derive_id(authorized.id, 1, "responder"),
        trace=authorized.trace,
        at=at,
        sender=authorized.sender,
        reply_id=authorized.id,
        sequence=1,
        by="responder",
        kind=authorized.kind,
        state=ReplyState.DELIVERED,
        due_at=authorized.due_at,
        final=True,
    )
