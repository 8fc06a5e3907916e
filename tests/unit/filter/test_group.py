"""For whom of the group a verdict waits, and what a member tells the others."""

from hypothesis import given
from hypothesis import strategies as st

from services.filter.core.group import (
    ABSENT_AFTER,
    LOOK_EVERY,
    NEVER,
    TELL_EVERY,
    Group,
    Told,
    View,
)
from tests.unit.filter.cases import HOUR, MINUTE, NOW, SECOND

NOBODY = frozenset[int]()


def told(**minutes: int) -> dict[int, Told]:
    """``p7=3``: of partition 7 was told at minute 3 that it was read until then."""
    return {
        int(name[1:]): Told(NOW + minute * MINUTE, NOW + minute * MINUTE)
        for name, minute in minutes.items()
    }


def test_it_waits_for_the_least_of_all_and_for_whom_nothing_is_known() -> None:
    group = Group()
    assert group.look([], {}, NOW) == View(None, NOBODY)
    assert group.look([6, 7], told(p6=1, p7=3), NOW) == View(NOW + MINUTE, NOBODY)
    assert group.look([6, 7, 8], told(p6=1, p7=3), NOW) == View(NEVER, NOBODY)
    assert group.look([7], told(p6=1, p7=3), NOW) == View(NOW + 3 * MINUTE, NOBODY)


def test_who_tells_nothing_for_so_long_is_absent_until_he_does() -> None:
    group, late = Group(), NOW + ABSENT_AFTER
    group.look([6, 7], told(p7=3), NOW)
    assert group.look([6, 7], told(p7=3), late - SECOND).absent == NOBODY
    assert group.look([6, 7], told(p7=4), late) == View(NOW + 4 * MINUTE, frozenset({6}))
    assert group.look([6, 7], told(p6=1, p7=4), late + SECOND) == View(NOW + MINUTE, NOBODY)
    nobody = group.look([6, 7], told(p6=1, p7=4), late + HOUR)
    assert nobody == View(None, frozenset({6, 7}))


def test_a_partition_read_later_is_present_while_its_holder_tells() -> None:
    """It lags behind another of the same member's, which alone is read just now."""
    group = Group()
    for minute in range(30):
        at = NOW + minute * MINUTE
        view = group.look([6], {6: Told(NOW, at)}, at)
        assert view == View(NOW, NOBODY)


def test_after_an_outage_everybody_has_his_time_anew() -> None:
    group = Group()
    group.look([6], told(p6=1), NOW)
    group.forget()
    assert group.look([6], told(p6=1), NOW + HOUR).absent == NOBODY
    assert group.look([6], told(p6=1), NOW + HOUR + ABSENT_AFTER).absent == {6}


def test_at_rest_it_is_told_now_and_then() -> None:
    group, writes = Group(), 0
    known: dict[int, Told] = {}
    for second in range(601):
        at = NOW + second * SECOND
        if group.plan({1: at, 2: at}, known, None, at):
            known, writes = {1: Told(at, at), 2: Told(at, at)}, writes + 1
    assert writes == 1 + 600 * SECOND // TELL_EVERY


def test_what_frees_another_is_told_at_once_and_once() -> None:
    group, due = Group(), NOW + 5 * SECOND
    assert group.plan({1: NOW}, {}, None, NOW)
    known = {1: Told(NOW, NOW)}
    assert not group.plan({1: NOW + 4 * SECOND}, known, due, NOW + 4 * SECOND)
    read = {1: due + SECOND / 10}
    assert group.plan(read, known, due, due + SECOND / 10)
    known = {1: Told(due + SECOND / 10, due)}
    assert not group.plan({1: due + 3 * SECOND}, known, due, due + 3 * SECOND)
    # Another becomes due at the same instant.
    assert group.plan({1: due + 4 * SECOND}, known, due + 3 * SECOND, due + 4 * SECOND)


def test_who_lags_tells_that_he_reads_on_and_who_stands_still_does_not() -> None:
    group, now = Group(), NOW + HOUR
    known = {1: Told(NOW, NOW), 2: Told(NOW, NOW)}
    assert group.plan({1: NOW, 2: NOW + SECOND}, known, NOW + MINUTE, now)
    known = {1: Told(NOW, now), 2: Told(NOW + SECOND, now)}
    more = {1: NOW, 2: NOW + 2 * SECOND}
    assert not group.plan(more, known, NOW + MINUTE, now + LOOK_EVERY / 2)
    assert group.plan(more, known, NOW + MINUTE, now + LOOK_EVERY)
    known = {1: Told(NOW, now), 2: Told(NOW + 2 * SECOND, now)}
    assert not group.plan(more, known, NOW + MINUTE, now + HOUR)


@given(st.lists(st.tuples(st.integers(0, 90), st.sets(st.sampled_from([6, 7, 8]))), max_size=20))
def test_nobody_stops_all_for_longer_than_the_bound(steps: list[tuple[int, set[int]]]) -> None:
    """Whoever tells at each look is waited for; whoever does not, for so long and no longer."""
    group, now, since = Group(), NOW, dict.fromkeys([6, 7, 8], NOW)
    known: dict[int, Told] = {}
    group.look([6, 7, 8], known, now)
    for seconds, telling in steps:
        now += seconds * SECOND
        for partition in telling:
            if partition not in known or known[partition].at != now:
                known[partition], since[partition] = Told(now, now), now
        view = group.look([6, 7, 8], known, now)
        assert view.absent == {p for p, at in since.items() if now - at >= ABSENT_AFTER}
