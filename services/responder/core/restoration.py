"""After a restore: what the provider's log says was sent, against an outbox that is older.

An SMS that no reply here has the id of belongs to one that waits to be sent, or is looked for, to
the same number; that one is sent no more. Where there is none it becomes a reply of its own,
``recovered``: its cost is booked, its sender counts as answered, and should the reply that it was
sent for turn up later (its message comes back by backfill), that one takes it over unsent.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kernel.facts.records import ReplyAuthorized, ReplyKind, ReplyState, derive_id, derive_trace
from kernel.provider.port import LoggedMessage
from services.responder.core.outbox import OutboxRules, Reply, apply_observation
from services.responder.core.settlement import SKEW
from services.responder.core.status import Status, observe_logged

UNSENT = frozenset({
    ReplyState.AUTHORIZED, ReplyState.SENDING, ReplyState.UNCERTAIN, ReplyState.UNRESOLVED,
})  # fmt: skip
"""States of which an SMS in the log may be the end."""
LEFT = frozenset({ReplyState.SENT, ReplyState.DELIVERED, ReplyState.UNDELIVERED})
"""An SMS left."""


class Stage(enum.StrEnum):
    """How far the reconciliation is."""

    SENT = "sent"
    """The log of what was sent is read."""
    RECEIVED = "received"
    """The log of what was received is read, and passed on."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Restoration:
    """One restore.

    Attributes:
        backup_at: whatever was committed before is in the database.
        restored_at: nothing was sent from then on.
        base: the highest sequence told of any reply before.
        offset: of the next page of the log.
        matched: SMS that were found to be a reply's that had not known.
        recovered: SMS that no reply here knew of.
    """

    id: str
    backup_at: datetime
    restored_at: datetime
    base: int
    stage: Stage = Stage.SENT
    offset: int = 0
    matched: int = 0
    recovered: int = 0


def hold_older(reply: Reply, record: ReplyAuthorized, restoration: Restoration) -> Reply:
    """A reply new to the outbox; one authorised before the restore waits to be authorised again.

    The log told of it and the books have forgotten it: nothing is reserved for it now, and nothing
    is told of it.
    """
    return reply if record.at >= restoration.restored_at else replace(reply, look_at=None)


def is_held(reply: Reply) -> bool:
    """Whether it waits to be authorised again."""
    return reply.state is ReplyState.AUTHORIZED and reply.look_at is None


def release_held(
    reply: Reply, record: ReplyAuthorized, restoration: Restoration, now: datetime
) -> Reply:
    """A held one is told of once more; authorised by the restored books it may go."""
    assert is_held(reply)
    if record.at < restoration.restored_at:
        return reply
    return replace(reply, look_at=now, sequence=restoration.base + 1, changed_at=now)


def is_answered_by(reply: Reply, sent_at: datetime, window: timedelta) -> bool:
    """Whether an SMS to the reply's number stands for it: nobody is answered twice a window.

    A test is asked for by a person: only what was sent since then is it.
    """
    if reply.kind is ReplyKind.TEST:
        return sent_at >= reply.due_at - SKEW
    return reply.due_at < sent_at + window


def apply_found(
    reply: Reply, logged: LoggedMessage, base: int, now: datetime, rules: OutboxRules
) -> Reply:
    """The SMS of the log is this reply's, whatever we believed of it.

    Args:
        base: as in ``plan_recovered``.
    """
    assert reply.state in UNSENT, reply.state
    assert reply.message_id is None
    handed_over = replace(
        reply,
        state=ReplyState.UNCERTAIN,
        attempts=max(reply.attempts, 1),
        sending_at=reply.sending_at or logged.at,
        look_at=now,
        sequence=max(reply.sequence, base),
    )
    return apply_observation(handed_over, observe_logged(logged), now, rules)


