"""What is published of the operator API's status. Pure.

One line is live: whether the number may be given. All else is of a snapshot: the last of a UTC day,
published from the day after the next on, so at least a day old. Snapshots that are kept are
``SPAN_MIN`` apart, so what two pages differ by is never an hour's. Counts are rounded down to
``TEN``, below which nothing is said; money to a step that ``TEN`` replies cost at least.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

import msgspec

from kernel.values.money import MICRO
from services.console.core.picture import Safety, judge_safety

TEN = 10
"""What counts are rounded down to; what is below is suppressed."""
DELAY = timedelta(days=2)
"""From a snapshot's day to the first day that it is published on."""
SPAN_MIN = timedelta(hours=20)
"""Least time between two snapshots."""
LOOKED_MAX = 8
"""Snapshots that the pace of spending is read from."""
KEPT_MAX = LOOKED_MAX + 2
"""Snapshots that are kept: today's and yesterday's are not published."""
SECONDS_A_DAY = 86_400
LASTS_DAYS_MAX = 360
"""Longer is not told apart."""
SILENCES: Mapping[str, str] = MappingProxyType(
    {
        "already_answered": "once",
        "already_deliberating": "once",
        "burst": "flood",
        "campaign": "flood",
        "range": "flood",
        "opted_out": "stop",
        "foreign": "not_mobile",
        "not_mobile": "not_mobile",
        "short_code": "not_mobile",
        "alphanumeric": "not_mobile",
        "call": "call",
    }
)
"""Reasons of silences in neutral groups; what is not here is ``other``."""
GROUPS = (*dict.fromkeys(SILENCES.values()), "other", "unsent")
ANSWERED = ("sent", "delivered")
"""States of a reply that went out and is not known to have failed."""
PENDING = ("waiting", "authorized", "sending")
UNSENT = ("undelivered", "failed", "uncertain", "unresolved", "expired", "refused")
MONEY = (
    "raised", "donated", "provider_credit", "spent_receive", "spent_reply", "fees", "available",
)  # fmt: skip


class Snapshot(msgspec.Struct, frozen=True):
    """Totals since the beginning, exact; never published as they are.

    Attributes:
        at: when it was taken, UTC.
        counts: messages and replies by ``received``, ``answered``, ``pending`` and ``GROUPS``.
        money: micro-euros by ``MONEY`` and ``floor``; None: not known.
    """

    at: datetime
    counts: dict[str, int]
    money: dict[str, int | None]


class Figures(msgspec.Struct, frozen=True):
    """What is published of a snapshot.

    Attributes:
        until: the UTC day that the figures end with.
        received, answered, pending: rounded down to ``TEN``; None: below it.
        not_answered: the same, by ``GROUPS``.
        euros: whole euros by ``MONEY``, rounded down to ``euros_step``; None: not known.
        lasts_days: how long the fund lasts as it goes, rounded down to ``TEN``, at most
            ``LASTS_DAYS_MAX``; None: nothing was spent lately.
    """

    until: date
    received: int | None
    answered: int | None
    pending: int | None
    not_answered: dict[str, int | None]
    euros: dict[str, int | None]
    euros_step: int
    lasts_days: int | None


class Published(msgspec.Struct, frozen=True):
    """All that the page tells.

    Attributes:
        at: when it was made, UTC: the live line is of then.
        safe: whether the number may be given.
        figures: None: there are none old enough yet.
    """

    at: datetime
    safe: Safety
    figures: Figures | None


def take_snapshot(status: Mapping[str, Any], now: datetime) -> Snapshot:
    """What is kept of an answer of ``/v1/status``."""
    messages, replies, fund = status["messages"], status["replies"], status["fund"]
    counts = {"received": messages["received"], **dict.fromkeys(GROUPS, 0)}
    for reason, count in messages["judged"].items():
        if reason != "reply":
            counts[SILENCES.get(reason, "other")] += count
    counts["answered"] = _total(replies, ANSWERED)
    counts["pending"] = messages["deliberating"] + _total(replies, PENDING)
    counts["unsent"] = _total(replies, UNSENT)
    money = {name: fund.get(f"{name}_microeuros") for name in (*MONEY, "floor")}
    return Snapshot(now.astimezone(UTC), counts, money)


def _total(replies: Mapping[str, int], states: Iterable[str]) -> int:
    return sum(replies.get(state, 0) for state in states)


def keep_snapshot(history: Sequence[Snapshot], taken: Snapshot) -> Sequence[Snapshot]:
    """The history with a snapshot in it: the last of each UTC day, ``SPAN_MIN`` apart."""
    # A clock that was ahead would keep everything after it out.
    history = [one for one in history if one.at <= taken.at]
    if history and history[-1].at.date() == taken.at.date():
        history.pop()
    if history and taken.at - history[-1].at < SPAN_MIN:
        return history
    return [*history, taken][-KEPT_MAX:]


def publish(
    history: Sequence[Snapshot],
    status: Mapping[str, Any] | None,
    now: datetime,
    *,
    price_microeuros: int,
) -> Published:
    """What may be told now.

    Args:
        history: as ``keep_snapshot`` made it.
        status: of now; None: the house does not answer.
        price_microeuros: of the dearest segment: ``TEN`` of them cost the step of the money.
    """
    now = now.astimezone(UTC)
    safe = Safety.UNKNOWN if status is None else judge_safety(status)
    old = [one for one in history if one.at.date() <= now.date() - DELAY]
    step = -(-TEN * max(price_microeuros, 0) // MICRO) or 1
    return Published(now, safe, _figures(old[-LOOKED_MAX:], step) if old else None)


def _figures(old: Sequence[Snapshot], step: int) -> Figures:
    last = old[-1]
    counts = {name: _round_count(count) for name, count in last.counts.items()}
    return Figures(
        until=last.at.date(),
        received=counts["received"],
        answered=counts["answered"],
        pending=counts["pending"],
        not_answered={group: counts[group] for group in GROUPS},
        euros={name: _round_money(last.money[name], step) for name in MONEY},
        euros_step=step,
        lasts_days=_lasts(old[0], last),
    )


def _round_count(count: int) -> int | None:
    return count // TEN * TEN if count >= TEN else None


def _round_money(amount_microeuros: int | None, step: int) -> int | None:
    if amount_microeuros is None:
        return None
    return max(amount_microeuros // (step * MICRO) * step, 0)


def _lasts(first: Snapshot, last: Snapshot) -> int | None:
    spent = _spent(last) - _spent(first)
    if spent <= 0:
        return None
    left = max((last.money["available"] or 0) - (last.money["floor"] or 0), 0)
    seconds = left * int((last.at - first.at).total_seconds()) // spent
    return min(seconds // SECONDS_A_DAY // TEN * TEN, LASTS_DAYS_MAX)


def _spent(snapshot: Snapshot) -> int:
    return sum(snapshot.money[name] or 0 for name in ("spent_receive", "spent_reply", "fees"))
