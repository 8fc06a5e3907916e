"""Whom the waiting room lets through, in which order, and for how much."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import Posture, ReplyKind
from services.billing.core.posture import Cause, Standing, spendable
from services.billing.core.price import CELLS, LOWEST, NOTHING_KEPT, Reserve
from services.billing.core.reply import Reply
from services.billing.core.room import (
    Allowance,
    Load,
    choose_replies,
    order_of,
    plan_allowance,
)
from tests.unit.billing.cases import (
    AGE,
    CALM,
    EURO,
    HOUR,
    NOW,
    ROOM,
    RULES,
    SECOND,
    facts,
    scored,
    waiting,
)

TEST = ReplyKind.TEST
FREE = Load(outstanding=0, ahead_max=30, unread=0, unread_max=500, quiet=False)
MONEY = 80 * EURO


def suspended(cause: Cause, **fields: Any) -> Standing:
    return replace(CALM, posture=Posture.SUSPENDED, cause=cause, **fields)


def chosen(waiting_: list[Reply], allowance: Allowance) -> list[str]:
    return [reply.reply_id for reply in choose_replies(waiting_, allowance)]


def test_tests_first_then_the_best_then_by_id() -> None:
    room = [
        scored("c", 0.5), scored("b", 0.5),
        scored("a", -2.0, due_at=NOW - HOUR),
        scored("d", 1.0, due_at=NOW + HOUR),
        scored("e", -9.0, kind=TEST),
    ]  # fmt: skip
    assert chosen(room, Allowance(9, EURO)) == ["e", "d", "b", "c", "a"]
    assert chosen(room, Allowance(2, EURO)) == ["e", "d"]
    assert chosen(room, Allowance(9, EURO, tests_only=True)) == ["e"]


def test_two_days_of_waiting_are_one_nat_of_score() -> None:
    came_first, came_later = scored("b", 1.0), scored("a", 2.0, entered=AGE)
    assert came_first.rank == came_later.rank
    assert chosen([came_later, came_first], Allowance(9, EURO)) == ["a", "b"]
    a_second_less = scored("a", 2.0, entered=AGE + SECOND)
    assert chosen([a_second_less, came_first], Allowance(9, EURO)) == ["b", "a"]


SCORES = st.floats(-12, 12)
HOURS = st.integers(0, 200).map(lambda minutes: minutes * HOUR / 2)


@given(
    score=SCORES,
    entered=HOURS,
    others=st.lists(st.tuples(SCORES, HOURS), max_size=12),
    waited=HOURS,
)
def test_nobody_loses_his_place_because_he_waited(
    score: float, entered: timedelta, others: list[tuple[float, timedelta]], waited: timedelta
) -> None:
    """Whoever comes later with no better a score stays behind; who is there does not overtake."""
    mine = scored("mine", score, entered)
    room = [scored(f"o-{n}", other, since) for n, (other, since) in enumerate(others)]
    ahead = [reply for reply in room if order_of(reply) < order_of(mine)]
    for number, (other, _) in enumerate(others):
        late = scored(f"z-{number}", min(other, score), entered + waited)
        assert order_of(mine) < order_of(late)
    everybody = [*room, mine, *(scored(f"z-{n}", score, entered + waited) for n in range(3))]
    found = sorted(everybody, key=order_of)
    assert found.index(mine) == len(ahead)
    for reply in ahead:
        assert reply.score + (entered - reply.entered) / AGE >= score - 1e-9


@pytest.mark.parametrize(
    ("money", "expected"),
    [(-1, []), (0, []), (149_999, []), (150_000, ["a"]), (299_999, ["a"]), (300_000, ["a", "b"])],
)
def test_the_money_is_never_exceeded(money: int, expected: list[str]) -> None:
    assert chosen([waiting("a"), waiting("b")], Allowance(9, money)) == expected


def test_a_cheaper_one_does_not_overtake() -> None:
    room = [waiting("a", price_microeuros=300_000), waiting("b", price_microeuros=1)]
    assert chosen(room, Allowance(9, 200_000)) == []


@pytest.mark.parametrize(
    ("standing", "load", "expected"),
    [
        # too much unread: nothing, not even a test, whatever the posture
        (CALM, replace(FREE, unread=501), Allowance(0, 0)),
        (suspended(Cause.OPERATOR), replace(FREE, unread=501), Allowance(0, 0)),
        # what is unread is taken to cost the tariff
        (CALM, replace(FREE, unread=500), Allowance(30, MONEY - 5 * EURO)),
        (CALM, FREE, Allowance(30, MONEY)),
        # no more than a minute ahead
        (CALM, replace(FREE, outstanding=29), Allowance(1, MONEY)),
        (CALM, replace(FREE, outstanding=31), Allowance(0, MONEY)),
        # at night and while suspended tests alone
        (CALM, replace(FREE, quiet=True), Allowance(30, MONEY, tests_only=True)),
        (suspended(Cause.OPERATOR), FREE, Allowance(30, MONEY, tests_only=True)),
        (suspended(Cause.FLOOR, probes=5), FREE, Allowance(30, MONEY, tests_only=True)),
        (suspended(Cause.DELIVERIES_FAILING), FREE, Allowance(30, MONEY, tests_only=True)),
        # probes
        (suspended(Cause.DELIVERIES_FAILING, probes=5), FREE, Allowance(5, MONEY)),
        (
            suspended(Cause.DELIVERIES_FAILING, probes=5), replace(FREE, outstanding=28),
            Allowance(2, MONEY),
        ),
        (
            suspended(Cause.DELIVERIES_FAILING, probes=5), replace(FREE, quiet=True),
            Allowance(30, MONEY, tests_only=True),
        ),
    ],
)  # fmt: skip
def test_what_may_be_authorised(standing: Standing, load: Load, expected: Allowance) -> None:
    assert plan_allowance(standing, facts(), load, NOTHING_KEPT, ROOM) == expected


# -- what is kept --------------------------------------------------------------------------------

KEPT = Reserve([EURO, 600_000, 0] + [0] * 300)
"""A euro is kept from the worst cell of scores, 60 cents from the next, nothing from others."""
WORST, NEXT = LOWEST, LOWEST + 1 / CELLS


def allowed(money: int, *, aged: float = 0.0) -> Allowance:
    return Allowance(9, money, reserve=KEPT, aged=aged)


def test_one_is_paid_if_what_is_kept_from_him_is_left_after_it() -> None:
    room = [scored("a", WORST), scored("b", NEXT), scored("c", NEXT + 1 / CELLS)]
    assert chosen(room, allowed(149_999)) == []
    assert chosen(room, allowed(150_000)) == ["c"]
    assert chosen(room, allowed(899_999)) == ["c"]
    assert chosen(room, allowed(900_000)) == ["c", "b"]
    assert chosen(room, allowed(1_449_999)) == ["c", "b"]
    assert chosen(room, allowed(1_450_000)) == ["c", "b", "a"]


def test_what_may_not_go_today_counts_as_kept() -> None:
    rich = Allowance(9, 150_000, reserve=KEPT, later_microeuros=EURO)
    assert chosen([scored("a", WORST)], rich) == ["a"]
    assert chosen([scored("a", WORST)], replace(rich, later_microeuros=EURO - 1)) == []
    capped = replace(ROOM, posture=replace(RULES, daily_cap_microeuros=5 * EURO))
    allowance = plan_allowance(CALM, facts(), FREE, KEPT, capped)
    assert allowance == Allowance(30, 5 * EURO, reserve=KEPT, later_microeuros=75 * EURO)


def test_from_who_waits_less_is_kept_and_from_a_test_nothing() -> None:
    room = [scored("a", WORST)]
    assert chosen(room, allowed(750_000)) == []
    assert chosen(room, allowed(750_000, aged=1 / CELLS)) == ["a"]
    assert chosen([scored("t", WORST, kind=TEST)], allowed(150_000)) == ["t"]


def test_the_reserve_holds_in_calm_and_on_guard_and_not_for_probes() -> None:
    shown = replace(CALM, shown=AGE)
    for standing in (shown, replace(shown, posture=Posture.GUARDED, cause=Cause.BURN)):
        found = plan_allowance(standing, facts(), FREE, KEPT, ROOM)
        assert found == Allowance(30, MONEY, reserve=KEPT, aged=1.0)
    probing = suspended(Cause.DELIVERIES_FAILING, probes=5)
    assert plan_allowance(probing, facts(), FREE, KEPT, ROOM) == Allowance(5, MONEY)


def test_the_floor_holds_however_little_is_kept() -> None:
    known = facts(available=20 * EURO + 299_999)
    allowance = plan_allowance(CALM, known, FREE, NOTHING_KEPT, ROOM)
    assert chosen([scored("a", 1.0), scored("b", 1.0)], allowance) == ["a"]


@given(
    scores=st.lists(st.floats(-26, 10), max_size=30),
    kept=st.lists(st.integers(0, 5 * EURO), min_size=300, max_size=300),
    money=st.integers(0, 10 * EURO),
)
def test_the_best_are_paid_and_after_each_what_is_kept_from_him_is_left(
    scores: list[float], kept: list[int], money: int
) -> None:
    reserve = Reserve(sorted(kept, reverse=True))
    room = [scored(f"{n:02}", score) for n, score in enumerate(scores)]
    picked = choose_replies(room, Allowance(99, money, reserve=reserve))
    assert [reply.score for reply in picked] == sorted(scores, reverse=True)[: len(picked)]
    left = money
    for reply in picked:
        left -= reply.price_microeuros
        assert left >= reserve.from_whom(reply.score)
    if len(picked) < len(room):
        following = sorted(scores, reverse=True)[len(picked)]
        assert left - 150_000 < reserve.from_whom(following)


# -- the floor and what is unread ------------------------------------------------------------------


@given(
    room=st.lists(
        st.builds(
            scored,
            st.text("ab", min_size=1, max_size=3),
            st.integers(-5, 5).map(float),
            price_microeuros=st.integers(0, 400_000),
            kind=st.sampled_from(ReplyKind),
        ),
        unique_by=lambda reply: reply.reply_id,
        max_size=12,
    ),
    unread=st.integers(0, 1000),
    outstanding=st.integers(0, 5),
    available=st.integers(18 * EURO, 23 * EURO),
    quiet=st.booleans(),
)
def test_whatever_is_chosen_leaves_the_floor_to_what_is_unread(
    *, room: list[Reply], unread: int, outstanding: int, available: int, quiet: bool
) -> None:
    known = facts(available=available)
    load = replace(FREE, ahead_max=4, unread=unread, outstanding=outstanding, quiet=quiet)
    picked = choose_replies(room, plan_allowance(CALM, known, load, NOTHING_KEPT, ROOM))
    cost = sum(reply.price_microeuros for reply in picked)
    assert not picked or cost <= spendable(known, CALM, RULES) - 10_000 * unread
    assert len(picked) <= max(4 - outstanding, 0)
    assert list(picked) == sorted(picked, key=order_of)
    assert not (quiet and any(reply.kind is not TEST for reply in picked))
    eligible = [reply for reply in room if not quiet or reply.kind is TEST]
    assert list(picked) == sorted(eligible, key=order_of)[: len(picked)]
