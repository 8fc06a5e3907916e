"""The waiting room: who is paid for next, and how much may be paid for now.

Best rank first (``reply.Entry.rank``): score and age; those in doubt come after all others, from
what these will leave. Replies wait here rather than at the responder, so that a pause, a STOP, a
block and a better score still reach them: no more than a minute of sending is authorised ahead.
"""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kernel.facts.records import Posture, ReplyKind
from services.billing.core.pace import doubtful_left, pace_left
from services.billing.core.posture import (
    Cause,
    Facts,
    PostureRules,
    Standing,
    donation_of,
    spendable,
)
from services.billing.core.reply import Reply, is_doubtful
from services.billing.core.tariff import Tariff


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be authorised now.

    Attributes:
        count: so many replies at most.
        amount_microeuros: so much money at most.
        tests_only: nothing but tests of the operator's.
        paced_microeuros: of the money, what may go to others than tests; None: all of it.
        doubtful_microeuros: of that, what may go to replies in doubt; None: all of it.
    """

    count: int
    amount_microeuros: int
    tests_only: bool = False
    paced_microeuros: int | None = None
    doubtful_microeuros: int | None = None


def order_of(reply: Reply) -> tuple[bool, float, str]:
    """Tests first, then the best rank."""
    return (reply.kind is not ReplyKind.TEST, -reply.rank, reply.reply_id)


def choose_replies(waiting: Iterable[Reply], allowance: Allowance) -> Sequence[Reply]:
    """Whom to pay for, in order; stops at the first that the money does not reach.

    A cheaper one behind it does not overtake: it would starve the dear one.
    """
    chosen: list[Reply] = []
    left = _fill_pots(allowance)
    for reply in sorted(waiting, key=order_of):
        if allowance.tests_only and reply.kind is not ReplyKind.TEST:
            continue
        pots = [pot for pot in _pots_of(reply) if pot in left]
        price = reply.price_microeuros
        if len(chosen) == allowance.count or any(price > left[pot] for pot in pots):
            break
        for pot in pots:
            left[pot] -= price
        chosen.append(reply)
    return chosen


class _Pot(enum.Enum):
    """Of what the money is counted."""

    ALL = enum.auto()
    PACED = enum.auto()
    DOUBTFUL = enum.auto()


def _fill_pots(allowance: Allowance) -> dict[_Pot, int]:
    """What is in each; without a limit: missing."""
    amounts = {
        _Pot.ALL: allowance.amount_microeuros,
        _Pot.PACED: allowance.paced_microeuros,
        _Pot.DOUBTFUL: allowance.doubtful_microeuros,
    }
    return {pot: amount for pot, amount in amounts.items() if amount is not None}


def _pots_of(reply: Reply) -> Sequence[_Pot]:
    """All that a reply is paid from."""
    if reply.kind is ReplyKind.TEST:
        return (_Pot.ALL,)
    if is_doubtful(reply):
        return (_Pot.ALL, _Pot.PACED, _Pot.DOUBTFUL)
    return (_Pot.ALL, _Pot.PACED)


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What the waiting room goes by."""

    posture: PostureRules
    tariff: Tariff


@dataclass(frozen=True, slots=True)
class Load:
    """What stands between the waiting room and the provider now.

    Attributes:
        outstanding: authorised and not yet handed over.
        ahead_max: so many may be.
        unread: receipts in the log that are not booked yet; None: not known, nothing is paid.
        unread_max: with more than that nothing is authorised: nobody knows what the fund holds.
        quiet: nothing but tests is sent now.
    """

    outstanding: int
    ahead_max: int
    unread: int | None
    unread_max: int
    quiet: bool


def plan_allowance(
    standing: Standing, facts: Facts, load: Load, rules: RoomRules, now: datetime
) -> Allowance:
    """What may be authorised now; what is unread is taken to cost the tariff."""
    if load.unread is None or not 0 <= load.unread <= load.unread_max:
        return Allowance(0, 0)
    money = spendable(facts, standing, rules.posture)
    money -= load.unread * rules.tariff.receive_microeuros
    count = max(load.ahead_max - load.outstanding, 0)
    if standing.posture is Posture.NORMAL:
        return Allowance(count, money, tests_only=load.quiet)
    if standing.posture is Posture.GUARDED:
        return _guard(Allowance(count, money, tests_only=load.quiet), standing, facts, rules, now)
    probing = standing.cause is Cause.DELIVERIES_FAILING and standing.probes > 0
    if probing and not load.quiet:
        return Allowance(min(count, standing.probes), money)
    return Allowance(count, money, tests_only=True)


def _guard(
    allowance: Allowance, standing: Standing, facts: Facts, rules: RoomRules, now: datetime
) -> Allowance:
    """What the pace leaves of an allowance; tests are not held to it."""
    donation = donation_of(standing, facts)
    if donation is None:
        return allowance
    pace = rules.posture.pace
    left = min(allowance.amount_microeuros, pace_left(donation, pace, now))
    return replace(
        allowance,
        paced_microeuros=left,
        doubtful_microeuros=doubtful_left(donation, facts.demand, left, pace, now),
    )
