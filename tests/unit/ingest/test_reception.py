"""From fields to records: who may be answered, what a call is, what makes a report another one."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from kernel.facts.records import (
    Intent,
    ReceivedKind,
    SignatureMode,
    SmsReceived,
    decode,
    decode_as,
    derive_trace,
    encode,
)
from kernel.log.port import Outgoing
from kernel.sealing.privacy import Pseudonymizer
from kernel.telemetry.metrics import Telemetry
from kernel.values.identity import Identity
from kernel.values.phone import answerable_number, classify_number
from kernel.values.sender import SenderKind
from services.ingest.appender import Appender
from services.ingest.core.form import CallForm, MessageForm, ReportForm
from services.ingest.core.reception import (
    Vouched,
    form_owner,
    receive_call,
    receive_message,
    receive_report,
    report_id,
)
from services.ingest.core.webhook import SignatureHeaders, Webhook, WebhookKind
from services.ingest.handler import WebhookHandler
from services.ingest.metrics import IngestMetrics
from services.ingest.settings import IngestSettings
from tests.fakes.clock import ManualClock
from tests.fakes.log import MemoryLog
from tests.support.webhooks import (
    OWN,
    PUBLIC_URL,
    SENDER,
    call_form,
    encode_form,
    ingest_settings,
    message_form,
    sign,
)

AT = datetime(2017, 10, 27, 16, 0, tzinfo=UTC)
PSEUDONYM = "0" * 32
VOUCHED = Vouched(SignatureMode.V2, "f" * 32, AT)
MESSAGE = MessageForm("m-1", SENDER, OWN, "Bonjour", Intent.NONE, "sms", 0, 1, 10_000)
REPORT = ReportForm("r-1", SENDER, "m-1", "sent", 2, None, 1, 150_000)


def sender(raw: str = SENDER) -> Identity:
    return Identity(PSEUDONYM, classify_number(raw, OWN), True, b"sealed")


@pytest.mark.parametrize(
    ("raw", "kind", "answerable"),
    [
        ("33639981234", SenderKind.MOBILE, True),
        ("+33639981234", SenderKind.MOBILE, True),
        ("0639981234", SenderKind.MOBILE, True),
        ("+32470000000", SenderKind.MOBILE, True),  # the filter decides on countries
        ("+33199001234", SenderKind.FIXED, False),
        ("36105", SenderKind.SHORT_CODE, False),
        ("INFO-SMS", SenderKind.ALPHANUMERIC, False),
        (OWN, SenderKind.OWN, False),
        ("", SenderKind.UNKNOWN, False),
        ("anonymous", SenderKind.UNKNOWN, False),
        ("+999999999999", SenderKind.UNKNOWN, False),
        ("\x00" * 50, SenderKind.UNKNOWN, False),
    ],
)
def test_only_a_mobile_that_wrote_to_us_can_be_answered(
    raw: str, kind: SenderKind, *, answerable: bool
) -> None:
    facts = classify_number(raw, OWN)
    assert facts.kind is kind
    assert (answerable_number(facts, to_ours=True) is not None) == answerable
    assert answerable_number(facts, to_ours=False) is None


class Kept(Appender):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__(MemoryLog(), ManualClock())
        self.records: list[SmsReceived] = []

    async def append(self, record: Outgoing) -> None:
        self.records.append(decode_as(SmsReceived, record.value))

    async def append_sometime(self, record: Outgoing) -> None:
        await self.append(record)


def told(kind: WebhookKind, form: Mapping[str, str]) -> SmsReceived:
    """What the door makes of a webhook."""
    kept = Kept()
    metrics = IngestMetrics(Telemetry(CollectorRegistry()))
    handler = WebhookHandler(IngestSettings.of(ingest_settings()), kept, ManualClock(), metrics)
    signed = sign(kind.value, form)
    headers = msgspec.convert(signed, SignatureHeaders)
    url = f"{PUBLIC_URL}/webhooks/plivo/{kind.value}"
    answer = asyncio.run(handler.handle(Webhook(kind, url, "", headers, encode_form(form), AT)))
    assert answer.outcome == "accepted"
    [record] = kept.records
    return record


BLOCKS = Pseudonymizer(IngestSettings.of(ingest_settings()).pseudonym_key).blocks(SENDER)


@pytest.mark.parametrize(
    ("changes", "blocks"),
    [
        ({}, BLOCKS),
        ({"From": "0639981234"}, BLOCKS),
        ({"From": "+33 6 39 98 12 34"}, BLOCKS),
        ({"To": "33937000001"}, ()),
        ({"From": OWN}, ()),
        ({"From": "33199001234"}, ()),
        ({"From": "36105"}, ()),
        ({"From": "INFO-SMS"}, ()),
        ({"From": "anonymous"}, ()),
    ],
)
def test_blocks_are_told_of_a_mobile_that_can_be_answered_and_of_nobody_else(
    changes: dict[str, str], blocks: tuple[bytes, ...]
) -> None:
    for record in (
        told(WebhookKind.MESSAGE, message_form(**changes)),
        told(WebhookKind.CALL, call_form(**changes)),
    ):
        assert record.blocks == blocks
        assert (record.sender_sealed is None) == (blocks == ())


def test_a_message_is_told() -> None:
    record = receive_message(MESSAGE, sender(), VOUCHED, b"evidence")
    assert (record.id, record.trace, record.at) == ("m-1", derive_trace("m-1"), AT)
    assert (record.sender, record.sender_kind, record.country) == (PSEUDONYM, "mobile", "FR")
    assert (record.signature, record.nonce) == (SignatureMode.V2, "f" * 32)
    assert (record.sender_sealed, record.evidence_sealed) == (b"sealed", b"evidence")
    assert (record.segments, record.amount_microunits) == (1, 10_000)
    assert record.blocks == ()
    assert decode(record.TOPIC, encode(record)) == record


@pytest.mark.parametrize(
    ("told", "text", "segments"),
    [
        (3, "Bonjour", 3),
        (None, "Bonjour", 1),
        (None, "a" * 161, 2),
        (None, "ê" * 71, 2),
        (None, None, 1),
        (0, "Bonjour", 1),
    ],
)
def test_segments_are_as_billed_else_as_counted(
    told: int | None, text: str | None, segments: int
) -> None:
    form = msgspec.structs.replace(MESSAGE, segments=told, text=text)
    assert receive_message(form, sender(), VOUCHED, b"").segments == segments


def test_a_call_is_told_without_text_or_segments() -> None:
    record = receive_call(CallForm("c-1", SENDER, OWN), sender(), VOUCHED, b"evidence")
    assert (record.id, record.kind, record.sms_type) == ("c-1", ReceivedKind.CALL, "voice")
    assert (record.text, record.segments, record.amount_microunits) == (None, 0, None)
    assert decode(record.TOPIC, encode(record)) == record


def test_a_report_follows_the_trace_of_the_message_it_answers() -> None:
    record = receive_report(REPORT, PSEUDONYM, VOUCHED)
    assert (record.ref, record.trace) == ("m-1", derive_trace("m-1"))
    lost = msgspec.structs.replace(REPORT, ref=None)
    assert receive_report(lost, PSEUDONYM, VOUCHED).trace == derive_trace("r-1")
    assert decode(record.TOPIC, encode(record)) == record


@pytest.mark.parametrize(
    "change",
    [
        {"message_id": "r-2"},
        {"ref": None},
        {"status": "delivered"},
        {"sequence": None},
        {"sequence": 0},
        {"error_code": "420"},
        {"segments": None},
        {"amount_microunits": 0},
        {"amount_microunits": None},
    ],
)
def test_whatever_tells_something_else_is_another_report(change: dict[str, object]) -> None:
    changed = msgspec.structs.replace(REPORT, **change)
    assert report_id(changed) != report_id(REPORT)
    assert form_owner(changed) != form_owner(REPORT)


def test_a_repeat_is_the_same_report_whoever_it_says_it_went_to() -> None:
    masked = msgspec.structs.replace(REPORT, recipient="33639981xxx")
    assert report_id(masked) == report_id(REPORT)


def test_what_a_nonce_belongs_to_tells_kinds_apart() -> None:
    owners = {form_owner(MESSAGE), form_owner(CallForm("m-1", "", "")), form_owner(REPORT)}
    assert len(owners) == 3


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_the_sender_is_a_record_can_be_told(raw: str) -> None:
    facts = replace(classify_number(raw, OWN))
    record = receive_message(MESSAGE, Identity(PSEUDONYM, facts, False, None), VOUCHED, b"")
    assert decode(record.TOPIC, encode(record)) == record
