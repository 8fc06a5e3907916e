"""How long the filter remembers: as long as it can matter for a verdict, and no longer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.filter.core.tally import CONTACTS_KEPT, DETAIL_KEPT, bucket_of

DAY = timedelta(days=1)
"""The quiet hours that may come on top of the longest delay; hours of the day stay real."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What the operator and the provider decide of it.

    Attributes:
        messages: so long a message, or its nonce, may come again.
        window: of an answer.
        silenced: so long a silence holds on.
        deliberated: so long after his first text a reply is due, at the longest.
        bucket: the width of the buckets of the counts.
    """

    messages: timedelta
    window: timedelta
    silenced: timedelta
    deliberated: timedelta
    bucket: timedelta


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What may go: whatever is older than these instants, or buckets."""

    messages: datetime
    answers: datetime
    silences: datetime
    contacts: int
    details: int


def plan_cutoffs(
    now: datetime, read_until: datetime, next_due: datetime | None, retention: Retention
) -> Cutoffs:
    """What may go now.

    Args:
        read_until: what was appended before was handled; verdicts on what is read next are as of
            when it was received, so a stage that lags keeps more.
        next_due: when the next deliberation is due, which may be long ago as well.
    """
    judged_until = min(now, read_until, next_due or read_until)
    bucket = bucket_of(judged_until - retention.deliberated, retention.bucket)
    return Cutoffs(
        messages=now - retention.messages,
        answers=judged_until - retention.window,
        silences=judged_until - retention.silenced,
        contacts=bucket - CONTACTS_KEPT,
        details=bucket - DETAIL_KEPT,
    )
