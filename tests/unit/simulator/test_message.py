from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.message import (
    Message,
    count_segments,
    format_amount,
    is_too_long,
    log_record,
    message_fields,
    report_fields,
)


def make(**changes: object) -> Message:
    given: dict[str, object] = {
        "uuid": "m", "direction": "outbound", "sender": "33937000000",
        "recipient": "33639981234", "text": "Bonjour", "at": 0.0, "segments": 2,
        "rate_microunits": 150_000, "state": "sent",
    }  # fmt: skip
    return Message(**(given | changes))  # type: ignore[arg-type] # a test's shorthand


@pytest.mark.parametrize(
    ("text", "segments"),
    [(None, 1), ("", 1), ("é" * 160, 1), ("e" * 161, 2), ("ê" * 70, 1), ("ê" * 71, 2)],
)
def test_each_segment_is_billed(text: str | None, segments: int) -> None:
    assert count_segments(text) == segments


@pytest.mark.parametrize(
    ("text", "too_long"),
    [("e" * 1600, False), ("e" * 1601, True), ("ê" * 737, False), ("ê" * 738, True)],
)
def test_the_longest_text(text: str, *, too_long: bool) -> None:
    assert is_too_long(text) is too_long


@given(st.integers(-(10**12), 10**12))
def test_an_amount_is_written_exactly(microunits: int) -> None:
    assert Decimal(format_amount(microunits)) * 1_000_000 == microunits


@pytest.mark.parametrize(
    ("microunits", "written"), [(6_500, "0.00650"), (160_000, "0.16000"), (1, "0.000001")]
)
def test_an_amount_has_five_places_or_six(microunits: int, written: str) -> None:
    assert format_amount(microunits) == written


def test_a_message_without_text_has_no_text_field() -> None:
    assert "Text" not in message_fields(make(direction="inbound", text=None))
    assert message_fields(make(direction="inbound"))["TotalAmount"] == "0.30000"


def test_a_report_of_an_uncharged_message_costs_nothing() -> None:
    assert report_fields(make(state="failed"), 0.0)["TotalAmount"] == "0.00000"
    assert report_fields(make(charged=True), 0.0)["TotalAmount"] == "0.30000"


@pytest.mark.parametrize(
    ("log", "shown"),
    [("true", "33639981234"), ("number_only", "33639981234"),
     ("false", "33639981XXX"), ("content_only", "33639981XXX")],
)  # fmt: skip
def test_log_masks_the_recipient_in_reports_too(log: str, shown: str) -> None:
    message = make(log=log)
    assert report_fields(message, 0.0)["To"] == shown
    assert log_record(message, "MA")["to_number"] == shown


def test_the_log_never_holds_the_text() -> None:
    assert "Bonjour" not in str(log_record(make(), "MA"))
