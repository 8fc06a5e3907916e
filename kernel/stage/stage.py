"""The stage: read a batch, handle it, append what it gives, commit (docs/design.md §4).

At least once, always: the commit comes last, so a crash anywhere before it reads the batch again,
and handlers give the same output for the same message. What is due later is emitted by the
stage's timer from rows that the handler's store keeps; a crash between append and mark emits
twice and loses nothing.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial, reduce
from typing import Any, Protocol, TypeVar

import structlog

from kernel.facts.records import Record, decode
from kernel.log.port import Batch, Log, LogRecord, Outgoing, Partition, Reader
from kernel.stage.dead import Death, Obituaries, Toll, bury, describe_error, is_foreign
from kernel.stage.trace import Follower
from kernel.values.clock import Clock
from kernel.values.errors import Fatal, Fenced, Rejected, Transient

LOG = structlog.get_logger("stage")

RETRY_SECONDS_MIN = 0.1
RETRY_SECONDS_MAX = 5.0
READ_SECONDS_MAX = 1.0
"""How long a read waits for a first record: bounds the age of the watermarks at rest."""
TOO_MANY_DEAD_SECONDS = 60.0
"""How long a stage waits that buries no more: each try costs the database some hundred calls."""
LAG_SECONDS_MAX = 0.1
"""How old the lags may be that the timer is given: a flood may have begun since."""


@dataclass(frozen=True, slots=True)
class Received:
    """A decoded record and the partition it came from."""

    record: Record
    partition: Partition
    appended_at: datetime


_Readable = tuple[Received, LogRecord]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far this member has handled what it holds.

    Attributes:
        watermarks: for every partition held, an instant W: whatever was appended before W has
            been handled and its outputs are durable.
        lags: for every partition held of which that is known, the records not yet given out;
            empty where the last read is longer ago than ``LAG_SECONDS_MAX``.
        at: when the read that it tells of began; None: nothing is known.
    """

    watermarks: Mapping[Partition, datetime] = field(default_factory=dict)
    lags: Mapping[Partition, int] = field(default_factory=dict)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What a timer found to emit.

    Attributes:
        records: to append, in this order.
        mark: called when they are durable, to note them as emitted; must be idempotent.
        next_at: when to look again at the latest, unless woken; None: only when woken.
    """

    records: Sequence[Outgoing] = ()
    mark: Callable[[], Awaitable[None]] | None = None
    next_at: datetime | None = None


class Handler(Protocol):
    """What a service gives to its stage. The handler owns transactions; the stage owns the log."""

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
        """Handle a batch in one transaction; return what to append.

        Called again with the same records after any crash, and then gives the same output. The
        batch keeps the order within each partition.

        Raises:
            Transient: nothing was changed; the stage waits and calls again.
            Fatal: nothing was changed and no record is to blame; the stage stops with it.
            Exception: anything else; nothing was changed. The stage calls again with ever smaller
                parts of the batch, in order, and what fails alone goes to the dead topic.
        """
        ...

    async def due(self, progress: Progress, now: datetime) -> Due:
        """What has come due by now. Raises as ``handle``, but for it nothing can be dead.

        Args:
            progress: as of the last read. It tells nothing (``Progress()``) before the first one,
                and from any trouble or rebalance on until the next.
        """
        ...


class StageMetrics(Protocol):
    """What a stage counts (``telemetry.StageTelemetry``)."""

    def batch(self, seconds: float, counts: Mapping[str, int]) -> None:
        """A batch was handled: how long it took, how many records of each topic."""
        ...

    def lag(self, lags: Mapping[str, int | None]) -> None:
        """For each topic, the records of the partitions held still to be read; None: unknown."""
        ...

    def dead(self, topic: str, reason: str) -> None:
        """A record went to its dead topic."""
        ...

    def gone(self, topic: str, count: int) -> None:
        """So many records went past their retention before they were read."""
        ...

    def failed(self, part: str) -> None:
        """A defect stopped the stage's ``reader`` or ``timer`` for a while."""
        ...


@dataclass(frozen=True, slots=True)
class StageLimits:
    """How much one batch may hold."""

    records_max: int = 2000
    bytes_max: int = 8_388_608


