"""Donations' store: the port, and its PostgreSQL adapter. SQL is in ``queries.sql``."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Protocol

from kernel.database.pool import Pool
from kernel.database.store import SqlStore, read_queries
from kernel.facts.records import DonationReported, Platform, decode_as, encode
from services.donations.core.walk import Mark

LISTED_MAX = 1000


class Store(Protocol):
    """What donations keeps. Everything raises ``Transient`` while the database is away."""

    async def begin_counting(self, now: datetime) -> datetime:
        """Note the first start. Returns when it was."""
        ...

    async def load_mark(self, list_: str) -> Mark:
        """How far a list was read."""
        ...

    async def save_mark(self, list_: str, mark: Mark) -> None:
        """Overwrite."""
        ...

    async def load_told(self, ids: Sequence[str]) -> dict[str, DonationReported]:
        """What was told of these, or is to be."""
        ...

    async def keep_news(self, news: Sequence[DonationReported]) -> None:
        """Note what is to be told; each id once. Of two the higher version stays."""
        ...

    async def note_told(self, told: Sequence[DonationReported]) -> None:
        """It stands on the topic; each id once. What is to be told instead stays."""
        ...

    async def load_untold(self, count: int) -> list[DonationReported]:
        """What is still to be told, in order."""
        ...

    async def mark_told(self, told: Sequence[DonationReported]) -> None:
        """It was told; what has changed since is still to be told."""
        ...

    async def list_told(self, source: Platform) -> list[DonationReported]:
        """All that was told of a platform, or is to be."""
        ...


class PostgresStore(SqlStore):
    """A ``Store``.

    Args:
        pool: of the role ``antirelou_donations``.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, read_queries("services.donations"))

    async def begin_counting(self, now: datetime) -> datetime:
        """See ``Store``."""
        await self.change("begin_counting", now)
        at: datetime = (await self.fetch("read_start"))[0]["at"]
        return at

    async def load_mark(self, list_: str) -> Mark:
        """See ``Store``."""
        rows = await self.fetch("load_mark", list_)
        return Mark(**rows[0]) if rows else Mark()

    async def save_mark(self, list_: str, mark: Mark) -> None:
        """See ``Store``."""
        await self.change("save_mark", list_, *astuple(mark))

    async def load_told(self, ids: Sequence[str]) -> dict[str, DonationReported]:
        """See ``Store``."""
        rows = await self.fetch("load_told", sorted(set(ids)))
        found = [decode_as(DonationReported, row["value"]) for row in rows]
        return {fact.id: fact for fact in found}

    async def keep_news(self, news: Sequence[DonationReported]) -> None:
        """See ``Store``."""
        if news:
            await self.change("keep_news", *_columns(news))

    async def note_told(self, told: Sequence[DonationReported]) -> None:
        """See ``Store``."""
        if told:
            await self.change("note_told", *_columns(told))

    async def load_untold(self, count: int) -> list[DonationReported]:
        """See ``Store``."""
        rows = await self.fetch("load_untold", count)
        return [decode_as(DonationReported, row["value"]) for row in rows]

    async def mark_told(self, told: Sequence[DonationReported]) -> None:
        """See ``Store``."""
        if told:
            await self.change("mark_told", [f.id for f in told], [encode(f) for f in told])

    async def list_told(self, source: Platform) -> list[DonationReported]:
        """See ``Store``."""
        found: list[DonationReported] = []
        rows = await self.fetch("list_told", source, "", LISTED_MAX)
        while rows:
            found += [decode_as(DonationReported, row["value"]) for row in rows]
            rows = await self.fetch("list_told", source, rows[-1]["id"], LISTED_MAX)
        return found


def _columns(
    facts: Sequence[DonationReported],
) -> tuple[list[str], list[str], list[int], list[bytes]]:
    ordered = sorted(facts, key=lambda fact: fact.id)
    return (
        [fact.id for fact in ordered],
        [fact.source.value for fact in ordered],
        [fact.version for fact in ordered],
        [encode(fact) for fact in ordered],
    )
