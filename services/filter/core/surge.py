"""Surge: more first contacts than this hour usually brings. Pure.

First contacts are counted by the hour. What an hour usually brings is the median of the same hour
on the days before, yet at most twice the median of the last day (a flood yesterday is no custom),
and at least ``USUAL_MIN``: a handful more is no flood.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from statistics import median

DAYS_KNOWN = 7
HOURS_KNOWN_MIN = 3
USUAL_MIN = 12.0


@dataclass(frozen=True, slots=True)
class Surge:
    """First contacts an hour: as they came around an instant, and as they usually come."""

    rate: float
    usual: float

    @property
    def ratio(self) -> float:
        """How many times the usual."""
        return self.rate / self.usual

    @property
    def excess_share(self) -> float:
        """The share of these contacts that is beyond the usual, 0 to 1."""
        return max(1.0 - self.usual / self.rate, 0.0) if self.rate > self.usual else 0.0

    @property
    def log_odds(self) -> float:
        """The log-odds that one of them is a usual contact; above 1 it says no more."""
        excess = max(self.rate - self.usual, self.usual / 2.7)
        return log(self.usual / excess)


def usual_rate(hour: int, by_hour: Mapping[int, int], first_hour: int) -> float:
    """What an hour usually brings, from the hours before it.

    Args:
        hour: counted from 1970.
        by_hour: first contacts of each hour; an hour that is missing had none.
        first_hour: the first that was observed at all.
    """
    before = [by_hour.get(h, 0) for h in range(max(first_hour, hour - 24), hour)]
    if len(before) < HOURS_KNOWN_MIN:
        return USUAL_MIN
    lately = float(median(before))
    days = [by_hour.get(h, 0) for h in _same_hours(hour, first_hour)]
    usual = min(float(median(days)), 2 * lately) if days else lately
    return max(usual, USUAL_MIN)


def _same_hours(hour: int, first_hour: int) -> list[int]:
    return [h for d in range(1, DAYS_KNOWN + 1) if (h := hour - 24 * d) >= first_hour]
