"""What makes the posture guarded: a surge, or a fund that burns too fast. Pure.

docs/design.md §5. A surge is one of first contacts; the burn is looked at in a short and in a long
window, as error budgets are watched (Google, "The Site Reliability Workbook", chapter 5); what is
asked of the fund counts, paid or not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

SURGED_MIN, SURGED_LEFT = 10, 3
"""Replies that came in a surge, within the last hour: from so many on a surge is spoken of, until
there are no more than so many."""


@dataclass(frozen=True, slots=True)
class PaceRules:
    """How fast is too fast.

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


@dataclass(frozen=True, slots=True)
class Demand:
    """What was asked of the fund: receiving, and the price of replies, paid or not; micro-euros.

    Attributes:
        hour, six_hours: in the last hour, and in the last six.
        day: in the last day.
        surged: replies of the last hour that came in a surge.
    """

    hour: int = 0
    six_hours: int = 0
    day: int = 0
    surged: int = 0


@dataclass(frozen=True, slots=True)
class Donation:
    """The last donation; ``amount``: available right after it, micro-euros."""

    amount: int
    at: datetime


def surges(demand: Demand, *, guarded: bool) -> bool:
    """Whether replies come in a surge of first contacts."""
    return demand.surged > SURGED_LEFT if guarded else demand.surged >= SURGED_MIN


def burns(demand: Demand, donation: Donation, rules: PaceRules, *, guarded: bool) -> bool:
    """Whether the fund burns too fast, in either window."""
    hourly = donation.amount * (rules.hour / rules.horizon)
    ease = 0.5 if guarded else 1.0
    fast = demand.hour > ease * rules.fast * hourly
    return fast or demand.six_hours > ease * rules.slow * hourly * LONG_HOURS
