"""Values that the responder's unit tests start from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kernel.facts.records import (
    ReplyAuthorized,
    SignatureMode,
    SmsReported,
    derive_id,
    derive_trace,
)
from kernel.provider.port import Accepted, LoggedMessage
from services.responder.core.outbox import (
    OutboxRules,
    Reply,
    apply_claim,
    apply_result,
    plan_reply,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SENDER = "ab" * 16

RULES = OutboxRules(
    lease=timedelta(seconds=90),
    search_first=timedelta(seconds=30),
    unresolved_after=timedelta(hours=1),
    settle_after=timedelta(minutes=10),
    final_after=timedelta(days=1),
    retry_first=timedelta(seconds=10),
    retry_longest=timedelta(minutes=10),
    give_up_after=timedelta(hours=72),
    amount_max_microunits=200_000,
    amount_min_microunits=65_000,
)


def authorization(reply_id: str = "m-1", **fields: Any) -> ReplyAuthorized:
    values: dict[str, Any] = {
        "id": reply_id,
        "trace": derive_trace(reply_id),
        "at": NOW,
        "sender": SENDER,
        "due_at": NOW,
        "price_microeuros": 150_000,
        "sender_sealed": b"sealed",
    }
    return ReplyAuthorized(**values | fields)


def waiting() -> Reply:
    return plan_reply(authorization(), NOW)


def sending() -> Reply:
    return apply_claim(waiting(), NOW, RULES)


def sent() -> Reply:
    return apply_result(sending(), 1, Accepted("p-1"), NOW, RULES)


def report(
    status: str,
    sequence: int | None = None,
    amount: int | None = None,
    *,
    message_id: str = "p-1",
    error_code: str | None = None,
) -> SmsReported:
    return SmsReported(
        id=derive_id(status, str(sequence), str(amount)),
        trace="t",
        at=NOW,
        sender=SENDER,
        message_id=message_id,
        ref="m-1",
        status=status,
        sequence=sequence,
        error_code=error_code,
        segments=None if amount is None else 1,
        amount_microunits=amount,
        signature=SignatureMode.V3,
    )


def logged(state: str = "sent", amount: int | None = 65_000, **fields: Any) -> LoggedMessage:
    message = LoggedMessage("p-1", "33937000000", "33639980001", NOW, state, 1, amount, None)
    return replace(message, **fields)
