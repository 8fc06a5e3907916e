"""What the filter's stage does with what it reads: load, let the core decide, save, tell."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from antirelou.log.port import Outgoing
from antirelou.records import ReplyChanged, SenderBlocked, SenderRecord, SmsReceived
from antirelou.stage import Due, Progress, Received
from antirelou.topics import outgoing
from services.filter.core.campaign import Span, fingerprint
from services.filter.core.docket import Changes, Docket, Event, judge_due
from services.filter.core.retention import plan_cutoffs
from services.filter.core.sender import Arrival, span_to_count
from services.filter.core.verdict import Rules
from services.filter.metrics import Metrics
from services.filter.settings import FilterSettings
from services.filter.store import Store, Transaction

T = TypeVar("T")

DUE_MAX = 1000
"""Verdicts of one look; the stage looks again at once while there are any."""
PRUNE_MAX = 5000
"""Rows deleted of each table in one look."""
COUNT_EVERY = timedelta(seconds=2)
STEPS_TO_SEND = 2
"""Of the event loop, until a statement has left for the database."""
PRUNING_PARTITION = 0
"""Who holds it prunes, so that members do not get into each other's way."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far the partitions of ``sms.received`` that we hold were read.

    Attributes:
        by_partition: what was appended before this instant has been handled.
        whole: the same for all of them: a campaign's texts are in many partitions.
    """

    by_partition: dict[int, datetime]
    whole: datetime


class FilterHandler:
    """The ``Handler`` of the filter's stage.

    A verdict given while a batch is handled is its output, and again if the batch comes again; one
    on a deliberated message is a row that the timer tells.
    """

    def __init__(self, store: Store, settings: FilterSettings, metrics: Metrics) -> None:
        self._store, self._settings, self._metrics = store, settings, metrics
        self._rules: Rules | None = None
        self._counted_at: datetime | None = None
        self._count_stale = True
        self._prune_at: datetime | None = None

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
        """See ``stage.Handler``."""
        rules = await self._load_rules()
        async with self._store.transaction() as store:
            # While the database looks we read the texts; while it writes we walk.
            async with _meanwhile(store.load(*_keys(batch))) as loading:
                events = [_event(received, rules) for received in batch]
            docket = Docket(events, await loading, rules, now)
            counts: dict[Span, int] = {}
            async with _meanwhile(store.add_sightings(docket.sightings())):
                needed = docket.walk(counts)
            while needed:
                counts |= await self._count(store, needed, rules)
                needed = docket.walk(counts)
            changes = docket.changes()
            async with _meanwhile(store.save(changes, rules.window)):
                outputs = [outgoing(verdict) for verdict in docket.told()]
        self._note(changes)
        return outputs

    async def due(self, progress: Progress, now: datetime) -> Due:
        """Judge what is due, tell what was judged, count and prune now and then."""
        horizon = _read_horizon(progress, now)
        if horizon is None:
            return Due()
        partitions = sorted(horizon.by_partition)
        next_due = await self._store.next_due(partitions)
        if next_due is not None and next_due < max(horizon.by_partition.values()):
            await self._judge(horizon, now)
            next_due = await self._store.next_due(partitions)
        verdicts = await self._store.load_unemitted(partitions, DUE_MAX)
        times = [
            next_due,
            await self._count_deliberating(partitions, now),
            await self._prune(horizon, next_due, now),
        ]
        return Due(
            records=[outgoing(verdict) for verdict in verdicts],
            mark=partial(self._store.mark_emitted, [verdict.id for verdict in verdicts], now)
            if verdicts
            else None,
            next_at=min((at for at in times if at is not None), default=None),
        )

    async def _load_rules(self) -> Rules:
        if self._rules is None:
            self._rules = self._settings.build_rules(await self._store.load_key())
        return self._rules

    async def _judge(self, horizon: Horizon, now: datetime) -> None:
        rules = await self._load_rules()
        async with self._store.transaction() as store:
            senders = await store.load_due(horizon.by_partition, horizon.whole, DUE_MAX)
            if not senders:
                return
            spans = [span_to_count(sender, rules) for sender in senders]
            counts = await self._count(store, [span for span in spans if span], rules)
            changes = judge_due(senders, counts, rules, now)
            await store.save(changes, rules.window)
        self._note(changes)

    async def _count(
        self, store: Transaction, spans: Sequence[Span], rules: Rules
    ) -> dict[Span, int]:
        campaign = rules.campaign
        return await store.count_campaigns(spans, campaign.window, campaign.senders_min)

    def _note(self, changes: Changes) -> None:
        self._metrics.judged(changes.verdicts())
        self._count_stale = True

    async def _count_deliberating(
        self, partitions: Sequence[int], now: datetime
    ) -> datetime | None:
        """Count if something changed, but not at every look. Returns when to count."""
        if not self._count_stale:
            return None
        if self._counted_at is not None and now < self._counted_at + COUNT_EVERY:
            return self._counted_at + COUNT_EVERY
        self._counted_at, self._count_stale = now, False
        self._metrics.deliberating(await self._store.count_deliberating(partitions))
        return None

    async def _prune(
        self, horizon: Horizon, next_due: datetime | None, now: datetime
    ) -> datetime | None:
        """Delete what is no longer needed, a bounded part at a time. Returns when to go on."""
        if PRUNING_PARTITION not in horizon.by_partition:
            return None
        if self._prune_at is None:
            self._prune_at = now + self._settings.prune_every
        if now >= self._prune_at:
            cutoffs = plan_cutoffs(now, horizon.whole, next_due, self._settings.retention)
            done = await self._store.prune(cutoffs, PRUNE_MAX)
            self._prune_at = now + self._settings.prune_every if done else now
        return self._prune_at


def _read_horizon(progress: Progress, now: datetime) -> Horizon | None:
    """None: we hold nothing."""
    by_partition = {
        partition.number: min(at, now)
        for partition, at in progress.watermarks.items()
        if partition.topic == SmsReceived.TOPIC
    }
    return Horizon(by_partition, min(by_partition.values())) if by_partition else None


def _event(received: Received, rules: Rules) -> Event:
    record = received.record
    if isinstance(record, SmsReceived):
        digest = fingerprint(record.text, rules.campaign.key)
        return Arrival(record, received.partition.number, digest)
    assert isinstance(record, ReplyChanged | SenderBlocked), record.TOPIC  # noqa: S101
    return record


def _keys(batch: Iterable[Received]) -> tuple[set[str], set[str], set[str]]:
    """The senders, message ids and nonces of a batch."""
    senders, message_ids, nonces = set(), set(), set()
    for received in batch:
        record = received.record
        assert isinstance(record, SenderRecord), record.TOPIC  # noqa: S101
        senders.add(record.sender)
        if isinstance(record, SmsReceived):
            message_ids.add(record.id)
            if record.nonce is not None:
                nonces.add(record.nonce)
    return senders, message_ids, nonces


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Let the work begin, do something else, and have it done at the end."""
    task = asyncio.create_task(work)  # not in a group: its own error is to be raised
    try:
        for _ in range(STEPS_TO_SEND):
            await asyncio.sleep(0)
        yield task
    except BaseException:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    await task