class Stage:
    """Runs one service's handler over its topics until it is told to drain.

    Args:
        name: the service's name.
        group, topics: the consumer group and what it reads.
        handler: decides; see ``Handler``.
    """

    def __init__(
        self,
        *,
        name: str,
        group: str,
        topics: Sequence[str],
        log: Log,
        handler: Handler,
        clock: Clock,
        metrics: StageMetrics,
        limits: StageLimits | None = None,
    ) -> None:
        self._name, self._group, self._topics = name, group, tuple(topics)
        self._log, self._handler, self._clock, self._metrics = log, handler, clock, metrics
        self._limits = limits or StageLimits()
        self._progress = Progress()
        self._obituaries = Obituaries(name, clock)
        self._toll = Toll()
        self._follower = Follower(name)
        self._draining = asyncio.Event()
        self._woken = asyncio.Event()
        self._asked = asyncio.Event()
        """Set: the timer waits for lags that are newer."""
        self._read_at: datetime | None = None
        self._published_at = float("-inf")
        self._next_due: datetime | None = None
        self._trouble: str | None = "starting"
        self._timer_trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """What keeps the stage from going on, for ``/readyz``; None when it goes."""
        return self._trouble or self._timer_trouble

    def wake(self) -> None:
        """Look for what is due now; called when something came due outside the log."""
        self._woken.set()

    def drain(self) -> None:
        """Finish the batch in hand, commit, leave the group; ``run`` then returns."""
        self._draining.set()
        self._woken.set()

    async def run(self) -> None:
        """Read, handle, append, commit, until drained.

        A defect of ours is logged and counted, and the stage begins anew a little later: it is not
        to end the process, which others share.

        Raises:
            Fatal: the handler or the log cannot go on; nothing was lost, and no record buried.
        """
        end: Fatal | None = None
        while not self._draining.is_set():
            try:
                await _owned(self._run_member())
            except* Transient as trouble:
                self._trouble = _first(trouble).code
                LOG.warning("stage_waits", service=self._name, code=self._trouble)
                await self._pause(RETRY_SECONDS_MAX / 5)
            except* Fatal as fatal:
                end = _first(fatal)
            except* Exception as defects:  # noqa: BLE001 - told below
                self._trouble = "stage_failed"
                self._note_defect("reader", _first(defects))
                await self._pause(RETRY_SECONDS_MAX)
            if end is not None:
                raise end
        self._obituaries.tell(all_of_it=True)

    def _note_defect(self, part: str, error: Exception) -> None:
        LOG.error("stage_failed", service=self._name, part=part, exc_info=error)
        self._count(lambda: self._metrics.failed(part))

    async def _run_member(self) -> None:
        try:
            async with (
                self._log.reader(self._group, self._topics) as reader,
                asyncio.TaskGroup() as tasks,
            ):
                tasks.create_task(_owned(self._run_reader(reader)))
                tasks.create_task(_owned(self._run_timer()))
        finally:
            self._void()

    async def _run_reader(self, reader: Reader) -> None:
        retry_seconds = RETRY_SECONDS_MIN
        while not self._draining.is_set():
            try:
                batch = await self._read(reader)
                self._tell_gone(batch.gone)
                if batch.records:
                    await self._until_done(partial(self._handle, batch.records))
                if batch.positions:
                    await self._until_done(partial(reader.commit, batch))
                if not self._draining.is_set():
                    self._publish(batch)
                retry_seconds = RETRY_SECONDS_MIN
            except Fenced:
                self._void()
                LOG.info("stage_fenced", service=self._name)
            except Transient as trouble:
                self._trouble = trouble.code
                self._void()
                LOG.warning("stage_waits", service=self._name, code=trouble.code)
                await self._pause(retry_seconds)
                retry_seconds = min(retry_seconds * 2, RETRY_SECONDS_MAX)

    async def _read(self, reader: Reader) -> Batch:
        """Read; a drain ends the wait at once, with nothing read, and one who asks ends it too."""
        if not self._asked.is_set():
            batch = await self._read_unless(reader, self._wait_seconds(), self._asked)
            if batch is not None:
                return batch
        return await self._read_unless(reader, 0.0) or Batch()

    async def _read_unless(
        self, reader: Reader, wait_seconds: float, *events: asyncio.Event
    ) -> Batch | None:
        """Read; None: one of the events came first, or a drain. A read cut off loses nothing."""
        self._read_at = self._clock.now()
        reading = asyncio.create_task(
            reader.read(
                records_max=self._limits.records_max,
                bytes_max=self._limits.bytes_max,
                wait_seconds=wait_seconds,
            )
        )
        waits = [asyncio.create_task(event.wait()) for event in (self._draining, *events)]
        try:
            await asyncio.wait({reading, *waits}, return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else None
        finally:
            for task in (reading, *waits):
                task.cancel()
            await asyncio.gather(reading, *waits, return_exceptions=True)

    def _tell_gone(self, gone: Mapping[Partition, int]) -> None:
        for partition, count in gone.items():
            topic, number = partition
            LOG.error(
                "records_gone", service=self._name, topic=topic, partition=number, records=count
            )
            self._count(lambda: self._metrics.gone(topic, count))  # noqa: B023 - called at once

    def _count(self, count: Callable[[], None]) -> None:
        """What only tells of the work does not fail it."""
        try:
            count()
        except Exception:
            LOG.exception("metric_failed", service=self._name)

    async def _until_done(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Handle and append, or commit; while a dependency is away, wait here, keep the place."""
        retry_seconds = RETRY_SECONDS_MIN
        while True:
            try:
                await attempt()
            except Fenced:
                raise
            except Transient as trouble:
                self._trouble = trouble.code
                self._void()
                LOG.warning("stage_waits", service=self._name, code=trouble.code)
                if self._draining.is_set():
                    raise  # uncommitted: whoever comes next reads it again
                too_many = trouble.code == "too_many_dead"
                await self._pause(TOO_MANY_DEAD_SECONDS if too_many else retry_seconds)
                retry_seconds = min(retry_seconds * 2, RETRY_SECONDS_MAX)
            else:
                return

    async def _handle(self, records: Sequence[LogRecord]) -> None:
        started = self._clock.monotonic()
        readable, deaths = _decode(records)
        received = [found for found, _ in readable]
        toll = reduce(self._mourn, deaths, self._toll)
        try:
            outputs = list(await self._handler.handle(received, self._clock.now()))
        except (Transient, Fatal):
            raise
        except Exception as error:
            outputs, more, toll = await self._handle_apart(readable, toll)
            deaths += more
            if not more:
                LOG.warning("batch_failed", service=self._name, exc_info=error)
        else:
            toll = toll.after(lived=len(received))
        await self._log.append([*outputs, *map(self._bury, deaths)])
        self._toll = toll
        if outputs:
            self._woken.set()
        for death in deaths:  # counted when it is on the dead topic: an append may be tried again
            self._metrics.dead(death.record.topic, describe_error(death.error)[0])
            self._obituaries.note(death)
        counts: dict[str, int] = {}
        for record in records:
            counts[record.topic] = counts.get(record.topic, 0) + 1
        now = self._clock.monotonic()
        self._metrics.batch(now - started, counts)
        self._follower.follow([one.record for one in received], now)

    async def _handle_apart(
        self, readable: Sequence["_Readable"], toll: Toll
    ) -> tuple[list[Outgoing], list[Death], Toll]:
        """Halve what failed, in order, until the records to blame stand alone.

        Of n records of which k are to blame that takes about k·log₂ n calls, at most 2n.

        Raises:
            Transient: ``too_many_dead``.
        """
        outputs: list[Outgoing] = []
        deaths: list[Death] = []
        parts = _halve(readable)
        while parts:
            part = parts.pop()
            try:
                received = [found for found, _ in part]
                outputs += await self._handler.handle(received, self._clock.now())
                toll = toll.after(lived=len(part))
            except (Transient, Fatal):
                raise
            except Exception as error:  # noqa: BLE001 - a record's of this part
                if len(part) > 1:
                    parts += _halve(part)
                else:
                    deaths.append(Death(part[0][1], error))
                    toll = self._mourn(toll, deaths[-1])
        return outputs, deaths, toll

    def _mourn(self, toll: Toll, death: Death) -> Toll:
        """The toll with one more death.

        Raises:
            Transient: ``too_many_dead``: the version that runs is to blame, not the records. The
                stage keeps its place.
        """
        toll = toll if is_foreign(death) else toll.after(died=1)
        if toll.is_too_high:
            LOG.error(
                "too_many_dead",
                service=self._name,
                topic=death.record.topic,
                lived=toll.lived,
                died=toll.died,
                run=toll.run,
                reason=describe_error(death.error)[0],
                exc_info=death.error,
            )
            raise Transient(
                "too many records could not be handled: the place is kept and no more are put "
                "aside; run the version before this one, or mend this one",
                code="too_many_dead",
            )
        return toll

    def _bury(self, death: Death) -> Outgoing:
        reason, said = describe_error(death.error)
        now = self._clock.now()
        return bury(death.record, service=self._name, reason=reason, error=said, at=now)

    def _void(self) -> None:
        """Nobody knows any more what is unread, nor who holds it."""
        self._progress = Progress()
        self._metrics.lag(dict.fromkeys(self._topics))

    def _publish(self, batch: Batch) -> None:
        self._trouble = None
        self._obituaries.tell()
        # Of partitions that came from another member nobody has said when to look.
        others = batch.watermarks.keys() != self._progress.watermarks.keys()
        asked = self._asked.is_set()
        self._asked.clear()
        self._progress = Progress(batch.watermarks, batch.lags, self._read_at)
        self._published_at = asyncio.get_running_loop().time()
        self._metrics.lag(_sum_lags(self._topics, batch))
        if batch.records or others or asked or self._is_due():
            self._woken.set()

    def _look_at_progress(self) -> Progress:
        """The progress for the timer; lags that are too old are asked anew."""
        age = asyncio.get_running_loop().time() - self._published_at
        if age <= LAG_SECONDS_MAX or not self._progress.lags:
            return self._progress
        self._asked.set()
        return replace(self._progress, lags={})

    def _is_due(self) -> bool:
        return self._next_due is not None and self._next_due <= self._clock.now()

    def _wait_seconds(self) -> float:
        """Wait no longer than to the next due time: its watermark is needed just after it."""
        if self._next_due is None:
            return READ_SECONDS_MAX
        seconds = (self._next_due - self._clock.now()).total_seconds()
        return min(max(seconds, 0.05), READ_SECONDS_MAX)

    async def _run_timer(self) -> None:
        retry_seconds = RETRY_SECONDS_MIN
        while not self._draining.is_set():
            self._woken.clear()
            try:
                due = await self._handler.due(self._look_at_progress(), self._clock.now())
                await self._append_due(due)
                if due.mark:
                    await due.mark()
                self._timer_trouble = None
                retry_seconds = RETRY_SECONDS_MIN
            except Transient as trouble:
                self._timer_trouble = trouble.code
                LOG.warning("timer_waits", service=self._name, code=trouble.code)
                await self._pause(retry_seconds)
                retry_seconds = min(retry_seconds * 2, RETRY_SECONDS_MAX)
                continue
            except Fatal:
                raise
            except Exception as defect:  # noqa: BLE001 - the reader goes on meanwhile
                self._timer_trouble = "timer_failed"
                self._note_defect("timer", defect)
                await self._pause(retry_seconds)
                retry_seconds = min(retry_seconds * 2, RETRY_SECONDS_MAX)
                continue
            if due.records:
                continue  # there may be more than one look takes
            self._next_due = due.next_at
            await self._sleep_until(due.next_at)

    async def _append_due(self, due: Due) -> None:
        try:
            if due.records:
                await self._log.append(due.records)
        except Transient:
            self._void()  # the log is away: the reader, who waits for records, learns of it later
            raise

    async def _sleep_until(self, at: datetime | None) -> None:
        seconds = None
        if at is not None:
            # What is due already waits for a watermark: the reader wakes us when it has one.
            seconds = max((at - self._clock.now()).total_seconds(), READ_SECONDS_MAX)
            if at > self._clock.now():
                seconds = (at - self._clock.now()).total_seconds()
        await _wait(self._woken, seconds)

    async def _pause(self, seconds: float) -> None:
        await _wait(self._draining, seconds)


async def _owned(work: Coroutine[Any, Any, None]) -> None:
    """Await work. A cancellation that nobody asked for ends it as trouble does.

    A client library cancels its futures when it closes, and some cancel their caller's task by a
    time limit and do not take that back: who awaits one is not to end in silence. In a task of its
    own, so that the count of this one is ours alone.
    """
    try:
        await asyncio.create_task(work)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise Transient("a client gave up", code="interrupted") from None


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    """Wait for an event at most so long. Not ``wait_for``: in 3.11 it may lose a cancellation."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _sum_lags(topics: Sequence[str], batch: Batch) -> Mapping[str, int | None]:
    """The lags by topic; None: that of one of its partitions is unknown."""
    lags: dict[str, int | None] = dict.fromkeys(topics, 0)
    for partition in batch.watermarks:
        before, lag = lags.get(partition.topic, 0), batch.lags.get(partition)
        lags[partition.topic] = None if before is None or lag is None else before + lag
    return lags


def _halve(part: Sequence[_Readable]) -> list[Sequence[_Readable]]:
    """The halves of a part, the first one last: it is taken first. None is empty."""
    middle = len(part) // 2
    return [half for half in (part[middle:], part[:middle]) if half]


def _decode(records: Sequence[LogRecord]) -> tuple[list[_Readable], list[Death]]:
    readable: list[_Readable] = []
    deaths: list[Death] = []
    for record in records:
        try:
            decoded = decode(record.topic, record.value)
        except Rejected as error:
            deaths.append(Death(record, error))
        else:
            partition = Partition(record.topic, record.partition)
            readable.append((Received(decoded, partition, record.appended_at), record))
    return readable, deaths


E = TypeVar("E", bound=Exception)


def _first(group: BaseExceptionGroup[E]) -> E:
    """The first error of a group that ``except*`` let nothing else into."""
    error: E | BaseExceptionGroup[E] = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
