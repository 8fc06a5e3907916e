"""What becomes of one reply: every step from ``authorized`` to its end, and who may take it.

``authorized → sending → sent → delivered | undelivered``, or ``failed``, or
``uncertain → sent | unresolved`` (docs/design.md §5). Only a claim leads to ``sending``, only from
``authorized``; only a proof that nothing was accepted leads back. So whatever comes, twice, late
or in any order, no path sends twice. Every function gives the reply as it then is; ``sequence``
counts what others are to be told.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import assert_never

from kernel.facts.records import (
    OperatorAction,
    ReplyAuthorized,
    ReplyChanged,
    ReplyKind,
    ReplyState,
    derive_id,
)
from kernel.provider.port import Accepted, NotAccepted, SendResult, Uncertain
from services.responder.core.status import (
    DOUBTED_ORDER,
    LOG_ORDER,
    Observation,
    Status,
    as_undelivered,
    has_failed,
    has_left,
)

BY = "responder"
IMPLAUSIBLE_FACTOR = 3
"""An amount beyond so many times the tariff waits in billing for the log's word."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OPEN = frozenset({ReplyState.SENDING, ReplyState.UNCERTAIN})
"""A send that nobody can yet tell apart from another one to the same number."""


SEARCHED = frozenset({ReplyState.UNCERTAIN, ReplyState.UNRESOLVED})
"""A send that is looked for in the provider's log."""


class Search(enum.StrEnum):
    """How a search of the provider's log for a send ended in vain; an unresolved reply's reason."""

    ABSENT = "absent"
    """The log has no SMS that could be it: looked for for a day, then void."""
    AMBIGUOUS = "ambiguous"
    """It has several."""
    UNSEALABLE = "unsealable"
    """The number to search for cannot be opened."""


MENDED_ALONE = frozenset({
    "402", "429", "refused", "unresolved_host", "connect_timeout", "stale",
})  # fmt: skip
"""Refusals of a send that pass without anybody mending a setting or the SMS: of a test only these
are tried again. A reply is tried again after 401, 403 and 404 as well: a person mends those."""


