"""What a leaf of the log says: the facts that the topics told, as they will be read in court. Pure.

An entry is added once and never edited: a verdict and what became of a reply are entries of their
own that name the message. ``record`` is the JSON that is committed to, to the byte.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from kernel.facts.records import (
    Record,
    ReplyChanged,
    ReplyKind,
    SignatureMode,
    SmsJudged,
    SmsReceived,
    Source,
)
from services.evidence.core.verifier import request_told

RECEIVED, JUDGED, REPLIED, TERMS = "received", "judged", "replied", "terms"

NAME_BYTES = 16
BODY_SIGNED = {SignatureMode.V3, SignatureMode.MA_V3, SignatureMode.HMAC}
"""V2 signs the URL alone: that the body is the provider's rests on TLS and on its own log."""

Place = tuple[datetime, int]
"""How far records were looked through: the time and the leaf of the last."""
START: Place = (datetime.min.replace(tzinfo=UTC), -1)
NOBODY = ""
"""Before every sender."""

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry, not yet in the log.

    Attributes:
        name: the same for the same fact told twice; stays when all else is erased, so that what
            was erased does not come back with a redelivery. It is made of ids and digests of
            salted requests, never of a text: it would outlive it.
        message_id: the message it is about; None for ``terms``.
        at: when it happened: what retention counts from.
        sealed: the request as it came, sealed for evidence; of ``received`` alone.
    """

    name: bytes
    kind: str
    message_id: str | None
    sender: str | None
    campaign: str | None
    at: datetime
    record: bytes
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry in the log.

    Attributes:
        leaf: its index.
        salt: 32 random bytes; with them gone, its leaf says nothing of it.
    """

    leaf: int
    salt: bytes
    entry: Entry


