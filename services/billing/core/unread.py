"""What is received and not booked yet, as far as anybody knows: money that is spent already. Pure.

Nobody is paid for by a member that does not know it, nor by one that was cut off from the log and
believes what it last read.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

KNOWN_MAX = timedelta(seconds=5)
"""How old a read may be that one pays by. As long one heeds what another member had read."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Receipts of all partitions that are in the log and not booked.

    Attributes:
        at: when the read that tells so began.
    """

    count: int
    at: datetime


def sum_lags(lags: Collection[int | None], at: datetime, now: datetime) -> Unread | None:
    """All of these; None: one is not known, or says nonsense, or they are of too old a read."""
    known = [lag for lag in lags if lag is not None and lag >= 0]
    return Unread(sum(known), at) if len(known) == len(lags) and _is_fresh(at, now) else None


def heed_unread(own: Unread | None, known: Unread | None, now: datetime) -> Unread | None:
    """What to pay by: one's own read, but not below what another member has found since.

    Args:
        own: None: this member does not know; then it does not pay.
        known: what was last gone by, by whichever member.
    """
    if own is None or known is None or own.at > known.at or not _is_fresh(known.at, now):
        return own
    return Unread(max(own.count, known.count), known.at)


def fresh_unread(known: Unread, now: datetime) -> Unread | None:
    """What may still be gone by; None: it is too old."""
    return known if _is_fresh(known.at, now) else None


def _is_fresh(at: datetime, now: datetime) -> bool:
    """Whether it may be gone by; where a clock was put back, what seems to come is not fresh."""
    return abs(now - at) <= KNOWN_MAX
