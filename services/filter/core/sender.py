"""A sender: his standing with us, and what becomes of it when he texts and when a reply is due.

Every function takes a state and gives the next one, with the verdict where there is one.
"""

from datetime import datetime
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from antirelou.records import (
    Decision,
    Reason,
    ReceivedKind,
    ReplyChanged,
    ReplyKind,
    ReplyState,
    SenderBlocked,
    SmsJudged,
    SmsReceived,
    Source,
    derive_trace,
)
from services.filter.core.campaign import Span, span_of
from services.filter.core.due import plan_due
from services.filter.core.optout import Wish, read_wish
from services.filter.core.score import Evidence, score_evidence
from services.filter.core.verdict import Rules, Standing, judge_at_due, judge_standing

REOPENING = frozenset({ReplyState.EXPIRED, ReplyState.REFUSED, ReplyState.FAILED})
"""He got nothing after all: he may be answered again."""


class Deliberation(Struct, frozen=True):
    """A message whose reply is not yet due.

    Attributes:
        partition: of ``sms.received``, that must be read past ``due_at`` before it is judged.
        texts: received since, this one included.
        digest: of its text, where that is informative.
        backfilled: its text is not known yet; a later webhook may add it.
    """

    message_id: str
    kind: ReceivedKind
    partition: int
    first_at: datetime
    last_at: datetime
    due_at: datetime
    texts: int
    digest: bytes | None
    backfilled: bool
    sender_sealed: bytes | None


class Answer(Struct, frozen=True):
    """The one reply of the window: to which message, and when it was due."""

    message_id: str
    at: datetime


class Sender(Struct, frozen=True):
    """All we know of a sender. A sender who was never heard of is ``Sender(pseudonym)``."""

    sender: str
    opted_out: bool = False
    blocked: bool = False
    blocked_at: datetime | None = None
    deliberation: Deliberation | None = None
    answer: Answer | None = None


class Arrival(Struct, frozen=True):
    """A message as read from a partition of ``sms.received``.

    Attributes:
        digest: of its text (``campaign.fingerprint``), where that is informative.
    """

    message: SmsReceived
    partition: int
    digest: bytes | None


class Outcome(NamedTuple):
    """What a step gives: the sender's next state, and the verdict, if there is one now."""

    sender: Sender
    verdict: SmsJudged | None


def is_answered(sender: Sender, at: datetime, rules: Rules) -> bool:
    """Whether the sender has had his answer of the window that holds ``at``."""
    return sender.answer is not None and at < sender.answer.at + rules.window


def is_overdue(sender: Sender, at: datetime) -> bool:
    """Whether what is deliberated was due before ``at``: then it must be judged first."""
    return sender.deliberation is not None and sender.deliberation.due_at < at


def span_to_count(sender: Sender, rules: Rules) -> Span | None:
    """The sightings to count before the sender's deliberated message can be judged."""
    case = sender.deliberation
    if case is None:
        return None
    return span_of(case.digest, case.first_at, case.due_at, rules.campaign)


def hear_message(sender: Sender, arrival: Arrival, rules: Rules, now: datetime) -> Outcome:
    """A new message, to ours, of a number that can be answered; nothing is overdue."""
    message = arrival.message
    assert not is_overdue(sender, message.at), "judge what is overdue first"  # noqa: S101
    match read_wish(message.text, message.intent):
        case Wish.OPT_OUT:
            sender = replace(sender, opted_out=True)
        case Wish.OPT_IN:
            sender = replace(sender, opted_out=False)
        case Wish.NONE:
            pass
    standing = Standing(
        sender.opted_out,
        sender.blocked,
        is_answered(sender, message.at, rules),
        sender.deliberation is not None,
    )
    if sender.deliberation is not None:
        sender = replace(sender, deliberation=_add_text(sender.deliberation, message, rules))
    reason = judge_standing(standing)
    if reason is not None:
        return Outcome(sender, silence(message, reason, now))
    return Outcome(replace(sender, deliberation=_open(arrival, rules)), None)


