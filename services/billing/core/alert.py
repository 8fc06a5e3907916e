"""Whom to wake, and when to be quiet again: alerts for those who watch no dashboard. Pure.

An alarm is told once, when it has held, or come and gone, for a while; its end is told once, when
it has been over for a while; so what flaps is told once. No more than so many messages a day. What
was told is a value that survives a restart.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from kernel.facts.records import Posture
from services.billing.core.posture import Cause
from services.billing.core.tariff import WITHIN_TARIFF, Prices


class Alarm(enum.StrEnum):
    """What is told; in this order, where several are to be told at once."""

    SUSPENDED = "suspended"
    DETACHED = "detached"
    PROVIDER_AWAY = "provider_away"
    AUDIT = "audit"
    UNREAD = "unread"
    FUND_LOW = "fund_low"
    PRICE = "price"
    GIFTS = "gifts"
    UNCERTAIN = "uncertain"
    DEAD = "dead"
    GUARDED = "guarded"


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known now; micro-euros.

    Attributes:
        attached: None: never read.
        given: whether anything was ever donated: before, a fund is not low.
        lasts: the fund, as it goes; None: nothing is asked of it.
        provider_checked_at: None: never, which is none of our business yet.
        broken: violations that the last audit found.
        unread_at: when what is received and not booked was last known; None: never yet.
        dear: prices above the tariff, asked within a day.
        uncounted: gifts reported within a day that are not counted.
        waiting, waiting_cost: replies in the waiting room, and what would answer them all.
    """

    posture: Posture
    cause: Cause
    attached: bool | None
    given: bool
    available: int
    floor: int
    lasts: timedelta | None
    provider_checked_at: datetime | None
    uncertain_since: datetime | None
    dead: int
    broken: int
    unread_at: datetime | None = None
    dear: Prices = WITHIN_TARIFF
    uncounted: int = 0
    waiting: int = 0
    waiting_cost: int = 0


@dataclass(frozen=True, slots=True)
class AlertRules:
    """When.

    Attributes:
        raise_after: an alarm is told when it holds so long after it was first seen.
        clear_after: it must have been over so long, before that is told and it is forgotten.
        horizon: ``FUND_HORIZON``.
        provider_after: without a word from the provider's account for so long, it is away.
        uncertain_after: a send that is uncertain for longer is told.
        unread_after: nothing is paid while nobody knows what is unread; for longer it is told.
        a_day_max: messages in one day of the operator's time zone.
    """

    raise_after: timedelta = timedelta(minutes=2)
    clear_after: timedelta = timedelta(minutes=15)
    horizon: timedelta = timedelta(days=7)
    provider_after: timedelta = timedelta(minutes=30)
    uncertain_after: timedelta = timedelta(minutes=10)
    unread_after: timedelta = timedelta(minutes=2)
    a_day_max: int = 12


class Known(Struct, frozen=True):
    """An alarm that holds, or did until lately.

    Attributes:
        since: when it began.
        told: its beginning was told.
        over_since: when it was last seen to be over; None: it holds.
    """

    since: datetime
    told: bool = False
    over_since: datetime | None = None


class Memory(Struct, frozen=True):
    """What was told.

    Attributes:
        known: alarms by ``key_of``.
        day, told: how many messages on which day.
    """

    known: Mapping[str, Known] = {}
    day: date | None = None
    told: int = 0


@dataclass(frozen=True, slots=True)
class Alert:
    """One message.

    Attributes:
        over: it tells that the alarm is over.
        last: no more today.
    """

    alarm: Alarm
    cause: Cause | None
    over: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be told next.

    Attributes:
        seen: what is known whether or not it can be told.
        alert: None: nothing is to be told.
        memory: what is known once it was told.
    """

    seen: Memory
    alert: Alert | None
    memory: Memory


def find_alarms(now_is: Situation, rules: AlertRules, now: datetime) -> Iterator[str]:
    """The keys of what is wrong now."""
    match now_is.posture:
        case Posture.SUSPENDED:
            yield key_of(Alarm.SUSPENDED, now_is.cause)
        case Posture.GUARDED:
            yield key_of(Alarm.GUARDED, now_is.cause)
        case Posture.NORMAL:
            pass
    lasts = now_is.lasts
    checked, uncertain = now_is.provider_checked_at, now_is.uncertain_since
    unread_at = now_is.unread_at
    holds = {
        Alarm.DETACHED: now_is.attached is False,
        Alarm.FUND_LOW: now_is.given and lasts is not None and lasts < rules.horizon,
        Alarm.PROVIDER_AWAY: checked is not None and now - checked > rules.provider_after,
        Alarm.UNCERTAIN: uncertain is not None and now - uncertain > rules.uncertain_after,
        Alarm.DEAD: now_is.dead > 0,
        Alarm.AUDIT: now_is.broken > 0,
        Alarm.UNREAD: unread_at is not None and now - unread_at > rules.unread_after,
        Alarm.PRICE: any(now_is.dear),
        Alarm.GIFTS: now_is.uncounted > 0,
    }
    yield from (key_of(alarm) for alarm, wrong in holds.items() if wrong)


def decide_alerts(
    memory: Memory, alarms: Sequence[str], rules: AlertRules, now: datetime, today: date
) -> Told:
    """The next message; there may be another after it.

    Args:
        alarms: of ``find_alarms``.
        today: the date in the operator's time zone.
    """
    told = memory.told if memory.day == today else 0
    known = {
        key: _see(memory.known.get(key), now, holds=key in alarms)
        for key in {**dict.fromkeys(alarms), **memory.known}
    }
    for key in sorted(known, key=_order):
        alarm = known[key]
        if not _is_ripe(alarm, rules, now):
            continue
        over = alarm.over_since is not None
        if over and (not alarm.told or _goes_on(key, known)):
            del known[key]
            continue
        if told < rules.a_day_max:
            alert = _describe(key, over=over, last=told + 1 == rules.a_day_max)
            left = {other: seen for other, seen in known.items() if other != key}
            after = left if over else left | {key: replace(alarm, told=True)}
            return Told(Memory(known, today, told), alert, Memory(after, today, told + 1))
    return Told(Memory(known, today, told), None, Memory(known, today, told))


def key_of(alarm: Alarm, cause: Cause | None = None) -> str:
    """How an alarm is remembered: a suspension for another cause is another."""
    return f"{alarm}:{cause}" if cause else str(alarm)


def _see(known: Known | None, now: datetime, *, holds: bool) -> Known:
    if known is None:
        return Known(now)
    if holds:
        return replace(known, over_since=None)
    return replace(known, over_since=known.over_since or now)


def _is_ripe(known: Known, rules: AlertRules, now: datetime) -> bool:
    if known.over_since is not None:
        return now - known.over_since >= rules.clear_after
    return not known.told and now - known.since >= rules.raise_after


def _goes_on(key: str, known: Mapping[str, Known]) -> bool:
    """The same holds for another cause: it is not over."""
    alarm = key.partition(":")[0]
    return any(
        other != key and other.partition(":")[0] == alarm and known[other].over_since is None
        for other in known
    )


def _describe(key: str, *, over: bool, last: bool) -> Alert:
    alarm, _, cause = key.partition(":")
    return Alert(Alarm(alarm), Cause(cause) if cause else None, over, last)


def _order(key: str) -> tuple[int, str]:
    return list(Alarm).index(Alarm(key.partition(":")[0])), key
