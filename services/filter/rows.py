"""Rows of the filter's tables, from and to what the core knows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from kernel.database.store import Row as Record
from kernel.facts.records import Decision, Reason, ReceivedKind, SmsJudged, derive_trace
from services.filter.core.answer import Answer, Proof
from services.filter.core.docket import Changes, Loaded, NewMessage
from services.filter.core.sender import Deliberation, Sender

SENDER_COLUMNS = (
    "sender", "opted_out", "blocked", "blocked_at", "silenced", "silenced_at", "message_id", "kind",
    "partition", "first_at", "last_at", "due_at", "texts", "marks", "tokens", "blocks",
    "backfilled", "sender_sealed",
)  # fmt: skip
MESSAGE_COLUMNS = (
    "id", "sender", "partition", "kind", "received_at", "decision", "reason", "score", "due_at",
    "judged_at", "basis", "sender_sealed", "emitted_at",
)  # fmt: skip
NONCE_COLUMNS = ("nonce", "message_id", "seen_at")

Row: TypeAlias = tuple[Any, ...]
"""To be written."""
Columns: TypeAlias = Sequence[tuple[Any, ...]]
"""Of rows to be written, one after the other; empty: there are none."""

_NO_DELIBERATION = (None,) * 12
_NO_VERDICT = (None,) * 8

_standing: Callable[[Sender], Any] = attrgetter(
    "opted_out", "blocked", "blocked_at", "silenced", "silenced_at"
)
_opened: Callable[[Deliberation], Any] = attrgetter(
    "message_id", "kind", "partition", "first_at", "tokens", "blocks", "backfilled", "sender_sealed"
)


@dataclass(frozen=True, slots=True)
class Writes:
    """What one transaction writes, by statement: rows to copy, or columns of them; sorted by key.

    Attributes:
        locks: the senders that must be as they were read, and their versions.
    """

    at: datetime
    locks: Columns
    new_senders: Sequence[Row]
    texts: Columns
    senders: Columns
    answers_gone: Columns
    answers: Columns
    others_gone: Sequence[str]
    others: Columns
    messages: Sequence[Row]
    nonces: Sequence[Row]
    judged: Columns
    ended: Sequence[str]
    counts: Columns


def write_changes(changes: Changes, versions: Mapping[str, int]) -> Writes:
    """The rows of these changes.

    Args:
        versions: of the senders they were worked out of.
    """
    there = changes.before
    old = [(there[s.sender], s) for s in changes.after if s.sender in there]
    texts = [text_row(after) for before, after in old if wrote_only(before, after)]
    # Where his answer alone changes his row is written all the same: whoever read him learns of it.
    senders = [sender_row(after) for before, after in old if not wrote_only(before, after)]
    gone = [
        (before.sender, before.answer.message_id)
        for before, after in old
        if before.answer is not None
        and (after.answer is None or after.answer.message_id != before.answer.message_id)
    ]
    known = {before.sender: before.answer for before, _ in old}
    answers = [
        answer_row(s.sender, s.answer)
        for s in changes.after
        if s.answer is not None and s.answer != known.get(s.sender)
    ]
    others_before = {(before.sender, other) for before, _ in old for other in before.others}
    others_after = {(s.sender, other) for s in changes.after for other in s.others}
    kept = {other.message_id for _, other in others_after}
    others_gone = {o.message_id for _, o in others_before - others_after} - kept
    return Writes(
        at=changes.at,
        locks=_columns([(before.sender, versions[before.sender]) for before, _ in old]),
        new_senders=sorted(sender_row(s) for s in changes.after if s.sender not in there),
        texts=_columns(texts),
        senders=_columns(senders),
        answers_gone=_columns(gone),
        answers=_columns(answers),
        others_gone=sorted(others_gone),
        others=_columns([answer_row(*other) for other in others_after - others_before]),
        messages=sorted(message_row(m, changes.at) for m in changes.messages),
        nonces=sorted((nonce, id_, changes.at) for nonce, id_ in changes.nonces.items()),
        judged=_columns([judged_row(verdict) for verdict in changes.judged]),
        ended=changes.ended,
        counts=_columns([(*place, count) for place, count in changes.counts.items()]),
    )


def _columns(rows: list[tuple[Any, ...]]) -> Columns:
    return list(zip(*sorted(rows), strict=True))


def read_loaded(
    senders: Iterable[Record],
    others: Iterable[Record],
    messages: Iterable[Record] = (),
    nonces: Iterable[Record] = (),
) -> Loaded:
    """What the queries ``load_…`` gave."""
    found: dict[str, Sender] = {}
    versions: dict[str, int] = {}
    for row in senders:
        *known, version, answer, at, sequence, proof = row
        sender = _read_sender(known)
        if answer is not None:
            sender = replace(sender, answer=Answer(answer, at, sequence, Proof(proof)))
        found[sender.sender], versions[sender.sender] = sender, version
    for pseudonym, message_id, at, sequence, proof in others:
        before = found.get(pseudonym)
        if before is not None:
            reply = Answer(message_id, at, sequence, Proof(proof))
            found[pseudonym] = replace(before, others=(*before.others, reply))
    return Loaded(
        senders=found,
        verdicts={row["id"]: read_verdict(row) for row in messages},
        nonces={row["nonce"]: row["message_id"] for row in nonces},
        versions=versions,
    )


def _read_sender(row: Sequence[Any]) -> Sender:
    pseudonym, opted_out, blocked, blocked_at, reason, silenced_at, message_id, kind, *rest = row
    deliberation = None
    if message_id is not None:
        deliberation = Deliberation(message_id, ReceivedKind(kind), *rest)
    silenced = None if reason is None else Reason(reason)
    return Sender(pseudonym, opted_out, blocked, blocked_at, silenced, silenced_at, deliberation)


def answer_row(sender: str, answer: Answer) -> tuple[Any, ...]:
    """As ``put_answers`` and ``put_other_replies`` take it."""
    return (sender, answer.message_id, answer.at, answer.sequence, answer.proof)


def sender_row(sender: Sender) -> tuple[Any, ...]:
    """As ``SENDER_COLUMNS``."""
    head = (
        sender.sender, sender.opted_out, sender.blocked, sender.blocked_at, sender.silenced,
        sender.silenced_at,
    )  # fmt: skip
    case = sender.deliberation
    if case is None:
        return (*head, *_NO_DELIBERATION)
    return (
        *head, case.message_id, case.kind, case.partition, case.first_at, case.last_at,
        case.due_at, case.texts, case.marks, case.tokens, case.blocks, case.backfilled,
        case.sender_sealed,
    )  # fmt: skip


def wrote_only(before: Sender, after: Sender) -> bool:
    """Whether all that he did was to text once more while he waited."""
    old, new = before.deliberation, after.deliberation
    return (
        old is not None
        and new is not None
        and _standing(before) == _standing(after)
        and _opened(old) == _opened(new)
    )


def text_row(sender: Sender) -> tuple[Any, ...]:
    """What a text more changes, as ``add_texts.sql`` takes it."""
    case = sender.deliberation
    assert case is not None
    return (sender.sender, case.last_at, case.due_at, case.texts, case.marks)


def judged_row(verdict: SmsJudged) -> tuple[Any, ...]:
    """As ``judge_messages.sql`` takes it."""
    return (
        verdict.id, verdict.decision, verdict.reason, verdict.score, verdict.due_at,
        msgspec.json.encode(verdict.basis).decode(), verdict.sender_sealed,
    )  # fmt: skip


def message_row(message: NewMessage, at: datetime) -> tuple[Any, ...]:
    """As ``MESSAGE_COLUMNS``."""
    head = (
        message.message_id, message.sender, message.partition, message.kind, message.received_at,
    )  # fmt: skip
    if message.verdict is None:
        return (*head, *_NO_VERDICT)
    _, decision, reason, score, due_at, basis, sealed = judged_row(message.verdict)
    told_at = at if message.told else None
    return (*head, decision, reason, score, due_at, at, basis, sealed, told_at)


def read_verdict(row: Record) -> SmsJudged | None:
    """None: still deliberated."""
    if row["judged_at"] is None:
        return None
    return SmsJudged(
        id=row["id"],
        trace=derive_trace(row["id"]),
        at=row["judged_at"],
        sender=row["sender"],
        decision=Decision(row["decision"]),
        reason=Reason(row["reason"]),
        kind=ReceivedKind(row["kind"]),
        score=row["score"],
        received_at=row["received_at"],
        due_at=row["due_at"],
        basis=msgspec.json.decode(row["basis"]),
        sender_sealed=row["sender_sealed"],
    )
