"""Whom the waiting room lets through, in which order, and for how much."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import Posture, ReplyKind
from services.billing.core.pace import Demand, doubtful_left, pace_left
from services.billing.core.posture import Cause, Standing, donation_of, spendable
from services.billing.core.reply import DOUBTED_SCORE, Reply, is_doubtful
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
    DAY,
    EURO,
    HOUR,
    NOW,
    PACE,
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


def test_twelve_hours_of_waiting_are_one_nat_of_score() -> None:
    came_first, came_later = scored("b", 1.0), scored("a", 2.0, entered=12 * HOUR)
    assert came_first.rank == came_later.rank
    assert chosen([came_later, came_first], Allowance(9, EURO)) == ["a", "b"]
    a_second_less = scored("a", 2.0, entered=12 * HOUR + SECOND)
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
        sure = is_doubtful(mine) and not is_doubtful(reply)
        assert sure or reply.score + (entered - reply.entered) / AGE >= score - 1e-9


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
    assert plan_allowance(standing, facts(), load, ROOM, NOW) == expected


# -- guarded -------------------------------------------------------------------------------------

GUARDED = replace(
    CALM, posture=Posture.GUARDED, cause=Cause.BURN, at_donation=100 * EURO, donated_at=NOW
)
HALF_WAY = NOW + 84 * HOUR
"""Half of the time to the horizon: a quarter of the donation has come free since."""


@pytest.mark.parametrize(
    ("replies", "sure", "now", "paced", "in_doubt"),
    [
        (0, 0, NOW, 50, 50),
        (50, 0, NOW, 0, 0),
        (60, 0, NOW, -10, 0),
        (60, 0, HALF_WAY, 15, 15),
        # of what the sure asked for in a day, three days are kept
        (60, 4, HALF_WAY, 15, 3),
        (60, 6, HALF_WAY, 15, 0),
        # at the horizon nothing is to come
        (60, 6, NOW + 7 * DAY, 40, 40),
    ],
)
def test_while_guarded_the_pace_holds_all_but_tests(
    replies: int, sure: int, now: datetime, paced: int, in_doubt: int
) -> None:
    known = facts(replies=replies * EURO, demand=Demand(day_sure=sure * EURO))
    allowance = plan_allowance(GUARDED, known, FREE, ROOM, now)
    assert allowance == Allowance(
        30, MONEY, paced_microeuros=paced * EURO, doubtful_microeuros=in_doubt * EURO
    )
    room = [scored("a", 3.0), scored("b", -3.0), scored("test", 0.0, kind=TEST)]
    expected = ["test"] + ["a"] * (paced > 0) + ["b"] * (in_doubt > 0)
    assert chosen(room, allowance) == expected
    night = plan_allowance(GUARDED, known, replace(FREE, quiet=True), ROOM, now)
    assert chosen(room, night) == ["test"]


def test_the_floor_holds_however_much_the_pace_would_leave() -> None:
    allowance = plan_allowance(GUARDED, facts(available=20 * EURO + 299_999), FREE, ROOM, NOW)
    assert chosen([scored("a", 1.0), scored("b", 1.0)], allowance) == ["a"]


def test_who_is_in_doubt_takes_from_his_part_alone() -> None:
    allowance = Allowance(9, 10 * EURO, paced_microeuros=600_000, doubtful_microeuros=299_999)
    room = [scored("a", 1.0), scored("b", -0.3), scored("c", -0.31), scored("d", -0.32)]
    assert chosen(room, allowance) == ["a", "b", "c"]
    assert [reply.reply_id for reply in room if is_doubtful(reply)] == ["c", "d"]
    assert not is_doubtful(scored("t", -9.0, kind=TEST))
    unguarded = Allowance(9, 10 * EURO)
    assert chosen(room, unguarded) == ["a", "b", "c", "d"]


def test_who_is_in_doubt_comes_after_all_who_are_not_however_long_he_waits() -> None:
    doubted = [scored("d", -0.4), scored("e", -0.5, entered=HOUR)]
    room = [*doubted, scored("a", -0.3, entered=300 * DAY)]
    assert chosen(room, Allowance(9, EURO)) == ["a", "d", "e"]


@given(
    scores=st.lists(SCORES, max_size=30),
    spent=st.integers(0, 120),
    sure=st.integers(0, 60),
    hours=st.integers(0, 200),
)
def test_within_the_pace_and_the_doubtful_within_their_part(
    scores: list[float], spent: int, sure: int, hours: int
) -> None:
    demand = Demand(day_sure=sure * EURO)
    known, now = facts(replies=spent * EURO, demand=demand), NOW + hours * HOUR
    allowance = plan_allowance(GUARDED, known, replace(FREE, ahead_max=99), ROOM, now)
    picked = choose_replies([scored(f"{n:02}", score) for n, score in enumerate(scores)], allowance)
    donation = donation_of(GUARDED, known)
    assert donation is not None
    left = min(pace_left(donation, PACE, now), MONEY)
    cost = sum(reply.price_microeuros for reply in picked)
    doubted = sum(r.price_microeuros for r in picked if r.score < DOUBTED_SCORE)
    assert cost <= max(left, 0)
    assert doubted <= doubtful_left(donation, demand, left, PACE, now)
    assert [r.score for r in picked] == sorted(scores, reverse=True)[: len(picked)]


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
    picked = choose_replies(room, plan_allowance(CALM, known, load, ROOM, NOW))
    cost = sum(reply.price_microeuros for reply in picked)
    assert not picked or cost <= spendable(known, CALM, RULES) - 10_000 * unread
    assert len(picked) <= max(4 - outstanding, 0)
    assert list(picked) == sorted(picked, key=order_of)
    assert not (quiet and any(reply.kind is not TEST for reply in picked))
    eligible = [reply for reply in room if not quiet or reply.kind is TEST]
    assert list(picked) == sorted(eligible, key=order_of)[: len(picked)]
