"""The pace: how fast the fund may be spent while guarded. Pure (docs/design.md §5).

Of what was available at the last donation half may go at once, the rest evenly to the horizon;
after the horizon there is no pace. Replies in doubt may take only what those who are not in doubt
will leave: what they asked for in the last day is kept for each day to come. Guarded begins by a
surge of first contacts, or when the fund burns too fast in a short or in a long window, as error
budgets are watched (Google, "The Site Reliability Workbook", chapter 5); what is asked of the fund
counts, paid or not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

SURGED_MIN, SURGED_LEFT = 10, 3
"""Replies that came in a surge, within the last hour: from so many on a surge is spoken of, until
there are no more than so many."""


@dataclass(frozen=True, slots=True)
class PaceRules:
    """How fast.

    Attributes:
        horizon: ``FUND_HORIZON``.
        hour: the short window; the long one is ``LONG_HOURS`` of it.
        fast, slow: so many times the even pace in the short, or the long window, is too fast;
            half of it no longer.
    """

    horizon: timedelta
    hour: timedelta
    fast: float
    slow: float


LONG_HOURS = 6
HOURS_A_DAY = 24
DAYS_KEPT = 3.0
"""For so many days to come at the most money is kept from those in doubt: so long they may wait."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What was asked of the fund: receiving, and the price of replies, paid or not; micro-euros.

    Attributes:
        hour, six_hours: in the last hour, and in the last six.
        day_sure: in the last day, by replies that are not in doubt.
        day: in the last day.
        surged: replies of the last hour that came in a surge.
    """

    hour: int = 0
    six_hours: int = 0
    day_sure: int = 0
    day: int = 0
    surged: int = 0


@dataclass(frozen=True, slots=True)
class Donation:
    """The last donation, and what became of it; micro-euros.

    Attributes:
        amount: available right after it.
        consumed: spent on replies since, or reserved. Receiving is no matter of pace: it cannot
            be put off, and the floor keeps what it needs.
    """

    amount: int
    at: datetime
    consumed: int


def pace_left(donation: Donation, rules: PaceRules, now: datetime) -> int:
    """What may be spent now, micro-euros; below zero: ahead of the pace."""
    return donation.amount // 2 + _even(donation, rules, now) - donation.consumed


def doubtful_left(
    donation: Donation, demand: Demand, left: int, rules: PaceRules, now: datetime
) -> int:
    """What may go to replies in doubt.

    Args:
        left: what may be spent now at all, micro-euros.
    """
    days = rules.hour * HOURS_A_DAY
    to_come = max((donation.at + rules.horizon - now) / days, 0.0)
    since = min(max((now - donation.at) / days, 1 / HOURS_A_DAY), 1.0)
    kept = int(demand.day_sure / since * min(to_come, DAYS_KEPT))
    return max(left - kept, 0)


def _even(donation: Donation, rules: PaceRules, now: datetime) -> int:
    share = min(max((now - donation.at) / rules.horizon, 0.0), 1.0)
    return int(donation.amount // 2 * share)


def surges(demand: Demand, *, guarded: bool) -> bool:
    """Whether replies come in a surge of first contacts."""
    return demand.surged > SURGED_LEFT if guarded else demand.surged >= SURGED_MIN


def burns(demand: Demand, donation: Donation, rules: PaceRules, *, guarded: bool) -> bool:
    """Whether the fund burns too fast, in either window."""
    hourly = donation.amount * (rules.hour / rules.horizon)
    ease = 0.5 if guarded else 1.0
    fast = demand.hour > ease * rules.fast * hourly
    return fast or demand.six_hours > ease * rules.slow * hourly * LONG_HOURS
