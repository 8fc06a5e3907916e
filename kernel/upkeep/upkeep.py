"""Housekeeping beside the work: what is no longer needed goes, what is shown is counted.

A chore never holds up the timer that begins it: it has a task of its own and plans its next time
before it tries. It fails alone, which is logged and counted, and is tried again at that time. Its
work is done in parts that are bounded each, one part at a time in a service; between them, and
before the next go, it rests nine times as long as it worked. So all chores together have one
connection, and none has it for more than a tenth of the time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from kernel.telemetry.metrics import Telemetry
from kernel.values.errors import AntirelouError

LOG = structlog.get_logger("upkeep")

REST_FACTOR = 9
"""So many times as long as it worked a chore rests."""

Work = Callable[[], Awaitable[bool | None]]
"""Does one bounded part. False: there may be more."""


@dataclass(slots=True)
class _Chore:
    """Attributes: at: its next time. task: the go under way."""

    at: datetime | None = None
    task: "asyncio.Task[None] | None" = None


class Upkeep:
    """The chores of one service.

    Args:
        service: its name.
    """

    def __init__(self, service: str, telemetry: Telemetry) -> None:
        self._service, self._telemetry = service, telemetry
        self._chores: dict[str, _Chore] = {}
        self._turn = asyncio.Lock()

    def begin(self, name: str, every: timedelta, work: Work, now: datetime) -> datetime:
        """Begin a chore if its time has come and it is not under way. Returns when to ask again.

        Args:
            name: a metric label: few, stable.
            every: how far apart two goes are, at least.
        """
        chore = self._chores.setdefault(name, _Chore())
        if chore.task is not None:
            return now + every
        if chore.at is None or now >= chore.at:
            chore.at = now + every
            chore.task = asyncio.create_task(self._go(name, chore, work, now))
        return chore.at

    async def _go(self, name: str, chore: _Chore, work: Work, now: datetime) -> None:
        worked, outcome = 0.0, "failed"
        try:
            more = True
            while more:
                async with self._turn:
                    began = asyncio.get_running_loop().time()
                    try:
                        more = await work() is False
                    finally:
                        seconds = asyncio.get_running_loop().time() - began
                        worked += seconds
                if more:
                    await asyncio.sleep(REST_FACTOR * seconds)
            outcome = "done"
        except AntirelouError as error:
            LOG.warning("upkeep_failed", service=self._service, chore=name, code=error.code)
        except Exception:
            LOG.exception("upkeep_failed", service=self._service, chore=name)
        finally:
            chore.task = None
            chore.at = max(chore.at or now, now + (1 + REST_FACTOR) * timedelta(seconds=worked))
        self._telemetry.counter(
            "antirelou_upkeep_total", service=self._service, chore=name, outcome=outcome
        ).inc()

    async def settle(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._tasks(), return_exceptions=True)

    async def stop(self) -> None:
        """Give up what is under way: a part that is cut off is done again another time."""
        for task in self._tasks():
            task.cancel()
        await self.settle()

    def _tasks(self) -> list["asyncio.Task[None]"]:
        return [chore.task for chore in self._chores.values() if chore.task is not None]
