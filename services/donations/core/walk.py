"""How far a platform was read, and when it is asked next. Pure.

HelloAsso lists payments by the time of their last change, the latest first: a walk goes back from
there to where the last whole walk began, an hour further, and its own beginning is the next one's
mark only once it got there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise

from kernel.facts.records import DonationReported

OVERLAP = timedelta(hours=1)
"""By the platform's clock: what it lists late is read twice, not never."""
RETRY_AFTER_SECONDS_MAX = 3600.0
PAUSE_SECONDS_MIN = 1.0
"""Between two questions after a failure, in real time."""
FAILURES_COUNTED = 6


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a platform was read.

    Attributes:
        latest: the latest change that a whole walk has seen; None: there was none.
        since: what ``GIFTS_SINCE`` was then: once it is set earlier, all is read anew.
        walked_at: when the last whole walk began.
        whole_at: when the last one that went back to the very beginning did.
    """

    latest: datetime | None = None
    since: datetime | None = None
    walked_at: datetime | None = None
    whole_at: datetime | None = None


def plan_bound(mark: Mark, since: datetime, *, whole: bool) -> datetime:
    """Up to where a walk goes back: what changed before was read, or was given before ``since``."""
    moved = mark.since is None or since < mark.since
    if whole or moved or mark.latest is None:
        return since
    return max(since, mark.latest - OVERLAP)


def goes_on(
    seen: Sequence[datetime], page: Sequence[datetime], mark: Mark, bound: datetime
) -> bool:
    """Whether a walk goes on after a page.

    It ends early only where the platform lists as it was asked to: the latest change first, and
    what was the latest before is among what was seen.

    Args:
        seen: the times of change on all pages so far, this one included, in their order.
        page: those of this page.
    """
    if not page or max(page) >= bound:
        return True
    ordered = all(later >= earlier for later, earlier in pairwise(seen))
    return not ordered or (mark.latest is not None and max(seen) < mark.latest)


def end_walk(
    mark: Mark, latest: datetime | None, since: datetime, began_at: datetime, *, whole: bool
) -> Mark:
    """The mark after a whole walk. Args: latest: the latest change that it saw."""
    times = [at for at in (mark.latest, latest) if at is not None]
    return replace(
        mark,
        latest=max(times, default=None),
        since=since,
        walked_at=began_at,
        whole_at=began_at if whole or mark.whole_at is None else mark.whole_at,
    )


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a platform is asked, in real time.

    Attributes:
        every: at least so often.
        bell_every: because of a bell at most so often.
    """

    every: timedelta
    bell_every: timedelta


@dataclass(frozen=True, slots=True)
class Turn:
    """When it was asked.

    Attributes:
        began_at: last; None: not yet.
        failures: in a row.
        not_before: the platform asked for patience until then.
        rung: a bell rang since it was last asked.
    """

    began_at: datetime | None = None
    failures: int = 0
    not_before: datetime | None = None
    rung: bool = False


def next_turn(turn: Turn, rhythm: Rhythm, now: datetime) -> datetime:
    """When to ask next.

    After a failure sooner than usual, then ever later; the platform's own wish is above all.
    """
    if turn.began_at is None:
        at = now
    elif turn.failures:
        pause = rhythm.every / 2 ** max(FAILURES_COUNTED - turn.failures, 0)
        at = turn.began_at + max(pause, timedelta(seconds=PAUSE_SECONDS_MIN))
    else:
        at = turn.began_at + (rhythm.bell_every if turn.rung else rhythm.every)
    return at if turn.not_before is None else max(at, turn.not_before)


def read_retry_after(text: str | None, now: datetime) -> datetime | None:
    """Until when a platform asks for patience, by its header; real time; None: it does not."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        seconds = min(float(text[:9]), RETRY_AFTER_SECONDS_MAX)
        return now + timedelta(seconds=seconds)
    try:
        at = parsedate_to_datetime(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(at, now + timedelta(seconds=RETRY_AFTER_SECONDS_MAX))


def choose_news(
    facts: Sequence[DonationReported], told: dict[str, DonationReported]
) -> list[DonationReported]:
    """Of what a platform says, what was not told like that.

    What does not hold and of which nothing was ever told is no news.
    """
    news = []
    for fact in facts:
        before = told.get(fact.id)
        if before is None:
            if fact.holds:
                news.append(fact)
        elif fact.version >= before.version and not _same(before, fact):
            news.append(fact)
    return news


def _same(before: DonationReported, after: DonationReported) -> bool:
    """Whether both say the same, whenever they were told."""
    if set(after.about) - set(before.about):
        return False
    if before.holds is after.holds is False:
        return True
    names = ("amount_minor", "currency", "holds", "card")
    return all(getattr(before, name) == getattr(after, name) for name in names)
