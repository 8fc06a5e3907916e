"""The posture: what is paid for, and whether the number should be attached (docs/design.md §5).

Pure: facts in, the next standing out. The first cause that holds suspends; a cause that
suspended already must be past by a margin before it lets go, so that a cent does not flap. Where
nothing suspends, a flood, a fund that burns too fast (``core/pace.py``), or one that does not reach
for all who wait and are expected (``core/price.py``) makes it guarded.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from kernel.facts.records import Posture
from kernel.settings.settings import QuietHours
from services.billing.core.ledger import Account, Balances, donated
from services.billing.core.pace import Demand, Donation, PaceRules, burns, surges
from services.billing.core.waiting import waited_between

DELIVERIES_JUDGED = 20
"""Ended replies that deliveries are judged by."""
PROBES = 5
"""Replies that are let go at a time while deliveries fail, to find out whether they still do."""

REATTACH_EXCHANGES = 10
"""So many exchanges above the floor, the number comes back without a donation: money that open
replies give back would else switch it on and off."""


class Cause(enum.StrEnum):
    """Why the posture is as it is; of those that suspend, the first that holds is named."""

    CALM = "calm"
    RESTORED = "restored"
    """The database was restored from a backup; until a person resumes."""
    OPERATOR = "operator"
    CREDIT = "credit"
    FLOOR = "floor"
    DAILY_CAP = "daily_cap"
    DELIVERIES_FAILING = "deliveries_failing"
    SURGE = "surge"
    """Guarded: far more first contacts than usual."""
    BURN = "burn"
    """Guarded: the fund would not last to its horizon."""


GUARDING = frozenset({Cause.SURGE, Cause.BURN})
HOLDING = frozenset({Cause.RESTORED, Cause.OPERATOR, Cause.DELIVERIES_FAILING})
"""What suspends for another cause than money."""


@dataclass(frozen=True, slots=True)
class PostureRules:
    """The controls.

    Attributes:
        floor_microeuros: ``FUND_FLOOR``.
        daily_cap_microeuros: None: none.
        margin_microeuros: what must be there beyond a limit before its cause lets go: one
            exchange.
        credit_floor_microeuros: of the provider's credit, what is left alone.
        floor_hours: so many hours of receiving at the last hour's rate are kept while a flood
            lasts.
        probe_every: between two rounds of probes.
        pace: how fast it may be spent before that is guarded against.
        detaching_saves: what is received while the number is on costs money; where it does not,
            only the operator takes it off.
    """

    floor_microeuros: int
    daily_cap_microeuros: int | None
    margin_microeuros: int
    credit_floor_microeuros: int
    floor_hours: int
    probe_every: timedelta
    pace: PaceRules
    detaching_saves: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """What the books and the provider say now, micro-euros.

    Attributes:
        received_last_hour: spent on receiving in the last hour.
        spent: on receiving and replies, ever; ``reserved`` not included.
        replies: of it on replies, and ``reserved``.
        credit: what is left at the provider, as last read, less what was spent and reserved
            since; None: not known, or not prepaid.
        given: donated, ever.
        deliveries: of the last ended replies, whether each was delivered; the latest first.
        next_price: of a reply.
        today: the date in the operator's time zone.
        demand: what was asked of the fund lately.
        waiting: what all who wait would cost.
        kept: what the price of a euro keeps from the worst who wait (``core/price.py``).
    """

    available: int
    reserved: int
    spent: int
    replies: int
    received_last_hour: int
    credit: int | None
    given: int
    deliveries: Sequence[bool]
    next_price: int
    today: date
    demand: Demand
    waiting: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The posture and what it remembers.

    Attributes:
        sequence: of the last change; 0: none.
        attach: whether the number should be attached.
        paused: the operator's reason; None: not paused.
        restored: which restore nobody has resumed after; None: none.
        detached: the operator wants the number off.
        given_then: donated when the number was last detached for want of money.
        at_donation, donated_at: available right after the last donation, micro-euros, and when.
        replies_before: spent on replies and reserved before it.
        day, spent_before: what was spent before that day began.
        probe_at: when the next probes may go; None: deliveries do not fail.
        probes: how many of them may still go.
        shown, shown_at: what the waiting clock (``core/waiting.py``) showed, and when.
        unread, unread_at: what a look last went by (``core/unread.py``); None: none yet.
    """

    posture: Posture
    cause: Cause
    attach: bool
    sequence: int = 0
    paused: str | None = None
    detached: bool = False
    given_then: int = 0
    at_donation: int = 0
    donated_at: datetime | None = None
    replies_before: int = 0
    day: date | None = None
    spent_before: int = 0
    probe_at: datetime | None = None
    probes: int = 0
    shown: timedelta = timedelta()
    shown_at: datetime | None = None
    restored: str | None = None
    unread: int = 0
    unread_at: datetime | None = None


