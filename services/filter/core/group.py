"""The group: how far every partition was read, whoever holds it, and for which a verdict waits.

A verdict counts what lies in all partitions. How far its own were read a member knows; of the
others it knows what their holders told. On whom nothing new is told nobody waits for ever.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

ABSENT_AFTER = timedelta(minutes=2)
"""A partition of which nothing was told for so long is not waited for: nobody holds it, or whoever
does stands still. Longer than it takes to give a dead member's partitions to another."""
TELL_EVERY = timedelta(seconds=30)
"""So often a member that reads on tells it though nobody waits: far oftener than it were absent."""
LOOK_EVERY = timedelta(seconds=1)
"""So often one of several members looks how far the others are, and at most so often tells."""

NEVER = datetime(1970, 1, 1, tzinfo=UTC)

ReadUntil = Mapping[int, datetime]
"""By partition: whatever was appended before this instant has been handled."""


class Told(NamedTuple):
    """What was told of a partition; ``at``: when, by the clock of whoever did."""

    read_until: datetime
    at: datetime


class View(NamedTuple):
    """How far the partitions of the other members were read.

    Attributes:
        read_until: the least of those that are waited for; None: there are none.
        absent: those that are not waited for.
    """

    read_until: datetime | None
    absent: frozenset[int]


class Group:
    """What one member knows of the others, and has told them; to be told every look."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[Told | None, datetime]] = {}
        self._told_at: datetime | None = None

    def look(self, others: Collection[int], told: Mapping[int, Told], now: datetime) -> View:
        """Take in what was told of the partitions that others hold, or nobody."""
        seen: dict[int, tuple[Told | None, datetime]] = {}
        for partition in others:
            found, before = told.get(partition), self._seen.get(partition)
            same = before is not None and before[0] == found
            seen[partition] = before if before and same else (found, now)
        self._seen = seen
        absent = frozenset(p for p, (_, since) in seen.items() if now - since >= ABSENT_AFTER)
        waited = [_read_until(told, p) for p in seen if p not in absent]
        return View(min(waited, default=None), absent)

    def plan(
        self, own: ReadUntil, told: Mapping[int, Told], wanted: datetime | None, now: datetime
    ) -> bool:
        """Whether to tell now how far our own were read; it is taken for told.

        Args:
            wanted: when the next deliberation of the others is due; what frees it is told at once.
        """
        if all(_read_until(told, p) >= at for p, at in own.items()):
            return False  # whoever stands still is not to seem present
        pause, frees = TELL_EVERY, False
        if wanted is not None and min(_read_until(told, p) for p in own) <= wanted <= now:
            pause, frees = LOOK_EVERY, min(own.values()) > wanted
        if self._told_at is not None and now - self._told_at < pause and not frees:
            return False
        self._told_at = now
        return True

    def forget(self) -> None:
        """Nothing could be read or told: what stood still meanwhile may not have."""
        self._seen, self._told_at = {}, None


def _read_until(told: Mapping[int, Told], partition: int) -> datetime:
    found = told.get(partition)
    return NEVER if found is None else found.read_until
