"""The waiting room: who is paid for next, and how much may be paid for now.

First come, first served. Replies wait here rather than at the responder, so that a pause, a STOP
and a block still reach them: no more than a minute of sending is authorised ahead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from antirelou.records import Posture, ReplyKind
from services.billing.core.posture import (
    Cause,
    Facts,
    PostureRules,
    Standing,
    spendable,
)
from services.billing.core.reply import Reply
from services.billing.core.tariff import Tariff


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be authorised now.

    Attributes:
        count: so many replies at most.
        amount_microeuros: so much money at most.
        tests_only: nothing but tests of the operator's.
    """

    count: int
    amount_microeuros: int
    tests_only: bool = False


def order_of(reply: Reply) -> tuple[bool, datetime, str]:
    """Tests first, then the longest due."""
    return (reply.kind is not ReplyKind.TEST, reply.due_at, reply.reply_id)


def choose_replies(waiting: Iterable[Reply], allowance: Allowance) -> Sequence[Reply]:
    """Whom to pay for, in order; stops at the first that the money does not reach.

    A cheaper one behind it does not overtake: it would starve the dear one.
    """
    chosen: list[Reply] = []
    left = allowance.amount_microeuros
    for reply in sorted(waiting, key=order_of):
        if allowance.tests_only and reply.kind is not ReplyKind.TEST:
            continue
        if len(chosen) == allowance.count or reply.price_microeuros > left:
            break
        left -= reply.price_microeuros
        chosen.append(reply)
    return chosen


@dataclass(frozen=True, slots=True)
class Load:
    """What stands between the waiting room and the provider now.

    Attributes:
        outstanding: authorised and not yet handed over.
        ahead_max: so many may be.
        unread: receipts in the log that are not booked yet.
        unread_max: with more than that nothing is authorised: nobody knows what the fund holds.
        quiet: nothing but tests is sent now.
    """

    outstanding: int
    ahead_max: int
    unread: int
    unread_max: int
    quiet: bool


def plan_allowance(
    standing: Standing, facts: Facts, load: Load, rules: PostureRules, tariff: Tariff
) -> Allowance:
    """What may be authorised now; what is unread is taken to cost the tariff."""
    money = spendable(facts, standing, rules) - load.unread * tariff.receive_microeuros
    count = max(load.ahead_max - load.outstanding, 0)
    if load.unread > load.unread_max:
        return Allowance(0, 0)
    if standing.posture is not Posture.SUSPENDED:
        return Allowance(count, money, tests_only=load.quiet)
    probing = standing.cause is Cause.DELIVERIES_FAILING and standing.probes > 0
    if probing and not load.quiet:
        return Allowance(min(count, standing.probes), money)
    return Allowance(count, money, tests_only=True)
