"""What a webhook is worth telling: the records that its fields become. Pure.

The number itself is not in here but sealed and as a pseudonym, both made by the caller.
"""

from datetime import datetime
from typing import assert_never

from msgspec import Struct

from kernel.facts.records import (
    ReceivedKind,
    SignatureMode,
    SmsReceived,
    SmsReported,
    derive_id,
    derive_trace,
)
from kernel.values.identity import Identity
from kernel.values.text import segment_text
from services.ingest.core.form import CallForm, Form, MessageForm, ReportForm

VOICE = "voice"


class Vouched(Struct, frozen=True):
    """How and when the provider vouched for a request.

    Attributes:
        nonce: hashed; None where the signature has none, as it covers the body.
        at: when the message counts as received: when the request was here, or what the provider
            itself says, where it says so.
    """

    mode: SignatureMode
    nonce: str | None
    at: datetime


def receive_message(
    form: MessageForm,
    sender: Identity,
    vouched: Vouched,
    evidence_sealed: bytes,
    evidence_digest: str | None = None,
) -> SmsReceived:
    """A message, told. Where the provider does not tell the segments, the text does."""
    segments = form.segments or segment_text(form.text or "").segments
    return SmsReceived(
        id=form.message_id,
        trace=derive_trace(form.message_id),
        at=vouched.at,
        sender=sender.pseudonym,
        sender_kind=sender.facts.kind,
        sender_sealed=sender.number_sealed,
        blocks=sender.blocks,
        country=sender.facts.country,
        to_ours=sender.to_ours,
        text=form.text,
        intent=form.intent,
        sms_type=form.sms_type,
        media_count=form.media_count,
        segments=segments,
        amount_microunits=form.amount_microunits,
        signature=vouched.mode,
        nonce=vouched.nonce,
        evidence_sealed=evidence_sealed,
        evidence_digest=evidence_digest,
    )


def receive_call(
    form: CallForm,
    sender: Identity,
    vouched: Vouched,
    evidence_sealed: bytes,
    evidence_digest: str | None = None,
) -> SmsReceived:
    """A call, told as something received that has no text and no segments."""
    return SmsReceived(
        kind=ReceivedKind.CALL,
        id=form.call_id,
        trace=derive_trace(form.call_id),
        at=vouched.at,
        sender=sender.pseudonym,
        sender_kind=sender.facts.kind,
        sender_sealed=sender.number_sealed,
        blocks=sender.blocks,
        country=sender.facts.country,
        to_ours=sender.to_ours,
        text=None,
        sms_type=VOICE,
        segments=0,
        signature=vouched.mode,
        nonce=vouched.nonce,
        evidence_sealed=evidence_sealed,
        evidence_digest=evidence_digest,
    )


def form_owner(form: Form) -> str:
    """What a nonce belongs to: what kind of thing the form tells, and of which id."""
    match form:
        case MessageForm():
            return f"message:{form.message_id}"
        case CallForm():
            return f"call:{form.call_id}"
        case ReportForm():
            return f"report:{report_id(form)}"
        case _:
            assert_never(form)


def report_id(form: ReportForm) -> str:
    """The id of a report: the same for a repeat, another for whatever tells something else."""
    return derive_id(
        "report", form.message_id, form.ref or "", form.status, _told(form.sequence),
        form.error_code or "", _told(form.segments), _told(form.amount_microunits),
    )  # fmt: skip


def receive_report(form: ReportForm, pseudonym: str, vouched: Vouched) -> SmsReported:
    """A status report, told; it follows the trace of the message that the reply answers."""
    return SmsReported(
        id=report_id(form),
        trace=derive_trace(form.ref or form.message_id),
        at=vouched.at,
        sender=pseudonym,
        message_id=form.message_id,
        ref=form.ref,
        status=form.status,
        sequence=form.sequence,
        error_code=form.error_code,
        segments=form.segments,
        amount_microunits=form.amount_microunits,
        signature=vouched.mode,
        nonce=vouched.nonce,
    )


def _told(value: int | None) -> str:
    return "" if value is None else str(value)
