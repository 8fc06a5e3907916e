"""Which numbers lie too close together to be people's."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.filter.core.neighbours import (
    CALM_KNOWN_MIN,
    NONE,
    RATIO_MIN,
    SENDERS_MIN,
    SHARE,
    Crowd,
    Neighbours,
    find_neighbours,
)

DIGITS = (2, 4, 6)
MOBILES = 150_000_000
"""Numbers that French mobiles may have."""
FICTION = range(39_980_000, 39_990_000)
seeds = st.integers(0, 10**6)


def judge_all(numbers: Sequence[int], calm: Sequence[int] = ()) -> list[Neighbours]:
    """Every number by the blocks it lies in, and by where those of calm hours lay."""
    small, middle, large = (Counter(n // 10**digits for n in numbers) for digits in DIGITS)
    usual = Counter(number // 10**4 for number in calm)
    return [
        find_neighbours(
            Crowd(
                (small[n // 10**2], middle[n // 10**4], large[n // 10**6]),
                len(numbers),
                usual[n // 10**4],
                len(calm),
            )
        )
        for n in numbers
    ]


def spread(seed: int, count: int) -> list[int]:
    return random.Random(seed).choices(range(MOBILES), k=count)


@pytest.mark.parametrize(
    ("crowd", "found"),
    [
        (Crowd((1, 1, 1), 1, 0, 0), NONE),
        (Crowd((11, 11, 11), 11, 0, 0), NONE),
        (Crowd((12, 12, 12), 12, 0, 0), Neighbours(12, 12.0)),
        (Crowd((12, 12 + 99, 200), 200, 0, 0), Neighbours(12, 12.0)),
        (Crowd((12, 12 + 297, 400), 400, 0, 0), Neighbours(12, 4.0)),
        (Crowd((1, 23, 23), 23, 0, 500), NONE),
        (Crowd((1, 24, 24), 24, 0, 500), Neighbours(24, 24.0)),
        (Crowd((1, 24, 24), 24, 0, CALM_KNOWN_MIN - 1), NONE),  # it may be everybody's
        (Crowd((1, 24, 24 + 198), 300, 0, 500), Neighbours(24, 12.0)),
        (Crowd((1, 60, 60), 130, 500, 500), Neighbours(60, 60 / (500.5 / 650 * 130))),
        (Crowd((60, 60, 60), 60, 0, 0), Neighbours(60, 60.0)),
        (Crowd((30, 600, 600), 700, 0, 500), Neighbours(600, 600.0)),  # the more conspicuous
        (Crowd((30, 60, 60), 700, 500, 500), Neighbours(30, 30.0)),
    ],
)
def test_what_a_block_says(crowd: Crowd, found: Neighbours) -> None:
    assert find_neighbours(crowd) == found
    assert found.is_range == (found.ratio >= RATIO_MIN)


@given(st.integers(0, MOBILES), st.integers(SENDERS_MIN[0], 100), seeds)
def test_a_sequence_within_a_hundred_is_found(start: int, count: int, seed: int) -> None:
    start -= start % 100
    found = judge_all([*range(start, start + count), *spread(seed, 300)])
    assert all(neighbours.is_range for neighbours in found[:count])


@given(st.integers(0, MOBILES), st.integers(50, 1500))
def test_a_sequence_over_hundreds_is_found(start: int, count: int) -> None:
    found = judge_all(range(start, start + count))
    # Its first and last hundred may hold too few, measured by the others of it.
    missed = 2 * max(SENDERS_MIN[0], RATIO_MIN * count / (SHARE - 1))
    assert sum(neighbours.is_range for neighbours in found) >= count - missed


@given(seeds, st.integers(100, 2000))
def test_a_block_of_ten_thousand_is_found_however_it_is_used(seed: int, count: int) -> None:
    rented = random.Random(seed).sample(FICTION, count)
    people = [number for number in spread(seed + 1, 300) if number not in FICTION]
    calm = spread(seed + 2, 300)
    found = judge_all([*rented, *people], calm)
    assert all(neighbours.is_range for neighbours in found[:count])
    assert not any(neighbours.is_range for neighbours in found[count:])


@given(seeds, st.integers(1, 20_000), st.integers(0, 2000))
def test_numbers_that_are_spread_are_never_a_range(seed: int, count: int, known: int) -> None:
    found = judge_all(spread(seed, count), spread(seed + 1, known))
    assert not any(neighbours.is_range for neighbours in found)


@given(seeds, st.integers(1, 10_000), st.integers(0, 2000), st.integers(0, 50))
def test_the_fiction_range_is_none_however_many_of_it_write(
    seed: int, count: int, known: int, strangers: int
) -> None:
    """All who write lie in it, in calm hours as in others; a few from elsewhere change nothing."""
    draw = random.Random(seed)
    fiction, calm = draw.sample(FICTION, count), draw.choices(FICTION, k=known)
    found = judge_all([*fiction, *spread(seed, strangers)], calm)
    assert not any(neighbours.is_range for neighbours in found)


@pytest.mark.parametrize("count", [60, 100, 130, 160, 200, 250, 400])
def test_chance_makes_hardly_ever_a_range_of_people_who_share_a_block(count: int) -> None:
    """Where it would be likeliest: about one in each hundred."""
    draws = [random.Random(seed).sample(FICTION, count) for seed in range(200)]
    hit = sum(any(neighbours.is_range for neighbours in judge_all(draw)) for draw in draws)
    assert hit <= 1


crowds = st.builds(
    lambda small, middle, large, others, calm_block, calm: Crowd(
        (small, small + middle, small + middle + large),
        small + middle + large + others,
        min(calm_block, calm),
        calm,
    ),
    *[st.integers(0, 5000)] * 6,
)


@given(crowds)
def test_what_calm_knows_of_a_block_only_ever_excuses_it(crowd: Crowd) -> None:
    known = Crowd(crowd.blocks, crowd.contacts, 0, crowd.calm_contacts)
    assert find_neighbours(crowd).ratio <= find_neighbours(known).ratio
    assert find_neighbours(crowd).ratio >= 0
