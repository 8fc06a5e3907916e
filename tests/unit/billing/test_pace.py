"""The pace: what may be spent by when, what the doubtful may take, and what is too fast."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.core.pace import (
    LONG_HOURS,
    SURGED_LEFT,
    SURGED_MIN,
    Demand,
    Donation,
    burns,
    doubtful_left,
    pace_left,
    surges,
)
from tests.unit.billing.cases import DAY, EURO, HOUR, NOW, PACE, SECOND

AMOUNTS = st.integers(0, 10**12)
INSTANTS = st.integers(0, 10 * 24 * 3600).map(lambda seconds: NOW + seconds * SECOND)
HORIZON = NOW + PACE.horizon


def donation(amount: int = 168 * EURO, consumed: int = 0) -> Donation:
    """A euro an hour to the horizon."""
    return Donation(amount, NOW, consumed)


# -- how much by when ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "left"),
    [
        (NOW - HOUR, 84),
        (NOW, 84),
        (NOW + HOUR, 84.5),
        (NOW + PACE.horizon / 2, 126),
        (HORIZON, 168),
        (HORIZON + 30 * DAY, 168),
    ],
)
def test_half_at_once_and_the_rest_evenly_to_the_horizon(at: datetime, left: float) -> None:
    assert pace_left(donation(), PACE, at) == left * EURO
    assert pace_left(donation(consumed=100 * EURO), PACE, at) == (left - 100) * EURO


@given(amount=AMOUNTS, consumed=AMOUNTS, times=st.lists(INSTANTS, min_size=2, max_size=9))
def test_as_time_goes_on_there_is_never_less(
    amount: int, consumed: int, times: list[datetime]
) -> None:
    given_ = donation(amount, consumed)
    left = [pace_left(given_, PACE, at) for at in sorted(times)]
    assert all(before <= after for before, after in pairwise(left))


@given(amount=AMOUNTS, at=INSTANTS)
def test_half_is_there_at_once_and_all_at_the_horizon_and_never_more(
    amount: int, at: datetime
) -> None:
    given_ = donation(amount)
    assert pace_left(given_, PACE, NOW) == amount // 2
    assert amount // 2 <= pace_left(given_, PACE, at) <= amount
    assert pace_left(given_, PACE, HORIZON) in (amount, amount - 1)


# -- what the doubtful may take --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "day_sure", "left", "expected"),
    [
        # nobody sure asks: all of it; ahead of the pace: nothing
        (2 * DAY, 0, 50, 50),
        (2 * DAY, 0, -1, 0),
        # three days like the last one are kept
        (2 * DAY, 10, 50, 20),
        (2 * DAY, 20, 50, 0),
        # of the first hours a day is made; of the first hour, twenty-four
        (6 * HOUR, 2, 50, 26),
        (0 * HOUR, 1, 100, 28),
        (HOUR, 1, 100, 28),
        # no more than is to come
        (6 * DAY, 10, 50, 40),
        (7 * DAY, 10, 50, 50),
        (9 * DAY, 10, 50, 50),
    ],
)
def test_what_the_sure_will_ask_for_is_kept_from_the_doubtful(
    after: timedelta, day_sure: int, left: int, expected: int
) -> None:
    demand = Demand(day_sure=day_sure * EURO)
    found = doubtful_left(donation(), demand, left * EURO, PACE, NOW + after)
    assert found == pytest.approx(expected * EURO)


@given(
    at=INSTANTS,
    day_sure=AMOUNTS,
    more=AMOUNTS,
    left=st.integers(-(10**12), 10**12),
)
def test_the_doubtful_get_no_more_than_there_is_and_less_the_more_the_sure_ask(
    at: datetime, day_sure: int, more: int, left: int
) -> None:
    def found(day_sure: int, left: int) -> int:
        return doubtful_left(donation(), Demand(day_sure=day_sure), left, PACE, at)

    assert 0 <= found(day_sure, left) <= max(left, 0)
    assert found(day_sure + more, left) <= found(day_sure, left)
    assert found(day_sure, left + more) >= found(day_sure, left)
    assert found(0, left) == max(left, 0)


# -- a surge -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("surged", "begins", "lasts"),
    [
        (0, False, False),
        (SURGED_LEFT, False, False),
        (SURGED_LEFT + 1, False, True),
        (SURGED_MIN - 1, False, True),
        (SURGED_MIN, True, True),
    ],
)
def test_a_surge_begins_with_many_and_lasts_until_few(
    *, surged: int, begins: bool, lasts: bool
) -> None:
    demand = Demand(surged=surged)
    assert surges(demand, guarded=False) is begins
    assert surges(demand, guarded=True) is lasts


# -- the burn ------------------------------------------------------------------------------------

FAST, SLOW = 14_400_000, 6 * LONG_HOURS * EURO
"""Of a euro an hour: what is too much in an hour, and in six."""


@pytest.mark.parametrize(
    ("demand", "begins", "lasts"),
    [
        (Demand(), False, False),
        (Demand(FAST, FAST), False, True),
        (Demand(FAST + 1, FAST + 1), True, True),
        (Demand(FAST // 2, FAST // 2), False, False),
        (Demand(FAST // 2 + 1, FAST // 2 + 1), False, True),
        (Demand(0, SLOW), False, True),
        (Demand(0, SLOW + 1), True, True),
        (Demand(0, SLOW // 2), False, False),
        (Demand(0, SLOW // 2 + 1), False, True),
    ],
)
def test_it_burns_too_fast_in_either_window_and_half_of_it_is_calm(
    *, demand: Demand, begins: bool, lasts: bool
) -> None:
    assert burns(demand, donation(), PACE, guarded=False) is begins
    assert burns(demand, donation(), PACE, guarded=True) is lasts


@given(hour=AMOUNTS, before=AMOUNTS, amount=AMOUNTS, more=st.integers(0, 10**9))
def test_what_begins_lasts_and_more_demand_never_calms(
    hour: int, before: int, amount: int, more: int
) -> None:
    demand, given_ = Demand(hour, hour + before), donation(amount)
    begins = burns(demand, given_, PACE, guarded=False)
    lasts = burns(demand, given_, PACE, guarded=True)
    assert lasts or not begins
    greater = Demand(hour + more, hour + before + more)
    assert burns(greater, given_, PACE, guarded=False) or not begins
    richer = donation(amount + more)
    assert begins or not burns(demand, richer, PACE, guarded=False)
