"""What the judge has learnt by now: how many usually come, and how the attack writes. Pure."""

from collections.abc import Mapping

from services.filter.core.learner import Learnt
from services.filter.core.surge import Surge, usual_rate
from services.filter.core.tally import HOUR

BEFORE, AFTER = 2, 3
"""Buckets before and after a first contact's that the rate around it is taken from."""
FADE = 12 * HOUR
"""What was learnt is halved every so many buckets."""


class Lore:
    """Read once a batch.

    Args:
        contacts: first contacts by bucket.
    """

    def __init__(self, contacts: Mapping[int, int], learnt: Learnt) -> None:
        self.learnt = learnt
        self._contacts = contacts
        self._first = min(contacts, default=0)
        self._hours: dict[int, int] | None = None
        self._usual: dict[int, float] = {}

    def surge_around(self, bucket: int, last: int) -> Surge:
        """Around a first contact, as known when its reply is due.

        Args:
            last: the last bucket that may be counted.
        """
        return self._surge(bucket - BEFORE, min(bucket + AFTER, max(last, bucket)), bucket)

    def surge_before(self, bucket: int) -> Surge:
        """Up to a first contact, as known when it arrives."""
        return self._surge(bucket - BEFORE, bucket, bucket)

    def _surge(self, first: int, last: int, bucket: int) -> Surge:
        count = sum(self._contacts.get(place, 0) for place in range(first, last + 1))
        return Surge(count * HOUR / (last - first + 1), self._usual_of(bucket // HOUR))

    def _usual_of(self, hour: int) -> float:
        known = self._usual.get(hour)
        if known is None:
            known = usual_rate(hour, self._by_hour(), self._first // HOUR)
            self._usual[hour] = known
        return known

    def _by_hour(self) -> dict[int, int]:
        if self._hours is None:
            hours: dict[int, int] = {}
            for bucket, count in self._contacts.items():
                hours[bucket // HOUR] = hours.get(bucket // HOUR, 0) + count
            self._hours = hours
        return self._hours
