"""SMSGate's answers as values: states, times, ids, reasons, and who sends to whom."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.provider.smsgate.wire import (
    choose_device,
    content_id,
    is_about_number,
    is_queue_full,
    name_message,
    read_message,
    read_received,
    read_time,
)

AT = datetime(2026, 6, 22, 13, 46, 11, tzinfo=UTC)
SENT = {"Pending": "2026-06-22T13:46:11.000Z", "Sent": "2026-06-22T13:46:19.000Z"}


def message(state: str, **changes: Any) -> dict[str, Any]:
    body = {"id": "m-1", "deviceId": "d", "state": state, "isHashed": True,
            "recipients": [{"phoneNumber": "5f2b", "state": state}], "states": {}}  # fmt: skip
    return body | changes


@pytest.mark.parametrize(("state", "told"), [
    ("Pending", "queued"), ("Processed", "queued"), ("Cancelling", "queued"), ("Sent", "sent"),
    ("Delivered", "delivered"), ("Failed", "failed"), ("Cancelled", "cancelled"),
])  # fmt: skip
def test_its_states_are_ours(state: str, told: str) -> None:
    found = read_message(message(state, states={"Pending": SENT["Pending"]}))
    assert found is not None
    assert (found.state, found.ref, found.amount_microunits, found.at) == (told, "m-1", 0, AT)
    assert found.recipient == "", "it is hashed"


def test_what_left_before_it_failed_was_not_delivered() -> None:
    found = read_message(message("Failed", states=SENT))
    assert found is not None
    assert found.state == "undelivered"


@given(st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) |
                    st.dictionaries(st.sampled_from(["id", "state", "recipients", "states",
                                                     "sender", "createdAt"]), inner)))  # fmt: skip
def test_rubbish_is_none(body: Any) -> None:
    for read in (read_message, lambda given: read_received(given, "+33639980000")):
        found = read(body)
        assert found is None or found.at is not None
    assert is_queue_full(body) is is_about_number(body) is False or isinstance(body, dict)


def test_a_number_keeps_its_phone() -> None:
    devices = [f"device-{number}" for number in range(4)]
    numbers = [f"+336399800{number:02}" for number in range(100)]
    chosen = {number: choose_device(devices, number) for number in numbers}
    assert {choose_device(devices, n) == chosen[n] for n in numbers for _ in range(3)} == {True}
    assert {choose_device(devices[::-1], n) == chosen[n] for n in numbers} == {True}
    assert min(list(chosen.values()).count(device) for device in devices) >= 10
    # A phone that is taken away changes nobody else's.
    less = devices[:-1]
    kept = {n: device for n, device in chosen.items() if device in less}
    assert {n: choose_device(less, n) for n in kept} == kept


@pytest.mark.parametrize(("ref", "plain"), [
    ("Ey6ECgOkVVFjz3CL48B8C", True), ("a" * 36, True), ("a" * 37, False),
    ("test-" + "0" * 32, False), ("a b", False), ("é", False),
])  # fmt: skip
def test_a_reference_that_is_no_id_is_hashed_always_alike(ref: str, plain: bool) -> None:
    name = name_message(ref)
    assert (name == ref) is plain
    assert name_message(name) == name
    assert len(name) <= 36


def test_texts_are_told_apart_by_who_when_and_what() -> None:
    known = content_id("p", AT, "Bonjour")
    assert known == content_id("p", AT.replace(microsecond=5), "Bonjour")
    others = {content_id("q", AT, "Bonjour"), content_id("p", AT.replace(second=12), "Bonjour"),
              content_id("p", AT, "Salut"), content_id("p", AT, None)}  # fmt: skip
    assert len(others) == 4
    assert known not in others


@pytest.mark.parametrize(("text", "at"), [
    ("2026-06-22T15:46:11.000+02:00", AT), ("2026-06-22T13:46:11Z", AT),
    ("2026-06-22T13:46:11", AT), ("soon", None), (7, None), ("0001-01-01T00:00:00+14:00", None),
])  # fmt: skip
def test_times(text: Any, at: datetime | None) -> None:
    assert read_time(text) == at
