"""A case: which messages a complaint is about, and the hold that keeps them. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Selection:
    """Which messages: of any of the senders or campaigns, where any is named, and in that time.

    Attributes:
        senders: pseudonyms.
        campaigns: ids, as verdicts name them.
        since, until: of receipt; ``until`` is exclusive.
    """

    senders: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def bounded(self) -> bool:
        """Whether it says anything: a case about everything for ever is a mistake."""
        return bool(self.senders or self.campaigns or (self.since and self.until))


@dataclass(frozen=True, slots=True)
class Case:
    """A case. While it is open and its hold lasts, retention and erasure leave its records alone.

    Attributes:
        reason: why its records are held, in a person's words; never a number or a text.
        hold_until: when the hold ends by itself.
        closed_at: when a person closed it; None: open.
    """

    id: str
    reason: str
    hold_until: datetime
    selection: Selection
    opened_at: datetime
    closed_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether its records are held at this instant."""
        return self.closed_at is None and now < self.hold_until

    def same_as(self, other: "Case") -> bool:
        """Whether it says the same, whenever it was opened."""
        return (self.reason, self.hold_until, self.selection) == (
            other.reason,
            other.hold_until,
            other.selection,
        )


@dataclass(frozen=True, slots=True)
class Hold:
    """Why records of a sender are not erased.

    Attributes:
        records: how many of his the case holds.
    """

    case_id: str
    reason: str
    until: datetime
    records: int
