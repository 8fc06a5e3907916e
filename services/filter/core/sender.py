"""A sender: his standing with us, and what becomes of it when he texts and when a reply is due.

Every function takes a state and gives the next one, with the verdict where there is one.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from kernel.facts.records import (
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
from services.filter.core.answer import BY_BILLING, Answer, Proof, hear_word
from services.filter.core.due import plan_due
from services.filter.core.habits import habit_of
from services.filter.core.learner import find_tokens, read_runs
from services.filter.core.lore import Lore
from services.filter.core.optout import Wish, read_wish
from services.filter.core.score import Evidence, weigh_evidence
from services.filter.core.signature import MARK_BYTES, sign_text
from services.filter.core.tally import Inquiry, Question, bucket_of, inquire_traits, join
from services.filter.core.verdict import (
    ATTACKS,
    Rules,
    Standing,
    judge_at_due,
    judge_standing,
)

REOPENING = frozenset({ReplyState.EXPIRED, ReplyState.REFUSED, ReplyState.FAILED})
"""He got nothing after all: he may be answered again."""
ENDED_BY_BILLING = frozenset({ReplyState.EXPIRED, ReplyState.REFUSED})
ANSWERING = frozenset({ReplyState.SENT, ReplyState.DELIVERED, ReplyState.UNDELIVERED})
"""An SMS left for him, or the provider took it."""

INFORMATIVE_TEXTS = 3
"""Of his first texts, so many are searched for an informative one."""
MINUTE = timedelta(minutes=1)
SURGE_TOLD = 1.5
"""From so many times the usual on, a verdict says how many came."""


class Deliberation(Struct, frozen=True):
    """A message whose reply is not yet due.

    Attributes:
        partition: of ``sms.received``, that must be read past ``due_at`` before it is judged.
        texts: received since, this one included.
        marks: of his first informative text (``signature``), joined; empty: none was.
        tokens: of his first text (``learner``).
        blocks: that his number lies in, joined.
        backfilled: its text is not known yet; a later webhook may add it.
    """

    message_id: str
    kind: ReceivedKind
    partition: int
    first_at: datetime
    last_at: datetime
    due_at: datetime
    texts: int
    marks: bytes
    tokens: bytes
    blocks: bytes
    backfilled: bool
    sender_sealed: bytes | None


class Sender(Struct, frozen=True):
    """All we know of a sender. A sender who was never heard of is ``Sender(pseudonym)``.

    Attributes:
        silenced, silenced_at: the last verdict for how he came, and when it was due.
        answer: the one reply of the window.
        others: replies that are not it, of which a word may yet change what he has had.
    """

    sender: str
    opted_out: bool = False
    blocked: bool = False
    blocked_at: datetime | None = None
    silenced: Reason | None = None
    silenced_at: datetime | None = None
    deliberation: Deliberation | None = None
    answer: Answer | None = None
    others: tuple[Answer, ...] = ()


class Arrival(Struct, frozen=True):
    """A message as read from a partition of ``sms.received``."""

    message: SmsReceived
    partition: int


class Outcome(NamedTuple):
    """What a step gives: the sender's next state, and the verdict, if there is one now."""

    sender: Sender
    verdict: SmsJudged | None


def is_answered(sender: Sender, at: datetime, rules: Rules) -> bool:
    """Whether the sender has had his answer of the window that holds ``at``."""
    return sender.answer is not None and at < sender.answer.at + rules.window


def _is_answered_otherwise(sender: Sender, message_id: str, at: datetime, rules: Rules) -> bool:
    """Not by the reply to this very message, of which a restored store knows no more."""
    own = sender.answer is not None and sender.answer.message_id == message_id
    return not own and is_answered(sender, at, rules)


def is_overdue(sender: Sender, at: datetime) -> bool:
    """Whether what is deliberated was due before ``at``: then it must be judged first."""
    return sender.deliberation is not None and sender.deliberation.due_at < at


def silenced_as(sender: Sender, at: datetime, rules: Rules) -> Reason | None:
    """Why he was silenced for how he came, where that still holds at ``at``."""
    if sender.silenced_at is None or at >= sender.silenced_at + rules.silenced_for:
        return None
    return sender.silenced


def inquire(case: Deliberation, rules: Rules) -> Inquiry:
    """What is to be counted before a deliberated message can be judged."""
    return inquire_traits(
        case.marks,
        case.blocks,
        bucket_of(case.first_at, rules.bucket),
        bucket_of(case.due_at, rules.bucket) - 1,
    )


def hear_message(sender: Sender, arrival: Arrival, rules: Rules, now: datetime) -> Outcome:
    """A new message, to ours, of a number that can be answered; nothing is overdue."""
    message = arrival.message
    assert not is_overdue(sender, message.at), "judge what is overdue first"
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
        _is_answered_otherwise(sender, message.id, message.at, rules),
        sender.deliberation is not None,
        silenced_as(sender, message.at, rules),
    )
    if sender.deliberation is not None:
        sender = replace(sender, deliberation=_add_text(sender.deliberation, message, rules))
    reason = judge_standing(standing)
    if reason is not None:
        return Outcome(sender, silence(message, reason, now))
    return Outcome(replace(sender, deliberation=_open(arrival, rules)), None)


def hear_again(sender: Sender, arrival: Arrival, rules: Rules) -> Sender:
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
        deliberation=replace(
            case,
            marks=case.marks or join(sign_text(message.text, rules.key)),
            tokens=find_tokens(message.text, rules.key),
            backfilled=False,
        ),
    )


