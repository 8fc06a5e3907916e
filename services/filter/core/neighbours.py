"""Number-range neighbours: a rented block of numbers, used in sequence. Pure.

A sender's number is known here by keyed hashes of the blocks it lies in: of 100, of 10,000 and of
a million numbers (``privacy.Pseudonymizer.blocks``). People's numbers are spread; those of a
gateway lie close together. So a block is conspicuous that brings far more senders than its share
of the next larger one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

LEVELS = 3
SHARE = 100
"""A block is the hundredth part of the next larger one."""
SENDERS_MIN = (8, 24)
"""So many senders of a block of 100, and of 10,000, before it is looked at."""
OTHERS_MIN = (0, 3)
"""So many others of the next larger one: of a million numbers of which only 10,000 ever write,
as the fiction range, nothing can be told."""
RATIO_MIN = 6.0
"""So many times its share of the next larger block."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The most conspicuous block a sender lies in.

    Attributes:
        count: senders of it.
        ratio: to its share of the next larger one; 0: none is to be looked at.
    """

    count: int
    ratio: float

    @property
    def is_range(self) -> bool:
        """Whether it is taken for a rented block."""
        return self.ratio >= RATIO_MIN


NONE = Neighbours(0, 0.0)


def find_neighbours(counts: Sequence[int]) -> Neighbours:
    """Judge the blocks of a sender.

    Args:
        counts: of the senders of each block he lies in, the smallest block first, himself
            included; empty: his number has no blocks.
    """
    found = NONE
    for level, least in enumerate(SENDERS_MIN):
        if level + 1 >= len(counts) or counts[level] < least:
            continue
        # The block itself is left out of what its share is measured by.
        others = max(counts[level + 1] - counts[level], 0)
        if others < OTHERS_MIN[level]:
            continue
        ratio = counts[level] / max(others / (SHARE - 1), 1.0)
        if ratio > found.ratio:
            found = Neighbours(counts[level], ratio)
    return found
