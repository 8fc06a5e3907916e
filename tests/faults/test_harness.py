"""What judges the trials: does it see what it is there to see?"""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from antirelou.commands.audit.facts import Finding, Judgement
from kernel.facts.topics import BILLING_GROUP, EVIDENCE_GROUP, FILTER_GROUP, RESPONDER_GROUP
from tests.faults import trial
from tests.faults.lag import LagMeter, Offsets
from tests.faults.trial import Report, Row, count_wrong

RECEIVED = ("sms.received", 0)
REPORTED = ("sms.reported", 0)


class FakeEye:
    """A log that a test moves."""

    def __init__(self) -> None:
        self.at = 100.0
        self.away = False
        self.ends = {RECEIVED: 5, REPORTED: 3}
        self.committed = {
            FILTER_GROUP: {RECEIVED: 5},
            BILLING_GROUP: {RECEIVED: 5},
            RESPONDER_GROUP: {REPORTED: 3},
            EVIDENCE_GROUP: {RECEIVED: 5},
        }

    async def look(self) -> tuple[Offsets, Mapping[str, Offsets]]:
        if self.away:
            raise OSError("away")
        return dict(self.ends), {group: dict(at) for group, at in self.committed.items()}

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def eye() -> FakeEye:
    return FakeEye()


@pytest.fixture
def meter(eye: FakeEye) -> LagMeter:
    return LagMeter(eye, eye.monotonic)


async def test_who_has_read_all_has_no_lag(meter: LagMeter) -> None:
    assert await meter.look() == 0.0


async def test_one_group_that_stands_still_is_the_lag_of_the_house(
    eye: FakeEye, meter: LagMeter
) -> None:
    await meter.look()
    eye.at, eye.ends[RECEIVED] = 101.0, 9
    eye.committed[FILTER_GROUP][RECEIVED] = eye.committed[EVIDENCE_GROUP][RECEIVED] = 9
    assert await meter.look() == 1.0
    eye.at = 104.0
    assert await meter.look() == 4.0
    assert meter.trouble == f"{BILLING_GROUP} sms.received: 4"
    eye.committed[BILLING_GROUP][RECEIVED] = 9
    assert await meter.look() == 0.0


async def test_lag_from_before_we_looked_is_unknown_and_not_none(
    eye: FakeEye, meter: LagMeter
) -> None:
    del eye.committed[RESPONDER_GROUP][REPORTED]
    assert await meter.look() is None
    assert meter.trouble == f"{RESPONDER_GROUP} sms.reported: 3"


async def test_a_log_that_is_away_says_nothing(eye: FakeEye, meter: LagMeter) -> None:
    eye.away = True
    assert await meter.look() is None
    assert "away" in meter.trouble


def test_the_report_adds_up_by_fault_and_keeps_the_longest_recovery(tmp_path: Path) -> None:
    report = Report("7")
    report.rows = [
        Row("a", kills=2, messages=10, recover_seconds=1.0),
        Row("b", broker=1, recover_seconds=None, failure="why"),
        Row("a", kills=1, messages=5, lost=1, recover_seconds=3.0),
    ]
    report.write(tmp_path / "report.json")
    said = json.loads((tmp_path / "report.json").read_text())
    first, second = said["faults"]
    assert (first["tried"], first["kills"], first["messages"], first["lost"]) == (2, 3, 15, 1)
    assert (first["recover_seconds"], second["failure"], said["seed"]) == (3.0, "why", "7")
    assert (said["total"]["tried"], said["total"]["broker"]) == (3, 1)


def test_a_long_run_that_held_too_little_says_what() -> None:
    report = Report("7")
    report.rows = [Row("a", kills=60, broker=12, database=11, messages=25_000)]
    assert report.missing() == {"database": "11 of 12"}
    report.rows.append(Row("b", database=1))
    assert report.missing() == {}


def test_what_is_wrong_is_counted_by_audit_or_bill_whichever_says_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trial, "count_doubled", lambda _: 2)
    judgements = [
        Judgement("I1", "", 9, [Finding("x", ["m-1", "m-2"]), Finding("y", ["m-2"])], []),
        Judgement("I2", "", 9, [], []),
        Judgement("I3", "", 9, [Finding("z", ["r-1"])], []),
    ]
    found = count_wrong(judgements, taken=10, received=9, available=-1, provider_url="")
    assert found == {"lost": 2, "doubled": 2, "overspent": 1}
    assert count_wrong(judgements, taken=13, received=9, available=0, provider_url="") == {
        "lost": 4, "doubled": 2, "overspent": 0,
    }  # fmt: skip
