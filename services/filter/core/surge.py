"""Surge: more first contacts than this hour usually brings. Pure.

First contacts are counted by the hour. What an hour usually brings is the median of the same hour
on the days before, yet at most twice the median of the hours lately, and that grows by half a day
at most: a flood that goes on for days does not soon become a custom. It is at least ``USUAL_MIN``:
a handful more is no flood.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from statistics import median

DAYS_KNOWN = 7
HOURS_KNOWN_MIN = 3
GROWTH = 1.5
"""What is usual grows by so much a day at most."""
USUAL_MIN = 4.0
SURGE_RATIO = 2.5
SURGE_EXCESS = 12.0
"""The busiest hour of a day brings about twice what its median hour does; a handful is chance."""


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
    def is_one(self) -> bool:
        """Whether so many came that it is no mere peak of a day, and no chance."""
        return self.ratio >= SURGE_RATIO and self.rate - self.usual >= SURGE_EXCESS

    @property
    def excess_share(self) -> float:
        """In a surge, the share of these contacts that is beyond the usual; else 0."""
        return 1.0 - self.usual / self.rate if self.is_one else 0.0

    @property
    def log_odds(self) -> float:
        """In a surge, the log-odds that one of them is a usual contact; else 0: it says nothing."""
        return log(self.usual / (self.rate - self.usual)) if self.is_one else 0.0


def usual_rate(hour: int, by_hour: Mapping[int, int], first_hour: int) -> float:
    """What an hour usually brings, from the hours before it.

    Args:
        hour: counted from 1970.
        by_hour: first contacts of each hour; an hour that is missing had none.
        first_hour: the first that was observed at all.
    """
    lately = _lately(hour, by_hour, first_hour)
    if lately is None:
        return USUAL_MIN
    days = [by_hour.get(h, 0) for h in _same_hours(hour, first_hour)]
    usual = min(float(median(days)), 2 * lately) if days else lately
    return max(usual, USUAL_MIN)


def _lately(hour: int, by_hour: Mapping[int, int], first_hour: int) -> float | None:
    """The median hour of the last day, held to what the days before it were; None: not known."""
    least: float | None = None
    for day in range(DAYS_KNOWN):
        end = hour - 24 * day
        hours = range(max(first_hour, end - 24), end)
        if len(hours) < HOURS_KNOWN_MIN:
            break
        limit = median(by_hour.get(h, 0) for h in hours) * GROWTH**day
        least = limit if least is None else min(least, limit)
    return least


def _same_hours(hour: int, first_hour: int) -> list[int]:
    return [h for d in range(1, DAYS_KNOWN + 1) if (h := hour - 24 * d) >= first_hour]
