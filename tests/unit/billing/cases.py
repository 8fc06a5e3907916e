"""Values that billing's tests start from."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from kernel.facts.records import (
    Decision,
    Posture,
    ProviderChecked,
    Reason,
    ReplyChanged,
    ReplyState,
    SignatureMode,
    SmsJudged,
    SmsReceived,
    Source,
    derive_id,
    derive_trace,
)
from kernel.values.sender import SenderKind
from services.billing.core.pace import Demand, PaceRules
from services.billing.core.posture import Cause, Facts, PostureRules, Standing
from services.billing.core.price import PriceRules
from services.billing.core.reply import Entry, Reply, admit_reply
from services.billing.core.room import RoomRules
from services.billing.core.tariff import Tariff

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
"""A Monday, 13:00 in Paris: not quiet."""
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
EURO = 1_000_000
SENDER = "ab" * 16

TARIFF = Tariff(
    receive_microeuros=10_000,
    reply_microeuros=150_000,
    reply_segments=1,
    cap_microeuros=160_000,
    rate_micro=1_000_000,
)
DAY, AGE = 24 * HOUR, 48 * HOUR
PACE = PaceRules(horizon=7 * DAY, hour=HOUR, fast=14.4, slow=6.0)
RULES = PostureRules(
    floor_microeuros=20 * EURO,
    daily_cap_microeuros=None,
    margin_microeuros=160_000,
    credit_floor_microeuros=1_600_000,
    floor_hours=6,
    probe_every=30 * MINUTE,
    pace=PACE,
)
PRICE = PriceRules(hour=HOUR, age=AGE, margin=0.3, quiet=None)
ROOM = RoomRules(RULES, TARIFF, PRICE)
CALM = Standing(Posture.NORMAL, Cause.CALM, attach=True, day=date(2026, 11, 2))


def facts(**fields: Any) -> Facts:
    """A fund of a hundred euros, given once, and nothing wrong."""
    calm = Facts(
        available=100 * EURO,
        reserved=0,
        spent=0,
        replies=0,
        received_last_hour=0,
        credit=None,
        given=100 * EURO,
        deliveries=(),
        next_price=150_000,
        today=date(2026, 11, 2),
        demand=Demand(),
    )
    return replace(calm, **fields)


def received(message_id: str = "m-1", **fields: Any) -> SmsReceived:
    values: dict[str, Any] = {
        "id": message_id,
        "trace": derive_trace(message_id),
        "at": NOW,
        "sender": SENDER,
        "sender_kind": SenderKind.MOBILE,
        "sender_sealed": b"sealed",
        "country": "FR",
        "to_ours": True,
        "text": None,
        "signature": SignatureMode.V3,
    }
    return SmsReceived(**values | fields)


def backfilled(message_id: str = "m-1", **fields: Any) -> SmsReceived:
    """The same, as the provider's log has it."""
    log: dict[str, Any] = {"source": Source.BACKFILL, "signature": SignatureMode.NONE}
    return received(message_id, **log | fields)


def judged(message_id: str = "m-1", reason: Reason = Reason.DESERVED, **fields: Any) -> SmsJudged:
    decision = Decision.REPLY if reason is Reason.DESERVED else Decision.SILENT
    values: dict[str, Any] = {
        "id": message_id,
        "trace": derive_trace(message_id),
        "at": NOW,
        "sender": SENDER,
        "decision": decision,
        "reason": reason,
        "received_at": NOW - HOUR,
        "due_at": NOW,
        "sender_sealed": b"sealed" if decision is Decision.REPLY else None,
    }
    return SmsJudged(**values | fields)


def changed(
    reply_id: str = "m-1",
    sequence: int = 1,
    state: ReplyState = ReplyState.SENT,
    amount: int | None = None,
    **fields: Any,
) -> ReplyChanged:
    """As the responder tells it; ``amount`` in micro-units of the provider's currency."""
    values: dict[str, Any] = {
        "id": derive_id(reply_id, sequence, fields.get("by", "responder")),
        "trace": derive_trace(reply_id),
        "at": NOW,
        "sender": SENDER,
        "reply_id": reply_id,
        "sequence": sequence,
        "by": "responder",
        "state": state,
        "due_at": NOW,
        "amount_microunits": amount,
    }
    return ReplyChanged(**values | fields)


def checked(second: int = 0, **fields: Any) -> ProviderChecked:
    values: dict[str, Any] = {"credit_microunits": None, "at": NOW + second * SECOND}
    values |= {"id": f"check-{second}", "trace": "t"}
    return ProviderChecked(**values | fields)


def entry(shown: timedelta = timedelta(), now: datetime = NOW) -> Entry:
    return Entry(shown, AGE, now)


def waiting(reply_id: str = "m-1", **fields: Any) -> Reply:
    reply = admit_reply(judged(reply_id), TARIFF, entry())
    return replace(reply, **fields)


def scored(reply_id: str, score: float, entered: timedelta = timedelta(), **fields: Any) -> Reply:
    """A reply that waits since the clock showed ``entered``, with its rank."""
    reply = admit_reply(judged(reply_id, score=score), TARIFF, entry(entered))
    return replace(reply, **fields)
