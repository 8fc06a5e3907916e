"""What billing knows of one reply: from waiting to its end, and what of its money moves.

``waiting → authorized → …`` as the responder tells it, or ``waiting → refused | expired`` by
billing itself. The reservation is made once, with ``authorized``; it ends only by what the
responder tells: posted at the cost, or voided where nothing was charged. Every function gives the
reply as it then is and the transfers that go with it.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from kernel.facts.records import (
    Reason,
    Refusal,
    ReplyAuthorized,
    ReplyChanged,
    ReplyKind,
    ReplyState,
    SmsJudged,
    derive_id,
    derive_trace,
)
from services.billing.core.ledger import (
    Account,
    Movement,
    Transfer,
    TransferKind,
    move_difference,
    transfer,
)
from services.billing.core.tariff import Basis, Tariff, is_over_cap, price_reply, price_sent

BY = "billing"
ENDED_HERE = frozenset({ReplyState.EXPIRED, ReplyState.REFUSED})
TOLD_HERE = ENDED_HERE | {ReplyState.AUTHORIZED}
"""States of which billing tells."""
ON_ITS_WAY = frozenset({
    ReplyState.AUTHORIZED, ReplyState.SENDING, ReplyState.UNCERTAIN, ReplyState.UNRESOLVED,
})  # fmt: skip
WITHDRAWING = frozenset({Reason.OPTED_OUT, Reason.BLOCKED})
"""Verdicts on a message after which what came before it is not answered either."""


class Reservation(enum.StrEnum):
    """Where the money of a reply stands."""

    NONE = "none"
    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, from the verdict on.

    Attributes:
        reply_id: the id of the message it answers; of a test, its own.
        received_at: of that message.
        due_at: when it was due; of a test, when it was asked for.
        entered: the waiting clock (``core/waiting.py``) when it began to wait.
        rank: its place in the waiting room (``Entry.rank``).
        price_microeuros: reserved, or to be reserved.
        cost_microeuros: booked in ``spent.reply``.
        basis: what the cost rests on; None: nothing is known of it.
        revision: adjustments booked.
        sequence: of the responder's last change; 0: it said nothing yet.
        told_at: when the authorisation, or the end, was last told; None: not yet.
    """

    reply_id: str
    sender: str
    kind: ReplyKind
    state: ReplyState
    reason: str
    score: float
    received_at: datetime
    due_at: datetime
    entered: timedelta
    rank: float
    price_microeuros: int
    sender_sealed: bytes | None
    changed_at: datetime
    reservation: Reservation = Reservation.NONE
    cost_microeuros: int = 0
    basis: Basis | None = None
    revision: int = 0
    sequence: int = 0
    told_at: datetime | None = None


class SealedPhone(NamedTuple):
    """A phone: its pseudonym, and its number sealed for sending."""

    sender: str
    sender_sealed: bytes


class Stepped(NamedTuple):
    """A reply after a step, and the money that moves with it."""

    reply: Reply
    transfers: list[Transfer]


class Entry(NamedTuple):
    """When a reply begins to wait.

    Attributes:
        shown: by the waiting clock.
        age: of waiting that counts as one nat of score.
    """

    shown: timedelta
    age: timedelta
    now: datetime

    def rank(self, score: float) -> float:
        """The place of a score among all, whenever they came; the larger the earlier.

        Age counts as score, so nobody is forgotten.
        """
        return score - self.shown / self.age


def admit_reply(judged: SmsJudged, tariff: Tariff, entry: Entry) -> Reply:
    """A verdict ``reply``: it waits to be paid for, or is refused for good."""
    price = price_reply(tariff)
    waiting = Reply(
        reply_id=judged.id,
        sender=judged.sender,
        kind=ReplyKind.REPLY,
        state=ReplyState.WAITING,
        reason="",
        score=judged.score,
        received_at=judged.received_at,
        due_at=judged.due_at,
        entered=entry.shown,
        rank=entry.rank(judged.score),
        price_microeuros=price,
        sender_sealed=judged.sender_sealed,
        changed_at=entry.now,
    )
    if judged.sender_sealed is None:
        return end_reply(waiting, ReplyState.REFUSED, Refusal.NO_NUMBER, entry.now)
    return _refuse_over_cap(waiting, tariff, entry.now)


