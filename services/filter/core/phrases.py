"""Phrases: runs of letters that many lately wrote, and that people do not usually write. Pure.

What attackers repeat are phrases, not whole texts. Of each first text some runs are chosen by their
hashes, the same wherever the run stands (winnowing: Schleimer, Wilkerson, Aiken, 2003), and it is
counted how many first contacts lately wrote each. Beside it stands how many *people* wrote it:
senders whose second text came some minutes after the first. A run that far more write than people
do speaks against who wrote it; a rare one for nobody. Kept are counts by keyed hash, no text.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from operator import add
from zlib import crc32

PLACES = 8192
"""Places that runs are counted in."""
RUN = 7
"""Letters of a run."""
WINDOW = 6
"""Of so many runs in a row the one of the least hash is chosen: of any phrase of twelve letters
at least one is."""
RUNS_MAX = 24
"""Runs of one text that count."""
USUAL = 0.003
"""The share of first contacts that is taken to write a run nothing is known of."""
LEANS = 40.0
"""So many people's worth of that share their own is leaned on."""
SENDERS_MIN = 3.0
"""So many senders of a run are chance."""


def find_runs(normal: str, seed: int) -> set[int]:
    """The places of a text's chosen runs; of a shorter text it is the run itself.

    Args:
        normal: its letters and digits alone (``signature.normalize``).
    """
    encoded = normal.encode("utf-32-le", "surrogatepass")
    if not encoded:
        return set()
    width = 4 * RUN
    starts = range(0, max(len(encoded) - width, 0) + 1, 4)
    hashes = [crc32(encoded[start : start + width], seed ^ 0x5EED) for start in starts]
    windows = range(max(len(hashes) - WINDOW, 0) + 1)
    chosen = dict.fromkeys(min(hashes[first : first + WINDOW]) for first in windows)
    return {value % PLACES for value in list(chosen)[:RUNS_MAX]}


def _zeros() -> "array[int]":
    return array("I", bytes(4 * PLACES))


@dataclass(slots=True)
class Phrases:
    """How many wrote each run; a sum over all who counted.

    Attributes:
        lately: first contacts, by place; ``people``: of them, those known as people.
        contacts, persons: in all.
        runs: counted in ``lately``, in all.
    """

    lately: "array[int]" = field(default_factory=_zeros)
    people: "array[int]" = field(default_factory=_zeros)
    contacts: int = 0
    persons: int = 0
    runs: int = 0

    def count_contact(self, places: Sequence[int]) -> None:
        """A first contact."""
        self.contacts += 1
        self.runs += len(places)
        for place in places:
            self.lately[place] += 1

    def count_person(self, places: Sequence[int]) -> None:
        """He has shown that he is one."""
        self.persons += 1
        for place in places:
            self.people[place] += 1

    def excess(self, places: Sequence[int]) -> float:
        """How many times the usual his runs are lately written, in nats, on average; at least 0."""
        if not places or not self.contacts:
            return 0.0
        chance = self.runs / PLACES  # other runs that fell into the same place
        total = 0.0
        for place in places:
            share = (self.people[place] + LEANS * USUAL) / (self.persons + LEANS)
            usual = max(share * self.contacts, SENDERS_MIN)
            total += log(max((self.lately[place] - chance) / usual, 1.0))
        return total / len(places)

    def halve(self, shift: int) -> None:
        """Forget, so many times over."""
        self.lately = array("I", [count >> shift for count in self.lately])
        self.people = array("I", [count >> shift for count in self.people])
        self.contacts >>= shift
        self.persons >>= shift
        self.runs = sum(self.lately)

    def plus(self, other: "Phrases") -> "Phrases":
        """Both together."""
        if not other.contacts and not other.persons:
            return self
        return Phrases(
            array("I", map(add, self.lately, other.lately)),
            array("I", map(add, self.people, other.people)),
            self.contacts + other.contacts,
            self.persons + other.persons,
            self.runs + other.runs,
        )

    def to_bytes(self) -> bytes:
        """All of it, to be kept; ``from_bytes`` reads it."""
        head = array("Q", [self.contacts, self.persons, self.runs])
        return head.tobytes() + self.lately.tobytes() + self.people.tobytes()

    @classmethod
    def from_bytes(cls, kept: bytes) -> "Phrases":
        """Read what ``to_bytes`` wrote; empty, as before this was counted: nothing is known yet."""
        if not kept:
            return cls()
        head, lately, people = array("Q"), array("I"), array("I")
        head.frombytes(kept[:24])
        lately.frombytes(kept[24 : 24 + 4 * PLACES])
        people.frombytes(kept[24 + 4 * PLACES :])
        return cls(lately, people, *head)
