"""The waiting room: who is paid for next, and how much may be paid for now.

Best rank first (``reply.Entry.rank``): score and age. One is paid if what is kept from him
(``core/price.py``) is left after it. Replies wait here rather than at the responder, so that a
pause, a STOP, a block and a better score still reach them: no more than a minute of sending is
authorised ahead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kernel.facts.records import Posture, ReplyKind
from services.billing.core.posture import (
    Cause,
    Facts,
    PostureRules,
    Standing,
    spendable,
    spendable_by_and_by,
)
from services.billing.core.price import NOTHING_KEPT, PriceRules, Reserve
from services.billing.core.reply import Reply
from services.billing.core.tariff import Tariff


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be authorised now.

    Attributes:
        count: so many replies at most.
        amount_microeuros: so much money at most.
        tests_only: nothing but tests of the operator's.
        reserve: what of it is kept from whom; from tests nothing is.
        later_microeuros: money that may not go today and counts as kept.
        aged: the waiting clock now, in nats of score.
    """

    count: int
    amount_microeuros: int
    tests_only: bool = False
    reserve: Reserve = NOTHING_KEPT
    later_microeuros: int = 0
    aged: float = 0.0


def order_of(reply: Reply) -> tuple[bool, float, str]:
    """Tests first, then the best rank."""
    return (reply.kind is not ReplyKind.TEST, -reply.rank, reply.reply_id)


def choose_replies(waiting: Iterable[Reply], allowance: Allowance) -> Sequence[Reply]:
    """Whom to pay for, in order; stops at the first that the money does not reach.

    A cheaper one behind it does not overtake: it would starve the dear one.
    """
    chosen: list[Reply] = []
    left = allowance.amount_microeuros
    for reply in sorted(waiting, key=order_of):
        if allowance.tests_only and reply.kind is not ReplyKind.TEST:
            continue
        left -= reply.price_microeuros
        if len(chosen) == allowance.count or left < _needed_after(reply, allowance):
            break
        chosen.append(reply)
    return chosen


def _needed_after(reply: Reply, allowance: Allowance) -> int:
    """What of the amount must be left when it is paid."""
    if reply.kind is ReplyKind.TEST:
        return 0
    kept = allowance.reserve.from_whom(reply.rank + allowance.aged)
    return max(kept - allowance.later_microeuros, 0)


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What the waiting room goes by."""

    posture: PostureRules
    tariff: Tariff
    price: PriceRules


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
    standing: Standing, facts: Facts, load: Load, reserve: Reserve, rules: RoomRules
) -> Allowance:
    """What may be authorised now; what is unread is taken to cost the tariff."""
    if load.unread is None or not 0 <= load.unread <= load.unread_max:
        return Allowance(0, 0)
    money = spendable(facts, standing, rules.posture)
    money -= load.unread * rules.tariff.receive_microeuros
    count = max(load.ahead_max - load.outstanding, 0)
    if standing.posture is not Posture.SUSPENDED:
        later = spendable_by_and_by(facts, standing, rules.posture)
        later -= spendable(facts, standing, rules.posture)
        aged = standing.shown / rules.price.age
        return Allowance(count, money, load.quiet, reserve, later, aged)
    probing = standing.cause is Cause.DELIVERIES_FAILING and standing.probes > 0
    if probing and not load.quiet:
        return Allowance(min(count, standing.probes), money)
    return Allowance(count, money, tests_only=True)
