"""What a rehearsal promises of money, time and people, over small floods as a whole."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from random import Random

import pytest

from tests.unit.antirelou.rehearsals import (
    EURO,
    FUNDS,
    GREETINGS,
    HOUR,
    MINUTE,
    MONDAY,
    PARIS,
    PRICE,
    TEXT,
    Sms,
    Stage,
    calm,
    flood,
    phone,
    sentence,
)


@pytest.mark.parametrize(("window", "most"), [("180d", 1), ("1d", 3)])
def test_nobody_is_answered_twice_in_the_window(stage: Stage, window: str, most: int) -> None:
    chance = Random(5)
    texts = [
        Sms(timedelta(seconds=chance.randrange(60 * 3600)), f"m-{n}", phone(n % 9), "Salut")
        for n in range(150)
    ]
    texts.sort(key=lambda sms: sms.after)
    done = stage.rehearse(texts, reply_window=window)
    senders = {sms.id: sms.sender for sms in texts}
    answered: defaultdict[str, list[datetime]] = defaultdict(list)
    for id_, at in done.replied().items():
        answered[senders[id_]].append(at)
    assert len(answered) == 9
    assert max(map(len, answered.values())) == most
    for times in answered.values():
        gaps = [after - before for before, after in pairwise(sorted(times))]
        assert all(gap >= 23 * HOUR for gap in gaps)


# -- money ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fund", FUNDS)
@pytest.mark.parametrize("seed", [1, 2])
def test_replies_never_take_what_is_not_there_or_the_floor(
    stage: Stage, fund: str, seed: int
) -> None:
    done = stage.rehearse(flood(seed, hours=8), fund)
    replies = done.summary["spent_reply_microeuros"]
    assert replies == PRICE * len(done.replied())
    assert replies <= max(float(fund) - 20, 0) * EURO
    if replies:
        assert done.summary["fund_microeuros"] - replies >= 20 * EURO
    for at in done.summary["fund_over_time"]:
        # Receiving may eat into the floor; it ends with the number off.
        assert at["available_microeuros"] >= 20 * EURO - 240 * TEXT or fund == "0"


def test_what_comes_while_the_number_is_off_never_arrived(stage: Stage) -> None:
    texts = calm(60, every=MINUTE)
    done = stage.rehearse(texts, "20.30")
    reasons = list(done.reasons().values())
    arrived = reasons.index("detached")
    assert set(reasons[arrived:]) == {"detached"}
    assert 30 <= arrived <= 32, "thirty cents pay for thirty texts"
    lost = list(done.lines.values())[arrived:]
    assert {(line["decision"], line["cost_microeuros"]) for line in lost} == {("silent", 0)}
    assert done.spent == arrived * TEXT
    assert done.summary["silent"]["detached"] == 60 - arrived
    assert done.summary["fund_over_time"][-1]["attached"] is False


def test_a_longer_text_costs_by_its_segments(stage: Stage) -> None:
    done = stage.rehearse(
        [Sms(0 * HOUR, "a", "36000", "x" * 161), Sms(HOUR, "b", "36000", "ж" * 71)]
    )
    assert [line["cost_microeuros"] for line in done.lines.values()] == [2 * TEXT, 2 * TEXT]


def test_prices_of_the_settings_are_booked(stage: Stage) -> None:
    done = stage.rehearse(calm(3), price_reply="0.05", price_receive="0.02")
    assert {line["cost_microeuros"] for line in done.lines.values()} == {70_000}


@pytest.mark.parametrize(("fund", "per_hour"), [("60", 400), ("150", 400), ("150", 60)])
def test_a_steady_flood_does_not_switch_the_posture_to_and_fro(
    stage: Stage, fund: str, per_hour: int
) -> None:
    chance, after, texts = Random(1), timedelta(), list[Sms]()
    while after < 8 * HOUR:
        after += timedelta(seconds=chance.expovariate(per_hour / 3600))
        texts.append(Sms(after, f"m-{len(texts)}", phone(len(texts)), sentence(chance)))
    done = stage.rehearse(texts, fund, quiet_hours="off")
    course = [at["posture"] for at in done.summary["fund_over_time"]]
    changes = [posture for posture, _ in groupby(course)]
    assert changes[:2] == ["normal", "guarded"]
    assert len(changes) <= 3 + (changes[-1] == "normal"), changes
    assert set(done.reasons().values()) <= {"deserved", "detached"}


# -- time ----------------------------------------------------------------------------------------


def test_the_end_of_the_trace_is_not_the_end_of_time(stage: Stage) -> None:
    # The last come at ten to ten in the evening: they are answered in the morning.
    evening = [replace(sms, after=sms.after + 11 * HOUR) for sms in calm(5, every=10 * MINUTE)]
    done = stage.rehearse(evening)
    assert len(done.replied()) == 5
    for at in done.replied().values():
        assert at >= datetime(2017, 10, 31, 9, tzinfo=PARIS)


def test_what_waits_too_long_expires_and_costs_its_receiving_alone(stage: Stage) -> None:
    done = stage.rehearse(calm(30, every=MINUTE), send_rate="0.001", max_wait="2h")
    assert done.summary["replies"] == 30
    assert 10 <= len(done.replied()) <= 13, "one in a thousand seconds"
    times = sorted(done.replied().values())
    assert min(after - before for before, after in pairwise(times)) >= timedelta(seconds=1000)
    for line in done.lines.values():
        assert line["cost_microeuros"] == TEXT + PRICE * (line["replied_at"] is not None)
    assert done.summary["waiting_microeuros"] == 0


def test_what_today_cannot_pay_for_is_paid_on_other_days(stage: Stage) -> None:
    # Of 0.55 the first day's texts take ten cents: three replies a day. The clock of those who wait
    # stands still meanwhile, so nobody expires.
    done = stage.rehearse(calm(10, every=MINUTE), daily_cap="0.55", max_wait="3h")
    days = Counter(at.astimezone(PARIS).date() for at in done.replied().values())
    assert sorted(days.values()) == [1, 3, 3, 3]


def test_nobody_waits_for_ever_in_a_rehearsal(stage: Stage) -> None:
    done = stage.rehearse(calm(4), "0")
    assert done.replied() == {}
    assert done.summary["replies"] == 4
    assert done.summary["waiting_microeuros"] == 4 * PRICE


@pytest.mark.parametrize("quiet", ["22:00-09:00", "12:00-18:30"])
def test_in_quiet_hours_nobody_is_answered(stage: Stage, quiet: str) -> None:
    done = stage.rehearse(flood(seed=4, hours=30, per_hour=10), quiet_hours=quiet, send_rate="0.02")
    assert len(done.replied()) > 50
    start, end = quiet.split("-")
    for at in done.replied().values():
        local = at.astimezone(PARIS).strftime("%H:%M")
        assert not (start <= local < end if start < end else local >= start or local < end)


def test_what_was_about_to_go_when_the_night_began_goes_in_the_morning(stage: Stage) -> None:
    evening = [replace(sms, after=sms.after + 10 * HOUR) for sms in calm(20, every=MINUTE)]
    # One in five minutes: at 21:57, and the next would be due to go at 22:02.
    done = stage.rehearse(evening, send_rate="0.00333333333", reply_delay_jitter="0s")
    times = [at.astimezone(PARIS) for at in sorted(done.replied().values())]
    assert [f"{at:%d %H:%M}" for at in times[10:14]] == [
        "30 21:52", "30 21:57", "31 09:00", "31 09:05",
    ]  # fmt: skip
    assert len(times) == 20


def test_without_quiet_hours_the_night_is_as_the_day(stage: Stage) -> None:
    night = [replace(sms, after=sms.after + 13 * HOUR) for sms in calm(6)]
    done = stage.rehearse(night, quiet_hours="off")
    times = {sms.id: MONDAY + sms.after for sms in night}
    for id_, at in done.replied().items():
        assert HOUR <= at - times[id_] <= HOUR + 43 * MINUTE
    assert len(done.replied()) == 6


@pytest.mark.parametrize(("rate", "pause"), [("0.5", 2), ("0.02", 50), ("5", 0.2)])
def test_no_faster_than_the_rate(stage: Stage, rate: str, pause: float) -> None:
    crowd = [Sms(n * timedelta(seconds=2), f"m-{n}", phone(n), GREETINGS[n % 8]) for n in range(90)]
    done = stage.rehearse(crowd, send_rate=rate, reply_delay_jitter="0s")
    times = sorted(done.replied().values())
    assert len(times) > 80
    gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
    assert min(gaps) >= pause - 1e-6
    if rate == "0.02":
        assert max(gaps) <= 2 * pause, "it goes on without a break while somebody waits"


def test_nobody_is_answered_before_the_delay(stage: Stage) -> None:
    texts = flood(seed=6)
    done = stage.rehearse(texts)
    first = {sms.id: MONDAY + sms.after for sms in reversed(texts)}
    for id_, at in done.replied().items():
        assert at - first[id_] >= HOUR or at.astimezone(PARIS).hour == 9
    assert done.replied()


def test_two_weeks_without_anybody_are_leapt_over(stage: Stage) -> None:
    late = replace(calm(1)[0], after=20 * 24 * HOUR, id="late", sender=phone(77))
    done = stage.rehearse([*calm(2), late])
    assert len(done.replied()) == 3
    assert len(done.summary["fund_over_time"]) < 60


# -- whom it silences ----------------------------------------------------------------------------

INSULTS = (
    "connasse", "Va te faire foutre", "sale pute", "t'es moche de toute façon", "crève",
    "pauvre fille va", "grosse vache", "ferme ta gueule salope",
)  # fmt: skip


def test_insults_alone_silence_nobody(stage: Stage) -> None:
    chance = Random(8)
    texts = [
        Sms(n * 4 * MINUTE, f"m-{n}", phone(n), f"{chance.choice(INSULTS)} {sentence(chance, 5)}")
        if n % 2
        else Sms(n * 4 * MINUTE, f"m-{n}", phone(n), chance.choice(INSULTS))
        for n in range(120)
    ]
    done = stage.rehearse(texts)
    assert set(done.reasons().values()) == {"deserved"}
    assert len(done.replied()) == 120


def test_the_score_alone_silences_nobody(stage: Stage) -> None:
    """A flood of first contacts after a calm day, some of them of a known attack's words."""
    chance = Random(9)
    quiet_day = calm(30, every=15 * MINUTE)
    troll = [
        Sms(9 * HOUR + n * timedelta(seconds=20), f"t-{n}", phone(9000 + n % 2), sentence(chance))
        for n in range(80)
    ]
    crowd = [
        Sms(9 * HOUR + n * timedelta(seconds=9), f"f-{n}", phone(100 + n), sentence(chance))
        for n in range(300)
    ]
    done = stage.rehearse(sorted([*quiet_day, *troll, *crowd], key=lambda sms: sms.after))
    reasons = done.reasons()
    assert "burst" in {reasons[sms.id] for sms in troll}
    assert {reasons[sms.id] for sms in crowd} == {"deserved"}
    scores = [done.lines[sms.id]["score"] for sms in crowd]
    assert min(scores) < -0.3, "some are in doubt, or this proves nothing"
    assert set(done.lines) - {sms.id for sms in troll} <= set(done.replied())


def test_the_insistent_of_a_street_are_answered_once(stage: Stage) -> None:
    """He texts six times in an hour, and insults: one answer, after the last of it."""
    texts = [
        Sms(n * 10 * MINUTE, f"m-{n}", phone(1), text)
        for n, text in enumerate(["Salut", "Tu réponds ?", "Allo", "??", "Pff", "connasse"])
    ]
    done = stage.rehearse(texts, reply_delay_jitter="0s")
    [(id_, at)] = done.replied().items()
    assert id_ == "m-0"
    assert at.astimezone(UTC) - (MONDAY + 50 * MINUTE) >= 30 * MINUTE
