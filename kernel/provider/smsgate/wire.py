"""SMSGate's answers as values of the port. Pure; rubbish gives None, never an error.

Sample of a message (`GET …/messages/{id}`)::

    {"id": "ours", "deviceId": "…", "state": "Sent", "isHashed": true,
     "recipients": [{"phoneNumber": "5f2b…", "state": "Sent"}],
     "states": {"Pending": "2026-06-22T15:46:11.000Z", "Sent": "2026-06-22T15:46:19.000Z"}}

and of the inbox of a phone (`GET /inbox`, local mode)::

    {"id": "-12345", "type": "SMS", "sender": "+336…", "contentPreview": "…",
     "createdAt": "2026-06-22T15:46:11.000+02:00"}

The server hashes numbers and texts once the phone has fetched a message (docs/providers.md §1), so
a message is known by its id alone; and the inbox's id is a 32-bit hash that others share, so a text
received is known by who wrote it, when, and what it says (``content_id``).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kernel.provider.port import LoggedMessage

ID = re.compile(r"[0-9A-Za-z_-]{1,36}")
"""What an id of a message may be; the server takes 36 characters."""
TEXT_CHARACTERS_MAX = 10_000

STATES = {
    "pending": "queued",
    "processed": "queued",
    "cancelling": "queued",
    "sent": "sent",
    "delivered": "delivered",
    "failed": "failed",
    "cancelled": "cancelled",
}
"""Its states, and the port's words for them."""

LEFT = frozenset({"sent", "delivered"})
"""States after which the SMS has left the phone, whatever follows."""


def name_message(ref: str) -> str:
    """The id under which a send is asked for: our reference, or its hash where that is no id."""
    if ID.fullmatch(ref):
        return ref
    return hashlib.sha256(ref.encode()).hexdigest()[:32]


def choose_device(devices: Sequence[str], recipient: str) -> str:
    """The phone that sends to a number: always the same while it is in the pool.

    A phone that is added or taken away changes it for few (rendezvous hashing).
    """
    return max(devices, key=lambda each: hashlib.sha256(f"{each}\x1f{recipient}".encode()).digest())


def content_id(sender: str, at: datetime, text: str | None) -> str:
    """What tells a text received from another where no id does: 128 bits, hexadecimal.

    Args:
        sender: his pseudonym.
        at: when the phone received it; its network gives whole seconds.
    """
    told = f"smsgate\x1f{sender}\x1f{int(at.timestamp())}\x1f{text or ''}"
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def read_message(body: Any) -> LoggedMessage | None:
    """A message that was given to a phone; None where what matters cannot be read."""
    fields = _fields(body)
    message_id = read_id(fields)
    state = str(fields.get("state")).lower()
    if message_id is None or state not in STATES:
        return None
    listed = fields.get("recipients")
    recipient = _fields(listed[0] if isinstance(listed, list) and listed else None)
    known = {str(name).lower(): read_time(at) for name, at in _fields(fields.get("states")).items()}
    times = [at for at in known.values() if at is not None]
    told = STATES[state]
    if told == "failed" and LEFT & known.keys():
        told = "undelivered"  # it left, and then was not delivered
    number = recipient.get("phoneNumber")
    return LoggedMessage(
        message_id=message_id,
        sender="",
        recipient=number if isinstance(number, str) and number.startswith("+") else "",
        at=min(times, default=datetime.fromtimestamp(0, UTC)),
        state=told,
        segments=None,
        amount_microunits=0,
        error_code=read_reason(recipient.get("error")) if told != "sent" else None,
        ref=message_id,
    )


def read_received(body: Any, own_number: str) -> LoggedMessage | None:
    """A text in a phone's inbox; its id is that of no webhook, and not unique."""
    fields = _fields(body)
    sender, at = fields.get("sender"), read_time(fields.get("createdAt"))
    if not isinstance(sender, str) or not sender.strip() or at is None:
        return None
    text = fields.get("contentPreview")
    return LoggedMessage(
        message_id="",
        sender=sender,
        recipient=own_number,
        at=at,
        state="received",
        segments=None,
        amount_microunits=0,
        error_code=None,
        message_type=str(fields.get("type") or "sms").lower(),
        text=text[:TEXT_CHARACTERS_MAX].replace("\x00", "\ufffd")
        if isinstance(text, str)
        else None,
    )


def read_reason(value: Any) -> str | None:
    """Why it failed, as a code of ours: what the phone says is free text."""
    if not isinstance(value, str) or not value.strip():
        return None
    said = value.upper()
    return next((code for token, code in REASONS if token in said), "phone")


REASONS = (
    ("TTL", "expired"),
    ("LIMIT_EXCEEDED", "limit"),
    ("NO_SERVICE", "no_service"),
    ("RADIO_OFF", "radio_off"),
    ("FDN", "fixed_dialing"),
    ("SHORT_CODE", "short_code"),
    ("GENERIC_FAILURE", "generic"),
    ("CANCEL", "cancelled"),
    ("PERMISSION", "permission"),
)
"""What a phone's reason holds, and our code for it; the first that fits."""


def is_queue_full(body: Any) -> bool:
    """Whether a 503 is the server's own word that it took nothing: its queue is full."""
    said = _fields(body).get("message")
    return isinstance(said, str) and "queue limit" in said.lower()


def is_about_number(body: Any) -> bool:
    """Whether a 400 says that the number is wrong: no other try will mend it."""
    said = _fields(body).get("message")
    return isinstance(said, str) and "phone" in said.lower()


def read_time(value: Any) -> datetime | None:
    """RFC 3339, with an offset; without one it is UTC. None: no time, or none that a clock has."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value.strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_registrations(body: Any) -> list[tuple[str, str, str]] | None:
    """The webhooks registered, as id, event and URL; None where it is no list."""
    if not isinstance(body, list):
        return None
    found = [_fields(item) for item in body]
    return [tuple(str(each.get(name) or "") for name in ("id", "event", "url")) for each in found]  # type: ignore[misc] # three names


def read_devices(body: Any) -> dict[str, datetime | None] | None:
    """When each device was last seen by the server; None where it is no list."""
    if not isinstance(body, list):
        return None
    found = [_fields(item) for item in body]
    return {str(each.get("id") or ""): read_time(each.get("lastSeen")) for each in found}


def _fields(body: Any) -> Mapping[str, Any]:
    return body if isinstance(body, Mapping) else {}


def read_id(body: Any) -> str | None:
    """The id of a message; None where it has none."""
    value = _fields(body).get("id")
    return value if isinstance(value, str) and ID.fullmatch(value) else None
