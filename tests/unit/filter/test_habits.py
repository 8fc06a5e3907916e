"""Habits: what far more do than people do is told, whatever it is; what people do is not."""

from itertools import pairwise
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.filter.core.habits import PEOPLE, UPTO, Habits, habit_of

habits = st.lists(st.integers(0, len(PEOPLE) - 1), max_size=60)


def habits_of(seen: list[int]) -> Habits:
    counted = Habits()
    for habit in seen:
        counted.count(habit)
    return counted


def people(count: int) -> list[int]:
    """So many people, as they are."""
    return [habit for habit, share in enumerate(PEOPLE) for _ in range(round(share * count))]


def test_the_shares_are_of_all_people() -> None:
    assert sum(PEOPLE) == pytest.approx(1.0)
    assert len(PEOPLE) == len(UPTO) + 1
    assert [habit_of(texts) for texts in (1, 2, 6, 7, 8, 9, 30, 31, 10**6)] == [
        0, 1, 5, 6, 6, 7, 10, 11, 11,
    ]  # fmt: skip


def test_of_people_nothing_is_told() -> None:
    calm = habits_of(people(1000))
    assert all(calm.excess(habit) < 0.05 for habit in range(len(PEOPLE)))
    assert all(Habits().excess(habit) < 1e-9 for habit in range(len(PEOPLE)))


@pytest.mark.parametrize("habit", range(len(PEOPLE)))
def test_whatever_a_script_was_told_to_do_is_told(habit: int) -> None:
    flood = habits_of([*people(1000), *[habit] * 2000])
    assert flood.excess(habit) > log(1.5)
    assert all(flood.excess(other) < 1e-9 for other in range(len(PEOPLE)) if other != habit)


def test_there_is_no_threshold() -> None:
    """One more of a habit changes what is told of it a little, never much."""
    told = [habits_of([*people(200), *[3] * more]).excess(3) for more in range(100)]
    steps = [after - before for before, after in pairwise(told)]
    assert 0 <= min(steps) <= max(steps) < 0.1


@given(habits, habits, st.integers(0, 12))
def test_it_is_a_sum_and_is_kept(one: list[int], other: list[int], shift: int) -> None:
    whole = habits_of([*one, *other])
    assert habits_of(one).plus(habits_of(other)) == whole
    assert Habits.from_bytes(whole.to_bytes()) == whole
    assert Habits.from_bytes(b"") == Habits()
    before = list(whole.lately)
    whole.halve(shift)
    assert list(whole.lately) == [count >> shift for count in before]
