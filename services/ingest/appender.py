"""The way into the log: appends batched across requests, and whether the log is there.

While one append is in flight, what comes in gathers for the next: the slower the log, the larger
the batches, and one sender's messages keep their order. Everything is bounded: the queue in
records, an append in the age of its oldest record, so that an answer leaves before the provider
gives up after 8 s. After a failure the log counts as away and all are refused at once, until a
probe finds it again.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog

from kernel.log.port import Log, Outgoing
from kernel.values.clock import Clock
from kernel.values.errors import AntirelouError, Transient

LOG = structlog.get_logger("ingest")

BATCH_RECORDS_MAX = 500
QUEUE_RECORDS_MAX = 4096
ANSWER_SECONDS_MAX = 6.0
"""From the queue to the acknowledgement; the provider waits 8 s for the whole answer."""

PROBE_SECONDS_MAX = 5.0
PROBE_AWAY_SECONDS = 0.5
"""How soon a log that came back is noticed."""

PROBE_IDLE_SECONDS = 5.0
BACKLOG_RECORDS_MAX = 1000
"""Calls kept in memory while the log is away; beyond, the oldest are let go."""


@dataclass(slots=True)
class _Waiting:
    """A record, who waits for it, and since when (monotonic seconds)."""

    record: Outgoing
    done: asyncio.Future[None]
    since: float


class Appender:
    """Appends for many requests at once.

    Args:
        log: where to.
        clock: measures how long records have waited.
        answer_seconds_max: a record not acknowledged by then is refused.
    """

    def __init__(
        self, log: Log, clock: Clock, *, answer_seconds_max: float = ANSWER_SECONDS_MAX
    ) -> None:
        self._log, self._clock = log, clock
        self._answer_seconds_max = answer_seconds_max
        self._queue: deque[_Waiting] = deque()
        self._backlog: deque[Outgoing] = deque(maxlen=BACKLOG_RECORDS_MAX)
        self._filled = asyncio.Event()
        self._check_now = asyncio.Event()
        self._appended_at = float("-inf")
        self._in_flight = 0
        self.away = True

    @property
    def in_hand(self) -> int:
        """Records that somebody waits for."""
        return len(self._queue) + self._in_flight

    async def append(self, record: Outgoing) -> None:
        """Append a record; returning means it is durable.

        Raises:
            Transient: ``log_away`` or ``overloaded``: it may have been appended all the same.
        """
        if self.away:
            raise Transient("the log is away", code="log_away")
        if len(self._queue) >= QUEUE_RECORDS_MAX:
            raise Transient("more comes in than the log takes", code="overloaded")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(record, done, self._clock.monotonic()))
        self._filled.set()
        await done

    async def append_sometime(self, record: Outgoing) -> None:
        """Append a record if the log takes it now, else keep it in memory until it does."""
        try:
            await self.append(record)
        except Transient:
            if len(self._backlog) == BACKLOG_RECORDS_MAX:
                LOG.warning("backlog_full", records_max=BACKLOG_RECORDS_MAX)
            self._backlog.append(record)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Append and probe while the context is open; who still waits at its end is refused."""
        await self._probe()
        tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._watch())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            self._refuse(list(self._queue))
            self._queue.clear()
            if not self.away:
                await self._append_backlog()

    async def _run(self) -> None:
        while True:
            if not self._queue:
                self._filled.clear()
                await self._filled.wait()
            # One turn of the loop, so that all requests that are ready come along.
            await asyncio.sleep(0)
            taken = min(len(self._queue), BATCH_RECORDS_MAX)
            batch = [self._queue.popleft() for _ in range(taken)]
            self._in_flight = taken
            try:
                await self._append_batch(batch)
            except asyncio.CancelledError:
                self._refuse(batch)
                raise
            finally:
                self._in_flight = 0

    async def _append_batch(self, batch: list[_Waiting]) -> None:
        now = self._clock.monotonic()
        seconds = max(batch[0].since + self._answer_seconds_max - now, 0)
        if await self._try_append([waiting.record for waiting in batch], seconds):
            for waiting in batch:
                if not waiting.done.done():
                    waiting.done.set_result(None)
            return
        # Those behind have waited for it as well: they would only wait longer.
        batch += self._queue
        self._queue.clear()
        self._refuse(batch)

    async def _try_append(self, records: list[Outgoing], seconds_max: float) -> bool:
        try:
            async with asyncio.timeout(seconds_max):
                await self._log.append(records)
        except (AntirelouError, TimeoutError) as trouble:
            self._lose(getattr(trouble, "code", "timeout"))
            return False
        except Exception:  # the door must not stay shut for a bug below it
            LOG.exception("append_failed")
            self._lose("append_failed")
            return False
        self._appended_at = self._clock.monotonic()
        return True

    def _refuse(self, batch: list[_Waiting]) -> None:
        for waiting in batch:
            if not waiting.done.done():
                waiting.done.set_exception(Transient("the log is away", code="log_away"))

    def _lose(self, code: str) -> None:
        if not self.away:
            LOG.warning("log_away", code=code)
        self.away = True
        self._check_now.set()

    async def _watch(self) -> None:
        """Probe at once after a failure, then often until the log is back, else now and then."""
        while True:
            seconds = PROBE_AWAY_SECONDS if self.away else PROBE_IDLE_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._check_now.wait()
            if self._check_now.is_set():
                self._check_now.clear()
                await asyncio.sleep(PROBE_AWAY_SECONDS / 10)
            await self._probe()

    async def _probe(self) -> None:
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(PROBE_SECONDS_MAX):
                await self._log.probe()
        except (AntirelouError, TimeoutError) as trouble:
            # An append that got through meanwhile knows better.
            if self._appended_at < began:
                self._lose(getattr(trouble, "code", "timeout"))
                self._check_now.clear()
            return
        except Exception:
            LOG.exception("probe_failed")
            self._lose("probe_failed")
            self._check_now.clear()
            return
        if self.away:
            LOG.info("log_there")
        self.away = False
        await self._append_backlog()

    async def _append_backlog(self) -> None:
        """Append what was kept while the log was away; what fails again stays, in its order."""
        records = list(self._backlog)
        self._backlog.clear()
        if records and not await self._try_append(records, self._answer_seconds_max):
            self._backlog.extendleft(reversed(records))
