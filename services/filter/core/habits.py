"""Habits: how often people write while they wait, and how often those do who write lately. Pure.

A script sends as many texts from each number as it was told to; people differ. What far more do
lately than people do speaks against who does it, whatever it is: one text each, or four, or twenty.
So no number of texts is safe for an attacker, and none is a threshold. What people do is taken as
known, as a few shares; what is done lately is counted.
"""

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from math import log
from operator import add

UPTO = (1, 2, 3, 4, 5, 6, 8, 11, 15, 20, 30)
"""Texts: up to so many are one habit; more are the last."""
PEOPLE = (0.5, 0.2, 0.11, 0.07, 0.045, 0.03, 0.02, 0.01, 0.006, 0.005, 0.003, 0.001)
"""The shares of people with each habit: half write once, a man who insists six times and more."""
LEANS = 20.0
"""So many people's worth of that share what is counted leans on."""


def habit_of(texts: int) -> int:
    """The habit of who wrote so many texts."""
    return bisect_left(UPTO, texts)


def _zeros() -> "array[int]":
    return array("I", bytes(4 * len(PEOPLE)))


@dataclass(slots=True)
class Habits:
    """How many lately had each habit; a sum over all who counted."""

    lately: "array[int]" = field(default_factory=_zeros)

    def count(self, habit: int) -> None:
        """Somebody was judged."""
        self.lately[habit] += 1

    def excess(self, habit: int) -> float:
        """How many times as many as people do have it lately, in nats; at least 0."""
        usual = PEOPLE[habit]
        share = (self.lately[habit] + LEANS * usual) / (sum(self.lately) + LEANS)
        return max(log(share / usual), 0.0)

    def halve(self, shift: int) -> None:
        """Forget, so many times over."""
        self.lately = array("I", [count >> shift for count in self.lately])

    def plus(self, other: "Habits") -> "Habits":
        """Both together."""
        return Habits(array("I", map(add, self.lately, other.lately)))

    def to_bytes(self) -> bytes:
        """All of it, to be kept; ``from_bytes`` reads it."""
        return self.lately.tobytes()

    @classmethod
    def from_bytes(cls, kept: bytes) -> "Habits":
        """Read what ``to_bytes`` wrote; empty: nothing is known yet."""
        if not kept:
            return cls()
        lately = array("I")
        lately.frombytes(kept)
        return cls(lately)
