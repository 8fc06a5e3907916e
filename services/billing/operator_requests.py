"""What the operator API is asked: a struct a route, and what its fields mean to billing. Pure.

No refusal quotes what it was given: it could be a phone number.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from kernel.desk.fields import (
    SINCE,
    Euros,
    Handle,
    Id,
    Note,
    Number,
    Refused,
    Since,
    Words,
    Wrong,
    kind,
)
from kernel.settings.values import parse_duration
from kernel.values.phone import classify_number
from kernel.values.sender import SenderKind

COUNT_MAX = 10**9
CARDS_MAX = 100
_INVARIANT = re.compile(r"I[1-9]", re.ASCII)


def read_counts(value: Any) -> dict[str, int]:
    """How many of what, by the names of invariants (``I1``…)."""
    if not isinstance(value, Mapping) or not value or not all(map(_is_count, value.items())):
        raise Wrong('counts by invariant, such as {"I1": 0, "I4": 2}')
    return dict(value)


def _is_count(item: tuple[Any, Any]) -> bool:
    name, count = item
    whole = isinstance(count, int) and not isinstance(count, bool)
    return bool(_INVARIANT.fullmatch(name)) and whole and 0 <= count <= COUNT_MAX


Counts = Annotated[
    dict[str, int],
    kind(
        read_counts,
        type="object",
        minProperties=1,
        patternProperties={
            f"^{_INVARIANT.pattern}$": {"type": "integer", "minimum": 0, "maximum": COUNT_MAX}
        },
        additionalProperties=False,
    ),
]


class EntryRequest(msgspec.Struct, frozen=True):
    """A donation or a fee.

    Attributes:
        id: the same twice counts once.
    """

    id: Id
    amount_eur: Euros
    note: Note = ""


class CorrectionRequest(msgspec.Struct, frozen=True):
    """What to reverse.

    Attributes:
        entry: the entry's id.
        below_zero: it may take the fund below zero; else that is refused.
    """

    entry: Id
    why: Words
    below_zero: bool = False


class PauseRequest(msgspec.Struct, frozen=True):
    """Why nothing is paid for."""

    reason: Words


class NumberRequest(msgspec.Struct, frozen=True):
    """Whom it is about."""

    number: Number


class ExplainRequest(msgspec.Struct, frozen=True):
    """Whose way.

    Attributes:
        id: a message's or test's id; either this or ``number``.
    """

    number: Number | None = None
    id: Id | None = None


class TestRequest(msgspec.Struct, frozen=True):
    """Where one SMS goes at once.

    Attributes:
        id: the same twice sends once; without it every call sends.
    """

    number: Number
    id: Id | None = None


class DecisionRequest(msgspec.Struct, frozen=True):
    """What became of a reply.

    Attributes:
        outcome: ``sent``: book its price; ``void``: free it.
    """

    id: Handle
    outcome: Literal["sent", "void"]
    why: Note = ""


def read_limit(value: Any) -> int:
    """How many cards; a part of a query is text."""
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise Wrong(f"a whole number, 1 to {CARDS_MAX}")
    if not 1 <= int(text) <= CARDS_MAX:
        raise Wrong(f"a whole number, 1 to {CARDS_MAX}")
    return int(text)


class CardsRequest(msgspec.Struct, frozen=True):
    """How many cards at most."""

    limit: Annotated[int, kind(read_limit, type="integer", minimum=1, maximum=CARDS_MAX)] = 1


class ReleaseRequest(msgspec.Struct, frozen=True):
    """What a person does with a reply that waits.

    Attributes:
        action: ``later`` puts it behind all others.
        actor: who does so; kept.
    """

    reply_id: Handle
    action: Literal["send", "skip", "later"]
    actor: Id


class BackfillRequest(msgspec.Struct, frozen=True):
    """From when on the provider's log is to be read again."""

    since: Since


class AuditRequest(msgspec.Struct, frozen=True):
    """What an audit found.

    Attributes:
        broken: violations by invariant, those without included.
    """

    broken: Counts


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone's number as given, in the form that pseudonyms are made of."""

    e164: str
    mobile: bool


def read_phone(number: str, own_number: str) -> Phone:
    """A phone number that is not our own.

    Raises:
        Refused: it is none, or is ours.
    """
    facts = classify_number(number, own_number)
    if facts.e164 is None:
        raise Refused(422, "number", "not a phone number; write it in E.164, such as +33639980000")
    if facts.kind is SenderKind.OWN:
        raise Refused(422, "number", "this is our own number; give another")
    return Phone(facts.e164, facts.kind is SenderKind.MOBILE)


def read_past(since: str, now: datetime) -> datetime:
    """A time that has passed, or how long ago, in UTC; without an offset it is read as UTC.

    Raises:
        Refused: it is none, or is still to come.
    """
    with suppress(ValueError, OverflowError):
        return now - parse_duration(since)
    try:
        at = datetime.fromisoformat(since)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused(422, "since", SINCE) from None
    if at > now:
        raise Refused(422, "since", SINCE)
    return at
