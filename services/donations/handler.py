"""What donations' stage does with what it reads: it remembers what was told, by any member."""

from collections.abc import Sequence
from datetime import datetime

from kernel.facts.records import DonationReported
from kernel.log.port import Outgoing
from kernel.stage.stage import Due, Progress, Received
from services.donations.store import Store


class DonationsHandler:
    """The ``Handler`` of donations' stage."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
        """See ``stage.Handler``."""
        told: dict[str, DonationReported] = {}
        for received in batch:
            fact = received.record
            assert isinstance(fact, DonationReported)
            before = told.get(fact.id)
            if before is None or before.version <= fact.version:
                told[fact.id] = fact
        await self._store.note_told(list(told.values()))
        return ()

    async def due(self, progress: Progress, now: datetime) -> Due:
        """See ``stage.Handler``: nothing comes due here."""
        return Due()
