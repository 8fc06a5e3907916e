"""What is a surge, and what burns too fast."""

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
    surges,
)
from tests.unit.billing.cases import EURO, NOW, PACE

AMOUNTS = st.integers(0, 10**12)


def donation(amount: int = 168 * EURO) -> Donation:
    """A euro an hour to the horizon."""
    return Donation(amount, NOW)


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
