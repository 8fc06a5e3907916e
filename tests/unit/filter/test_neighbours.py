"""Which numbers lie too close together to be people's."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.filter.core.neighbours import (
    NONE,
    OTHERS_MIN,
    RATIO_MIN,
    SENDERS_MIN,
    Neighbours,
    find_neighbours,
)

DIGITS = (2, 4, 6)
MOBILES = 150_000_000
"""Numbers that French mobiles may have."""


def judge_all(numbers: Iterable[int]) -> list[Neighbours]:
    """Every number by the blocks it lies in."""
    listed = list(numbers)
    counts = [Counter(number // 10**digits for number in listed) for digits in DIGITS]
    return [
        find_neighbours([counts[level][n // 10**digits] for level, digits in enumerate(DIGITS)])
        for n in listed
    ]


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ((), NONE),
        ((1, 1, 1), NONE),
        ((7, 7, 7), NONE),
        ((8, 8, 8), Neighbours(8, 8.0)),
        ((8, 8 + 99, 107), Neighbours(8, 8.0)),
        ((8, 8 + 198, 206), Neighbours(8, 4.0)),
        ((8, 8 + 198, 206 + 99 * 103), Neighbours(8, 4.0)),
        ((1, 23, 26), NONE),
        ((1, 24, 27), Neighbours(24, 24.0)),
        ((1, 24, 26), NONE),  # of this million hardly anybody else writes
        ((60, 60, 63), Neighbours(60, 60.0)),
        ((30, 600, 603), Neighbours(600, 600.0)),  # the more conspicuous of the two
        ((8,), NONE),
    ],
)
def test_what_a_block_says(counts: Sequence[int], found: Neighbours) -> None:
    assert find_neighbours(counts) == found
    assert found.is_range == (found.ratio >= RATIO_MIN)


@given(st.integers(0, MOBILES), st.integers(SENDERS_MIN[0], 100), st.integers(0, 10**6))
def test_a_sequence_within_a_hundred_is_found(start: int, count: int, seed: int) -> None:
    start -= start % 100
    draw = random.Random(seed)
    people = draw.sample(range(MOBILES), 300)
    found = judge_all([*range(start, start + count), *people])
    assert all(neighbours.is_range for neighbours in found[:count])


@given(st.integers(0, MOBILES), st.integers(50, 1500))
def test_a_sequence_over_hundreds_is_found(start: int, count: int) -> None:
    found = judge_all(range(start, start + count))
    # Its first and last hundred may hold too few, measured by the others of it.
    missed = 2 * max(SENDERS_MIN[0], RATIO_MIN * count / 99)
    assert sum(neighbours.is_range for neighbours in found) >= count - missed


@given(st.integers(0, 10**6), st.integers(100, 2000))
def test_a_block_of_ten_thousand_is_found_however_it_is_used(seed: int, count: int) -> None:
    draw = random.Random(seed)
    block = 39 * 1_000_000 + 98 * 10_000
    rented = draw.sample(range(block, block + 10_000), count)
    people = [39 * 1_000_000 + n for n in (5, 77_777, 555_555)]
    found = judge_all([*rented, *people])
    assert all(neighbours.is_range for neighbours in found[:count])
    assert not any(neighbours.is_range for neighbours in found[count:])


@given(st.integers(0, 10**6), st.integers(1, 30_000))
def test_numbers_that_are_spread_are_never_a_range(seed: int, count: int) -> None:
    draw = random.Random(seed)
    found = judge_all(draw.randrange(MOBILES) for _ in range(count))
    assert not any(neighbours.is_range for neighbours in found)


@given(st.integers(0, 10**6), st.integers(1, 10_000), st.integers(0, OTHERS_MIN[1] - 1))
def test_the_fiction_range_is_none_however_many_of_it_write(
    seed: int, count: int, strangers: int
) -> None:
    draw = random.Random(seed)
    fiction = draw.sample(range(39_980_000, 39_990_000), count)
    found = judge_all([*fiction, *range(39_110_000, 39_110_000 + strangers)])
    assert not any(neighbours.is_range for neighbours in found)
