"""The posture: what suspends, in which order, and what lets go again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antirelou.records import Posture
from services.billing.core.posture import (
    DELIVERIES_JUDGED,
    FIRST,
    PROBES,
    Cause,
    Facts,
    PostureRules,
    Standing,
    decide_standing,
    floor_for_replies,
    spendable,
)
from tests.unit.billing.cases import CALM, EURO, MINUTE, NOW, RULES, facts

CAPPED = replace(RULES, daily_cap_microeuros=5 * EURO)
PRICE, MARGIN = 150_000, 160_000
FAILING = (False,) * DELIVERIES_JUDGED
TOMORROW = date(2026, 11, 3)


def decide(
    standing: Standing, known: Facts, rules: PostureRules = RULES, minutes: int = 0
) -> Standing:
    return decide_standing(standing, known, rules, NOW + minutes * MINUTE)


def cause_of(standing: Standing, rules: PostureRules = RULES, **fields: Any) -> Cause:
    decided = decide(standing, facts(**fields), rules)
    calm = decided.cause is Cause.CALM
    assert decided.posture is (Posture.NORMAL if calm else Posture.SUSPENDED)
    return decided.cause


# -- causes --------------------------------------------------------------------------------------


def test_the_first_cause_that_holds_is_named() -> None:
    wrongs: list[tuple[Cause, dict[str, Any]]] = [
        (Cause.CREDIT, {"credit": 0}),
        (Cause.FLOOR, {"available": 0}),
        (Cause.DAILY_CAP, {"spent": 5 * EURO}),
        (Cause.DELIVERIES_FAILING, {"deliveries": FAILING}),
    ]
    fields = {name: value for _, wrong in wrongs for name, value in wrong.items()}
    paused = replace(CALM, paused="why")
    assert cause_of(paused, CAPPED, **fields) is Cause.OPERATOR
    for cause, wrong in wrongs:
        assert cause_of(CALM, CAPPED, **fields) is cause
        for name in wrong:
            del fields[name]
    assert cause_of(CALM, CAPPED, **fields) is Cause.CALM


@pytest.mark.parametrize(
    ("cause", "name", "limit"),
    [(Cause.CREDIT, "credit", 1_600_000), (Cause.FLOOR, "available", 20 * EURO)],
)
def test_what_suspended_lets_go_by_a_margin_only(cause: Cause, name: str, limit: int) -> None:
    held = replace(CALM, posture=Posture.SUSPENDED, cause=cause)
    other = replace(CALM, posture=Posture.SUSPENDED, cause=Cause.OPERATOR)
    for standing, enough in ((CALM, PRICE), (other, PRICE), (held, PRICE + MARGIN)):
        freed: dict[str, Any] = {name: limit + enough}
        short: dict[str, Any] = {name: limit + enough - 1}
        assert cause_of(standing, **freed) is Cause.CALM
        assert cause_of(standing, **short) is cause


def test_credit_that_is_not_known_suspends_nothing() -> None:
    assert cause_of(CALM, credit=None) is Cause.CALM


def test_the_daily_cap_counts_what_is_reserved_and_lets_go_with_the_day() -> None:
    began = replace(CALM, spent_before=100 * EURO)
    spent = {"spent": 104 * EURO, "reserved": EURO - PRICE}
    assert cause_of(began, CAPPED, **spent) is Cause.CALM
    assert cause_of(began, CAPPED, **spent | {"reserved": EURO - PRICE + 1}) is Cause.DAILY_CAP
    capped = decide(began, facts(spent=105 * EURO), CAPPED)
    assert capped.cause is Cause.DAILY_CAP
    turned = decide(capped, facts(spent=105 * EURO, today=TOMORROW), CAPPED)
    assert (turned.cause, turned.day, turned.spent_before) == (Cause.CALM, TOMORROW, 105 * EURO)
    assert (turned.sequence, capped.sequence) == (2, 1)


def test_without_a_cap_a_day_is_as_good_as_any() -> None:
    assert cause_of(CALM, spent=10**12) is Cause.CALM


# -- the floor -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at_donation", "received_last_hour", "floor"),
    [
        (0, 0, 20 * EURO),
        (100 * EURO, 0, 20 * EURO),
        (100 * EURO, 3 * EURO, 20 * EURO),
        (100 * EURO, 4 * EURO, 24 * EURO),
        (100 * EURO, 9 * EURO, 50 * EURO),
        (30 * EURO, 9 * EURO, 20 * EURO),
        (0, 9 * EURO, 20 * EURO),
    ],
)
def test_a_flood_raises_the_floor_to_half_of_what_was_there_at_most(
    at_donation: int, received_last_hour: int, floor: int
) -> None:
    standing = replace(CALM, at_donation=at_donation)
    known = facts(received_last_hour=received_last_hour)
    assert floor_for_replies(known, standing, RULES) == floor
    assert spendable(known, standing, RULES) == 100 * EURO - floor


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 5 * EURO),
        ({"available": 24 * EURO}, 4 * EURO),
        ({"spent": 2 * EURO, "reserved": EURO}, 2 * EURO),
        ({"credit": 1_700_000}, 100_000),
        ({"credit": 0, "available": 0}, -20 * EURO),
    ],
)
def test_what_may_be_spent_is_within_every_limit(fields: dict[str, Any], expected: int) -> None:
    assert spendable(facts(**fields), CALM, CAPPED) == expected


# -- deliveries ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deliveries", "failing"),
    [
        (FAILING[1:], False),
        (FAILING, True),
        ((True,) * 9 + (False,) * 11, True),
        ((True,) * 10 + (False,) * 10, False),
    ],
)
def test_deliveries_fail_when_fewer_than_half_of_the_last_arrived(
    *, deliveries: Sequence[bool], failing: bool
) -> None:
    expected = Cause.DELIVERIES_FAILING if failing else Cause.CALM
    assert cause_of(CALM, deliveries=deliveries) is expected


def test_probes_go_now_and_then_until_deliveries_work_again() -> None:
    bad = facts(deliveries=FAILING)
    found = decide(CALM, bad)
    assert (found.probes, found.probe_at) == (0, NOW + 30 * MINUTE)
    assert decide(found, bad, minutes=29) == found
    probing = decide(found, bad, minutes=30)
    assert (probing.probes, probing.probe_at) == (PROBES, NOW + 60 * MINUTE)
    assert probing.sequence == found.sequence
    used = replace(probing, probes=0)
    assert decide(used, bad, minutes=59).probes == 0
    assert decide(used, bad, minutes=60).probes == PROBES
    healed = decide(used, facts(deliveries=(True,) * DELIVERIES_JUDGED))
    assert (healed.cause, healed.probe_at, healed.probes) == (Cause.CALM, None, 0)


# -- the number ----------------------------------------------------------------------------------


def test_before_the_first_donation_the_number_is_left_on() -> None:
    begun = decide(FIRST, facts(available=-EURO, given=0))
    assert (begun.attach, begun.cause, begun.sequence) == (True, Cause.FLOOR, 1)


@pytest.mark.parametrize(
    ("available", "attach"), [(20 * EURO + 1, True), (20 * EURO, False), (-EURO, False)]
)
def test_the_number_goes_when_only_the_floor_is_left(*, available: int, attach: bool) -> None:
    flood = replace(CALM, at_donation=100 * EURO)
    decided = decide(flood, facts(available=available, received_last_hour=9 * EURO))
    assert (decided.attach, decided.posture) == (attach, Posture.SUSPENDED)


@pytest.mark.parametrize(
    ("given", "margin"),
    [(100 * EURO, 10 * MARGIN), (100 * EURO + 1, MARGIN), (99 * EURO, 10 * MARGIN)],
)
def test_it_comes_back_with_a_donation_or_far_above_the_floor(given: int, margin: int) -> None:
    off = decide(CALM, facts(available=20 * EURO))
    assert (off.attach, off.given_then) == (False, 100 * EURO)
    above = 20 * EURO + margin
    assert not decide(off, facts(available=above, given=given)).attach
    back = decide(off, facts(available=above + 1, given=given))
    assert (back.attach, back.sequence) == (True, off.sequence + 1)


def test_the_operator_takes_it_off_and_puts_it_on_again() -> None:
    off = decide(replace(CALM, detached=True), facts())
    assert (off.attach, off.posture) == (False, Posture.NORMAL)
    # It was not money that took it off, so no more is needed than was there.
    on = decide(replace(off, detached=False), facts(available=20 * EURO + MARGIN + 1))
    assert on.attach
    poor = decide(replace(off, detached=False), facts(available=20 * EURO))
    assert not poor.attach


# -- changes -------------------------------------------------------------------------------------


@given(
    steps=st.lists(
        st.tuples(
            st.integers(19 * EURO, 23 * EURO),
            st.none() | st.integers(0, 3 * EURO),
            st.booleans(),
            st.booleans(),
            st.integers(0, 2 * EURO),
        ),
        max_size=12,
    )
)
def test_the_sequence_counts_what_others_are_to_be_told_and_nothing_else(
    steps: list[tuple[int, int | None, bool, bool, int]],
) -> None:
    standing = CALM
    for available, credit, failing, paused, reserved in steps:
        before = replace(standing, paused="p" if paused else None)
        known = facts(
            available=available, credit=credit, reserved=reserved,
            deliveries=FAILING if failing else (),
        )  # fmt: skip
        standing = decide(before, known, CAPPED)
        shown = (standing.posture, standing.cause, standing.attach)
        told = shown != (before.posture, before.cause, before.attach)
        assert standing.sequence == before.sequence + told
        assert decide(standing, known, CAPPED) == standing, "to look again decides nothing new"
        if standing.posture is Posture.NORMAL:
            assert spendable(known, standing, CAPPED) >= known.next_price