def hear_again(sender: Sender, arrival: Arrival) -> Sender:
    """The deliberated message once more: no new text, but a webhook adds the text to a backfill."""
    message = arrival.message
    case = sender.deliberation
    if case is None or case.message_id != message.id:
        return sender
    if not case.backfilled or message.source is Source.BACKFILL:
        return sender
    wish = read_wish(message.text, message.intent)
    return replace(
        sender,
        opted_out=sender.opted_out if wish is Wish.NONE else wish is Wish.OPT_OUT,
        deliberation=replace(case, digest=arrival.digest, backfilled=False),
    )


def hear_block(sender: Sender, record: SenderBlocked) -> Sender:
    """The operator's list; the latest word counts, in whatever order they are read."""
    if sender.blocked_at is not None and record.at < sender.blocked_at:
        return sender
    return replace(sender, blocked=record.blocked, blocked_at=record.at)


def hear_reply(sender: Sender, change: ReplyChanged) -> Sender:
    """A reply ended: where he got nothing, he may be answered again."""
    ended = change.final and change.kind is ReplyKind.REPLY and change.state in REOPENING
    if ended and sender.answer is not None and sender.answer.message_id == change.reply_id:
        return replace(sender, answer=None)
    return sender


def judge_deliberated(
    sender: Sender, campaign_senders: int, rules: Rules, now: datetime
) -> tuple[Sender, SmsJudged]:
    """The verdict on the deliberated message, as of when its reply was due.

    Args:
        campaign_senders: distinct senders counted over ``span_to_count``; 0 without a span.
    """
    case = sender.deliberation
    assert case is not None, "nothing is deliberated"  # noqa: S101
    answered = is_answered(sender, case.due_at, rules)
    standing = Standing(sender.opted_out, sender.blocked, answered, deliberating=False)
    evidence = Evidence(case.texts, campaign_senders)
    reason = judge_at_due(standing, evidence, rules)
    replied = reason is Reason.DESERVED
    basis: dict[str, int | float | str] = {"texts": case.texts}
    if case.digest is not None:
        basis |= {"campaign": case.digest.hex(), "campaign_senders": campaign_senders}
    verdict = SmsJudged(
        id=case.message_id,
        trace=derive_trace(case.message_id),
        at=now,
        sender=sender.sender,
        decision=Decision.REPLY if replied else Decision.SILENT,
        reason=reason,
        kind=case.kind,
        score=score_evidence(evidence),
        received_at=case.first_at,
        due_at=case.due_at,
        basis=basis,
        sender_sealed=case.sender_sealed if replied else None,
    )
    answer = Answer(case.message_id, case.due_at) if replied else sender.answer
    return replace(sender, deliberation=None, answer=answer), verdict


def silence(message: SmsReceived, reason: Reason, now: datetime) -> SmsJudged:
    """The verdict on a message that is not deliberated."""
    return SmsJudged(
        id=message.id,
        trace=derive_trace(message.id),
        at=now,
        sender=message.sender,
        decision=Decision.SILENT,
        reason=reason,
        kind=message.kind,
        received_at=message.at,
        due_at=message.at,
    )


def _open(arrival: Arrival, rules: Rules) -> Deliberation:
    message = arrival.message
    return Deliberation(
        message_id=message.id,
        kind=message.kind,
        partition=arrival.partition,
        first_at=message.at,
        last_at=message.at,
        due_at=plan_due(message.id, message.at, message.at, rules.delays),
        texts=1,
        digest=arrival.digest,
        backfilled=message.source is Source.BACKFILL,
        sender_sealed=message.sender_sealed,
    )


def _add_text(case: Deliberation, message: SmsReceived, rules: Rules) -> Deliberation:
    last_at, due_at = max(case.last_at, message.at), case.due_at
    if last_at + rules.delays.quiet > due_at:
        # A new text may only put the reply off.
        planned = plan_due(case.message_id, case.first_at, last_at, rules.delays)
        due_at = max(due_at, planned)
    return replace(case, last_at=last_at, due_at=due_at, texts=case.texts + 1)
