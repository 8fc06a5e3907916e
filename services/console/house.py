"""What the console knows of the house: the operator API's answers, asked for once for all who look.

There is no other way from here into the books.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kernel.http.client import JsonApi
from kernel.http.server import Unanswered
from kernel.values.clock import Clock
from services.console.core.access import Session


@dataclass(frozen=True, slots=True)
class Picture:
    """How the house is doing.

    Attributes:
        at: when it was asked.
        status: of ``/v1/status``; None: it does not answer.
        waiting: of ``/v1/resume``.
    """

    at: datetime
    status: Mapping[str, Any] | None = None
    waiting: Mapping[str, Any] | None = None


class House:
    """The operator API.

    Args:
        poll_every: so old a picture may be.
    """

    def __init__(self, api: JsonApi, clock: Clock, poll_every: timedelta) -> None:
        self._api, self._clock, self._poll_every = api, clock, poll_every
        self._picture: Picture | None = None
        self._asking = asyncio.Lock()

    async def call(
        self, who: Session, method: str, path: str, body: Mapping[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """One call, for somebody, who may no more than he may here. Raises ``Unanswered``."""
        self._picture = None
        return await self._api.call(method, path, body, (who.operator, who.role.value))

    async def read(self, path: str) -> dict[str, Any]:
        """The answer to a GET.

        Raises:
            Unanswered: there is none, or it is a refusal.
        """
        status, answer = await self._api.call("GET", path)
        if status != 200:
            raise Unanswered(f"refused with HTTP {status}", code=f"http_{status}")
        return answer

    async def look(self) -> Picture:
        """How it is doing, now or a moment ago; never fails."""
        async with self._asking:
            picture, now = self._picture, self._clock.now()
            if picture is None or not timedelta() <= now - picture.at < self._poll_every:
                picture = self._picture = await self._ask(now)
            return picture

    async def _ask(self, now: datetime) -> Picture:
        try:
            return Picture(now, await self.read("/v1/status"), await self.read("/v1/resume"))
        except Unanswered:
            return Picture(now)