def plan_recovered(
    logged: LoggedMessage, sender: str, base: int, now: datetime, rules: OutboxRules
) -> Reply | None:
    """A reply of its own for an SMS that none here knew of; None: it never left, nobody got it.

    Args:
        base: of the restoration: what is told counts above what an earlier restore told of it.
    """
    observed = observe_logged(logged)
    if observed.status is Status.FAILED and not observed.amount_microunits:
        return None
    reply_id = derive_id("recovered", logged.message_id)
    unseen = Reply(
        reply_id=reply_id,
        sender=sender,
        kind=ReplyKind.RECOVERED,
        trace=derive_trace(reply_id),
        due_at=logged.at,
        authorized_at=logged.at,
        sender_sealed=None,
        text_index=None,
        state=ReplyState.UNRESOLVED,
        look_at=None,
        changed_at=now,
        attempts=1,
        sending_at=logged.at,
        sequence=base,
    )
    return apply_observation(unseen, observed, now, rules)


def choose_recovered(reply: Reply, sent: Iterable[Reply], window: timedelta) -> Reply | None:
    """Of the recovered SMS to its number that which the reply takes over, the oldest."""
    free = [
        other
        for other in sent
        if other.kind is ReplyKind.RECOVERED and _answers(other, reply, window)
    ]
    return min(free, key=lambda other: (other.due_at, other.reply_id), default=None)


def take_over_all(
    unsent: Iterable[Reply],
    sent: Iterable[Reply],
    restoration: Restoration,
    window: timedelta,
    now: datetime,
) -> dict[str, Reply]:
    """Let each reply that is to be sent take over what was recovered of it.

    One that waited through the restore ends unsent where its sender was answered by another reply
    meanwhile: it may have expired after the backup, which the backup does not know.

    Args:
        sent: replies to their numbers that an SMS left for.

    Returns:
        by id, what changes: the replies that took over or ended, and what was taken.
    """
    there = {other.reply_id: other for other in sent}
    changed: dict[str, Reply] = {}
    for reply in unsent:
        chosen = choose_recovered(reply, there.values(), window)
        if chosen is not None:
            taken, gone = take_over(reply, chosen, now)
            there |= {taken.reply_id: taken, gone.reply_id: gone}
            changed |= {taken.reply_id: taken, gone.reply_id: gone}
        elif _was_answered(reply, there.values(), restoration, window):
            changed[reply.reply_id] = _end_unsent(reply, restoration.base, now)
    return changed


def _answers(other: Reply, reply: Reply, window: timedelta) -> bool:
    """Whether the SMS of another reply stands for this one."""
    return (
        other.sender == reply.sender
        and other.reply_id != reply.reply_id
        and other.state in LEFT
        and other.sending_at is not None
        and is_answered_by(reply, other.sending_at, window)
    )


def _was_answered(
    reply: Reply, sent: Iterable[Reply], restoration: Restoration, window: timedelta
) -> bool:
    if reply.kind is ReplyKind.TEST or reply.due_at >= restoration.restored_at:
        return False
    return any(
        _answers(other, reply, window)
        for other in sent
        if other.sending_at is not None and other.sending_at < restoration.restored_at + SKEW
    )


def _end_unsent(reply: Reply, base: int, now: datetime) -> Reply:
    return replace(
        reply,
        state=ReplyState.FAILED,
        reason="already_answered",
        nothing_charged=True,
        final=True,
        look_at=None,
        sender_sealed=None,
        sequence=max(reply.sequence, base) + 1,
        changed_at=now,
    )


def take_over(reply: Reply, recovered: Reply, now: datetime) -> tuple[Reply, Reply]:
    """The recovered SMS is the reply's: it ends as that did, and that is none of its own more."""
    assert reply.state is ReplyState.AUTHORIZED, reply.state
    taken = replace(
        recovered,
        reply_id=reply.reply_id,
        kind=reply.kind,
        trace=reply.trace,
        due_at=reply.due_at,
        authorized_at=reply.authorized_at,
        text_index=reply.text_index,
        sequence=max(reply.sequence, recovered.sequence) + 1,
        changed_at=now,
    )
    gone = replace(
        recovered,
        state=ReplyState.FAILED,
        reason="matched",
        message_id=None,
        amount_microunits=None,
        nothing_charged=True,
        final=True,
        look_at=None,
        sequence=recovered.sequence + 1,
        changed_at=now,
    )
    return taken, gone
