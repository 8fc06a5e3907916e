"""Rows of the filter's tables, from and to what the core knows."""

from collections.abc import Callable, Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import replace

from kernel.database.store import Row
from kernel.facts.records import Decision, Reason, ReceivedKind, SmsJudged, derive_trace
from services.filter.core.answer import Answer, Proof
from services.filter.core.docket import NewMessage
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

_NO_DELIBERATION = (None,) * 12
_NO_VERDICT = (None,) * 8

_standing: Callable[[Sender], Any] = attrgetter(
    "opted_out", "blocked", "blocked_at", "silenced", "silenced_at"
)
_opened: Callable[[Deliberation], Any] = attrgetter(
    "message_id", "kind", "partition", "first_at", "tokens", "blocks", "backfilled", "sender_sealed"
)


def read_senders(rows: Iterable[Row], replies: Iterable[Row]) -> dict[str, Sender]:
    """By pseudonym.

    Args:
        rows: as ``SENDER_COLUMNS``.
        replies: to them, as ``load_answers.sql`` gives them.
    """
    answers: dict[str, Answer] = {}
    others: dict[str, tuple[Answer, ...]] = {}
    for sender, message_id, at, sequence, proof, other in replies:
        reply = Answer(message_id, at, sequence, Proof(proof))
        if other:
            others[sender] = (*others.get(sender, ()), reply)
        else:
            answers[sender] = reply
    found = (_read_sender(row) for row in rows)
    return {
        s.sender: replace(s, answer=answers.get(s.sender), others=others.get(s.sender, ()))
        if s.sender in answers or s.sender in others
        else s
        for s in found
    }


def _read_sender(row: Row) -> Sender:
    pseudonym, opted_out, blocked, blocked_at, reason, silenced_at, message_id, kind, *rest = row
    deliberation = None
    if message_id is not None:
        deliberation = Deliberation(message_id, ReceivedKind(kind), *rest)
    silenced = None if reason is None else Reason(reason)
    return Sender(pseudonym, opted_out, blocked, blocked_at, silenced, silenced_at, deliberation)


def answer_row(sender: str, answer: Answer) -> tuple[Any, ...]:
    """As ``put_answers.sql`` and ``put_other_replies.sql`` take it."""
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


def same_row(before: Sender, after: Sender) -> bool:
    """Whether all that changed is what was heard of replies."""
    return before.deliberation == after.deliberation and _standing(before) == _standing(after)


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


def read_verdict(row: Row) -> SmsJudged | None:
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
