"""Lets a crowd text: arrivals as live webhooks, at a speed."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.webhooks import Webhooks
from simulator.weekend import Arrival
from simulator.world import World

AHEAD_SECONDS = 0.002
"""What is due so soon is sent at once: a sleep costs more."""

OPEN_MAX = 200
"""Deliveries under way at a time; more wait, as they do at the provider."""


@dataclass(slots=True)
class Progress:
    """How far a crowd has come.

    Attributes:
        total: texts in all.
        sent: begun.
        delivered: at their end: taken by our webhook, given up, or turned away by the network.
        accepted: taken by our webhook.
        at: the crowd's own time, ISO 8601; None before the first.
        finished: whether every text is at its end.
    """

    total: int
    sent: int = 0
    delivered: int = 0
    accepted: int = 0
    at: str | None = None
    finished: bool = False

    def as_json(self) -> dict[str, Any]:
        """For ``GET /_sim/drive``."""
        return {name: getattr(self, name) for name in self.__slots__}


class Drive:
    """One crowd on its way.

    Args:
        world: whom they text to.
        webhooks: delivers their texts.
        arrivals: in time order.
        speed: divides the time between two of them.
    """

    def __init__(
        self, world: World, webhooks: Webhooks, arrivals: Iterable[Arrival], speed: float
    ) -> None:
        self._world = world
        self._webhooks = webhooks
        self._arrivals: Sequence[Arrival] = list(arrivals)
        self._speed = speed
        self._slots = asyncio.Semaphore(OPEN_MAX)
        self.progress = Progress(len(self._arrivals), finished=not self._arrivals)

    async def run(self) -> None:
        """Let them text, each at its time; returns when the last has begun."""
        if not self._arrivals:
            return
        loop = asyncio.get_running_loop()
        began, first = loop.time(), self._arrivals[0].at.timestamp()
        for arrival in self._arrivals:
            due = began + (arrival.at.timestamp() - first) / self._speed
            wait = due - loop.time()
            if wait > AHEAD_SECONDS:
                await asyncio.sleep(wait)
            await self._slots.acquire()
            self.progress.sent += 1
            self.progress.at = arrival.at.isoformat()
            self._world.spawn(self._text(arrival))

    async def _text(self, arrival: Arrival) -> None:
        kind = "sms" if arrival.text is not None else "mms"
        try:
            message = self._webhooks.take(
                arrival.sender, arrival.text, kind=kind, message_id=arrival.id
            )
            taken = message is not None and await self._webhooks.deliver_once(message)
        finally:
            self._slots.release()
        if message is not None and not taken:
            taken = await self._webhooks.deliver_again(message)
        self.progress.accepted += taken
        self.progress.delivered += 1
        self.progress.finished = self.progress.delivered == self.progress.total
