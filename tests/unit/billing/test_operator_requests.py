"""What fields of the operator API mean to billing: numbers that are not ours, times, counts."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from kernel.desk.fields import Refused, read_request
from services.billing.operator_requests import AuditRequest, read_past, read_phone

OWN = "+33937000000"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw",
    ["+33639980001", "33639980001", "0033639980001", "06 39 98 00 01", "+33 (0)6.39.98.00.01"],
)
def test_every_spelling_of_a_number_is_the_same_phone(raw: str) -> None:
    phone = read_phone(raw, OWN)
    assert (phone.e164, phone.mobile) == ("+33639980001", True)


@pytest.mark.parametrize("raw", ["anonymous", "36000", "+1", "Chloé", OWN, "1" * 30])
def test_what_is_no_number_of_others_is_refused_and_not_quoted(raw: str) -> None:
    with pytest.raises(Refused, match=r"^number: ") as refused:
        read_phone(raw, OWN)
    assert refused.value.status == 422
    assert raw not in str(refused.value)


def test_without_our_own_number_a_national_spelling_is_not_guessed() -> None:
    with pytest.raises(Refused, match=r"E\.164"):
        read_phone("06 39 98 00 01", "")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2017-10-27T16:00", datetime(2017, 10, 27, 16, tzinfo=UTC)),
        ("2017-10-27T18:00:00+02:00", datetime(2017, 10, 27, 16, tzinfo=UTC)),
        ("2017-10-27", datetime(2017, 10, 27, tzinfo=UTC)),
        ("2017-10-27T16:00Z", datetime(2017, 10, 27, 16, tzinfo=UTC)),
        ("24h", NOW - timedelta(days=1)),
        ("2d", NOW - timedelta(days=2)),
    ],
)
def test_times_are_utc_or_how_long_ago(text: str, at: datetime) -> None:
    assert read_past(text, NOW) == at


def test_a_time_with_an_offset_keeps_the_instant() -> None:
    at = datetime(2020, 1, 1, 5, tzinfo=timezone(timedelta(hours=5)))
    assert read_past(at.isoformat(), NOW) == at
    assert read_past(at.isoformat(), NOW).tzinfo is UTC


@pytest.mark.parametrize(
    "wrong",
    ["yesterday", "27/10/2017", "0001-01-01T00:00+14:00", "2999-01-01", "99999999999d", "-1h"],
)
def test_other_times_are_refused(wrong: str) -> None:
    with pytest.raises(Refused, match=r"^since: a time such as") as refused:
        read_past(wrong, NOW)
    assert refused.value.status == 422


def test_counts_are_by_invariant() -> None:
    assert read_request(AuditRequest, {"broken": {"I1": 0, "I4": 2}}).broken == {"I1": 0, "I4": 2}


@pytest.mark.parametrize(
    "wrong",
    [None, {}, [], {"I0": 1}, {"x": 1}, {"I1": -1}, {"I1": True}, {"I1": 1.5}, {"I1": 10**9 + 1}],
)
def test_other_counts_are_refused(wrong: Any) -> None:
    with pytest.raises(Refused, match=r"^broken: counts by invariant"):
        read_request(AuditRequest, {"broken": wrong})
