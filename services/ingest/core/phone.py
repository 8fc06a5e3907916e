"""The webhooks of SMS Gateway for Android: are they ours, and what do they say. Pure.

docs/providers.md §1. One path for every event; the body is JSON, and the raw bytes are signed::

    {"deviceId": "…", "event": "sms:received", "id": "Ey6…", "webhookId": "…",
     "payload": {"messageId": "abc123", "message": "…", "sender": "+336…", "simNumber": 1,
                 "receivedAt": "2026-06-22T15:46:11.000+02:00"}}

Fields without a value are left out. An event is known by its ``id``, the same for each attempt;
``messageId`` of a text received is a 32-bit hash, which two texts may share.
"""

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from kernel.facts.records import Intent
from kernel.provider.smsgate.wire import read_reason, read_time
from services.ingest.core.form import COUNT_MAX, ID, MessageForm, ReportForm
from services.ingest.core.webhook import Refusal, RefusalCode, SignatureHeaders

TIME_OFF_MAX = timedelta(minutes=5)
"""How far a signature's time may be from ours; real time, whatever ``CLOCK_SPEED``."""
LATE_MAX = timedelta(days=14)
"""How long ago a text may have been written: the network keeps it for a phone that is off for a
week, the phone for us for two days. What claims more has a wrong clock."""
ID_CHARACTERS_MAX = 100

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_MISSING = Refusal(RefusalCode.SIGNATURE_MISSING)
_WRONG = Refusal(RefusalCode.SIGNATURE_WRONG)
_STALE = Refusal(RefusalCode.SIGNATURE_STALE)
_UNREADABLE = Refusal(RefusalCode.FORM_UNREADABLE)

REPORTS: Mapping[str, str] = {
    "sms:sent": "sent",
    "sms:delivered": "delivered",
    "sms:failed": "failed",
    "sms:cancelled": "cancelled",
}
"""Its events that tell of an SMS of ours, and the house's statuses for them."""

RECEIVED = frozenset({"sms:received", "mms:received"})
"""Its events that tell of somebody who wrote. What an MMS holds is never fetched."""


class Told(Struct, frozen=True):
    """A text that a phone received.

    Attributes:
        form: its fields; ``message_id`` is the event's.
        at: when the phone received it; None: not told, or by a clock that is wrong.
        registration: of the webhook; empty: not told.
    """

    form: MessageForm
    at: datetime | None
    registration: str


class Ignored(Struct, frozen=True):
    """An event that is well-formed and says nothing that we keep."""

    event: str


Event = Told | ReportForm | Ignored


def verify_event(
    headers: SignatureHeaders, *, keys: Sequence[bytes], body: bytes, now: datetime
) -> Refusal | None:
    """Why an event is not from one of our phones; None: it is. Fails closed, never raises.

    The signature covers the body and its time, so a stranger who saw one can only repeat it.
    """
    if not headers.signature or not headers.timestamp:
        return _MISSING
    given = headers.signature.strip().lower().encode("utf-8", "surrogateescape")
    timestamp = headers.timestamp.strip()
    signed = body + timestamp.encode("utf-8", "surrogateescape")
    found = False
    for key in keys:
        expected = hmac.digest(key, signed, "sha256").hex().encode()
        found |= hmac.compare_digest(expected, given)
    if not found or not keys:
        return _WRONG
    if not _TIMESTAMP.fullmatch(timestamp):
        return _STALE
    off = abs(int(timestamp) - now.timestamp())
    return _STALE if off > TIME_OFF_MAX.total_seconds() else None


def read_event(body: bytes, own_number: str, now: datetime) -> Event | Refusal:
    """Read an event.

    Args:
        own_number: ours: whatever a phone of ours receives was sent to us.
    """
    fields = _decode(body)
    if fields is None:
        return _UNREADABLE
    event = fields.get("event")
    if not isinstance(event, str) or not event:
        return Refusal(_missing_or_malformed(event), "event")
    if event not in REPORTS and event not in RECEIVED:
        return Ignored(event)
    refusal = _refuse(fields)
    if refusal:
        return refusal
    if event in REPORTS:
        return _read_report(REPORTS[event], fields["payload"])
    return _read_received(fields, own_number, now)


def _decode(body: bytes) -> dict[str, Any] | None:
    try:
        fields = json.loads(body.decode())
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _refuse(fields: Mapping[str, Any]) -> Refusal | None:
    """What every event that we keep must have."""
    event_id, payload = fields.get("id"), fields.get("payload")
    if not isinstance(event_id, str) or not ID.fullmatch(event_id):
        return Refusal(_missing_or_malformed(event_id), "id")
    if len(event_id) > ID_CHARACTERS_MAX:
        return Refusal(RefusalCode.FIELD_MALFORMED, "id")
    if not isinstance(payload, dict):
        return Refusal(_missing_or_malformed(payload), "payload")
    return None


def _read_received(fields: Mapping[str, Any], own_number: str, now: datetime) -> Told | Refusal:
    event, payload = fields["event"], fields["payload"]
    sender = payload.get("sender", payload.get("phoneNumber"))
    if not isinstance(sender, str) or not sender.strip():
        return Refusal(_missing_or_malformed(sender), "sender")
    malformed = []
    text = payload.get("message")
    if text is not None and not isinstance(text, str):
        malformed.append("message")
        text = None
    at = read_time(payload.get("receivedAt"))
    if at is not None:
        at = min(at, now) if at > now - LATE_MAX else None
    if at is None:
        malformed.append("receivedAt")
    media = _read_count(payload.get("attachmentCount")) if event == "mms:received" else 0
    registration = fields.get("webhookId")
    form = MessageForm(
        message_id=fields["id"],
        sender=_whole(sender),
        recipient=own_number,
        text=None if text is None else _whole(text).replace("\x00", "\ufffd"),
        intent=Intent.NONE,
        sms_type=event.partition(":")[0],
        media_count=media or 0,
        segments=None,
        amount_microunits=0,
        malformed=tuple(malformed),
    )
    return Told(form, at, registration if isinstance(registration, str) else "")


def _read_report(status: str, payload: Mapping[str, Any]) -> ReportForm | Refusal:
    message_id = payload.get("messageId")
    if not isinstance(message_id, str) or not ID.fullmatch(message_id):
        return Refusal(_missing_or_malformed(message_id), "messageId")
    recipient = payload.get("recipient", payload.get("phoneNumber"))
    return ReportForm(
        message_id=message_id,
        recipient=_whole(recipient) if isinstance(recipient, str) else "",
        # The id of a send is our reference.
        ref=message_id,
        status=status,
        sequence=None,
        error_code=read_reason(payload.get("reason")) if status == "failed" else None,
        segments=_read_count(payload.get("partsCount")),
        amount_microunits=0,
    )


def _missing_or_malformed(value: Any) -> RefusalCode:
    missing = value is None or (isinstance(value, str) and not value.strip())
    return RefusalCode.FIELD_MISSING if missing else RefusalCode.FIELD_MALFORMED


def _read_count(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 < value <= COUNT_MAX else None


def _whole(text: str) -> str:
    """With U+FFFD for half characters, which no UTF-8 has."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
