"""Asks one platform in its rhythm, sooner when a bell rings, later when it fails."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from kernel.facts.records import Platform
from kernel.values.clock import Clock
from kernel.values.errors import Transient
from services.donations.core.walk import Rhythm, Turn, next_turn
from services.donations.metrics import Metrics
from services.donations.platform import Away

LOG = structlog.get_logger("donations")


class Poller:
    """Calls ``read`` again and again.

    Args:
        read: raises ``Transient`` where it could not.
    """

    def __init__(
        self,
        source: Platform,
        rhythm: Rhythm,
        read: Callable[[], Awaitable[None]],
        *,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._source, self._rhythm, self._read = source, rhythm, read
        self._clock, self._metrics = clock, metrics
        self._turn, self._rung = Turn(), asyncio.Event()

    def ring(self) -> None:
        """Something happened at the platform: ask soon."""
        self._turn = replace(self._turn, rung=True)
        self._rung.set()

    async def run(self) -> None:
        """Ask until cancelled. No fault of a platform stops the house."""
        self._metrics.watched(self._source, self._clock.now())
        while True:
            await self._wait()
            await self._go()

    async def _wait(self) -> None:
        while True:
            self._rung.clear()
            now = self._clock.now()
            seconds = (next_turn(self._turn, self._rhythm, now) - now).total_seconds()
            if seconds <= 0:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._rung.wait()

    async def _go(self) -> None:
        began_at, before = self._clock.now(), self._turn
        self._turn = Turn(began_at, before.failures)
        failures, not_before = 0, None
        try:
            await self._read()
        except Transient as trouble:
            failures = before.failures + 1
            not_before = trouble.until if isinstance(trouble, Away) else None
            LOG.warning("platform_waits", source=self._source.value, code=trouble.code)
        except Exception:
            failures = before.failures + 1
            LOG.exception("platform_failed", source=self._source.value)
        # A bell that rang meanwhile stays rung; what one asked for and failed is asked for again.
        rung = self._turn.rung or (failures > 0 and before.rung)
        self._turn = Turn(began_at, failures, not_before, rung)
