"""The price of a euro: what is kept for those with a better score who are still to come. Pure.

A reply is paid when, after it, the money left still answers the better-scored who are to be
expected until the horizon, and still receives what comes meanwhile (docs/decisions/0015). All
that is known of who is to come is a histogram of scores by the hour. What is kept grows with the
share of those lately heard who are likely not genuine: where nobody attacks, a euro has no price,
and everybody is paid when he is due.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from kernel.facts.records import Decision, Reason, SmsJudged
from kernel.settings.settings import QuietHours

BINS = 4
"""Bins of the histogram to a nat of score."""
SCORE_MAX = 8.0
"""Scores beyond it are counted as it, on either side."""
RECEIVED, SEEN, UNLIKELY = 1000, 1001, 1002
"""What else is counted by the hour: micro-euros spent on receiving; verdicts on senders; of them
those on senders who are likely not genuine."""
HOURS_A_DAY = 24
DAYS_KEPT = 4
"""Of so many days the histogram is kept."""
SPAN_MIN = 3.0
"""Hours that what was counted is taken to have come in, at the least."""
DAYS_LIKE = 3
"""An hour to come is taken to bring what the same hour brought on so many days before."""

UNLIKELY_SCORE = -1.0
"""Log-odds below which a sender is likely not genuine."""
SURGE_MIN = 3.0
"""So many times the usual first contacts are a surge: the verdict says how many came."""
ATTACKS = frozenset({Reason.BURST, Reason.CAMPAIGN, Reason.RANGE})
USUAL_UNLIKELY, FULLY_UNLIKELY = 0.07, 0.15
"""Shares of the unlikely: up to the one nothing is kept, from the other on all that is expected."""
HOURS_LOOKED_AT = 48
"""Of so many hours that share is."""
SHARE_LEANS = 10
"""Verdicts of nobody unlikely that the share leans on."""

CELLS = 8
"""Cells of the reserve to a nat."""
LOWEST, HIGHEST = -24.0, 9.0


@dataclass(frozen=True, slots=True)
class PriceRules:
    """How a euro is priced.

    Attributes:
        hour: in which is counted.
        age: of waiting, or of being still to come, that counts as one nat of score.
        margin: nats by which one who is to come must be better than one who waits.
        quiet: hours in which nobody is paid, and waiting does not count.
    """

    hour: timedelta
    age: timedelta
    margin: float
    quiet: QuietHours | None


class Asked(NamedTuple):
    """What was counted in the hour from ``since`` on.

    Attributes:
        what: a score's bin (``bin_of``), or ``RECEIVED``, ``SEEN``, ``UNLIKELY``.
        amount: verdicts, or micro-euros.
    """

    since: datetime
    what: int
    amount: int


def bin_of(score: float) -> int:
    """The bin of the histogram that a score falls into."""
    return round(max(-SCORE_MAX, min(score, SCORE_MAX)) * BINS)


def count_verdict(verdict: SmsJudged) -> Mapping[int, int]:
    """What a verdict adds to its hour; a sender who is silent already adds nothing."""
    if verdict.decision is Decision.REPLY:
        surge = verdict.basis.get("surge", 0)
        surged = isinstance(surge, int | float) and surge >= SURGE_MIN
        unlikely = surged or verdict.score < UNLIKELY_SCORE
        return {bin_of(verdict.score): 1, SEEN: 1, UNLIKELY: int(unlikely)}
    if verdict.reason in ATTACKS and verdict.due_at > verdict.received_at:
        return {SEEN: 1, UNLIKELY: 1}
    return {}


def hour_of(at: datetime, hour: timedelta) -> datetime:
    """The hour that holds an instant."""
    return at - (at - _EPOCH) % hour


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reserve:
    """What is kept from whom.

    Attributes:
        kept: micro-euros, by cell of the score, the lowest first; never more for a better one.
    """

    kept: Sequence[int] = ()

    def from_whom(self, score: float) -> int:
        """What is kept from one of this score, his waiting counted in."""
        if not self.kept:
            return 0
        return self.kept[_cell(score)]

    @property
    def most(self) -> int:
        """What is kept from the worst."""
        return self.kept[0] if self.kept else 0


NOTHING_KEPT = Reserve()


def plan_reserve(
    asked: Sequence[Asked], until: datetime, price: int, rules: PriceRules, now: datetime
) -> Reserve:
    """What to keep from now to the horizon.

    Args:
        asked: of the last ``DAYS_KEPT`` days.
        until: the horizon.
        price: of a reply, micro-euros.
    """
    past = _Past(asked, rules.hour, now)
    hours = math.ceil(max((until - now) / rules.hour, 0))
    weight = past.weight()
    if not weight or not hours:
        return NOTHING_KEPT
    cells = [0.0] * (_cell(HIGHEST) + 1)
    # The number must be on for the best who comes then.
    best = past.best()
    expected = [
        [
            (_cell((best if what == RECEIVED else what) / BINS),
             amount if what == RECEIVED else amount * price)
            for what, amount in past.expect(hour).items()
            if what <= RECEIVED
        ]
        for hour in range(min(hours, HOURS_A_DAY))
    ]  # fmt: skip
    waited = 0.0
    for ahead in range(hours):
        later = math.ceil((waited + rules.margin) * CELLS)
        for cell, amount in expected[ahead % HOURS_A_DAY]:
            cells[max(cell - later, 0)] += amount
        middle = now + (ahead + 0.5) * rules.hour
        if rules.quiet is None or not rules.quiet.covers(middle):
            waited += rules.hour / rules.age
    kept = 0.0
    for cell in reversed(range(len(cells))):
        kept += weight * cells[cell]
        cells[cell] = kept
    return Reserve([math.ceil(amount) for amount in cells])


def _cell(score: float) -> int:
    return math.floor((max(LOWEST, min(score, HIGHEST)) - LOWEST) * CELLS)


class _Past:
    """The hours that were counted, by their distance from this one."""

    def __init__(self, asked: Sequence[Asked], hour: timedelta, now: datetime) -> None:
        self._hours: dict[int, Counter[int]] = {}
        this = hour_of(now, hour)
        for since, what, amount in asked:
            place = (since - this) // hour
            if place <= 0:
                self._hours.setdefault(place, Counter())[what] += amount
        self._first = min(self._hours, default=0)
        # The first hour is not whole, nor is this one.
        span = max((now - this) / hour - self._first, SPAN_MIN)
        total: Counter[int] = Counter()
        for counted in self._hours.values():
            total.update(counted)
        self._mean = {what: amount / span for what, amount in total.items()}

    def best(self) -> int:
        """The best bin there was."""
        return max((what for what in self._mean if what < RECEIVED), default=0)

    def weight(self) -> float:
        """How much of what is expected is kept, by how many were unlikely lately."""
        seen = unlikely = 0
        for place, counted in self._hours.items():
            if place >= -HOURS_LOOKED_AT:
                seen += counted[SEEN]
                unlikely += counted[UNLIKELY]
        share = unlikely / (seen + SHARE_LEANS)
        return max(0.0, min((share - USUAL_UNLIKELY) / (FULLY_UNLIKELY - USUAL_UNLIKELY), 1.0))

    def expect(self, hour: int) -> Mapping[int, float]:
        """What so many hours from now is to come: as on days before, or as in all hours known."""
        days = [
            self._hours.get(place, Counter())
            for day in range(1, DAYS_KEPT + 1)
            if self._first < (place := hour - HOURS_A_DAY * day) < 0
        ][:DAYS_LIKE]
        if not days:
            return self._mean
        total: Counter[int] = Counter()
        for counted in days:
            total.update(counted)
        return {what: amount / len(days) for what, amount in total.items()}
