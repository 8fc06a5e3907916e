"""When a reply is due: never early, never in quiet hours, never later than it must be."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.settings.settings import QuietHours
from services.filter.core.due import Delays, plan_due
from tests.unit.filter.cases import DAY, HOUR, KEY, MINUTE, NOW, SECOND, delays

PARIS = ZoneInfo("Europe/Paris")
ZONES = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "UTC"]
NIGHT = QuietHours(time(22), time(9), PARIS)

instants = st.datetimes(
    datetime(2017, 1, 1), datetime(2018, 1, 1), timezones=st.just(UTC)
) | st.sampled_from([
    datetime(2017, 3, 26, 1, tzinfo=UTC),  # Paris: from 2 to 3
    datetime(2017, 10, 29, 1, tzinfo=UTC),  # Paris: from 3 back to 2
]).flatmap(lambda at: st.timedeltas(-12 * HOUR, 12 * HOUR).map(lambda by: at + by))  # fmt: skip
spans = st.timedeltas(timedelta(), 6 * HOUR)
times = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@st.composite
def any_delays(draw: st.DrawFn, *, quiet: bool = True) -> Delays:
    delay = draw(spans)
    hours = None
    if quiet:
        hours = draw(
            st.none() | st.builds(QuietHours, times, times, st.sampled_from(ZONES).map(ZoneInfo))
        )
    return Delays(
        delay=delay,
        jitter=draw(spans),
        quiet=draw(spans),
        longest=delay + draw(spans),
        hours=hours,
        key=draw(st.binary(min_size=16, max_size=32)),
    )


ids = st.text(min_size=1, max_size=40)


@given(ids, instants, spans, any_delays())
def test_never_before_the_delay_and_the_quiet_time(
    message_id: str, first_at: datetime, later: timedelta, rules: Delays
) -> None:
    due = plan_due(message_id, first_at, first_at + later, rules)
    assert due >= first_at + rules.delay
    assert due >= min(first_at + later + rules.quiet, first_at + rules.longest)


@given(ids, instants, spans, any_delays())
def test_never_in_quiet_hours(
    message_id: str, first_at: datetime, later: timedelta, rules: Delays
) -> None:
    due = plan_due(message_id, first_at, first_at + later, rules)
    assert rules.hours is None or not rules.hours.covers(due)


@given(ids, instants, spans, any_delays(quiet=False))
def test_at_most_the_longest_delay(
    message_id: str, first_at: datetime, later: timedelta, rules: Delays
) -> None:
    assert plan_due(message_id, first_at, first_at + later, rules) <= first_at + rules.longest


@given(ids, instants, spans, any_delays())
def test_at_most_a_day_and_the_jitter_later_where_hours_are_quiet(
    message_id: str, first_at: datetime, later: timedelta, rules: Delays
) -> None:
    due = plan_due(message_id, first_at, first_at + later, rules)
    # The night on which the clocks go back has an hour more.
    assert due <= first_at + rules.longest + DAY + HOUR + rules.jitter


@given(ids, instants, any_delays())
def test_the_same_message_is_always_due_at_the_same_instant(
    message_id: str, first_at: datetime, rules: Delays
) -> None:
    one, other = (plan_due(message_id, first_at, first_at, rules) for _ in range(2))
    assert one == other


@given(ids)
def test_the_jitter_goes_upwards_only_and_less_than_all_of_it(message_id: str) -> None:
    jittered = delays(jitter=40 * MINUTE, quiet=timedelta())
    late = plan_due(message_id, NOW, NOW, jittered) - (NOW + HOUR)
    assert timedelta() <= late < 40 * MINUTE


def test_the_jitter_spreads_and_nobody_without_the_key_foresees_it() -> None:
    jittered = delays(jitter=40 * MINUTE)
    ours = [plan_due(f"m-{n}", NOW, NOW, jittered) for n in range(200)]
    assert min(ours) < NOW + HOUR + 5 * MINUTE
    assert max(ours) > NOW + HOUR + 35 * MINUTE
    theirs = delays(jitter=40 * MINUTE, key=KEY[::-1])
    assert ours != [plan_due(f"m-{n}", NOW, NOW, theirs) for n in range(200)]


def test_each_term_decides_in_turn() -> None:
    rules = delays()
    assert plan_due("m", NOW, NOW, rules) == NOW + HOUR
    assert plan_due("m", NOW, NOW + 30 * MINUTE, rules) == NOW + HOUR
    assert plan_due("m", NOW, NOW + 31 * MINUTE, rules) == NOW + 61 * MINUTE
    assert plan_due("m", NOW, NOW + 9 * HOUR, rules) == NOW + 4 * HOUR


def test_a_night_is_waited_for_and_its_replies_do_not_leave_in_one_second() -> None:
    rules = delays(hours=NIGHT, jitter=40 * MINUTE)
    evening = datetime(2017, 10, 27, 19, tzinfo=UTC)  # 21:00 in Paris
    due = [plan_due(f"m-{n}", evening, evening, rules) for n in range(50)]
    morning = datetime(2017, 10, 28, 7, tzinfo=UTC)
    assert all(morning <= at < morning + 40 * MINUTE for at in due)
    assert len(set(due)) == 50


@pytest.mark.parametrize(
    ("first_at", "due_at"),
    [
        # 21:00 on the eve: due at 22:00, the first quiet instant.
        (datetime(2017, 3, 25, 20, tzinfo=UTC), datetime(2017, 3, 26, 7, tzinfo=UTC)),
        (datetime(2017, 10, 28, 19, tzinfo=UTC), datetime(2017, 10, 29, 8, tzinfo=UTC)),
        # a second before, it is not quiet
        (
            datetime(2017, 10, 28, 19, tzinfo=UTC) - SECOND,
            datetime(2017, 10, 28, 20, tzinfo=UTC) - SECOND,
        ),
        # 08:00: due at 09:00, the first instant that is not
        (datetime(2017, 10, 30, 7, tzinfo=UTC), datetime(2017, 10, 30, 8, tzinfo=UTC)),
    ],
)
def test_the_nights_on_which_the_clocks_change(first_at: datetime, due_at: datetime) -> None:
    assert plan_due("m", first_at, first_at, delays(hours=NIGHT)) == due_at


def test_quiet_hours_that_end_in_the_hour_that_comes_twice() -> None:
    """02:15 for the second time: 02:30 is a quarter of an hour ahead, not three behind."""
    hours = QuietHours(time(22), time(2, 30), PARIS)
    second = datetime(2017, 10, 29, 1, 15, tzinfo=UTC)
    due = plan_due("m", second - HOUR, second - HOUR, delays(hours=hours))
    assert due == second + 15 * MINUTE
