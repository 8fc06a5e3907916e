"""How far a platform is read, when it is asked next, and what is news."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import DonationKind, DonationReported, Platform
from services.donations.core.walk import (
    OVERLAP,
    Mark,
    Rhythm,
    Turn,
    choose_news,
    end_walk,
    goes_on,
    next_turn,
    plan_bound,
    read_retry_after,
)

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SINCE = NOW - 30 * DAY
RHYTHM = Rhythm(10 * MINUTE, MINUTE)


def fact(**more: Any) -> DonationReported:
    values: dict[str, Any] = {
        "id": "a", "trace": "", "at": NOW, "source": Platform.HELLOASSO, "amount_minor": 5,
        "kind": DonationKind.GIFT, "currency": "EUR", "about": ("a",),
    }  # fmt: skip
    return DonationReported(**values | more)


@given(st.lists(st.integers(0, 500), min_size=1, max_size=40), st.integers(1, 7), st.data())
def test_every_change_since_the_last_walk_is_seen(
    minutes: list[int], size: int, data: st.DataObject
) -> None:
    """A walk sees whatever changed since the one before, in whichever order the platform lists."""
    changes = [NOW + timedelta(minutes=m) for m in minutes]
    before = data.draw(st.integers(0, len(changes) - 1))
    mark = Mark(latest=sorted(changes)[before], since=SINCE, walked_at=NOW, whole_at=NOW)
    listed = sorted(changes, reverse=True)
    if data.draw(st.booleans()):
        listed = list(data.draw(st.permutations(changes)))
    bound = plan_bound(mark, SINCE, whole=False)
    seen: list[datetime] = []
    for start in range(0, len(listed), size):
        page = listed[start : start + size]
        seen += page
        if not goes_on(seen, page, mark, bound):
            break
    if sorted(listed, reverse=True) == listed:
        assert {at for at in changes if at >= bound} <= set(seen)
    else:  # it stops where it saw the order, and what was the latest, at the earliest
        assert max(seen) >= sorted(changes)[before]


def test_the_other_way_round_a_walk_goes_to_the_end() -> None:
    mark = Mark(latest=NOW, since=SINCE, walked_at=NOW, whole_at=NOW)
    bound = plan_bound(mark, SINCE, whole=False)
    old = [NOW - 9 * DAY, NOW - 8 * DAY]
    assert goes_on(old, old, mark, bound)
    assert not goes_on([NOW, NOW - 9 * DAY], [NOW - 9 * DAY], mark, bound)


def test_a_walk_goes_an_hour_further_and_to_the_beginning_at_night_or_for_another_since() -> None:
    mark = end_walk(Mark(), NOW, SINCE, NOW, whole=True)
    assert plan_bound(mark, SINCE, whole=False) == NOW - OVERLAP
    assert plan_bound(mark, SINCE, whole=True) == SINCE
    assert plan_bound(mark, SINCE - DAY, whole=False) == SINCE - DAY
    assert plan_bound(Mark(), SINCE, whole=False) == SINCE
    assert end_walk(mark, NOW - DAY, SINCE, NOW + DAY, whole=False).latest == NOW
    assert end_walk(mark, None, SINCE, NOW + DAY, whole=False).whole_at == NOW


@pytest.mark.parametrize(
    ("turn", "after"),
    [
        (Turn(), timedelta()),
        (Turn(NOW), 10 * MINUTE),
        (Turn(NOW, rung=True), MINUTE),
        (Turn(NOW, failures=1), 10 * MINUTE / 32),
        (Turn(NOW, failures=9), 10 * MINUTE),
        (Turn(NOW, failures=1, not_before=NOW + HOUR), HOUR),
        (Turn(NOW, not_before=NOW + HOUR, rung=True), HOUR),
    ],
)
def test_when_a_platform_is_asked_next(turn: Turn, after: timedelta) -> None:
    assert next_turn(turn, RHYTHM, NOW) - NOW == after


def test_a_fast_clock_does_not_hammer_one_that_fails() -> None:
    fast = Rhythm(timedelta(milliseconds=10), timedelta(milliseconds=1))
    assert next_turn(Turn(NOW, failures=1), fast, NOW) == NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("header", "after"),
    [
        (None, None), ("30", timedelta(seconds=30)), (" 30 ", timedelta(seconds=30)),
        ("99999999", HOUR), ("Mon, 02 Nov 2026 12:05:00 GMT", 5 * MINUTE), ("soon", None),
        ("-5", None), ("٣", None), ("", None),
    ],
)  # fmt: skip
def test_patience_is_asked_for_in_seconds_or_by_a_date(
    header: str | None, after: timedelta | None
) -> None:
    found = read_retry_after(header, NOW)
    assert (None if found is None else found - NOW) == after


def test_what_was_told_like_that_is_no_news() -> None:
    gift = fact(version=5)
    assert choose_news([gift], {}) == [gift]
    assert choose_news([fact(version=9)], {"a": gift}) == []
    for more in ({"amount_minor": 6}, {"holds": False}, {"about": ("a", "b")}, {"currency": "USD"}):
        changed = fact(version=9, **more)
        assert choose_news([changed], {"a": gift}) == [changed]
        assert choose_news([replace_version(changed, 4)], {"a": gift}) == []


def replace_version(one: DonationReported, version: int) -> DonationReported:
    values = {name: getattr(one, name) for name in one.__struct_fields__}
    return DonationReported(**values | {"version": version})


def test_what_does_not_hold_and_was_never_told_is_no_news() -> None:
    void = fact(holds=False, version=5)
    assert choose_news([void], {}) == []
    assert choose_news([fact(holds=False, version=6, amount_minor=9)], {"a": void}) == []
    assert choose_news([void], {"a": fact(version=1)}) == [void]
    assert replace(Mark(), latest=NOW).since is None