@dataclass(frozen=True, slots=True)
class OutboxRules:
    """How long the outbox waits for what.

    Attributes:
        lease: a send without a result for so long is uncertain.
        search_first: an uncertain send is first looked for in the provider's log after this, and
            again after twice, four times… as long.
        unresolved_after: an uncertain send not found for so long is unresolved, and asked for
            again no more; it is looked for on, ever later, until ``final_after``: the log may lag
            for long. It is void then, if the log has gone on.
        settle_after: a sent reply without a charged report is then read from the provider's log.
        final_after: ``sent`` is final after this.
        retry_first, retry_longest: before a refused send is tried again; doubles.
        give_up_after: a reply still refused so long after it was authorised fails; a test after
            ``retry_longest``.
        amount_max_microunits, amount_min_microunits: a report of more, or of less, for a segment is
            checked in the provider's log.
        segments_min: of the shortest of our texts.
        repeatable, tells_leaving: as of ``provider.port.Traits``.
    """

    lease: timedelta
    search_first: timedelta
    unresolved_after: timedelta
    settle_after: timedelta
    final_after: timedelta
    retry_first: timedelta
    retry_longest: timedelta
    give_up_after: timedelta
    amount_max_microunits: int
    amount_min_microunits: int = 1
    segments_min: int = 1
    repeatable: bool = False
    tells_leaving: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply in the outbox.

    Attributes:
        look_at: when it wants something done if nothing happens: ``authorized`` to be sent,
            ``sending`` to be given up on, ``uncertain`` and ``sent`` to be looked up; None: never.
        attempts: how often it was claimed; ties a result to its send.
        looks: how often it was looked up since it was sent; spaces the next look.
        state_order, amount_order: of the observation that state and amount rest on
            (``status.Observation``); -1: none.
        sender_sealed: None once nobody needs it any more.
        sequence: of the last change told; 0: none.
    """

    reply_id: str
    sender: str
    kind: ReplyKind
    trace: str
    due_at: datetime
    authorized_at: datetime
    sender_sealed: bytes | None
    text_index: int | None
    state: ReplyState
    look_at: datetime | None
    changed_at: datetime
    attempts: int = 0
    looks: int = 0
    sending_at: datetime | None = None
    message_id: str | None = None
    reason: str = ""
    segments: int | None = None
    amount_microunits: int | None = None
    nothing_charged: bool = False
    final: bool = False
    state_order: int = -1
    amount_order: int = -1
    sequence: int = 0


def plan_reply(record: ReplyAuthorized, now: datetime) -> Reply:
    """A newly authorised reply: to be sent as soon as the rate allows."""
    return Reply(
        reply_id=record.id,
        sender=record.sender,
        kind=record.kind,
        trace=record.trace,
        due_at=record.due_at,
        authorized_at=now,
        sender_sealed=record.sender_sealed,
        text_index=record.text_index,
        state=ReplyState.AUTHORIZED,
        look_at=now,
        changed_at=now,
    )


def apply_repeat(reply: Reply, now: datetime) -> Reply:
    """It was authorised again: whoever asks hears of it, be it only that it waits here."""
    if reply.sequence:
        return reply
    return replace(reply, sequence=1, changed_at=now)


def apply_claim(reply: Reply, now: datetime, rules: OutboxRules) -> Reply:
    """It is about to be handed over; committed before the call."""
    assert reply.state is ReplyState.AUTHORIZED, reply.state
    assert reply.sender_sealed is not None
    claimed = replace(
        reply,
        state=ReplyState.SENDING,
        reason="",
        attempts=reply.attempts + 1,
        looks=0,
        sending_at=now,
        look_at=now + rules.lease,
    )
    return _tell(reply, claimed, now)


def apply_result(
    reply: Reply, attempt: int, result: SendResult, now: datetime, rules: OutboxRules
) -> Reply:
    """What the provider answered to a send, however late. Of an earlier attempt: nothing."""
    if reply.attempts != attempt:
        return reply
    match result:
        case Accepted():
            return _tell(reply, _accepted(reply, result.message_id, now, rules), now)
        case NotAccepted():
            if reply.state not in OPEN:
                return reply
            return _tell(reply, _refused(reply, result, now, rules), now)
        case Uncertain():
            if reply.state is not ReplyState.SENDING:
                return reply
            return _tell(reply, _uncertain(reply, result.reason, now, rules), now)
        case _:  # pragma: no cover
            assert_never(result)


def apply_lapse(reply: Reply, now: datetime, rules: OutboxRules) -> Reply:
    """Nobody told what became of a send before its lease ran out: a crash."""
    if reply.state is not ReplyState.SENDING or reply.look_at is None or reply.look_at > now:
        return reply
    return _tell(reply, _uncertain(reply, "lapsed", now, rules), now)


def apply_observation(
    reply: Reply, observed: Observation, now: datetime, rules: OutboxRules
) -> Reply:
    """What the provider says became of it, in a report or in its log; in any order, repeated.

    The provider's word counts above what we concluded ourselves: what it charges is charged.
    """
    if not is_about(reply, observed):
        return reply
    if rules.tells_leaving:
        observed = _heed_leaving(reply, observed)
    seen = replace(reply, message_id=observed.message_id)
    if _counts_for_amount(reply, observed):
        seen = replace(
            seen,
            amount_microunits=observed.amount_microunits,
            amount_order=observed.amount_order,
            segments=observed.segments if observed.segments is not None else seen.segments,
        )
    elif reply.amount_order == LOG_ORDER and observed.amount_microunits not in {
        None,
        reply.amount_microunits,
    }:
        seen = replace(seen, amount_order=DOUBTED_ORDER)
    if observed.state_order > reply.state_order:
        seen = _observed(seen, observed, now, rules)
    if seen.state is ReplyState.FAILED and seen.state_order >= 0:
        seen = replace(seen, nothing_charged=not seen.amount_microunits)
    return _tell(reply, _look_next(reply, seen, now, rules), now)


def _heed_leaving(reply: Reply, observed: Observation) -> Observation:
    """What was sent has left: if it failed as well, before or after, it was not delivered."""
    if observed.status is Status.FAILED and has_left(reply.state_order):
        return as_undelivered(observed, observed.error_code)
    if observed.status is Status.SENT and has_failed(reply.state_order):
        return as_undelivered(observed, reply.reason or None)
    return observed


def may_be_called_back(reply: Reply) -> bool:
    """Whether the provider has it and may not have sent it yet; a test is asked for by a person."""
    pending = reply.state is ReplyState.SENT and not has_left(reply.state_order)
    return pending and not reply.final and reply.kind is not ReplyKind.TEST


def needs_log(reply: Reply, rules: OutboxRules) -> bool:
    """Whether what it cost is to be read in the provider's log.

    It is unknown, doubted, or told by a report alone that may be wrong: too much or too little.
    """
    if reply.state is ReplyState.FAILED and not reply.amount_microunits:
        return False
    if reply.amount_microunits is None or reply.amount_order == DOUBTED_ORDER:
        return True
    if reply.amount_order >= LOG_ORDER:
        return False
    limit = rules.amount_max_microunits * max(reply.segments or 1, 1)
    return reply.amount_microunits > limit or _is_too_little(reply, rules)


def _is_too_little(reply: Reply, rules: OutboxRules) -> bool:
    """Whether a report told less than the tariff of its segments, or of our shortest text's."""
    segments = max(reply.segments or 1, rules.segments_min)
    told = reply.amount_microunits
    return told is not None and told < rules.amount_min_microunits * segments


