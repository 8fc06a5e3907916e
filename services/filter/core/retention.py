"""How long the filter remembers: as long as it can matter for a verdict, and no longer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = timedelta(days=1)
"""The quiet hours that may come on top of the longest delay; hours of the day stay real."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What the operator and the provider decide of it.

    Attributes:
        messages: so long a message, or its nonce, may come again.
        window: of an answer.
        sightings: so long before a reply is due a text counts for a campaign, at the longest.
    """

    messages: timedelta
    window: timedelta
    sightings: timedelta


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What may go: whatever is older than these instants."""

    messages: datetime
    answers: datetime
    sightings: datetime


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
    return Cutoffs(
        messages=now - retention.messages,
        answers=judged_until - retention.window,
        sightings=judged_until - retention.sightings,
    )