def admit_test(test_id: str, phone: SealedPhone, tariff: Tariff, entry: Entry) -> Reply:
    """An SMS to a phone of the operator's own; the cap holds for it as well."""
    waiting = Reply(
        reply_id=test_id,
        sender=phone.sender,
        kind=ReplyKind.TEST,
        state=ReplyState.WAITING,
        reason="",
        score=0.0,
        received_at=entry.now,
        due_at=entry.now,
        entered=entry.shown,
        rank=entry.rank(0.0),
        price_microeuros=price_reply(tariff),
        sender_sealed=phone.sender_sealed,
        changed_at=entry.now,
    )
    return _refuse_over_cap(waiting, tariff, entry.now)


def _refuse_over_cap(waiting: Reply, tariff: Tariff, now: datetime) -> Reply:
    if is_over_cap(waiting.price_microeuros, tariff):
        return end_reply(waiting, ReplyState.REFUSED, Refusal.OVER_CAP, now)
    return waiting


class Withdrawal(NamedTuple):
    """A sender who is not to be answered any more: he opted out, or is blocked.

    Attributes:
        received_at: of the message that said so; None: whatever he sent.
    """

    sender: str
    reason: str
    received_at: datetime | None

    def covers(self, reply: Reply) -> bool:
        """Whether the reply answers what came before; a test answers nothing."""
        earlier = self.received_at is None or reply.received_at <= self.received_at
        return earlier and reply.sender == self.sender and reply.kind is not ReplyKind.TEST


def pay_reply(
    reply: Reply, withdrawals: Iterable[Withdrawal], tariff: Tariff, now: datetime
) -> Stepped:
    """Reserve its price, unless it must not be answered after all.

    A verdict that withdraws may be told before the verdict that it withdraws, and a block may
    cross one on its way; and the cap may be another one than when it came in.
    """
    for withdrawal in withdrawals:
        if withdrawal.covers(reply):
            return Stepped(end_reply(reply, ReplyState.REFUSED, withdrawal.reason, now), [])
    priced = _refuse_over_cap(reply, tariff, now)
    return authorize_reply(reply, now) if priced is reply else Stepped(priced, [])


def end_reply(reply: Reply, state: ReplyState, reason: str, now: datetime) -> Reply:
    """Billing ends a reply that it has not authorised; the number is not needed any more."""
    assert reply.state is ReplyState.WAITING, reply.state
    assert state in ENDED_HERE, state
    assert state is not ReplyState.REFUSED or reason in set(Refusal), reason
    return replace(
        reply, state=state, reason=reason, sender_sealed=None, changed_at=now, told_at=None
    )


def authorize_reply(reply: Reply, now: datetime) -> Stepped:
    """Reserve its price."""
    assert reply.state is ReplyState.WAITING, reply.state
    assert reply.reservation is Reservation.NONE, reply.reservation
    authorized = replace(
        reply,
        state=ReplyState.AUTHORIZED,
        reservation=Reservation.PENDING,
        changed_at=now,
        told_at=None,
    )
    if not reply.price_microeuros:
        return Stepped(authorized, [])
    reserve = Movement(TransferKind.RESERVE, Account.FUND, Account.RESERVED, reply.price_microeuros)
    return Stepped(authorized, [transfer(reserve, reply.reply_id, now)])


def hear_change(reply: Reply, change: ReplyChanged, tariff: Tariff, now: datetime) -> Stepped:
    """What the responder tells of it; an older change than the last heard says nothing."""
    if change.by == BY or change.sequence <= reply.sequence:
        return Stepped(reply, [])
    reservation = reply.reservation
    if reservation is Reservation.NONE:
        # The books have lost an authorisation, as after a restore: nothing is reserved for it.
        reservation = Reservation.VOIDED
    heard = replace(
        reply,
        reservation=reservation,
        price_microeuros=reply.price_microeuros if reply.reservation is reservation else 0,
        state=change.state,
        reason=change.reason,
        sequence=change.sequence,
        sender_sealed=None,
        changed_at=now,
    )
    if change.nothing_charged:
        return _settle(heard, 0, Basis.TOLD, now)
    known = change.amount_microunits is not None
    if not known and not change.final:
        return Stepped(heard, [])
    if not known and reply.cost_microeuros:
        return Stepped(heard, [])  # final, and its cost is booked; of a wrong void none is
    cost = price_sent(
        change.amount_microunits, change.segments, tariff, confirmed=change.amount_confirmed
    )
    return _settle(heard, cost.amount_microeuros, cost.basis, now)