def is_about(reply: Reply, observed: Observation) -> bool:
    """Whether the SMS observed is this reply's: it was handed over, and is no other one."""
    return reply.attempts > 0 and reply.message_id in {None, observed.message_id}


def apply_absence(
    reply: Reply,
    now: datetime,
    rules: OutboxRules,
    *,
    search: Search = Search.ABSENT,
    log_went_on: bool = False,
) -> Reply:
    """It was looked up in vain, or its time came: look again later, or leave it at that.

    Args:
        search: how a search for an uncertain send ended.
        log_went_on: the log shows what was sent after it.
    """
    if reply.state in SEARCHED:
        gone = log_went_on and search is Search.ABSENT and is_long_sought(reply, now, rules)
        left = _void(reply) if gone else _search_later(reply, search, now, rules)
        return _tell(reply, left, now)
    if reply.state in OPEN or reply.look_at is None:
        return reply
    latest = _final_at(reply, rules)
    if now >= latest:
        return _tell(reply, _ended(reply), now)
    if needs_log(reply, rules):
        return _look_later(reply, now, rules.settle_after, latest)
    return replace(reply, look_at=None if reply.final else latest)


def is_long_sought(reply: Reply, now: datetime, rules: OutboxRules) -> bool:
    """Whether the log has had its day to show a send: what it does not show now, never was."""
    return reply.state in SEARCHED and now >= _final_at(reply, rules)


def _void(reply: Reply) -> Reply:
    """It never left. Should it be seen after all, it is booked, and its sender was answered."""
    failed = replace(
        reply, state=ReplyState.FAILED, reason=Search.ABSENT.value, nothing_charged=True
    )
    return _ended(failed)


def may_ask_again(reply: Reply, now: datetime, rules: OutboxRules) -> bool:
    """Whether an uncertain send may be asked for again, under its reference.

    Only where the provider knows it by that, and not after so long that nobody wants it any more.
    """
    since = reply.sending_at or reply.authorized_at
    asked = rules.repeatable and reply.state is ReplyState.UNCERTAIN
    return asked and reply.sender_sealed is not None and now < since + rules.unresolved_after


