"""What the filter's stage does with what it reads: load, let the core decide, save, tell."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog

from kernel.facts.records import ReplyChanged, SenderBlocked, SenderRecord, SmsReceived
from kernel.facts.topics import PARTITIONS, outgoing
from kernel.log.port import Outgoing
from kernel.stage.stage import Due, Progress, Received
from kernel.upkeep.upkeep import Upkeep
from kernel.values.errors import Transient
from services.filter.core.docket import Changes, Docket, Event, judge_due, questions_of
from services.filter.core.group import LOOK_EVERY, Group, ReadUntil, Told
from services.filter.core.lore import Lore
from services.filter.core.retention import plan_cutoffs
from services.filter.core.sender import Arrival
from services.filter.core.tally import CONTACTS, Counts, Question, add_counts, bucket_of, end_of
from services.filter.core.verdict import Rules
from services.filter.metrics import Metrics
from services.filter.settings import FilterSettings
from services.filter.store import Store

LOG = structlog.get_logger("filter")

T = TypeVar("T")

DUE_MAX = 1000
"""Verdicts of one look; the stage looks again at once while there are any."""
PRUNE_MAX = 5000
"""Rows deleted of each table in one statement."""
COUNT_EVERY = timedelta(seconds=2)
STEPS_TO_SEND = 2
"""Of the event loop, until a statement has left for the database."""
PRUNING_PARTITION = 0
"""Who holds it prunes, so that members do not get into each other's way."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far ``sms.received`` was read.

    Attributes:
        partitions: that we hold, in order.
        read_until: what was appended before this instant, to any partition held and, once the
            group was asked, to any at all, has been handled: a verdict counts what is in all.
    """

    partitions: list[int]
    read_until: datetime


class FilterHandler:
    """The ``Handler`` of the filter's stage.

    A verdict given while a batch is handled is its output, and again if the batch comes again; one
    on a deliberated message is a row that the timer tells.
    """

    def __init__(self, store: Store, settings: FilterSettings, metrics: Metrics) -> None:
        self._store, self._settings, self._metrics = store, settings, metrics
        self._rules: Rules | None = None
        self._count_stale = True
        self._group = Group()
        self._absent: frozenset[int] = frozenset()
        self._turn = asyncio.Lock()
        """A batch or a look is worked out at a time: else one would undo the other's senders."""
        self.upkeep = Upkeep("filter", metrics.telemetry)

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
        """See ``stage.Handler``."""
        rules = await self._load_rules()
        async with self._turn:
            # While the database looks we read the texts; while it writes we tell.
            async with _meanwhile(self._store.load(*_keys(batch))) as loading:
                events = [_event(received) for received in batch]
            loaded = await loading
            docket = Docket(events, loaded, rules, now)
            changes = await self._walk(docket)
            saving = self._store.save(changes, loaded.versions, rules.window, _shard_of(batch))
            async with _meanwhile(saving):
                outputs = [outgoing(verdict) for verdict in docket.told()]
        self._note(changes)
        return outputs

    async def _walk(self, docket: Docket) -> Changes:
        answers: dict[Question, int] = {}
        lore: Lore | None = None
        while needed := docket.walk(answers, lore):
            lore = lore or await self._load_lore(docket.counts)
            found = await self._store.answer(needed)
            add_counts(found, docket.counts)
            answers |= found
        if lore is None and docket.needs_lore:
            lore = await self._load_lore(docket.counts)
        return docket.changes(lore)

    async def _load_lore(self, counts: Counts) -> Lore:
        """What was learnt, and with what this batch counted how many came."""
        contacts = Counter(await self._store.read_contacts())
        contacts.update({bucket: n for (key, bucket), n in counts.items() if key == CONTACTS})
        return Lore(contacts, await self._store.read_learnt())

    async def due(self, progress: Progress, now: datetime) -> Due:
        """Judge what is due, tell what was judged; beside it, count and prune now and then."""
        held = _read_watermarks(progress)
        own = _read_horizon(held, now)
        if own is None:
            return Due()
        try:
            horizon, others_due = await self._look_at_others(own, held, now)
        except Transient:
            self._group.forget()
            raise
        next_due = await self._store.next_due(own.partitions)
        if next_due is not None and next_due < horizon.read_until:
            await self._judge(horizon, next_due, now)
            next_due = await self._store.next_due(own.partitions)
        verdicts = await self._store.load_unemitted(own.partitions, DUE_MAX)
        times = [
            next_due,
            self._count(own.partitions, now),
            self._prune(horizon, _earliest(next_due, others_due), now),
        ]
        if len(own.partitions) < PARTITIONS:
            if next_due is not None and horizon.read_until <= next_due < own.read_until:
                times.remove(next_due)  # it waits for the others, whom no read of ours brings on
            times.append(now + LOOK_EVERY)
        return Due(
            records=[outgoing(verdict) for verdict in verdicts],
            mark=partial(self._store.mark_emitted, [verdict.id for verdict in verdicts], now)
            if verdicts
            else None,
            next_at=_earliest(*times),
        )

    async def _look_at_others(
        self, own: Horizon, held: ReadUntil, now: datetime
    ) -> tuple[Horizon, datetime | None]:
        """How far all partitions were read, and when the next of the others' is due.

        Whoever holds all of them asks nobody and tells nobody.
        """
        others = set(range(PARTITIONS)).difference(held)
        told: Mapping[int, Told] = {}
        due: datetime | None = None
        if others:
            told = await self._store.read_progress()
            due = await self._store.next_due(sorted(others))
            if self._group.plan(held, told, due, now):
                await self._store.tell_progress(held, now)
        view = self._group.look(others, told, now)
        if view.absent != self._absent:
            LOG.warning("partitions_absent", partitions=sorted(view.absent))
            self._absent = view.absent
        self._metrics.absent(len(view.absent))
        if view.read_until is None:
            return own, due
        return replace(own, read_until=min(own.read_until, view.read_until)), due

    async def _load_rules(self) -> Rules:
        if self._rules is None:
            self._rules = self._settings.build_rules(await self._store.load_key())
        return self._rules

    async def _judge(self, horizon: Horizon, next_due: datetime, now: datetime) -> None:
        """Of a bucket at a time, be it long ago: each learns of those that were due before."""
        rules = await self._load_rules()
        until = min(horizon.read_until, end_of(bucket_of(next_due, rules.bucket), rules.bucket))
        async with self._turn:
            loaded = await self._store.load_due(horizon.partitions, until, DUE_MAX)
            senders = list(loaded.senders.values())
            if not senders:
                return
            answers = await self._store.answer(questions_of(senders, rules))
            changes = judge_due(senders, answers, await self._load_lore({}), rules, now)
            shard = horizon.partitions[0]
            await self._store.save(changes, loaded.versions, rules.window, shard)
        self._note(changes)

    def _note(self, changes: Changes) -> None:
        self._metrics.judged(changes.verdicts())
        self._count_stale = True

    def _count(self, partitions: Sequence[int], now: datetime) -> datetime | None:
        """Count if something changed, but not at every look. Returns when to count."""

        async def count() -> None:
            self._count_stale = False
            try:
                self._metrics.deliberating(await self._store.count_deliberating(partitions))
            except Exception:
                self._count_stale = True
                raise

        if not self._count_stale:
            return None
        return self.upkeep.begin("count", COUNT_EVERY, count, now)

    def _prune(self, horizon: Horizon, next_due: datetime | None, now: datetime) -> datetime | None:
        """Delete what is no longer needed, a bounded part at a time. Returns when to go on."""
        if PRUNING_PARTITION not in horizon.partitions:
            return None
        cutoffs = plan_cutoffs(now, horizon.read_until, next_due, self._settings.retention)
        work = partial(self._store.prune, cutoffs, PRUNE_MAX)
        return self.upkeep.begin("prune", self._settings.prune_every, work, now)


