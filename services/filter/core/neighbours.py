"""Number-range neighbours: a rented block of numbers, used in sequence. Pure.

A sender's number is known here by keyed hashes of the blocks it lies in: of 100, of 10,000 and of
a million numbers (``privacy.Pseudonymizer.blocks``). People's numbers are spread; those of a
gateway lie close together. So a block is conspicuous that brings far more senders than its share
of the next larger one, and, where it is large, than it brings in calm hours: whoever is answered
in one city, or in the range kept for fiction, has neighbours too.
"""

from dataclasses import dataclass

LEVELS = 3
SHARE = 100
"""A block is the hundredth part of the next larger one."""
SENDERS_MIN = (12, 24)
"""So many senders of a block of 100, and of 10,000, before it is looked at: of people whose numbers
all lie in one block of 10,000, eight of one hundred are found by chance."""
RATIO_MIN = 6.0
"""So many times what is to be expected of the block."""
CALM_KNOWN_MIN = 100
"""First contacts of calm hours that must be known before a block of 10,000 is looked at: it may
well be where everybody's numbers lie."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The most conspicuous block a sender lies in.

    Attributes:
        count: senders of it.
        ratio: to what is to be expected of it; 0: none is to be looked at.
    """

    count: int
    ratio: float

    @property
    def is_range(self) -> bool:
        """Whether it is taken for a rented block."""
        return self.ratio >= RATIO_MIN


NONE = Neighbours(0, 0.0)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Where the senders of some time lie.

    Attributes:
        blocks: how many lie in each block of the judged one, the smallest first, himself included.
        contacts: how many there are in all.
        calm_block, calm_contacts: the same of calm hours, of the block of 10,000.
    """

    blocks: tuple[int, int, int]
    contacts: int
    calm_block: int
    calm_contacts: int


def find_neighbours(crowd: Crowd) -> Neighbours:
    """Judge the blocks of a sender."""
    small, middle, large = crowd.blocks
    found = NONE
    if small >= SENDERS_MIN[0]:
        found = Neighbours(small, small / max((middle - small) / (SHARE - 1), 1.0))
    if middle < SENDERS_MIN[1] or crowd.calm_contacts < CALM_KNOWN_MIN:
        return found
    calm_share = (crowd.calm_block + 0.5) / (crowd.calm_contacts + 150.0)
    expected = max((large - middle) / (SHARE - 1), calm_share * crowd.contacts, 1.0)
    return max(found, Neighbours(middle, middle / expected), key=lambda n: n.ratio)