def apply_decision(reply: Reply, action: OperatorAction, now: datetime) -> Reply:
    """What the operator decided about an unresolved reply; of any other: nothing."""
    if reply.state is not ReplyState.UNRESOLVED:
        return reply
    match action:
        case OperatorAction.REPLY_SENT:
            decided = replace(reply, state=ReplyState.SENT, reason="operator")
        case OperatorAction.REPLY_VOID:
            decided = replace(
                reply, state=ReplyState.FAILED, reason="operator", nothing_charged=True
            )
        case OperatorAction.BACKFILL:
            return reply
        case _:  # pragma: no cover
            assert_never(action)
    return _tell(reply, _ended(decided), now)


def describe_change(reply: Reply) -> ReplyChanged:
    """The record of the last change told; of the same reply always the same."""
    assert reply.sequence > 0
    return ReplyChanged(
        id=derive_id(reply.reply_id, reply.sequence, BY),
        trace=reply.trace,
        at=reply.changed_at,
        sender=reply.sender,
        reply_id=reply.reply_id,
        sequence=reply.sequence,
        by=BY,
        kind=reply.kind,
        state=reply.state,
        reason=reply.reason,
        due_at=reply.due_at,
        message_id=reply.message_id,
        segments=reply.segments,
        amount_microunits=0 if reply.nothing_charged else reply.amount_microunits,
        amount_confirmed=_is_confirmed(reply),
        nothing_charged=reply.nothing_charged,
        final=reply.final,
    )


_STATES: Mapping[Status, ReplyState] = {
    Status.QUEUED: ReplyState.SENT,
    Status.CANCELLED: ReplyState.FAILED,
    Status.SENT: ReplyState.SENT,
    Status.DELIVERED: ReplyState.DELIVERED,
    Status.UNDELIVERED: ReplyState.UNDELIVERED,
    Status.FAILED: ReplyState.FAILED,
}


def _accepted(reply: Reply, message_id: str, now: datetime, rules: OutboxRules) -> Reply:
    known = replace(reply, message_id=reply.message_id or message_id)
    # Failed without a word of the provider's: the operator took it for never sent.
    voided = reply.state is ReplyState.FAILED and reply.state_order < 0
    if reply.state not in SEARCHED | OPEN and not voided:
        return known  # a report was faster than the answer
    return replace(_sent(known, now, rules), nothing_charged=False, final=False)


def _sent(reply: Reply, now: datetime, rules: OutboxRules) -> Reply:
    """Handed over. The number is not needed any more: what follows goes by the provider's id."""
    return replace(
        reply,
        state=ReplyState.SENT,
        reason="",
        looks=0,
        look_at=now + rules.settle_after,
        sender_sealed=None,
    )


def _refused(reply: Reply, result: NotAccepted, now: datetime, rules: OutboxRules) -> Reply:
    patience = rules.give_up_after
    if reply.kind is ReplyKind.TEST:  # a person waits for it, and would be told of it days later
        patience = rules.retry_longest if result.reason in MENDED_ALONE else timedelta()
    given_up = now - reply.authorized_at >= patience
    if not result.retry or given_up or reply.sender_sealed is None:
        failed = replace(reply, state=ReplyState.FAILED, reason=result.reason)
        return _ended(replace(failed, nothing_charged=True))
    pause = rules.retry_first * 2 ** min(reply.attempts - 1, 16)
    pause = min(pause, rules.retry_longest)
    if result.after_seconds is not None:
        pause = max(pause, timedelta(seconds=result.after_seconds))
    return replace(
        reply,
        state=ReplyState.AUTHORIZED,
        reason=result.reason,
        look_at=now + pause,
    )


def _uncertain(reply: Reply, reason: str, now: datetime, rules: OutboxRules) -> Reply:
    return replace(
        reply,
        state=ReplyState.UNCERTAIN,
        reason=reason,
        looks=0,
        look_at=now + rules.search_first,
    )


