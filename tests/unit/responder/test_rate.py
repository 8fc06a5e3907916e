"""When the next SMS may go."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import Posture
from kernel.provider.port import Accepted, NotAccepted, SendResult, Uncertain
from kernel.settings.settings import QuietHours
from services.responder.core.rate import (
    Pace,
    RateRules,
    apply_claimed,
    apply_posture,
    apply_results,
    decide_permit,
)
from tests.unit.responder.cases import MINUTE, NOW

RULES = RateRules(
    per_second=0.5, quiet=None, hold_first=timedelta(seconds=10), hold_longest=timedelta(minutes=10)
)
LONG_AGO = NOW - timedelta(days=1)
REFUSED = NotAccepted("402", retry=True)


@given(
    st.floats(0.01, 5000),
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 128)), min_size=1, max_size=30),
)
def test_over_any_time_no_more_go_than_the_rate_lets(
    per_second: float, asks: list[tuple[float, int]]
) -> None:
    rules = replace(RULES, per_second=per_second)
    pace, now, went = Pace(LONG_AGO), NOW, list[tuple[datetime, int]]()
    for pause, count_max in asks:
        now += timedelta(seconds=pause)
        permit = decide_permit(pace, rules, now, count_max)
        assert 0 <= permit.count <= count_max
        if not permit.count:
            assert permit.next_at > now
            # At the time named one may go.
            at = permit.next_at + timedelta(microseconds=2)
            assert decide_permit(pace, rules, at, 1).count == 1
        pace = apply_claimed(pace, rules, now, permit.count)
        went.append((now, permit.count))
    for first in range(len(went)):
        seconds = (went[-1][0] - went[first][0]).total_seconds()
        count = sum(count for _, count in went[first:])
        assert count <= seconds * per_second + max(per_second * 0.1, 1) + 1


def test_one_in_two_seconds_and_never_two_together() -> None:
    pace, went = Pace(LONG_AGO), []
    for second in range(7):
        now = NOW + timedelta(seconds=second)
        permit = decide_permit(pace, RULES, now, 128)
        pace = apply_claimed(pace, RULES, now, permit.count)
        went.append(permit.count)
    assert went == [1, 0, 1, 0, 1, 0, 1]


def test_a_great_rate_goes_in_batches() -> None:
    rules = replace(RULES, per_second=2000)
    assert decide_permit(Pace(LONG_AGO), rules, NOW, 128).count == 128
    assert decide_permit(Pace(LONG_AGO), rules, NOW, 1000).count == 200


@pytest.mark.parametrize(
    "reason",
    ["401", "402", "404", "429", "refused", "unresolved_host", "connect_timeout", "certificate"],
)
def test_a_refusal_that_meets_all_holds_all_and_one_finds_out(reason: str) -> None:
    refused = NotAccepted(reason, retry=True)
    pace = apply_results(Pace(LONG_AGO), [Accepted("p"), refused], RULES, NOW)
    assert decide_permit(pace, RULES, NOW, 9).count == 0
    assert decide_permit(pace, RULES, NOW, 9).next_at == NOW + timedelta(seconds=10)
    assert pace.hold_reason == reason
    # Those that were in flight say nothing new.
    assert apply_results(pace, [refused], RULES, NOW) == pace
    rules = replace(RULES, per_second=2000)
    later = NOW + timedelta(seconds=10)
    assert decide_permit(pace, rules, later, 9).count == 1
    probing = apply_claimed(pace, rules, later, 1)
    assert decide_permit(probing, rules, later + MINUTE / 60, 9).count == 0
    again = apply_results(probing, [refused], rules, later)
    assert again.held_until == later + timedelta(seconds=20)
    free = apply_results(probing, [Accepted("p")], rules, later)
    assert (free.held_until, free.holds, free.hold_reason) == (None, 0, "")
    assert decide_permit(free, rules, later + MINUTE, 9).count == 9


@pytest.mark.parametrize("result", [NotAccepted("400", retry=False), NotAccepted("403", retry=True),
                                    Uncertain("timeout"), Accepted("p")])  # fmt: skip
def test_what_meets_one_holds_nobody_else(result: SendResult) -> None:
    assert apply_results(Pace(LONG_AGO), [result], RULES, NOW) == Pace(LONG_AGO)


def test_patience_that_is_asked_for_is_had() -> None:
    refused = NotAccepted("429", retry=True, after_seconds=77)
    pace = apply_results(Pace(LONG_AGO), [refused], RULES, NOW)
    assert pace.held_until == NOW + timedelta(seconds=77)


@pytest.mark.parametrize(
    ("posture", "cause", "paused"),
    [
        (Posture.SUSPENDED, "operator", True),
        (Posture.SUSPENDED, "floor", False),
        (Posture.SUSPENDED, "deliveries_failing", False),
        (Posture.NORMAL, "operator", False),
        (Posture.GUARDED, "operator", False),
    ],
)
def test_only_the_operators_suspension_holds_what_is_paid_for(
    posture: Posture, cause: str, paused: object
) -> None:
    pace = apply_posture(Pace(LONG_AGO), posture, cause)
    assert pace.paused is paused
    assert decide_permit(pace, RULES, NOW, 1).tests_only is paused
    assert apply_posture(pace, Posture.NORMAL, "calm").paused is False


def test_in_quiet_hours_only_tests_go() -> None:
    quiet = QuietHours(time(22), time(9), ZoneInfo("Europe/Paris"))
    rules = replace(RULES, quiet=quiet)
    assert decide_permit(Pace(LONG_AGO), rules, NOW, 1).tests_only is False
    night = NOW + timedelta(hours=10)
    assert decide_permit(Pace(LONG_AGO), rules, night, 1).tests_only is True
