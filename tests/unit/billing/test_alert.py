"""What is told is told once, its end once, and never too often; a restart changes nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.facts.records import Posture
from kernel.words.gloss import Language
from services.billing.core.alert import (
    Alarm,
    Alert,
    AlertRules,
    Memory,
    Situation,
    decide_alerts,
    find_alarms,
    key_of,
)
from services.billing.core.notice import write_notice
from services.billing.core.posture import Cause
from services.billing.core.tariff import Prices
from tests.unit.billing.cases import EURO, HOUR, MINUTE, NOW, TARIFF

RULES = AlertRules()
CALM = Situation(
    posture=Posture.NORMAL,
    cause=Cause.CALM,
    attached=True,
    given=True,
    available=100 * EURO,
    floor=20 * EURO,
    lasts=None,
    provider_checked_at=NOW,
    uncertain_since=None,
    dead=0,
    broken=0,
)
KEYS = [
    key_of(Alarm.SUSPENDED, Cause.FLOOR),
    key_of(Alarm.SUSPENDED, Cause.CREDIT),
    key_of(Alarm.GUARDED, Cause.SURGE),
    key_of(Alarm.DEAD),
    key_of(Alarm.FUND_LOW),
]

Steps = list[tuple[int, set[str]]]
"""Minutes since the last look, and the alarms that hold."""


def course(keys: list[str]) -> st.SearchStrategy[Steps]:
    return st.lists(st.tuples(st.integers(1, 40), st.sets(st.sampled_from(keys))), max_size=80)


class Watch:
    """Decides step by step, each time from what was saved."""

    def __init__(self, rules: AlertRules = RULES) -> None:
        self.rules, self.now = rules, NOW
        self.saved = msgspec.json.encode(Memory())

    def look(self, *alarms: str, after: timedelta = MINUTE) -> list[Alert]:
        self.now += after
        alerts: list[Alert] = []
        while True:
            memory = msgspec.json.decode(self.saved, type=Memory)
            told = decide_alerts(memory, alarms, self.rules, self.now, self.now.date())
            again = decide_alerts(told.seen, alarms, self.rules, self.now, self.now.date())
            assert again.alert == told.alert, "what could not be told is told at the next look"
            self.saved = msgspec.json.encode(told.memory)
            if told.alert is None:
                return alerts
            alerts.append(told.alert)


def alarms_of(**changes: Any) -> list[str]:
    return list(find_alarms(replace(CALM, **changes), RULES, NOW))


@pytest.mark.parametrize(
    ("changes", "alarm"),
    [
        ({"posture": Posture.SUSPENDED, "cause": Cause.FLOOR}, "suspended:floor"),
        ({"posture": Posture.GUARDED, "cause": Cause.BURN}, "guarded:burn"),
        ({"attached": False}, "detached"),
        ({"lasts": timedelta(days=6.9)}, "fund_low"),
        ({"provider_checked_at": NOW - 31 * MINUTE}, "provider_away"),
        ({"uncertain_since": NOW - 11 * MINUTE}, "uncertain"),
        ({"dead": 1}, "dead"),
        ({"broken": 1}, "audit"),
        ({"unread_at": NOW - 2.1 * MINUTE}, "unread"),
        ({"dear": Prices(receive_microeuros=10_002)}, "price"),
        ({"dear": Prices(reply_microeuros=450_000)}, "price"),
        ({"uncounted": 1}, "gifts"),
    ],
)
def test_what_is_wrong_is_an_alarm(changes: dict[str, Any], alarm: str) -> None:
    assert alarms_of(**changes) == [alarm]


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"attached": None}, {"lasts": timedelta(days=7)}, {"provider_checked_at": None},
        {"lasts": timedelta(0), "given": False}, {"uncertain_since": NOW - 9 * MINUTE},
        {"provider_checked_at": NOW - 29 * MINUTE}, {"unread_at": NOW - 1.9 * MINUTE},
    ],
)  # fmt: skip
def test_what_is_right_is_none(changes: dict[str, Any]) -> None:
    assert alarms_of(**changes) == []


def test_an_alarm_is_told_once_and_its_end_once() -> None:
    watch = Watch()
    told = [
        alert for minute in range(60) for alert in watch.look(*(KEYS[:1] if minute < 30 else []))
    ]
    assert told == [
        Alert(Alarm.SUSPENDED, Cause.FLOOR),
        Alert(Alarm.SUSPENDED, Cause.FLOOR, over=True),
    ]


def test_what_is_gone_at_once_is_not_told() -> None:
    watch = Watch()
    assert watch.look(KEYS[0]) == []
    assert [watch.look() for _ in range(60)] == [[]] * 60


def test_what_comes_and_goes_is_told_and_once() -> None:
    watch = Watch()
    told = [alert for minute in range(60) for alert in watch.look(*KEYS[: minute % 2])]
    assert told == [Alert(Alarm.SUSPENDED, Cause.FLOOR)]


def test_another_cause_is_told_and_the_first_is_not_called_over() -> None:
    watch = Watch()
    told = [
        alert
        for minute in range(90)
        for alert in watch.look(*(KEYS[:1] if minute < 20 else KEYS[1:2] if minute < 50 else []))
    ]
    assert told == [
        Alert(Alarm.SUSPENDED, Cause.FLOOR),
        Alert(Alarm.SUSPENDED, Cause.CREDIT),
        Alert(Alarm.SUSPENDED, Cause.CREDIT, over=True),
    ]


def test_the_last_message_of_a_day_says_so_and_the_rest_comes_the_next_day() -> None:
    watch = Watch(replace(RULES, a_day_max=2))
    first = watch.look(*KEYS) + watch.look(*KEYS, after=HOUR)
    assert [(alert.cause, alert.last) for alert in first] == [
        (Cause.CREDIT, False),
        (Cause.FLOOR, True),
    ]
    assert watch.look(*KEYS, after=HOUR) == []
    assert [alert.alarm for alert in watch.look(*KEYS, after=24 * HOUR)] == [
        Alarm.FUND_LOW,
        Alarm.DEAD,
    ]


@settings(deadline=None)  # a loaded machine is slow
@given(course(KEYS[1:]))
def test_never_twice_never_unasked_never_too_many(steps: Steps) -> None:
    watch = Watch(replace(RULES, a_day_max=4))
    begun: set[str] = set()
    a_day: Counter[date] = Counter()
    for minutes, alarms in steps:
        for alert in watch.look(*alarms, after=minutes * MINUTE):
            key = key_of(alert.alarm, alert.cause)
            a_day[watch.now.date()] += 1
            assert (key in alarms, key in begun) == (not alert.over, alert.over)
            begun ^= {key}
    assert not a_day or max(a_day.values()) <= 4


@settings(deadline=None)  # a loaded machine is slow
@given(course(KEYS), st.sampled_from(KEYS))
def test_what_stays_is_told_once_in_the_end(steps: Steps, stays: str) -> None:
    watch = Watch()
    told: list[Alert] = []
    for minutes, alarms in steps:
        told += watch.look(*alarms | {stays}, after=minutes * MINUTE)
    for _ in range(3):  # were today's messages used up, tomorrow it is told
        told += watch.look(stays, after=24 * HOUR)
    assert [key_of(a.alarm, a.cause) for a in told if not a.over].count(stays) == 1


@settings(deadline=None)  # a loaded machine is slow
@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_calm_is_never_told(pauses: list[int]) -> None:
    watch = Watch()
    assert [a for minutes in pauses for a in watch.look(after=minutes * MINUTE)] == []


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("alarm", list(Alarm))
def test_each_message_says_what_costs_and_what_to_type(alarm: Alarm, language: Language) -> None:
    causes: Mapping[Alarm, Sequence[Cause | None]] = {
        Alarm.SUSPENDED: [c for c in Cause if c not in {Cause.CALM, Cause.SURGE, Cause.BURN}],
        Alarm.GUARDED: [Cause.SURGE, Cause.BURN],
    }
    costs, command = {
        Language.FR: ("Coûte encore : chaque SMS reçu, 0,01 €", "À taper : antirelou "),
        Language.EN: ("Still costs: each SMS received, 0.01 €", "Type: antirelou "),
    }[language]
    for cause in causes.get(alarm, [None]):
        notice = write_notice(Alert(alarm, cause), CALM, TARIFF, language)
        assert notice.title.startswith("antirelou: ")
        assert costs in notice.body
        assert notice.body.count(command) == 1
        over = write_notice(Alert(alarm, cause, over=True), CALM, TARIFF, language)
        assert command not in over.body
        assert not over.urgent
        assert "{" not in notice.title + notice.body + over.title + over.body


def test_a_detached_number_costs_nothing_and_a_suspended_one_receives() -> None:
    alert = Alert(Alarm.SUSPENDED, Cause.FLOOR)
    off = write_notice(alert, replace(CALM, attached=False), TARIFF, Language.EN)
    assert "Costs nothing any more but the number's rental." in off.body
    suspended = replace(CALM, posture=Posture.SUSPENDED, cause=Cause.FLOOR)
    body = write_notice(alert, suspended, TARIFF, Language.EN).body
    assert "No reply is paid for. To stop all: antirelou detach" in body