def hear_block(sender: Sender, record: SenderBlocked) -> Sender:
    """The operator's list; the latest word counts, in whatever order they are read."""
    if sender.blocked_at is not None and record.at < sender.blocked_at:
        return sender
    return replace(sender, blocked=record.blocked, blocked_at=record.at)


def hear_reply(sender: Sender, change: ReplyChanged, rules: Rules) -> Sender:
    """A word about a reply: where he got nothing he may be answered again, else he is answered.

    Of an SMS that after a restore only the provider's log knew of we had no verdict: he has been
    answered by it all the same.
    """
    proof = _read_proof(change)
    if proof is None or change.kind is ReplyKind.TEST:
        return sender
    place = BY_BILLING if change.state in ENDED_BY_BILLING else change.sequence
    return _hear_word(sender, Answer(change.reply_id, change.due_at, place, proof), rules)


def _read_proof(change: ReplyChanged) -> Proof | None:
    """What a word proves; None: nothing yet."""
    if change.state in REOPENING:
        return Proof.NONE if change.final else None
    if change.state not in ANSWERING:
        return None
    # Taken by the provider: it may report that it failed.
    taken = change.state is ReplyState.SENT and not change.final
    return Proof.OPEN if taken else Proof.LEFT


def _hear_word(sender: Sender, word: Answer, rules: Rules) -> Sender:
    known = sender.others if sender.answer is None else (*sender.others, sender.answer)
    answer, others = hear_word(known, word, rules.window)
    return replace(sender, answer=answer, others=others)


def judge_deliberated(
    sender: Sender, answers: Mapping[Question, int], lore: Lore, rules: Rules, now: datetime
) -> tuple[Sender, SmsJudged]:
    """The verdict on the deliberated message, as of when its reply was due.

    Args:
        answers: to all of ``inquire(…).questions()``.
    """
    case = sender.deliberation
    assert case is not None, "nothing is deliberated"
    answered = _is_answered_otherwise(sender, case.message_id, case.due_at, rules)
    standing = Standing(sender.opted_out, sender.blocked, answered, deliberating=False)
    evidence = _gather(case, answers, lore, rules)
    reason = judge_at_due(standing, evidence, rules)
    replied = reason is Reason.DESERVED
    weights = weigh_evidence(evidence, rules.without)
    verdict = SmsJudged(
        id=case.message_id,
        trace=derive_trace(case.message_id),
        at=now,
        sender=sender.sender,
        decision=Decision.REPLY if replied else Decision.SILENT,
        reason=reason,
        kind=case.kind,
        score=round(sum(weights.values()), 3),
        received_at=case.first_at,
        due_at=case.due_at,
        basis=_describe(case, evidence, weights),
        sender_sealed=case.sender_sealed if replied else None,
    )
    after = replace(sender, deliberation=None)
    if replied:
        after = _hear_word(after, Answer(case.message_id, case.due_at), rules)
    elif reason in ATTACKS:
        after = replace(after, silenced=reason, silenced_at=case.due_at)
    return after, verdict


def _gather(
    case: Deliberation, answers: Mapping[Question, int], lore: Lore, rules: Rules
) -> Evidence:
    inquiry = inquire(case, rules)
    return Evidence(
        texts=case.texts,
        alike=inquiry.alike(answers),
        neighbours=inquiry.neighbours(answers),
        surge=lore.surge_around(inquiry.first, inquiry.last),
        spread=(case.last_at - case.first_at) / MINUTE,
        learnt=lore.learnt.log_odds(case.tokens),
        repeated=lore.learnt.phrases.excess(read_runs(case.tokens)),
        habitual=lore.learnt.habits.excess(habit_of(case.texts)),
    )


def _describe(
    case: Deliberation, evidence: Evidence, weights: Mapping[str, float]
) -> dict[str, int | float | str]:
    """What the verdict rests on: counts and a cluster's id, no text, no number."""
    basis: dict[str, int | float | str] = {"texts": case.texts}
    if evidence.alike.senders > 1:
        basis["campaign"] = case.marks[:MARK_BYTES].hex()
        basis["campaign_senders"] = evidence.alike.senders
        basis["campaign_usual"] = round(evidence.alike.usual, 1)
    if evidence.neighbours.ratio:
        basis["neighbours"] = evidence.neighbours.count
        basis["neighbours_ratio"] = round(evidence.neighbours.ratio, 1)
    if evidence.surge.ratio > SURGE_TOLD:
        basis["surge"] = round(evidence.surge.ratio, 1)
    basis |= {f"weight_{name}": weight for name, weight in weights.items() if weight}
    return basis


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
        marks=join(sign_text(message.text, rules.key)),
        tokens=find_tokens(message.text, rules.key),
        blocks=join(message.blocks),
        backfilled=message.source is Source.BACKFILL,
        sender_sealed=message.sender_sealed,
    )


def _add_text(case: Deliberation, message: SmsReceived, rules: Rules) -> Deliberation:
    last_at, due_at = max(case.last_at, message.at), case.due_at
    if last_at + rules.delays.quiet > due_at:
        # A new text may only put the reply off.
        planned = plan_due(case.message_id, case.first_at, last_at, rules.delays)
        due_at = max(due_at, planned)
    marks = case.marks
    if not marks and case.texts < INFORMATIVE_TEXTS:
        marks = join(sign_text(message.text, rules.key))
    return replace(case, last_at=last_at, due_at=due_at, texts=case.texts + 1, marks=marks)