def is_forgotten(reply: Reply | None, change: ReplyChanged) -> bool:
    """Whether a change tells of an authorisation that the books have lost, and of no end of it.

    After a restore the log tells again what was told since the backup. What was only on its way is
    not heard: the responder finds out whether it left, and what did not is paid for anew.

    Args:
        reply: None: not known.
    """
    lost = reply is None or reply.reservation is Reservation.NONE
    return lost and change.state in ON_ITS_WAY


def reply_unheard_of(change: ReplyChanged, now: datetime) -> Reply:
    """A reply that the books do not know, as after a restore: what it cost is booked all the same.

    Nothing is reserved for it.
    """
    return Reply(
        reply_id=change.reply_id,
        sender=change.sender,
        kind=change.kind,
        state=ReplyState.AUTHORIZED,
        reason="",
        score=0.0,
        received_at=change.due_at,
        due_at=change.due_at,
        entered=timedelta(),
        rank=0.0,
        price_microeuros=0,
        sender_sealed=None,
        changed_at=now,
        reservation=Reservation.VOIDED,
    )


def _settle(reply: Reply, cost: int, basis: Basis, now: datetime) -> Stepped:
    """Make ``cost`` the booked one, out of the reservation where one is pending."""
    movements: list[Movement] = []
    reservation = reply.reservation
    if reservation is Reservation.PENDING:
        movements = _end_reservation(reply.price_microeuros, cost)
        reservation = Reservation.POSTED if cost else Reservation.VOIDED
        booked = min(cost, reply.price_microeuros)
    else:
        booked = reply.cost_microeuros
    movements += move_difference(Account.SPENT_REPLY, booked, cost)
    revision, transfers = reply.revision, []
    for movement in movements:
        adjusts = movement.kind is TransferKind.ADJUSTMENT
        revision += adjusts
        of = revision if adjusts else 0
        transfers.append(transfer(movement, reply.reply_id, now, revision=of))
    settled = replace(
        reply, reservation=reservation, cost_microeuros=cost, basis=basis, revision=revision
    )
    return Stepped(settled, transfers)


def _end_reservation(price: int, cost: int) -> list[Movement]:
    if not cost:
        void = Movement(TransferKind.VOID, Account.RESERVED, Account.FUND, price)
        return [void] if price else []
    posted = min(price, cost)
    movements = []
    if posted:
        movements.append(Movement(TransferKind.POST, Account.RESERVED, Account.SPENT_REPLY, posted))
    if price > posted:
        movements.append(
            Movement(TransferKind.RELEASE, Account.RESERVED, Account.FUND, price - posted)
        )
    return movements


def describe_authorization(reply: Reply) -> ReplyAuthorized:
    """The record that lets it be sent; the same however often it is told."""
    assert reply.state is ReplyState.AUTHORIZED, reply.state
    assert reply.sender_sealed is not None
    return ReplyAuthorized(
        id=reply.reply_id,
        trace=derive_trace(reply.reply_id),
        at=reply.changed_at,
        sender=reply.sender,
        kind=reply.kind,
        due_at=reply.due_at,
        price_microeuros=reply.price_microeuros,
        sender_sealed=reply.sender_sealed,
    )


def describe_end(reply: Reply) -> ReplyChanged:
    """The record that billing ended it, so that the filter may answer the sender again."""
    assert reply.state in ENDED_HERE, reply.state
    return ReplyChanged(
        id=derive_id(reply.reply_id, 1, BY),
        trace=derive_trace(reply.reply_id),
        at=reply.changed_at,
        sender=reply.sender,
        reply_id=reply.reply_id,
        sequence=1,
        by=BY,
        kind=reply.kind,
        state=reply.state,
        reason=reply.reason,
        due_at=reply.due_at,
        amount_microunits=0,
        nothing_charged=True,
        final=True,
    )
