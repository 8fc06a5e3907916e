"""The waiting clock: it stands still at night and while suspended."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import Posture
from kernel.settings.settings import QuietHours
from services.billing.core.posture import Cause, advance_clock
from services.billing.core.waiting import next_quiet_or_loud, waited_between, when_waited
from tests.unit.billing.cases import CALM, HOUR, MINUTE, NOW

PARIS = ZoneInfo("Europe/Paris")
NIGHT = QuietHours(time(22), time(9), PARIS)
SIESTA = QuietHours(time(13), time(15), PARIS)
NEVER = QuietHours(time(9), time(9), PARIS)


def paris(day: int, hour: int, minute: int = 0, *, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=PARIS).astimezone(UTC)


@pytest.mark.parametrize(
    ("since", "until", "quiet", "hours"),
    [
        (paris(2, 12), paris(2, 12), NIGHT, 0),
        (paris(2, 13), paris(2, 12), NIGHT, 0),
        (paris(2, 12), paris(2, 15), NIGHT, 3),
        (paris(2, 20), paris(2, 23), NIGHT, 2),
        (paris(2, 23), paris(3, 8), NIGHT, 0),
        (paris(2, 23), paris(3, 10), NIGHT, 1),
        (paris(2, 9), paris(9, 9), NIGHT, 7 * 13),
        (paris(2, 12), paris(2, 16), SIESTA, 2),
        (paris(2, 12), paris(3, 12), None, 24),
        (paris(2, 12), paris(3, 12), NEVER, 24),
        # the night that summer time begins is an hour shorter; the day is not
        (paris(28, 12, month=3), paris(29, 12, month=3), NIGHT, 13),
        (paris(24, 12, month=10), paris(25, 12, month=10), NIGHT, 13),
    ],
)
def test_quiet_hours_are_left_out(
    since: datetime, until: datetime, quiet: QuietHours | None, hours: int
) -> None:
    assert waited_between(since, until, quiet) == hours * HOUR


@pytest.mark.parametrize(
    ("at", "quiet", "expected"),
    [
        (paris(2, 12), NIGHT, paris(2, 22)),
        (paris(2, 22), NIGHT, paris(3, 9)),
        (paris(3, 1), NIGHT, paris(3, 9)),
        (paris(3, 9), NIGHT, paris(3, 22)),
        (paris(2, 16), SIESTA, paris(3, 13)),
        (paris(2, 12), NEVER, None),
        (paris(2, 12), None, None),
    ],
)
def test_when_it_turns(at: datetime, quiet: QuietHours | None, expected: datetime | None) -> None:
    assert next_quiet_or_loud(at, quiet) == expected


@given(
    st.builds(
        QuietHours,
        st.builds(time, st.integers(0, 4), st.sampled_from([0, 15, 30])),
        st.builds(time, st.integers(0, 23), st.sampled_from([0, 30])),
        st.sampled_from([PARIS, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/Santiago")]),
    ),
    st.sampled_from([(3, 29), (4, 5), (9, 6), (10, 4), (10, 25)]),
    st.integers(-1440, 1440),
    st.integers(0, 2880),
)
def test_an_hour_that_is_skipped_or_repeated_is_counted_as_it_was(
    quiet: QuietHours, day: tuple[int, int], start: int, length: int
) -> None:
    since = datetime(2026, *day, tzinfo=UTC) + start * MINUTE
    loud = sum(not quiet.covers(since + n * MINUTE) for n in range(length))
    assert waited_between(since, since + length * MINUTE, quiet) == loud * MINUTE


INSTANTS = st.integers(0, 4 * 24 * 60).map(lambda minutes: NOW + minutes * MINUTE)


@given(
    st.lists(INSTANTS, min_size=2, max_size=6), st.sampled_from([NIGHT, SIESTA, NEVER, None])
)  # fmt: skip
def test_it_shows_the_same_however_often_it_is_looked_at(
    instants: list[datetime], quiet: QuietHours | None
) -> None:
    first, *others = sorted(instants)
    standing = replace(CALM, shown_at=first)
    for at in others:
        standing = advance_clock(standing, quiet, at)
    shown = standing.shown
    assert shown == waited_between(first, others[-1], quiet)
    minutes = int((others[-1] - first) / MINUTE)
    loud = [n for n in range(minutes) if not (quiet and quiet.covers(first + n * MINUTE))]
    assert shown == len(loud) * MINUTE


def test_it_stands_still_while_suspended_and_goes_on_from_there() -> None:
    begun = advance_clock(CALM, None, NOW)
    assert (begun.shown, begun.shown_at) == (timedelta(), NOW)
    held = replace(
        advance_clock(begun, None, NOW + HOUR), posture=Posture.SUSPENDED, cause=Cause.FLOOR
    )
    later = advance_clock(held, None, NOW + 9 * HOUR)
    assert (later.shown, later.shown_at) == (HOUR, NOW + 9 * HOUR)
    freed = replace(later, posture=Posture.NORMAL)
    assert advance_clock(freed, None, NOW + 10 * HOUR).shown == 2 * HOUR


def test_a_clock_of_another_replica_that_is_behind_does_not_turn_it_back() -> None:
    standing = advance_clock(replace(CALM, shown_at=NOW), None, NOW + HOUR)
    assert advance_clock(standing, None, NOW + MINUTE) == standing


@given(
    since=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),
    minutes=st.integers(0, 10 * 24 * 60),
    quiet=st.sampled_from([NIGHT, SIESTA, NEVER, None]),
)
def test_when_it_will_have_waited_so_long_it_has(
    since: datetime, minutes: int, quiet: QuietHours | None
) -> None:
    """It is the first such instant: not in quiet hours but at their end, and no sooner."""
    waited = minutes * MINUTE
    at = when_waited(since, waited, quiet)
    assert waited_between(since, at, quiet) == waited
    if minutes:
        assert waited_between(since, at - MINUTE / 2, quiet) < waited
