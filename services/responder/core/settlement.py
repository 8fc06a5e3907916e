"""Finding our own SMS in the provider's log, which holds neither our ids nor texts."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel.provider.port import PAGE_MAX, LoggedMessage
from services.responder.core.outbox import Reply, Search

SKEW = timedelta(seconds=120)
"""How far the provider's clock may be from ours."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A stretch of the log to read page by page, because many replies in it are unsettled.

    Attributes:
        offset: of the next page.
    """

    since: datetime
    until: datetime
    offset: int = 0

    def covers(self, reply: Reply) -> bool:
        """Whether the reply was handed over in this stretch, as far as clocks may differ."""
        at = reply.sending_at
        return at is not None and self.since + SKEW <= at <= self.until - SKEW


def plan_sweep(unsettled: Sequence[Reply], sent_between: int) -> Sweep | None:
    """Whether reading pages of the log asks fewer questions than asking for each reply.

    Args:
        unsettled: sent replies to be looked up.
        sent_between: how many were sent from the first of them to the last.

    Returns:
        None: ask for each.
    """
    times = [reply.sending_at for reply in unsettled if reply.sending_at is not None]
    pages = sent_between // PAGE_MAX + 1
    if not times or pages >= len(unsettled):
        return None
    return Sweep(min(times) - SKEW, max(times) + SKEW)


def match_uncertain(
    reply: Reply, logged: Sequence[LoggedMessage], known: AbstractSet[str], lease: timedelta
) -> LoggedMessage | Search:
    """The log's record of an uncertain send, or why there is none.

    Args:
        logged: what was sent to the same number.
        known: the provider's ids of our other replies. With those left out, and no other open
            send to the number (``outbox.OPEN``), at most one remains.
        lease: no send takes longer: what was accepted after that is another's.
    """
    at = reply.sending_at or reply.authorized_at
    found = [
        message
        for message in logged
        if message.message_id not in known and at - SKEW <= message.at <= at + lease + SKEW
    ]
    if len(found) == 1:
        return found[0]
    return Search.AMBIGUOUS if found else Search.ABSENT
