"""The way into the log: whether it is there, and how many may wait for it.

The log gathers concurrent appends and keeps their order. Here the wait for it is bounded, in
records and in time, so that an answer leaves before the provider gives up. After a
failure the log counts as away and all are refused at once, until a probe finds it again.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence

import structlog

from kernel.log.port import Log, Outgoing
from kernel.settings.settings import ProviderName
from kernel.values.clock import Clock
from kernel.values.errors import AntirelouError, Transient

LOG = structlog.get_logger("ingest")

WAITING_RECORDS_MAX = 4096
ANSWER_SECONDS = {ProviderName.PLIVO: 6.0, ProviderName.SMSGATE: 4.0}
"""The time to the acknowledgement, in seconds: Plivo waits 8 s for the whole answer, a phone 5."""

ANSWER_SECONDS_MAX = max(ANSWER_SECONDS.values())

PROBE_SECONDS_MAX = 5.0
PROBE_AWAY_SECONDS = 0.5
"""The time between two probes of a log that is away, in seconds."""

PROBE_IDLE_SECONDS = 5.0
BACKLOG_RECORDS_MAX = 1000
"""The number of calls kept in memory while the log is away; beyond, the oldest are let go."""


class Appender:
    """Appends for many requests at once.

    Args:
        log: where to.
        clock: tells whether an append got through after a probe began.
        answer_seconds_max: a record not acknowledged by then is refused.
    """

    def __init__(
        self, log: Log, clock: Clock, *, answer_seconds_max: float = ANSWER_SECONDS_MAX
    ) -> None:
        self._log, self._clock = log, clock
        self._answer_seconds_max = answer_seconds_max
        self._backlog: deque[Outgoing] = deque(maxlen=BACKLOG_RECORDS_MAX)
        self._check_now = asyncio.Event()
        self._appended_at = float("-inf")
        self.in_hand = 0
        self.away = True

    async def append(self, record: Outgoing) -> None:
        """Append a record; returning means it is durable.

        Raises:
            Transient: ``log_away`` or ``overloaded``: it may have been appended all the same.
        """
        if self.away:
            raise Transient("the log is away", code="log_away")
        if self.in_hand >= WAITING_RECORDS_MAX:
            raise Transient("more comes in than the log takes", code="overloaded")
        self.in_hand += 1
        try:
            if not await self._try_append((record,)):
                raise Transient("the log is away", code="log_away")
        finally:
            self.in_hand -= 1

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
        """Probe while the context is open."""
        await self._probe()
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            if not self.away:
                await self._append_backlog()

    async def _try_append(self, records: Sequence[Outgoing]) -> bool:
        try:
            async with asyncio.timeout(self._answer_seconds_max):
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
        if records and not await self._try_append(records):
            self._backlog.extendleft(reversed(records))
