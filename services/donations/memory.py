"""Donations' store in memory: the same promises."""

from collections.abc import Sequence
from datetime import datetime

from kernel.facts.records import DonationReported, Platform, encode
from services.donations.core.walk import Mark


class MemoryStore:
    """A ``Store``."""

    def __init__(self) -> None:
        self._start: datetime | None = None
        self._marks: dict[str, Mark] = {}
        self._told: dict[str, tuple[DonationReported, bool]] = {}

    async def begin_counting(self, now: datetime) -> datetime:
        """See ``Store``."""
        self._start = self._start or now
        return self._start

    async def load_mark(self, list_: str) -> Mark:
        """See ``Store``."""
        return self._marks.get(list_, Mark())

    async def save_mark(self, list_: str, mark: Mark) -> None:
        """See ``Store``."""
        self._marks[list_] = mark

    async def load_told(self, ids: Sequence[str]) -> dict[str, DonationReported]:
        """See ``Store``."""
        return {i: self._told[i][0] for i in ids if i in self._told}

    async def keep_news(self, news: Sequence[DonationReported]) -> None:
        """See ``Store``."""
        for fact in sorted(news, key=lambda one: one.id):
            known = self._told.get(fact.id)
            if known is None or known[0].version <= fact.version:
                self._told[fact.id] = (fact, False)

    async def note_told(self, told: Sequence[DonationReported]) -> None:
        """See ``Store``."""
        for fact in told:
            known, was_told = self._told.get(fact.id, (None, True))
            if known is not None and known.version > fact.version:
                continue
            same = known is None or encode(known) == encode(fact)
            if was_told or same or (known is not None and known.version < fact.version):
                self._told[fact.id] = (fact, True)

    async def load_untold(self, count: int) -> list[DonationReported]:
        """See ``Store``."""
        return [fact for fact, told in self._told.values() if not told][:count]

    async def mark_told(self, told: Sequence[DonationReported]) -> None:
        """See ``Store``."""
        for fact in told:
            if encode(self._told[fact.id][0]) == encode(fact):
                self._told[fact.id] = (fact, True)

    async def list_told(self, source: Platform) -> list[DonationReported]:
        """See ``Store``."""
        return [f for _, (f, _) in sorted(self._told.items()) if f.source is source]
