"""The price of a euro: what is kept, from whom, for whom."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import Decision, Reason
from services.billing.core.price import (
    BINS,
    DAYS_KEPT,
    NOTHING_KEPT,
    RECEIVED,
    SEEN,
    UNLIKELY,
    Asked,
    Reserve,
    bin_of,
    count_verdict,
    hour_of,
    plan_reserve,
)
from tests.unit.billing.cases import AGE, DAY, HOUR, MINUTE, NOW, PRICE, judged

COST = 150_000
ATTACKED = [Asked(NOW - HOUR, SEEN, 90), Asked(NOW - HOUR, UNLIKELY, 90)]
"""Everybody of the last hour was unlikely: all that is expected is kept."""


def hourly(score: float, count: int, hours: int = 24) -> list[Asked]:
    """So many of this score in each of the last hours."""
    return [Asked(NOW - n * HOUR, bin_of(score), count) for n in range(1, hours + 1)]


def kept(asked: list[Asked], score: float, ahead: timedelta = DAY) -> float:
    """For how many replies money is kept from one of this score."""
    return plan_reserve(asked, NOW + ahead, COST, PRICE, NOW).from_whom(score) / COST


# -- what is counted -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"score": 1.0}, {bin_of(1.0): 1, SEEN: 1, UNLIKELY: 0}),
        ({"score": -9.0}, {bin_of(-8.0): 1, SEEN: 1, UNLIKELY: 1}),
        ({"score": 1.0, "basis": {"surge": 3.0}}, {bin_of(1.0): 1, SEEN: 1, UNLIKELY: 1}),
        ({"score": 1.0, "basis": {"surge": 2.9}}, {bin_of(1.0): 1, SEEN: 1, UNLIKELY: 0}),
        ({"reason": Reason.CAMPAIGN}, {SEEN: 1, UNLIKELY: 1}),
        # who is silent already tells nothing new; nor does a STOP
        ({"reason": Reason.BURST, "received_at": NOW}, {}),
        ({"reason": Reason.OPTED_OUT}, {}),
    ],
)
def test_a_verdict_is_counted_once_a_sender(
    fields: dict[str, Any], expected: dict[int, int]
) -> None:
    verdict = judged(**fields)
    assert count_verdict(verdict) == expected
    assert (verdict.decision is Decision.REPLY) == (min(expected, default=SEEN) < RECEIVED)


# -- for whom money is kept ------------------------------------------------------------------------


def test_it_is_kept_for_the_better_who_are_expected_and_for_no_others() -> None:
    asked = [*ATTACKED, *hourly(2.0, 3)]
    assert kept(asked, -4.0) == pytest.approx(72)
    assert kept(asked, 2.0) == kept(asked, 1.75) == 0
    # Who comes in a day must be half a nat better than who comes now.
    assert 0 < kept(asked, 1.4) < 72
    assert kept(asked, 1.0) == pytest.approx(72)


def test_nothing_is_kept_where_nobody_is_unlikely() -> None:
    calm = [Asked(NOW - HOUR, SEEN, 90), Asked(NOW - HOUR, UNLIKELY, 7), *hourly(2.0, 3)]
    assert kept(calm, -4.0) == 0
    half = [Asked(NOW - HOUR, SEEN, 90), Asked(NOW - HOUR, UNLIKELY, 11), *hourly(2.0, 3)]
    assert kept(half, -4.0) == pytest.approx(36)
    # Of one or two nothing is concluded.
    assert kept([Asked(NOW - HOUR, SEEN, 1), Asked(NOW - HOUR, UNLIKELY, 1)], -4.0) == 0


def test_the_number_is_kept_on_for_who_is_kept_for() -> None:
    received = [Asked(NOW - n * HOUR, RECEIVED, 10_000) for n in range(1, 25)]
    asked = [*ATTACKED, *hourly(2.0, 3), *received]
    assert kept(asked, -4.0) == pytest.approx(72 + 1.6, abs=1e-3)
    assert kept(asked, 2.0) == 0


def test_until_the_horizon_and_no_longer() -> None:
    asked = [*ATTACKED, *hourly(2.0, 3)]
    assert kept(asked, -4.0, ahead=0 * HOUR) == kept(asked, -4.0, ahead=-DAY) == 0
    assert kept(asked, -4.0, ahead=HOUR) == pytest.approx(3)
    assert kept(asked, -4.0, ahead=7 * DAY) == pytest.approx(7 * 72)


def test_an_hour_is_foretold_by_the_same_hour_of_the_days_before() -> None:
    evening = [Asked(NOW - 20 * HOUR, bin_of(2.0), 7), Asked(NOW - 30 * HOUR, SEEN, 1)]
    assert kept([*ATTACKED, *evening], -4.0, ahead=4 * HOUR) == 0
    assert kept([*ATTACKED, *evening], -4.0, ahead=5 * HOUR) == pytest.approx(7)
    # Before a day is known all hours are taken to be alike.
    assert kept([*ATTACKED, *hourly(2.0, 6, hours=4)], -4.0, ahead=2 * HOUR) == pytest.approx(12)


def test_hours_are_the_same_for_everybody() -> None:
    at = NOW + 59 * MINUTE
    assert hour_of(at, HOUR) == NOW
    assert plan_reserve([], NOW + DAY, COST, PRICE, NOW) == NOTHING_KEPT


ASKED = st.lists(
    st.builds(
        Asked,
        st.integers(0, DAYS_KEPT * 24).map(lambda hours: NOW - hours * HOUR),
        st.sampled_from([*range(-8 * BINS, 8 * BINS + 1, 3), RECEIVED, SEEN, UNLIKELY]),
        st.integers(0, 500),
    ),
    max_size=40,
)


@given(asked=ASKED, hours=st.integers(0, 200), scores=st.lists(st.floats(-30, 30), max_size=9))
def test_never_more_is_kept_from_a_better_one(
    asked: list[Asked], hours: int, scores: list[float]
) -> None:
    reserve = plan_reserve(asked, NOW + hours * HOUR, COST, PRICE, NOW)
    amounts = [reserve.from_whom(score) for score in sorted(scores)]
    assert all(before >= after >= 0 for before, after in pairwise(amounts))
    assert reserve.most == reserve.from_whom(-99.0)
    assert len(reserve.kept) <= 300, "however many were counted"


@given(asked=ASKED, hours=st.integers(0, 200), waited=st.integers(0, 400))
def test_from_who_has_waited_no_more_is_kept(asked: list[Asked], hours: int, waited: int) -> None:
    reserve = plan_reserve(asked, NOW + hours * HOUR, COST, PRICE, NOW)
    assert reserve.from_whom(-1.0 + waited * HOUR / AGE) <= reserve.from_whom(-1.0)


@given(asked=ASKED, hours=st.integers(0, 200))
def test_the_order_of_what_was_counted_changes_nothing(asked: list[Asked], hours: int) -> None:
    until = NOW + hours * HOUR
    there = plan_reserve(asked, until, COST, PRICE, NOW)
    assert plan_reserve(asked[::-1], until, COST, PRICE, NOW) == there
    elderly = replace(PRICE, margin=9.0)
    later = plan_reserve(asked, until, COST, elderly, NOW)
    assert later.from_whom(0.0) <= there.from_whom(0.0)


def test_an_empty_reserve_keeps_nothing() -> None:
    assert Reserve().from_whom(-99.0) == Reserve().most == 0
