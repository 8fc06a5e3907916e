"""When a reply is due: late enough that it tells him nothing while he can still see her.

due = max(first text + delay + jitter, last text + quiet time), at most first text + the longest
delay, outside quiet hours (docs/design.md §5).
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel.settings.settings import QuietHours


@dataclass(frozen=True, slots=True)
class Delays:
    """How long a message is deliberated.

    Attributes:
        delay: after the first text, at the least.
        jitter: at most so much is added, never taken away.
        quiet: after the last text, at the least.
        longest: after the first text, at the most; quiet hours come on top.
        hours: when nothing is due; None: never.
        key: the jitter is derived from it and the message's id, so nobody outside can foresee it.
    """

    delay: timedelta
    jitter: timedelta
    quiet: timedelta
    longest: timedelta
    hours: QuietHours | None
    key: bytes


def plan_due(message_id: str, first_at: datetime, last_at: datetime, delays: Delays) -> datetime:
    """When the reply to a message is due; the same arguments always give the same instant.

    Args:
        message_id: of the first text, whose verdict it is.
        first_at, last_at: of the sender's first and latest text of this deliberation, UTC.
    """
    jitter = _jitter(message_id, delays)
    due = max(first_at + delays.delay + jitter, last_at + delays.quiet)
    due = min(due, first_at + delays.longest)
    if delays.hours is None:
        return due
    loud = delays.hours.next_loud(due)
    if loud == due:
        return due
    # Jitter again, or all that a night brought would be due in the same second.
    return loud if delays.hours.covers(loud + jitter) else loud + jitter


def _jitter(message_id: str, delays: Delays) -> timedelta:
    digest = hashlib.blake2b(message_id.encode(), key=delays.key, digest_size=8, person=b"jitter")
    return delays.jitter * (int.from_bytes(digest.digest(), "big") / 2**64)
