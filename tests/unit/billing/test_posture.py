"""The posture: what suspends, in which order, and what lets go again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import Posture
from services.billing.core.ledger import EMPTY, Account
from services.billing.core.pace import SURGED_MIN, Demand, Donation
from services.billing.core.posture import (
    DELIVERIES_JUDGED,
    FIRST,
    PROBES,
    Cause,
    Facts,
    PostureRules,
    Standing,
    decide_standing,
    donation_of,
    floor_for_replies,
    spendable,
    take_back,
    take_donation,
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


def test_where_detaching_saves_nothing_only_the_operator_detaches() -> None:
    rules = replace(RULES, detaching_saves=False)
    empty = facts(available=-EURO, given=100 * EURO)
    assert not decide_standing(CALM, empty, RULES, NOW).attach
    assert decide_standing(CALM, empty, rules, NOW).attach
    assert not decide_standing(replace(CALM, detached=True), empty, rules, NOW).attach


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


# -- guarded -------------------------------------------------------------------------------------

GIVEN = replace(CALM, at_donation=168 * EURO, donated_at=NOW)
"""A euro an hour to the horizon."""
FAST = Demand(hour=15 * EURO, six_hours=15 * EURO)
SURGED = Demand(surged=SURGED_MIN)
RICH = {"available": 168 * EURO, "given": 168 * EURO}


def guard(standing: Standing, minutes: int = 0, **fields: Any) -> Standing:
    return decide(standing, facts(**RICH | fields), minutes=minutes)


@pytest.mark.parametrize(("demand", "cause"), [(SURGED, Cause.SURGE), (FAST, Cause.BURN)])
def test_a_flood_is_guarded_against_and_then_it_is_as_before(demand: Demand, cause: Cause) -> None:
    guarded = guard(GIVEN, demand=demand)
    assert (guarded.posture, guarded.cause) == (Posture.GUARDED, cause)
    assert (guarded.sequence, guarded.attach) == (1, True)
    calm = guard(guarded)
    assert (calm.posture, calm.cause, calm.sequence) == (Posture.NORMAL, Cause.CALM, 2)


def test_from_normal_to_guarded_to_suspended_and_back() -> None:
    causes = []
    standing = GIVEN
    for fields in (
        {}, {"demand": SURGED}, {"demand": SURGED, "available": 0},
        {"demand": SURGED}, {"demand": Demand(), "waiting": 150 * EURO}, {},
    ):  # fmt: skip
        standing = guard(standing, **fields)
        causes.append((standing.posture.value, standing.cause.value))
    assert causes == [
        ("normal", "calm"), ("guarded", "surge"), ("suspended", "floor"),
        ("guarded", "surge"), ("guarded", "surge"), ("normal", "calm"),
    ]  # fmt: skip
    assert standing.sequence == 4


def test_what_suspends_goes_before_what_guards() -> None:
    standing = guard(GIVEN, demand=SURGED)
    for fields in ({"credit": 0}, {"available": 0}, {"deliveries": FAILING}):
        assert guard(standing, demand=SURGED, **fields).posture is Posture.SUSPENDED
    paused = guard(replace(standing, paused="why"), demand=SURGED)
    assert (paused.posture, paused.cause) == (Posture.SUSPENDED, Cause.OPERATOR)
    assert guard(replace(paused, paused=None), demand=SURGED).cause is Cause.SURGE


@pytest.mark.parametrize(
    ("waiting", "kept", "begins", "lasts"),
    [
        (148, 0, False, False),
        (149, 0, False, True),
        (49, 100, True, True),
        (28, 100, False, False),
        (29, 100, False, True),
        (0, 123, False, False),
        (0, 124, False, True),
        (0, 149, True, True),
        (0, 0, False, False),
    ],
)
def test_guarded_while_the_money_does_not_reach_for_who_waits_and_is_expected(
    *, waiting: int, kept: int, begins: bool, lasts: bool
) -> None:
    """148 euros are above the floor; while guarded a fifth more is asked for who is expected."""
    fields = {"waiting": waiting * EURO, "kept": kept * EURO}
    assert guard(GIVEN, **fields).cause is (Cause.BURN if begins else Cause.CALM)
    guarded = guard(GIVEN, demand=SURGED)
    assert guard(guarded, **fields).cause is (Cause.SURGE if lasts else Cause.CALM)


@pytest.mark.parametrize(("waiting", "cause"), [(148, Cause.CALM), (149, Cause.BURN)])
def test_what_waited_through_a_suspension_is_not_all_paid_at_once(
    waiting: int, cause: Cause
) -> None:
    suspended = guard(GIVEN, available=0)
    assert suspended.cause is Cause.FLOOR
    assert guard(suspended, waiting=waiting * EURO).cause is cause


def test_the_cause_that_is_named_goes_on_being_named() -> None:
    both = replace(FAST, surged=SURGED_MIN)
    assert guard(GIVEN, demand=both).cause is Cause.SURGE
    burning = guard(GIVEN, demand=FAST)
    for surged in (4, 3, 12, 0, 30):
        assert guard(burning, demand=replace(FAST, surged=surged)) == burning
    surging = guard(GIVEN, demand=SURGED)
    assert guard(surging, demand=replace(FAST, surged=4)) == surging
    assert guard(surging, demand=replace(FAST, surged=3)).cause is Cause.BURN


def test_without_a_donation_and_after_its_horizon_there_is_no_guard() -> None:
    assert guard(replace(GIVEN, donated_at=None), demand=SURGED).cause is Cause.CALM
    week = 7 * 24 * 60
    guarded = guard(GIVEN, week - 1, demand=SURGED)
    assert guarded.cause is Cause.SURGE
    assert guard(guarded, week, demand=SURGED, waiting=999 * EURO).cause is Cause.CALM


def test_a_donation_begins_the_horizon_anew_and_a_correction_does_not() -> None:
    balances = {
        **EMPTY, Account.FUND: 100 * EURO, Account.RESERVED: 2 * EURO,
        Account.SPENT_REPLY: 30 * EURO, Account.DONATIONS: -132 * EURO,
    }  # fmt: skip
    begun = take_donation(GIVEN, balances, NOW + MINUTE)
    assert (begun.at_donation, begun.donated_at) == (100 * EURO, NOW + MINUTE)
    assert donation_of(begun) == Donation(100 * EURO, NOW + MINUTE)
    # 40 go to replies, then it is found that 50 were never given.
    later = {**balances, Account.FUND: 10 * EURO, Account.SPENT_REPLY: 72 * EURO,
             Account.RESERVED: 0, Account.DONATIONS: -82 * EURO}  # fmt: skip
    corrected = take_back(begun, later)
    assert donation_of(corrected) == Donation(50 * EURO, NOW + MINUTE)
    overdrawn = take_donation(begun, {**EMPTY, Account.FUND: -EURO}, NOW)
    assert overdrawn.at_donation == 0


def test_a_flood_that_suspended_counts_a_quarter_more_until_it_lets_go() -> None:
    # Six hours of five euros are kept, 30; while it holds, 37.50.
    flood = {"received_last_hour": 5 * EURO, "given": 168 * EURO}
    limit = 30 * EURO + PRICE
    assert guard(GIVEN, **flood | {"available": limit}).cause is Cause.CALM
    held = guard(GIVEN, **flood | {"available": limit - 1})
    assert held.cause is Cause.FLOOR
    freed = limit + 7_500_000 + MARGIN
    assert guard(held, **flood | {"available": freed - 1}).cause is Cause.FLOOR
    assert guard(held, **flood | {"available": freed}).cause is Cause.CALM
    quiet = {"received_last_hour": 4 * EURO, "given": 168 * EURO, "available": freed - 7_500_000}
    assert guard(held, **quiet).cause is Cause.CALM
