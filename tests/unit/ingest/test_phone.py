"""A phone's events: whose they are, what they say, what is refused and what is left."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.core.form import ReportForm
from services.ingest.core.phone import (
    LATE_MAX,
    Ignored,
    Told,
    read_event,
    verify_event,
)
from services.ingest.core.webhook import Refusal, RefusalCode, SignatureHeaders
from tests.support.phones import encode, event
from tests.support.webhooks import OWN, SENDER

NOW = datetime(2026, 6, 22, 14, 0, tzinfo=UTC)
KEY = b"k" * 32
BODY = b'{"event": "system:ping"}'


def headers(body: bytes = BODY, *, key: bytes = KEY, at: datetime = NOW, **changes: Any) -> Any:
    time = str(int(at.timestamp()))
    signature = hmac.new(key, body + time.encode(), hashlib.sha256).hexdigest()
    return SignatureHeaders(**({"signature": signature, "timestamp": time} | changes))


def verify(given: Any, body: bytes = BODY) -> RefusalCode | None:
    refusal = verify_event(given, keys=[KEY], body=body, now=NOW)
    return None if refusal is None else refusal.code


class TestSignature:
    @pytest.mark.parametrize("upper", [False, True])
    def test_ours_holds_in_either_case(self, upper: bool) -> None:
        signed = headers()
        given = signed.signature.upper() if upper else signed.signature
        assert verify(headers(signature=given)) is None

    @pytest.mark.parametrize("change", [{"signature": None}, {"timestamp": None},
                                        {"signature": ""}, {"timestamp": ""}])  # fmt: skip
    def test_what_is_not_there_is_missing(self, change: dict[str, Any]) -> None:
        assert verify(headers(**change)) is RefusalCode.SIGNATURE_MISSING

    def test_the_body_and_the_time_are_signed(self) -> None:
        assert verify(headers(), BODY + b" ") is RefusalCode.SIGNATURE_WRONG
        later = str(int(NOW.timestamp()) + 1)
        assert verify(headers(timestamp=later)) is RefusalCode.SIGNATURE_WRONG
        assert verify(headers(key=b"x" * 32)) is RefusalCode.SIGNATURE_WRONG

    def test_without_a_key_nobody_is_let_in(self) -> None:
        refusal = verify_event(headers(key=b""), keys=[], body=BODY, now=NOW)
        assert refusal == Refusal(RefusalCode.SIGNATURE_WRONG)

    @pytest.mark.parametrize(("seconds", "code"), [
        (300, None), (-300, None), (301, RefusalCode.SIGNATURE_STALE),
        (-301, RefusalCode.SIGNATURE_STALE),
    ])  # fmt: skip
    def test_it_is_good_for_five_minutes(self, seconds: int, code: RefusalCode | None) -> None:
        assert verify(headers(at=NOW + timedelta(seconds=seconds))) is code

    @pytest.mark.parametrize("time", ["soon", "1e9", "١٢٣", "9" * 400, "-1", "1.5"])
    def test_a_time_that_is_none_is_stale_even_if_it_is_signed(self, time: str) -> None:
        signature = hmac.new(KEY, BODY + time.encode(), hashlib.sha256).hexdigest()
        given = SignatureHeaders(signature=signature, timestamp=time)
        assert verify(given) is RefusalCode.SIGNATURE_STALE

    @given(st.text(), st.text())
    def test_rubbish_never_raises(self, signature: str, time: str) -> None:
        given = SignatureHeaders(signature=signature, timestamp=time)
        assert verify(given) is not None


def read(body: Any) -> Any:
    return read_event(encode(body) if not isinstance(body, bytes) else body, OWN, NOW)


class TestReceived:
    def test_a_text_with_its_own_time_and_id(self) -> None:
        told = read(event("sms:received", "Ey6", message="Salut ✨"))
        assert isinstance(told, Told)
        form = told.form
        assert (form.message_id, form.sender, form.text) == ("Ey6", SENDER, "Salut ✨")
        assert told.at == datetime(2026, 6, 22, 13, 46, 11, tzinfo=UTC)
        assert (form.sms_type, form.amount_microunits, form.recipient) == ("sms", 0, OWN)
        assert (told.registration, form.malformed) == ("hook-1", ())

    def test_null_fields_are_left_out_by_the_app(self) -> None:
        told = read(event(sender=None, message=None))
        assert told.form.sender == SENDER, "the deprecated field is always there"
        assert told.form.text is None

    def test_the_apps_escapes_are_read(self) -> None:
        raw = encode(event()).replace(b"Bonjour", rb"l\u0027ami \u0026 \u003c3 \u003d")
        assert read(raw).form.text == "l'ami & <3 ="

    @pytest.mark.parametrize(("text", "kept"), [("a\x00b", "a\ufffdb"), ("x\ud83d", "x\ufffd")])
    def test_what_no_database_takes_is_replaced_and_the_text_kept(
        self, text: str, kept: str
    ) -> None:
        raw = json.dumps(event(message=text)).encode()
        assert read(raw).form.text == kept

    @pytest.mark.parametrize("at", [
        None, "soon", 7, "2026-06-22T25:00:00Z",
        (NOW - LATE_MAX - timedelta(seconds=1)).isoformat(),
        "1970-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00",
    ])  # fmt: skip
    def test_a_time_that_cannot_be_is_left_out_and_told(self, at: Any) -> None:
        told = read(event(receivedAt=at))
        assert told.at in (None, NOW)
        assert told.at is NOW or "receivedAt" in told.form.malformed

    def test_a_clock_that_is_ahead_does_not_write_from_the_future(self) -> None:
        assert read(event(receivedAt=(NOW + timedelta(hours=1)).isoformat())).at == NOW

    def test_an_mms_is_somebody_who_wrote_and_is_not_fetched(self) -> None:
        form = read(event("mms:received")).form
        assert (form.sms_type, form.media_count, form.text) == ("mms", 2, None)

    @pytest.mark.parametrize(
        "name",
        ["mms:downloaded", "system:ping", "app:started", "sms:data-received", "sms:batch:received",
         "made:up"],
    )  # fmt: skip
    def test_other_events_say_nothing_and_need_nothing(self, name: str) -> None:
        assert read({"event": name}) == Ignored(name)


class TestReports:
    @pytest.mark.parametrize(("name", "status"), [
        ("sms:sent", "sent"), ("sms:delivered", "delivered"), ("sms:failed", "failed"),
        ("sms:cancelled", "cancelled"),
    ])  # fmt: skip
    def test_each_names_our_reply(self, name: str, status: str) -> None:
        form = read(event(name, "e-2", messageId="m-1", partsCount=2))
        assert form == ReportForm("m-1", SENDER, "m-1", status, None, None, 2, 0)

    @pytest.mark.parametrize(("reason", "code"), [
        ("Send result: RESULT_ERROR_LIMIT_EXCEEDED", "limit"), ("TTL expired", "expired"),
        ("Send result: RESULT_ERROR_NO_SERVICE", "no_service"),
        ("call +33639980001 failed", "phone"), (None, None), (7, None),
    ])  # fmt: skip
    def test_why_it_failed_is_a_code_of_ours(self, reason: Any, code: str | None) -> None:
        assert read(event("sms:failed", "e-2", messageId="m-1", reason=reason)).error_code == code


@pytest.mark.parametrize(("body", "code", "field"), [
    (b"", RefusalCode.FORM_UNREADABLE, ""),
    (b"rubbish", RefusalCode.FORM_UNREADABLE, ""),
    (b"[" * 5000, RefusalCode.FORM_UNREADABLE, ""),
    (b"[]", RefusalCode.FORM_UNREADABLE, ""),
    (b"\xff", RefusalCode.FORM_UNREADABLE, ""),
    ({}, RefusalCode.FIELD_MISSING, "event"),
    ({"event": ["sms:received"]}, RefusalCode.FIELD_MALFORMED, "event"),
    (event("sms:received", ""), RefusalCode.FIELD_MISSING, "id"),
    (event("sms:received", "é"), RefusalCode.FIELD_MALFORMED, "id"),
    (event("sms:received", "x" * 101), RefusalCode.FIELD_MALFORMED, "id"),
    (event() | {"id": 7}, RefusalCode.FIELD_MALFORMED, "id"),
    (event() | {"payload": None}, RefusalCode.FIELD_MISSING, "payload"),
    (event() | {"payload": "x"}, RefusalCode.FIELD_MALFORMED, "payload"),
    (event(sender=None, phoneNumber=None), RefusalCode.FIELD_MISSING, "sender"),
    (event(sender=" "), RefusalCode.FIELD_MISSING, "sender"),
    (event(sender=33639981234), RefusalCode.FIELD_MALFORMED, "sender"),
    (event("sms:sent", messageId=None), RefusalCode.FIELD_MISSING, "messageId"),
    (event("sms:sent", messageId="a b"), RefusalCode.FIELD_MALFORMED, "messageId"),
])  # fmt: skip
def test_what_is_wrong_is_named(body: Any, code: RefusalCode, field: str) -> None:
    assert read(body) == Refusal(code, field)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


_FIELDS = (
    "messageId", "sender", "message", "receivedAt", "reason", "recipient", "partsCount",
    "attachmentCount",
)  # fmt: skip


@given(
    st.sampled_from(["sms:received", "mms:received", "sms:failed", "sms:sent"]),
    _JSON,
    st.dictionaries(st.sampled_from(_FIELDS), _JSON),
)
def test_no_event_raises(name: str, other: Any, changes: dict[str, Any]) -> None:
    body = event(name) | {"webhookId": other, "deviceId": other}
    body["payload"] |= changes
    read(json.dumps(body).encode())
