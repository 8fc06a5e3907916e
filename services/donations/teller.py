"""Tells what is news: noted first, then appended, so a crash between the two tells it again."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from kernel.facts.records import DonationReported
from kernel.facts.topics import outgoing
from kernel.log.port import Log
from kernel.values.clock import Clock
from kernel.values.errors import Transient
from services.donations.core.walk import choose_news
from services.donations.metrics import Metrics
from services.donations.store import Store

TOLD_MAX = 500
RETRY_SECONDS = 1.0


class Teller:
    """Tells for all platforms; one at a time, so that what is noted first is told first."""

    def __init__(self, store: Store, log: Log, metrics: Metrics) -> None:
        self._store, self._log, self._metrics = store, log, metrics
        self._turn = asyncio.Lock()

    async def tell(self, facts: Sequence[DonationReported]) -> Sequence[DonationReported]:
        """Tell of these what was not told like that. Returns that.

        Raises:
            Transient: the log or the database is away; what was noted is told later.
        """
        distinct: dict[str, DonationReported] = {}
        for fact in facts:
            before = distinct.get(fact.id)
            if before is None or before.version <= fact.version:
                distinct[fact.id] = fact
        news = choose_news(list(distinct.values()), await self._store.load_told(list(distinct)))
        await self._store.keep_news(news)
        await self.tell_noted()
        return news

    async def tell_noted(self) -> None:
        """Tell what was noted and not told yet. Raises as ``tell``."""
        async with self._turn:
            while noted := await self._store.load_untold(TOLD_MAX):
                await self._log.append([outgoing(fact) for fact in noted])
                await self._store.mark_told(noted)
                for fact in noted:
                    self._metrics.told(fact.source, 1)


class Beginning:
    """From when on gifts are counted: ``GIFTS_SINCE``, or this house's first start."""

    def __init__(self, store: Store, since: datetime | None) -> None:
        self._store, self._since = store, since

    async def since(self, now: datetime) -> datetime:
        """When. Raises ``Transient``: the database is away, and it is not known yet."""
        if self._since is None:
            # Platforms count in whole seconds.
            self._since = await self._store.begin_counting(now.replace(microsecond=0))
        return self._since

    async def begin(self, clock: Clock) -> None:
        """Note the first start, once the database is there."""
        now = clock.now()
        while True:
            try:
                await self.since(now)
            except Transient:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return
