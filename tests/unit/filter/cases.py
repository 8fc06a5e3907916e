"""Values that the filter's tests start from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kernel.facts.records import (
    ReplyChanged,
    ReplyKind,
    ReplyState,
    SenderBlocked,
    SignatureMode,
    SmsReceived,
    derive_id,
    derive_trace,
)
from kernel.log.port import Partition
from kernel.stage.stage import Progress
from kernel.values.sender import SenderKind
from services.filter.core import campaign, neighbours
from services.filter.core.due import Delays
from services.filter.core.learner import Learnt
from services.filter.core.lore import Lore
from services.filter.core.retention import Retention
from services.filter.core.sender import Arrival
from services.filter.core.verdict import Rules
from services.filter.settings import FilterSettings

NOW = datetime(2017, 10, 27, 14, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
KEY = bytes(range(32))

SETTINGS = FilterSettings(
    countries=frozenset({"FR"}),
    call_counts=False,
    window=180 * DAY,
    burst=30,
    delay=HOUR,
    jitter=timedelta(),
    quiet=30 * MINUTE,
    longest=4 * HOUR,
    hours=None,
    silenced_for=3 * DAY,
    bucket=10 * MINUTE,
    without=frozenset(),
    retention=Retention(
        messages=200 * DAY,
        window=180 * DAY,
        silenced=3 * DAY,
        deliberated=4 * HOUR,
        bucket=10 * MINUTE,
    ),
    prune_every=10 * MINUTE,
)
"""No jitter and no quiet hours, unless a test is about them."""

RULES: Rules = SETTINGS.build_rules(KEY)
DELAYS: Delays = RULES.delays
CAMPAIGN_MIN, RANGE_MIN = campaign.SENDERS_MIN, neighbours.SENDERS_MIN[0]
NO_LORE = Lore({}, Learnt())
"""Nothing is known yet."""

RAID = "Un sms chacun avant minuit, copiez collez ce texte et faites tourner"
"""Informative."""


def pseudonym(number: int) -> str:
    return f"{number:032x}"


def received(message_id: str = "m-1", sender: int = 1, **fields: Any) -> SmsReceived:
    """A text of a French mobile, to ours."""
    values: dict[str, Any] = {
        "id": message_id,
        "trace": derive_trace(message_id),
        "at": NOW,
        "sender": pseudonym(sender),
        "sender_kind": SenderKind.MOBILE,
        "sender_sealed": b"sealed-%d" % sender,
        "country": "FR",
        "to_ours": True,
        "text": "Coucou",
        "signature": SignatureMode.V3,
    }
    return SmsReceived(**values | fields)


def arrival(message_id: str = "m-1", sender: int = 1, **fields: Any) -> Arrival:
    message = received(message_id, sender, **fields)
    return Arrival(message, sender % 12)


def blocks_of(number: int) -> tuple[bytes, ...]:
    """The blocks of +33 6 39 98 and these four digits; whoever is near shares them."""
    return tuple(b"%d:%-6d" % (digits, number // 10**digits) for digits in (2, 4, 6))


def blocked(sender: int = 1, *, at: datetime = NOW, off: bool = False) -> SenderBlocked:
    return SenderBlocked(
        id=derive_id(pseudonym(sender), at.isoformat(), str(off)),
        trace="t",
        at=at,
        sender=pseudonym(sender),
        blocked=not off,
    )


def reply_ended(
    reply_id: str = "m-1",
    sender: int = 1,
    *,
    state: ReplyState = ReplyState.EXPIRED,
    kind: ReplyKind = ReplyKind.REPLY,
    final: bool = True,
) -> ReplyChanged:
    return ReplyChanged(
        id=derive_id(reply_id, state),
        trace=derive_trace(reply_id),
        at=NOW,
        sender=pseudonym(sender),
        reply_id=reply_id,
        sequence=1,
        by="billing",
        kind=kind,
        state=state,
        due_at=NOW,
        final=final,
    )


def read_until(at: datetime, partitions: Sequence[int] = range(12)) -> Progress:
    """A stage that has handled whatever these partitions held at an instant."""
    return read_each_until(dict.fromkeys(partitions, at))


def read_each_until(instants: Mapping[int, datetime]) -> Progress:
    marks = {Partition(SmsReceived.TOPIC, number): at for number, at in instants.items()}
    return Progress(watermarks=marks | {Partition(SenderBlocked.TOPIC, 0): NOW - DAY})


def delays(**fields: Any) -> Delays:
    return replace(DELAYS, **fields)
