"""Whom the waiting room lets through, in which order, and for how much."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antirelou.records import Posture, ReplyKind
from services.billing.core.posture import Cause, Standing, spendable
from services.billing.core.reply import Reply
from services.billing.core.room import (
    Allowance,
    Load,
    choose_replies,
    order_of,
    plan_allowance,
)
from tests.unit.billing.cases import CALM, EURO, MINUTE, NOW, RULES, TARIFF, facts, waiting

TEST = ReplyKind.TEST
FREE = Load(outstanding=0, ahead_max=30, unread=0, unread_max=500, quiet=False)
MONEY = 80 * EURO


def suspended(cause: Cause, **fields: Any) -> Standing:
    return replace(CALM, posture=Posture.SUSPENDED, cause=cause, **fields)


def chosen(waiting_: list[Reply], allowance: Allowance) -> list[str]:
    return [reply.reply_id for reply in choose_replies(waiting_, allowance)]


def test_tests_first_then_the_longest_due_then_by_id() -> None:
    room = [
        waiting("c"), waiting("b"),
        waiting("a", due_at=NOW + MINUTE),
        waiting("d", due_at=NOW - MINUTE),
        waiting("e", due_at=NOW + MINUTE, kind=TEST),
    ]  # fmt: skip
    assert chosen(room, Allowance(9, EURO)) == ["e", "d", "b", "c", "a"]
    assert chosen(room, Allowance(2, EURO)) == ["e", "d"]
    assert chosen(room, Allowance(9, EURO, tests_only=True)) == ["e"]


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
    assert plan_allowance(standing, facts(), load, RULES, TARIFF) == expected


@given(
    room=st.lists(
        st.builds(
            waiting,
            st.text("ab", min_size=1, max_size=3),
            price_microeuros=st.integers(0, 400_000),
            due_at=st.integers(-5, 5).map(lambda n: NOW + n * MINUTE),
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
    picked = choose_replies(room, plan_allowance(CALM, known, load, RULES, TARIFF))
    cost = sum(reply.price_microeuros for reply in picked)
    assert not picked or cost <= spendable(known, CALM, RULES) - 10_000 * unread
    assert len(picked) <= max(4 - outstanding, 0)
    assert list(picked) == sorted(picked, key=order_of)
    assert not (quiet and any(reply.kind is not TEST for reply in picked))
    eligible = [reply for reply in room if not quiet or reply.kind is TEST]
    assert list(picked) == sorted(eligible, key=order_of)[: len(picked)]
