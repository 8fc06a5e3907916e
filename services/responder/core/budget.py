"""The one budget of questions to the provider: 20 a minute, and who comes first.

docs/plivo.md §5.
"""

import enum
from dataclasses import dataclass, replace
from datetime import datetime, timedelta


class Work(enum.IntEnum):
    """What questions are asked for, the most urgent first."""

    UNCERTAIN = 1
    SETTLEMENT = 2
    BACKFILL = 3


@dataclass(frozen=True, slots=True)
class Budget:
    """Questions asked lately.

    Attributes:
        count_max: at most so many in any ``window``.
        asked: when, the oldest first; none older than ``window``.
        closed_until: the provider asked for patience.
    """

    count_max: int
    window: timedelta
    asked: tuple[datetime, ...] = ()
    closed_until: datetime | None = None


def next_free(budget: Budget, now: datetime) -> datetime:
    """From when on a question may be asked; ``now`` where it may at once."""
    at = now
    if len(budget.asked) >= budget.count_max:
        at = max(at, budget.asked[-budget.count_max] + budget.window)
    if budget.closed_until is not None:
        at = max(at, budget.closed_until)
    return at


def apply_question(budget: Budget, now: datetime) -> Budget:
    """One question was asked."""
    recent = tuple(at for at in budget.asked if at > now - budget.window)
    return replace(budget, asked=(*recent, now)[-budget.count_max :])


def apply_refusal(budget: Budget, now: datetime, after_seconds: float | None) -> Budget:
    """A question was not answered: none for a while.

    Args:
        after_seconds: as the provider asked; else a quarter of the window.
    """
    pause = budget.window / 4 if after_seconds is None else timedelta(seconds=after_seconds)
    return replace(budget, closed_until=now + pause)


def choose_work(*, uncertain: bool, unsettled: bool, unread: bool) -> Work | None:
    """What the next question is for; None: nothing is to be asked."""
    if uncertain:
        return Work.UNCERTAIN
    if unsettled:
        return Work.SETTLEMENT
    return Work.BACKFILL if unread else None