FIRST = Standing(Posture.NORMAL, Cause.CALM, attach=True)
"""Before anything was looked at."""


def floor_for_replies(
    facts: Facts, standing: Standing, rules: PostureRules, *, held: bool = False
) -> int:
    """What replies may not touch: ``FUND_FLOOR``, or more while a flood lasts.

    Six hours of receiving at the last hour's rate, but at most half of what was available at the
    last donation, so that a flood cannot keep all of it from those it was given for.

    Args:
        held: it suspends already: a flood counts a quarter more, so that the ups and downs of a
            steady one do not switch replies on and off.
    """
    for_flood = rules.floor_hours * facts.received_last_hour
    if held:
        for_flood += for_flood // 4
    return max(rules.floor_microeuros, min(for_flood, standing.at_donation // 2))


def spendable(facts: Facts, standing: Standing, rules: PostureRules) -> int:
    """What replies may take now, micro-euros; below zero: less than nothing.

    Whatever is authorised within it leaves the floor, the daily cap and the credit whole.
    """
    money = spendable_by_and_by(facts, standing, rules)
    if rules.daily_cap_microeuros is not None:
        money = min(money, _left_today(facts, standing, rules.daily_cap_microeuros))
    return money


def spendable_by_and_by(facts: Facts, standing: Standing, rules: PostureRules) -> int:
    """As ``spendable``, but for today's cap: tomorrow there is another."""
    money = facts.available - floor_for_replies(facts, standing, rules)
    if facts.credit is not None:
        money = min(money, facts.credit - rules.credit_floor_microeuros)
    return money


def is_short(facts: Facts, standing: Standing, rules: PostureRules) -> bool:
    """Whether the money does not reach for all who wait and are expected.

    It begins because money is kept, and after a suspension; once it has begun a fifth more is
    asked, so that what is expected does not switch it on and off.
    """
    wanted, held = facts.waiting + facts.kept, standing.posture is not Posture.NORMAL
    if held:
        wanted += facts.kept // 5
    short = wanted > max(spendable_by_and_by(facts, standing, rules), 0)
    return short and (held or facts.kept > 0)


def decide_standing(
    standing: Standing, facts: Facts, rules: PostureRules, now: datetime
) -> Standing:
    """The standing from now on. Its sequence counts up where others are to be told."""
    standing = _turn_day(standing, facts)
    standing = _keep_probes(standing, facts, rules, now)
    cause = _find_cause(standing, facts, rules, now)
    posture = _POSTURES.get(cause, Posture.SUSPENDED)
    attach = _decide_attach(standing, facts, rules)
    if standing.attach and not attach and not standing.detached:
        standing = replace(standing, given_then=facts.given)
    if (posture, cause, attach) == (standing.posture, standing.cause, standing.attach):
        return standing
    return replace(
        standing, posture=posture, cause=cause, attach=attach, sequence=standing.sequence + 1
    )


def advance_clock(
    standing: Standing,
    quiet: QuietHours | None,
    now: datetime,
    unlooked_max: timedelta = timedelta.max,
) -> Standing:
    """Let the waiting clock go on to now; while suspended it stands still.

    Args:
        unlooked_max: longer since it was last looked at, nobody could have been paid: billing was
            down. So much of that time counts, no more.
    """
    since = standing.shown_at or now
    if now <= since:
        return standing if standing.shown_at else replace(standing, shown_at=now)
    shown = standing.shown
    if standing.posture is not Posture.SUSPENDED:
        shown += waited_between(since, since + min(now - since, unlooked_max), quiet)
    return replace(standing, shown=shown, shown_at=now)


_DAY = timedelta(days=1)
_POSTURES = {Cause.CALM: Posture.NORMAL} | dict.fromkeys(GUARDING, Posture.GUARDED)


def take_donation(standing: Standing, balances: Balances, now: datetime) -> Standing:
    """A donation was booked, the balances are with it; the pace begins anew."""
    return replace(
        standing,
        at_donation=max(balances[Account.FUND], 0),
        donated_at=now,
        replies_before=balances[Account.SPENT_REPLY] + balances[Account.RESERVED],
    )


def take_back(standing: Standing, balances: Balances) -> Standing:
    """A donation was corrected, the balances are without it: the pace goes on, on what is left.

    What went to replies since counts as there: the pace takes it off itself.
    """
    replies = balances[Account.SPENT_REPLY] + balances[Account.RESERVED]
    there = balances[Account.FUND] + replies - standing.replies_before
    return replace(standing, at_donation=max(there, 0))


def take_gifts(
    standing: Standing, balances: Balances, gained: int, horizon: timedelta, now: datetime
) -> Standing:
    """What of gifts may be spent has changed, the balances are with it.

    They come by themselves and often: within the horizon of the last donation it goes on, on what
    is there.

    Args:
        gained: micro-euros; below zero, a platform took money back.
    """
    first = standing.donated_at is None or now >= standing.donated_at + horizon
    if gained > 0 and first:
        return take_donation(standing, balances, now)
    given_then = standing.given_then
    if gained < 0:
        given_then = min(given_then, max(donated(balances), 0))
    return replace(take_back(standing, balances), given_then=given_then)


def donation_of(standing: Standing) -> Donation | None:
    """What the burn is measured by; None: nothing was donated."""
    if standing.donated_at is None:
        return None
    return Donation(standing.at_donation, standing.donated_at)


def until_horizon(standing: Standing, rules: PostureRules, now: datetime) -> datetime:
    """How far ahead money is kept: to ``FUND_HORIZON`` after the last donation."""
    return now if standing.donated_at is None else standing.donated_at + rules.pace.horizon


def _find_guard(standing: Standing, facts: Facts, rules: PostureRules, now: datetime) -> Cause:
    """Whether to be on guard; it lasts until all who wait and are expected could be paid.

    Where both causes hold, the one that is named already goes on being named.
    """
    donation = donation_of(standing)
    if donation is None or now >= donation.at + rules.pace.horizon:
        return Cause.CALM
    guarded = standing.cause in GUARDING
    holding = []
    if surges(facts.demand, guarded=guarded):
        holding.append(Cause.SURGE)
    if burns(facts.demand, donation, rules.pace, guarded=guarded):
        holding.append(Cause.BURN)
    if not holding and is_short(facts, standing, rules):
        holding.append(standing.cause if guarded else Cause.BURN)
    if standing.cause in holding:
        return standing.cause
    return holding[0] if holding else Cause.CALM


def _find_cause(standing: Standing, facts: Facts, rules: PostureRules, now: datetime) -> Cause:
    def lacks(left: int, cause: Cause) -> bool:
        # What was spent today does not come back: of the cap no margin is needed.
        sticks = standing.cause is cause is not Cause.DAILY_CAP
        margin = rules.margin_microeuros if sticks else 0
        return left < facts.next_price + margin

    if standing.restored is not None or standing.paused is not None:
        return Cause.OPERATOR if standing.restored is None else Cause.RESTORED
    if facts.credit is not None and lacks(
        facts.credit - rules.credit_floor_microeuros, Cause.CREDIT
    ):
        return Cause.CREDIT
    floor = floor_for_replies(facts, standing, rules, held=standing.cause is Cause.FLOOR)
    if lacks(facts.available - floor, Cause.FLOOR):
        return Cause.FLOOR
    cap = rules.daily_cap_microeuros
    if cap is not None and lacks(_left_today(facts, standing, cap), Cause.DAILY_CAP):
        return Cause.DAILY_CAP
    if standing.probe_at is not None:
        return Cause.DELIVERIES_FAILING
    return _find_guard(standing, facts, rules, now)


def _left_today(facts: Facts, standing: Standing, cap: int) -> int:
    return cap - (facts.spent - standing.spent_before) - facts.reserved


def _turn_day(standing: Standing, facts: Facts) -> Standing:
    # A day back is the date of a member whose clock is behind, around midnight.
    if standing.day is not None and timedelta() <= standing.day - facts.today <= _DAY:
        return standing
    return replace(standing, day=facts.today, spent_before=facts.spent)


def _keep_probes(standing: Standing, facts: Facts, rules: PostureRules, now: datetime) -> Standing:
    """Deliveries fail when fewer than half of the last ended replies were delivered."""
    failing = len(facts.deliveries) >= DELIVERIES_JUDGED and 2 * sum(facts.deliveries) < len(
        facts.deliveries
    )
    if not failing:
        return replace(standing, probe_at=None, probes=0)
    if standing.probe_at is None:
        return replace(standing, probe_at=now + rules.probe_every, probes=0)
    if now >= standing.probe_at:
        return replace(standing, probe_at=now + rules.probe_every, probes=PROBES)
    return standing


def _decide_attach(standing: Standing, facts: Facts, rules: PostureRules) -> bool:
    """Off when the operator says so, or when only the floor is left to pay for receiving.

    Before the first donation there is nothing to save: the number is left on.
    """
    if standing.detached:
        return False
    nothing = not facts.given and standing.donated_at is None
    if nothing or not rules.detaching_saves:
        return True
    margin = 0
    if not standing.attach:
        given = facts.given > standing.given_then
        margin = rules.margin_microeuros * (1 if given else REATTACH_EXCHANGES)
    return facts.available > rules.floor_microeuros + margin