def _read_watermarks(progress: Progress) -> dict[int, datetime]:
    return {
        partition.number: at
        for partition, at in progress.watermarks.items()
        if partition.topic == SmsReceived.TOPIC
    }


def _read_horizon(held: ReadUntil, now: datetime) -> Horizon | None:
    """None: we hold nothing."""
    return Horizon(sorted(held), min(*held.values(), now)) if held else None


def _earliest(*times: datetime | None) -> datetime | None:
    return min((at for at in times if at is not None), default=None)


def _shard_of(batch: Sequence[Received]) -> int:
    """A row of its own for what each member counts: else they wait for each other."""
    held = (r.partition.number for r in batch if r.partition.topic == SmsReceived.TOPIC)
    return min(held, default=0)


def _event(received: Received) -> Event:
    record = received.record
    if isinstance(record, SmsReceived):
        return Arrival(record, received.partition.number)
    assert isinstance(record, ReplyChanged | SenderBlocked), record.TOPIC
    return record


def _keys(batch: Iterable[Received]) -> tuple[set[str], set[str], set[str]]:
    """The senders, message ids and nonces of a batch."""
    senders, message_ids, nonces = set(), set(), set()
    for received in batch:
        record = received.record
        assert isinstance(record, SenderRecord), record.TOPIC
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
