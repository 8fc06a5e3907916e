"""What an hour usually brings, and how far above it an instant is."""

from math import isclose, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.filter.core.learner import Learnt
from services.filter.core.lore import AFTER, BEFORE, Lore
from services.filter.core.surge import SURGE_EXCESS, SURGE_RATIO, USUAL_MIN, Surge, usual_rate
from services.filter.core.tally import HOUR

NOW = 24 * 400 + 18
"""An evening, in hours."""
surges = st.builds(Surge, st.floats(0, 1e6), st.floats(USUAL_MIN, 1e5))


def by_day(hours: dict[int, int], days: int) -> dict[int, int]:
    """So many at these hours of the day, on each of the days before and on this one."""
    first = NOW - 24 * days
    return {h: hours.get(h % 24, 0) for h in range(first, NOW)}


@given(surges)
def test_the_share_beyond_the_usual_is_a_share(surge: Surge) -> None:
    assert 0.0 <= surge.excess_share < 1.0
    assert (surge.excess_share > 0) == surge.is_one
    assert not surge.is_one or surge.rate > surge.usual


@given(surges)
def test_of_what_is_no_surge_it_says_nothing(surge: Surge) -> None:
    if not surge.is_one:
        assert (surge.log_odds, surge.excess_share) == (0.0, 0.0)
    assert surge.log_odds <= 0.0


@given(st.floats(USUAL_MIN, 1e4))
def test_neither_a_peak_of_the_day_nor_a_handful_more_is_one(usual: float) -> None:
    assert not Surge(usual * (SURGE_RATIO - 0.01), usual).is_one
    assert not Surge(usual + SURGE_EXCESS - 0.01, usual).is_one
    assert Surge(max(usual * SURGE_RATIO, usual + SURGE_EXCESS) + 0.01, usual).is_one


@given(surges, st.floats(1, 1e5))
def test_the_more_come_the_likelier_each_is_one_of_them(surge: Surge, more: float) -> None:
    larger = Surge(surge.rate + more, surge.usual)
    assert larger.log_odds <= surge.log_odds
    assert larger.excess_share >= surge.excess_share


def test_its_odds_are_those_of_the_usual_to_the_rest() -> None:
    surge = Surge(100.0, 20.0)
    assert (surge.ratio, surge.excess_share) == (5.0, 0.8)
    assert surge.log_odds == pytest.approx(log(20 / 80))


def test_at_first_nothing_is_known() -> None:
    assert usual_rate(NOW, {}, 0) == USUAL_MIN
    assert usual_rate(NOW, {NOW - 1: 500, NOW - 2: 500}, NOW - 2) == USUAL_MIN
    assert usual_rate(NOW, {NOW - 1: 500, NOW - 2: 500, NOW - 3: 400}, NOW - 3) == 500


def test_an_hour_is_measured_by_its_own_kind() -> None:
    evenings = by_day({18: 60, 19: 40} | dict.fromkeys(range(8, 18), 30), 7)
    assert usual_rate(NOW, evenings, NOW - 24 * 7) == 2 * 15  # at most twice the day's median
    busy = by_day(dict.fromkeys(range(24), 40) | {18: 60}, 7)
    assert usual_rate(NOW, busy, NOW - 24 * 7) == 60
    assert usual_rate(NOW, by_day({18: 5}, 7), NOW - 24 * 7) == USUAL_MIN


def test_a_flood_yesterday_is_no_custom() -> None:
    quiet = by_day(dict.fromkeys(range(24), 20), 7)
    flood = quiet | dict.fromkeys(range(NOW - 26, NOW - 18), 5000)
    assert usual_rate(NOW, flood, NOW - 24 * 7) == usual_rate(NOW, quiet, NOW - 24 * 7) == 20
    # Nor where yesterday is all that is known.
    known = {h: count for h, count in flood.items() if h >= NOW - 28}
    assert usual_rate(NOW, known, NOW - 28) <= 2 * 20


def test_a_crowd_that_stays_becomes_the_custom_within_a_day() -> None:
    stays = by_day(dict.fromkeys(range(24), 20), 7) | dict.fromkeys(range(NOW - 30, NOW), 600)
    assert usual_rate(NOW, stays, NOW - 24 * 7) == 20  # its hours of the week before
    new = dict.fromkeys(range(NOW - 13, NOW), 600)
    assert usual_rate(NOW, new, NOW - 13) == 600


@given(
    st.dictionaries(st.integers(NOW - 24 * 8, NOW - 1), st.integers(0, 10**6)),
    st.integers(NOW - 24 * 8, NOW),
)
def test_the_usual_is_at_least_a_handful_and_at_most_what_was(
    hours: dict[int, int], first: int
) -> None:
    usual = usual_rate(NOW, hours, first)
    assert USUAL_MIN <= usual <= max([USUAL_MIN, *hours.values()])


def lore_of(contacts: dict[int, int]) -> Lore:
    return Lore(contacts, Learnt())


def test_the_rate_around_a_contact_is_of_whole_buckets_that_may_be_counted() -> None:
    bucket = NOW * HOUR
    lore = lore_of(dict.fromkeys(range(bucket - 100, bucket + 100), 10) | {bucket + 3: 70})
    assert lore.surge_before(bucket).rate == 10 * HOUR
    around = lore.surge_around(bucket, bucket + 50)
    width = BEFORE + 1 + AFTER
    assert isclose(around.rate, (10 * width + 60) * HOUR / width)
    assert lore.surge_around(bucket, bucket + 2).rate == 10 * HOUR
    assert lore.surge_around(bucket, bucket - 9).rate == 10 * HOUR
    assert around.usual == lore.surge_before(bucket).usual == 10 * HOUR


@given(st.dictionaries(st.integers(0, 500), st.integers(0, 999)), st.integers(0, 500))
def test_whatever_came_there_is_a_surge_to_tell(contacts: dict[int, int], bucket: int) -> None:
    lore = lore_of(contacts)
    for surge in (lore.surge_before(bucket), lore.surge_around(bucket, bucket + 9)):
        assert surge.rate >= 0
        assert surge.usual >= USUAL_MIN
        assert 0 <= surge.excess_share < 1