@dataclass(frozen=True, slots=True)
class Erased:
    """What is left of an erased entry, beside its leaf in the tree."""

    leaf: int
    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all messages from here on: what is answered, by which program.

    Attributes:
        reply_texts: one of them is sent; which, is derived from the message's id.
        evidence_key: whom requests are sealed for: the public half.
    """

    version: str
    reply_texts: tuple[str, ...]
    currency: str
    evidence_key: str


def enter(record: Record, version: str) -> Entry | None:
    """The entry of a record; None: it is not about a message that somebody sent us."""
    match record:
        case SmsReceived():
            return _enter_received(record, version)
        case SmsJudged():
            return _enter_judged(record)
        case ReplyChanged(kind=ReplyKind.REPLY):
            return _enter_replied(record)
        case _:
            return None


def enter_terms(terms: Terms, at: datetime) -> Entry:
    """The entry of the terms; the same terms have the same name, whenever."""
    told = {
        "software": f"antirelou {terms.version}",
        "reply_texts": list(terms.reply_texts),
        "currency": terms.currency,
        "evidence_key": terms.evidence_key,
    }
    name = _name(TERMS, _ENCODER.encode(told).hex(), at.isoformat())
    return Entry(name, TERMS, None, None, None, at, _encode(TERMS, at=at, **told))


def terms_told(record: bytes) -> Terms:
    """The terms that an entry tells."""
    told = msgspec.json.decode(record)
    return Terms(
        told["software"].removeprefix("antirelou "),
        tuple(told["reply_texts"]),
        told["currency"],
        told["evidence_key"],
    )


def _enter_received(message: SmsReceived, version: str) -> Entry:
    sealed = message.evidence_sealed
    told = _encode(
        RECEIVED,
        id=message.id,
        at=message.at,
        sender=message.sender,
        sender_kind=message.sender_kind,
        country=message.country,
        to_ours=message.to_ours,
        what=message.kind,
        source=message.source,
        sms_type=message.sms_type,
        media_count=message.media_count,
        segments=message.segments,
        amount_microunits=message.amount_microunits,
        intent=message.intent,
        signature=message.signature,
        body_signed=message.signature in BODY_SIGNED,
        nonce=message.nonce,
        request_sha256=message.evidence_digest,
        request_sealed_sha256=sealed and hashlib.sha256(sealed).hexdigest(),
        software=f"antirelou {version}",
    )
    name = _name(RECEIVED, message.id, message.source)
    return Entry(name, RECEIVED, message.id, message.sender, None, message.at, told, sealed)


def names_of(entry: Entry) -> tuple[bytes, ...]:
    """Under which names the log holds what decides whether an entry is new."""
    if entry.kind != RECEIVED or entry.message_id is None:
        return (entry.name,)
    sources = (_name(RECEIVED, entry.message_id, source) for source in Source)
    return (*sources, _name_again(entry))


def choose_new(entries: Iterable[Entry], held: Mapping[bytes, bytes | None]) -> list[Entry]:
    """The entries that add something to the log, in order.

    A message is entered once for each request that told it: two requests of one id may say two
    things, and only who can open them sees which. What came without its request is entered where
    nothing tells of the message yet, or where it tells another charge.

    Args:
        held: what the log has of ``names_of`` them: the record, None where it was erased.
    """
    known, new = dict(held), list[Entry]()
    for entry in entries:
        if entry.kind == RECEIVED:
            chosen = _choose_received(entry, known)
        else:
            chosen = None if entry.name in known else entry
        if chosen is not None:
            known[chosen.name] = chosen.record
            new.append(chosen)
    return new


def _choose_received(entry: Entry, known: Mapping[bytes, bytes | None]) -> Entry | None:
    records = [known[name] for name in names_of(entry) if name in known]
    if not records:
        return entry
    others = [msgspec.json.decode(record) for record in records if record is not None]
    if len(others) < len(records):
        return None  # erased: it does not come back
    told = msgspec.json.decode(entry.record)
    request = request_told(told)
    if request is None:
        charged = {None, *(other["amount_microunits"] for other in others)}
        adds = entry.name not in known and told["amount_microunits"] not in charged
        return entry if adds else None
    if any(request_told(other) == request for other in others):
        return None
    return replace(entry, name=_name_again(entry)) if entry.name in known else entry


def _name_again(entry: Entry) -> bytes:
    """The name of a further request of the same message."""
    request = request_told(msgspec.json.decode(entry.record))
    return _name(RECEIVED, str(entry.message_id), Source.WEBHOOK, str(request))


def _enter_judged(verdict: SmsJudged) -> Entry:
    told = _encode(
        JUDGED,
        message_id=verdict.id,
        at=verdict.at,
        sender=verdict.sender,
        decision=verdict.decision,
        reason=verdict.reason,
        score=verdict.score,
        due_at=verdict.due_at,
        basis=verdict.basis,
    )
    campaign = verdict.basis.get("campaign")
    return Entry(
        _name(JUDGED, verdict.id),
        JUDGED,
        verdict.id,
        verdict.sender,
        None if campaign is None else str(campaign),
        verdict.at,
        told,
    )


def _enter_replied(change: ReplyChanged) -> Entry:
    told = _encode(
        REPLIED,
        message_id=change.reply_id,
        at=change.at,
        sender=change.sender,
        sequence=change.sequence,
        by=change.by,
        state=change.state,
        reason=change.reason,
        sms_id=change.message_id,
        segments=change.segments,
        amount_microunits=change.amount_microunits,
        amount_confirmed=change.amount_confirmed,
        nothing_charged=change.nothing_charged,
        final=change.final,
    )
    name = _name(REPLIED, change.id)
    return Entry(name, REPLIED, change.reply_id, change.sender, None, change.at, told)


def _encode(kind: str, **told: Any) -> bytes:
    return _ENCODER.encode({"kind": kind, **told})


def _name(*parts: str) -> bytes:
    return hashlib.sha256("\x1f".join(parts).encode()).digest()[:NAME_BYTES]
