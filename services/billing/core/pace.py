"""The pace: how fast the fund may be spent while guarded. Pure (DESIGN §5).

Of what was available at the last donation half may go at once, the rest evenly to the horizon;
after the horizon there is no pace. Replies in doubt may take from the even part only, so that the
first half is there for those who are not. Guarded begins by a surge of first contacts, or when the
fund burns too fast in a short or in a long window, as error budgets are watched (Google, "The Site
Reliability Workbook", chapter 5); what is asked of the fund counts, paid or not.
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


@dataclass(frozen=True, slots=True)
class Demand:
    """What was asked of the fund: receiving, and the price of replies, paid or not; micro-euros.

    Attributes:
        hour, six_hours: in the last hour, and in the last six.
        surged: replies of the last hour that came in a surge.
    """

    hour: int = 0
    six_hours: int = 0
    surged: int = 0


@dataclass(frozen=True, slots=True)
class Donation:
    """The last donation, and what became of it; micro-euros.

    Attributes:
        amount: available right after it.
        consumed: spent on replies since, or reserved. Receiving is no matter of pace: it cannot
            be put off, and the floor keeps what it needs.
        doubtful: of it, on replies in doubt.
    """

    amount: int
    at: datetime
    consumed: int
    doubtful: int


def pace_left(donation: Donation, rules: PaceRules, now: datetime) -> int:
    """What may be spent now, micro-euros; below zero: ahead of the pace."""
    return donation.amount // 2 + _even(donation, rules, now) - donation.consumed


def doubtful_left(donation: Donation, rules: PaceRules, now: datetime) -> int:
    """Of it, what may go to replies in doubt."""
    return _even(donation, rules, now) - donation.doubtful


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