def _counts_for_amount(reply: Reply, observed: Observation) -> bool:
    if observed.amount_microunits is None:
        return False
    if observed.amount_order == LOG_ORDER:
        return True
    # Of two amounts with the same place in the provider's order the larger one counts.
    return (observed.amount_order, observed.amount_microunits) > (
        reply.amount_order,
        reply.amount_microunits or 0,
    )


def _observed(reply: Reply, observed: Observation, now: datetime, rules: OutboxRules) -> Reply:
    ordered = replace(reply, state_order=observed.state_order)
    state = _STATES[observed.status]
    if state is ReplyState.SENT and reply.state is ReplyState.SENT:
        return ordered
    ordered = replace(ordered, nothing_charged=False)
    if state is ReplyState.SENT:
        return replace(_sent(ordered, now, rules), final=False)
    return _ended(replace(ordered, state=state, reason=observed.error_code or ""))


def _look_next(before: Reply, seen: Reply, now: datetime, rules: OutboxRules) -> Reply:
    """When to look at it after an observation."""
    told_again = all(
        getattr(seen, name) == getattr(before, name)
        for name in ("amount_order", "amount_microunits", "state")
    )
    if told_again:
        return replace(seen, look_at=before.look_at)  # what is looked up still is
    if seen.state is ReplyState.SENT and seen.amount_microunits is None:
        return seen  # a report may still come: ``settle_after``
    if needs_log(seen, rules):
        late = seen.amount_order < DOUBTED_ORDER and _is_too_little(seen, rules)
        at = _next_sweep(now, rules) if late else now + rules.search_first
        return replace(seen, looks=0, look_at=at)
    return replace(seen, look_at=None if seen.final else _final_at(seen, rules))


def _next_sweep(now: datetime, rules: OutboxRules) -> datetime:
    """When to read what it cost: all at the same times, so that a page of the log tells of many.

    Where the price is below the tariff it is every reply, and the budget of questions is small.
    """
    ahead = now + rules.search_first - _EPOCH
    return _EPOCH - (-ahead // rules.settle_after) * rules.settle_after


def _is_confirmed(reply: Reply) -> bool:
    return reply.amount_order >= DOUBTED_ORDER


def _final_at(reply: Reply, rules: OutboxRules) -> datetime:
    return (reply.sending_at or reply.authorized_at) + rules.final_after


def _ended(reply: Reply) -> Reply:
    return replace(reply, final=True, look_at=None, sender_sealed=None)


def _search_later(reply: Reply, search: Search, now: datetime, rules: OutboxRules) -> Reply:
    """Not found: look again, and from some time on let the operator see what the log says."""
    latest = (reply.sending_at or reply.authorized_at) + rules.unresolved_after
    if now < latest:
        return _look_later(reply, now, rules.search_first, latest)
    left = replace(reply, state=ReplyState.UNRESOLVED, reason=search.value)
    if now >= _final_at(reply, rules):
        # The log has not gone on since, or has several: then only a person can tell.
        waits = search is Search.ABSENT
        return replace(left, look_at=now + rules.final_after if waits else None)
    return _look_later(left, now, rules.search_first, _final_at(reply, rules))


def _look_later(reply: Reply, now: datetime, first: timedelta, latest: datetime) -> Reply:
    """Look again after a pause that doubles, and in any case when its time is up."""
    pause = first * 2 ** min(reply.looks, 16)
    return replace(reply, looks=reply.looks + 1, look_at=max(now, min(now + pause, latest)))


_TOLD = ("state", "reason", "message_id", "segments", "amount_microunits", "nothing_charged", "final")  # fmt: skip # noqa: E501


def _tell(before: Reply, after: Reply, now: datetime) -> Reply:
    """Count a change, if others would see one."""
    same = all(getattr(before, name) == getattr(after, name) for name in _TOLD)
    if same and _is_confirmed(before) == _is_confirmed(after):
        return after
    return replace(after, sequence=before.sequence + 1, changed_at=now)
