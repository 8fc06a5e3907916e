"""How long the fund lasts, as it goes. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from services.billing.core.pace import HOURS_A_DAY
from services.billing.core.posture import Facts, PostureRules, Standing

LASTS_MAX = timedelta(days=3650)
"""Longer is not told apart."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The fund's near future.

    Attributes:
        lasts: until only ``FUND_FLOOR`` is left, if each day asks as much as the last one did; at
            most ``LASTS_MAX``; None: nothing was asked in a day.
        pace: what was available at the last donation, evenly to ``FUND_HORIZON``; micro-euros a
            second; 0: nothing was donated.
    """

    lasts: timedelta | None = None
    pace: float = 0.0


def plan_outlook(facts: Facts, standing: Standing, rules: PostureRules) -> Outlook:
    """The outlook now."""
    pace = standing.at_donation / rules.pace.horizon.total_seconds()
    if not facts.demand.day:
        return Outlook(None, pace)
    left = max(facts.available - rules.floor_microeuros, 0)
    days = left / facts.demand.day
    longest = LASTS_MAX / (rules.pace.hour * HOURS_A_DAY)
    return Outlook(rules.pace.hour * HOURS_A_DAY * min(days, longest), pace)
