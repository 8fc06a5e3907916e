"""Group commit: concurrent appends become one write, one wait for its acknowledgement."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from kernel.log.port import Partition
from kernel.values.errors import AntirelouError, Transient

LOG = structlog.get_logger("log")

APPEND_SECONDS_MAX = 6.0
"""Less than the provider's limit of 8 s for a webhook, so that it gets our 503."""
FLUSH_SECONDS_MAX = 5.0
FLUSH_RECORDS_MAX = 4000
FLUSH_BYTES_MAX = 8_388_608
LINGER_SECONDS = 0.004
"""How far apart two writes begin at least; one after a rest begins at once."""


class Row(NamedTuple):
    """A record and where it goes."""

    partition: Partition
    key: bytes
    value: bytes


Flush = Callable[[Sequence[Row]], Awaitable[None]]
"""Writes rows in order; returning means that they are durable. Raises ``Transient``."""


@dataclass(slots=True)
class _Call:
    rows: Sequence[Row]
    size: int
    done: asyncio.Future[None]


class Writer:
    """Writes what is appended, in order, one write at a time."""

    def __init__(self, flush: Flush) -> None:
        self._flush = flush
        self._calls: deque[_Call] = deque()
        self._woken = asyncio.Event()

    async def append(self, rows: Sequence[Row]) -> None:
        """Append rows; returning means they are durable.

        Raises:
            Transient: not acknowledged in time, or the log is away.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._calls.append(_Call(rows, sum(len(row.value) for row in rows), done))
        self._woken.set()
        try:
            async with asyncio.timeout(APPEND_SECONDS_MAX):
                await done
        except TimeoutError:
            raise Transient("the log did not acknowledge in time", code="log_slow") from None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write while this is open; leaving cuts off what is not acknowledged."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        clock = asyncio.get_running_loop()
        while True:
            await self._woken.wait()
            began = clock.time()
            calls = self._take()
            if calls:
                await self._write(calls)
                await asyncio.sleep(max(LINGER_SECONDS - (clock.time() - began), 0))

    def _take(self) -> list[_Call]:
        """The next calls, as many as fit a write; at least one, if one still waits."""
        taken: list[_Call] = []
        records = size = 0
        while self._calls:
            call = self._calls[0]
            records, size = records + len(call.rows), size + call.size
            if taken and (records > FLUSH_RECORDS_MAX or size > FLUSH_BYTES_MAX):
                return taken
            self._calls.popleft()
            if call.done.done():  # its caller gave up
                records, size = records - len(call.rows), size - call.size
            else:
                taken.append(call)
        self._woken.clear()
        return taken

    async def _write(self, calls: Sequence[_Call]) -> None:
        failure: Exception | None = None
        try:
            async with asyncio.timeout(FLUSH_SECONDS_MAX):
                await self._flush([row for call in calls for row in call.rows])
        except Exception as error:  # noqa: BLE001 - it is raised to those who wait
            failure = error
        for call in calls:
            if not call.done.done():
                _finish(call.done, failure)


def _finish(done: asyncio.Future[None], failure: Exception | None) -> None:
    if failure is None:
        done.set_result(None)
    elif isinstance(failure, AntirelouError):
        # An exception of its own for each waiting task: raising one changes its traceback.
        done.set_exception(type(failure)(str(failure), code=failure.code))
    elif isinstance(failure, TimeoutError):
        done.set_exception(Transient("the log did not acknowledge in time", code="log_slow"))
    else:
        LOG.error("append_failed", exc_info=failure)
        done.set_exception(Transient("the log could not write", code="log_failed"))
