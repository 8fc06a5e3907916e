"""The verdict: the first reason that applies, in the order of ``Reason`` (docs/design.md §5).

At once for whom no reply can be due; else when it is due, with all that was learnt meanwhile.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from msgspec import Struct

from kernel.facts.records import Reason, ReceivedKind, SmsReceived
from kernel.values.sender import SenderKind
from services.filter.core.campaign import is_campaign
from services.filter.core.due import Delays
from services.filter.core.score import Evidence


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator decided.

    Attributes:
        countries: whom we answer, ISO 3166 alpha-2.
        call_counts: a call is answered as a message is.
        window: one answer a sender within it.
        burst: more texts than this while waiting are a flood.
        silenced_for: who was silenced for how he came stays so, so long.
        bucket: the width of the buckets that contacts are counted in (``core/tally.py``).
        key: of all hashes of texts.
        without: features of the score that say nothing (``JUDGE_WITHOUT``).
    """

    countries: frozenset[str]
    call_counts: bool
    window: timedelta
    burst: int
    delays: Delays
    silenced_for: timedelta
    bucket: timedelta
    key: bytes
    without: frozenset[str] = frozenset()


class Standing(Struct, frozen=True):
    """Where a sender stands with us at an instant.

    Attributes:
        silenced: why he was, a short while ago, for how he came; None: he was not.
    """

    opted_out: bool
    blocked: bool
    answered: bool
    deliberating: bool
    silenced: Reason | None = None


ATTACKS = frozenset({Reason.BURST, Reason.CAMPAIGN, Reason.RANGE})
"""Reasons that lie in how somebody came, not in who he is."""


def judge_message(message: SmsReceived, *, replayed: bool, rules: Rules) -> Reason | None:
    """The reason that a message has in itself, whoever sent it; None: it depends on the sender.

    Args:
        replayed: its signature's nonce was seen with another message's id.
    """
    if replayed:
        return Reason.REPLAYED
    if not message.to_ours:
        return Reason.OTHER_NUMBER
    reason = _judge_number(message, rules)
    if reason is None and message.kind is ReceivedKind.CALL and not rules.call_counts:
        return Reason.CALL
    return reason


def _judge_number(message: SmsReceived, rules: Rules) -> Reason | None:
    match message.sender_kind:
        case SenderKind.MOBILE:
            # Without his sealed number nothing can ever be sent to him.
            if message.sender_sealed is None:
                return Reason.NOT_MOBILE
            return None if message.country in rules.countries else Reason.FOREIGN
        case SenderKind.OWN:
            return Reason.OWN_NUMBER
        case SenderKind.SHORT_CODE:
            return Reason.SHORT_CODE
        case SenderKind.ALPHANUMERIC:
            return Reason.ALPHANUMERIC
        case SenderKind.FIXED | SenderKind.OTHER | SenderKind.UNKNOWN:
            return Reason.NOT_MOBILE
        case _:
            assert_never(message.sender_kind)


def judge_standing(standing: Standing) -> Reason | None:
    """The reason that lies in the sender's standing; None: deliberate."""
    if standing.opted_out:
        return Reason.OPTED_OUT
    if standing.blocked:
        return Reason.BLOCKED
    if standing.answered:
        return Reason.ALREADY_ANSWERED
    if standing.deliberating:
        return Reason.ALREADY_DELIBERATING
    return standing.silenced


def judge_at_due(standing: Standing, evidence: Evidence, rules: Rules) -> Reason:
    """The reason when the reply is due; ``DESERVED`` is the one that replies."""
    reason = judge_standing(standing)
    if reason is not None:
        return reason
    if evidence.texts > rules.burst:
        return Reason.BURST
    if is_campaign(evidence.alike):
        return Reason.CAMPAIGN
    if evidence.neighbours.is_range:
        return Reason.RANGE
    return Reason.DESERVED
