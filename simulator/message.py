"""One SMS as the provider knows it, and its three shapes: webhook, report, log record. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from kernel.values.text import Encoding, segment_text

Direction = Literal["inbound", "outbound"]
CHARACTERS_MAX = {Encoding.GSM7: 1600, Encoding.UCS2: 737}
MASKED = frozenset({"false", "content_only"})
"""Values of ``log`` that hide the last three digits of the recipient."""

CHARGED = frozenset({"sent", "delivered", "undelivered"})
ERROR_MESSAGES = {
    "000": None, "20": "Network Error", "30": "Spam Detected", "50": "Invalid Destination",
    "420": "Message Expired", "900": "Insufficient Credit",
}  # fmt: skip


@dataclass(slots=True)
class Message:
    """An SMS, in or out.

    Attributes:
        uuid: the provider's id.
        direction: inbound is to our number.
        sender, recipient: as the wire has them, without ``+``.
        text: None where there is none (an MMS).
        kind: sms, mms or whatsapp.
        intent: optout, optin, help or empty.
        at: when the provider took it, Unix seconds.
        segments, rate_microunits: what is billed, and the price of each.
        state: received, delivered, undelivered; queued, sent, delivered, undelivered, failed.
        charged: whether it is on the bill.
        error_code: empty while nothing is known.
        sent_at, updated_at: Unix seconds; 0: not yet.
        url, method, log: as given with the send.
        expiry_seconds: how long it may wait in the queue, at speed 1.
        reports: how many were made.
        attempts: webhook attempts, of an inbound one.
    """

    uuid: str
    direction: Direction
    sender: str
    recipient: str
    text: str | None
    at: float
    segments: int
    rate_microunits: int
    state: str
    kind: str = "sms"
    intent: str = ""
    charged: bool = False
    error_code: str = ""
    sent_at: float = 0.0
    updated_at: float = 0.0
    url: str = ""
    method: str = "POST"
    log: str = "true"
    expiry_seconds: float = 10_799.0
    reports: int = 0
    attempts: int = 0

    @property
    def amount_microunits(self) -> int:
        """What it costs, or would."""
        return self.segments * self.rate_microunits


def count_segments(text: str | None) -> int:
    """The segments billed for a text; none at all is one."""
    return 1 if text is None else segment_text(text).segments


def is_too_long(text: str) -> bool:
    """Whether the provider refuses to send so long a text."""
    found = segment_text(text)
    return found.units > CHARACTERS_MAX[found.encoding]


def format_amount(microunits: int) -> str:
    """A decimal as the provider writes it: five places, six where they are needed."""
    whole, rest = divmod(abs(microunits), 1_000_000)
    sign = "-" if microunits < 0 else ""
    digits = f"{rest:06d}"
    return f"{sign}{whole}.{digits[:5] if digits.endswith('0') else digits}"


def message_fields(message: Message, *, factor: int = 1) -> dict[str, str]:
    """The form of an inbound message (docs/plivo.md §1).

    Args:
        message: an inbound one.
        factor: by which the amount is wrong.
    """
    found = {
        "MessageUUID": message.uuid,
        "From": message.sender,
        "To": message.recipient,
        "Type": message.kind,
        "Units": str(message.segments),
        "TotalRate": format_amount(message.rate_microunits),
        "TotalAmount": format_amount(message.amount_microunits * factor),
        "MessageIntent": message.intent,
        "PowerpackUUID": "",
    }
    if message.text is not None:
        found["Text"] = message.text
    if message.kind == "mms":
        found |= {"Body": message.text or "", "MediaCount": "0"}
    return found


def report_fields(message: Message, now: float, *, factor: int = 1) -> dict[str, str]:
    """The form of a status report (docs/plivo.md §2), of the state the message is in."""
    amount = message.amount_microunits * factor if message.charged else 0
    return {
        "MessageUUID": message.uuid,
        "ParentMessageUUID": message.uuid,
        "PartInfo": f"1 of {message.segments}",
        "From": message.sender,
        "To": shown_recipient(message),
        "Type": message.kind,
        "Status": message.state,
        "Units": str(message.segments),
        "TotalRate": format_amount(message.rate_microunits if message.charged else 0),
        "TotalAmount": format_amount(amount),
        "MCC": "208",
        "MNC": "10",
        "ErrorCode": message.error_code,
        "Sequence": str(message.reports),
        "MessageTime": format_time(message.at),
        "QueuedTime": format_time(message.at),
        "SentTime": format_time(message.sent_at) if message.sent_at else "",
        "DeliveryReportTime": format_time(now) if message.state.endswith("delivered") else "",
        "PowerpackUUID": "",
    }


def log_record(message: Message, auth_id: str) -> dict[str, Any]:
    """The message as ``GET Message/`` shows it (docs/plivo.md §5). It never holds the text."""
    error_code = message.error_code or None
    inbound = message.direction == "inbound"
    return {
        "message_uuid": message.uuid,
        "from_number": message.sender,
        "to_number": shown_recipient(message),
        "message_direction": message.direction,
        "message_state": message.state,
        "message_type": message.kind,
        "message_time": format_time(message.at),
        "message_sent_time": format_time(message.sent_at) if message.sent_at else None,
        "message_updated_time": format_time(message.updated_at or message.at),
        "units": message.segments,
        "total_rate": format_amount(message.rate_microunits if _bills(message) else 0),
        "total_amount": format_amount(message.amount_microunits if _bills(message) else 0),
        "error_code": error_code,
        "error_message": ERROR_MESSAGES.get(error_code) if error_code else None,
        "powerpack_id": None,
        "requester_ip": None if inbound else "127.0.0.1",
        "resource_uri": f"/v1/Account/{auth_id}/Message/{message.uuid}/",
    }


def shown_recipient(message: Message) -> str:
    """The recipient, its last three digits hidden where the send asked for that."""
    if message.log in MASKED:
        return message.recipient[:-3] + "XXX"
    return message.recipient


def format_time(at: float) -> str:
    """Unix seconds as the log writes a time: whole seconds, with an offset."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}+00:00"


def _bills(message: Message) -> bool:
    return message.charged or message.state == "queued"
