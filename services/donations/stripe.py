"""Stripe: its lists of events and of balance transactions."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from kernel.facts.records import Platform
from kernel.values.clock import Clock
from services.donations.core.stripe import (
    EVENT_KINDS,
    Balance,
    Event,
    Unreadable,
    event_of,
    read_balance,
    read_list,
)
from services.donations.metrics import Metrics
from services.donations.platform import Asker, Away
from services.donations.settings import StripeSettings

PAGE_SIZE = 100
PAGES_MAX = 2000
NOT_ALLOWED = (400, 403)


class Stripe:
    """Reads Stripe by a restricted key."""

    def __init__(self, settings: StripeSettings, clock: Clock, metrics: Metrics) -> None:
        self._settings, self._metrics = settings, metrics
        self._asker = Asker(Platform.STRIPE, clock, metrics)

    async def events(self, since: datetime) -> AsyncIterator[Event]:
        """The events since then that move money, the latest first.

        Raises:
            Away: they could not be had.
        """
        kinds = [("types[]", kind) for kind in EVENT_KINDS]
        async for found in self._list("/v1/events", [*kinds, _created(since)]):
            try:
                yield event_of(found)
            except Unreadable:
                self._metrics.unreadable(Platform.STRIPE, 1)

    async def balances(self, since: datetime) -> list[Balance]:
        """The movements of the balance since then, what each is about with them if we may know.

        Raises:
            Away: they could not be had.
        """
        try:
            return await self._balances([_created(since), ("expand[]", "data.source")])
        except Away as away:
            if away.status not in NOT_ALLOWED:
                raise
        return await self._balances([_created(since)])

    async def _balances(self, query: Sequence[tuple[str, str]]) -> list[Balance]:
        found = []
        async for one in self._list("/v1/balance_transactions", query):
            balance = read_balance(one)
            if balance is None:
                self._metrics.unreadable(Platform.STRIPE, 1)
            elif balance.live in (None, self._settings.live):
                found.append(balance)
        return found

    async def _list(self, path: str, query: Sequence[tuple[str, str]]) -> AsyncIterator[Any]:
        headers = {"Authorization": f"Bearer {self._settings.api_key}"}
        last: str | None = None
        for _ in range(PAGES_MAX):
            more = [("starting_after", last)] if last is not None else []
            asked = urlencode([*query, ("limit", str(PAGE_SIZE)), *more])
            body = await self._asker.ask("GET", f"{self._settings.url}{path}?{asked}", headers)
            try:
                page = read_list(body)
            except Unreadable:
                raise self._asker.unreadable() from None
            for found in page.found:
                yield found
            if page.last is None or page.last == last:
                return
            last = page.last


def _created(since: datetime) -> tuple[str, str]:
    return "created[gte]", str(int(since.timestamp()))
