"""When the next SMS may go: one rate for all replicas, quiet hours, pause, and the provider's no.

The rate is a generic cell rate algorithm (ITU-T I.371): one instant, ``free_at``, says it all, so
a row that all replicas lock is enough. No more than a tenth of a second's worth may go
at once: a long number bears about one SMS in two seconds, never two together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kernel.facts.records import Posture
from kernel.provider.port import Accepted, NotAccepted, SendResult
from kernel.settings.settings import QuietHours

BURST_SECONDS = 0.1

HOLDING_CAUSES = frozenset({"operator", "restored"})
"""The causes of a suspension under which nothing that is already authorised goes out.

Under the others (floor, daily cap, credit, deliveries failing) billing authorises nothing, or only
a few to try; what it has authorised is paid for and goes.
"""

HOLDING_REASONS = frozenset({
    "401", "402", "404", "429", "refused", "unresolved_host", "connect_timeout", "certificate",
})  # fmt: skip
"""Refusals that meet every SMS alike, so that trying the next one at once makes no sense."""


@dataclass(frozen=True, slots=True)
class RateRules:
    """The rate and the pauses.

    Attributes:
        per_second: SMS a second over all replicas.
        quiet: hours in which nothing but tests is sent; None: none.
        hold_first, hold_longest: pause after a refusal that meets all; doubles.
    """

    per_second: float
    quiet: QuietHours | None
    hold_first: timedelta
    hold_longest: timedelta


@dataclass(frozen=True, slots=True)
class Pace:
    """The state of sending, shared by all replicas.

    Attributes:
        free_at: from when on the rate lets the next one go.
        held_until: the provider refuses all; None: it does not.
        probing: one was claimed to find out whether it still does.
        holds: refusals of all in a row.
        hold_reason: the last one's.
        paused: the operator suspended.
    """

    free_at: datetime
    held_until: datetime | None = None
    probing: bool = False
    holds: int = 0
    hold_reason: str = ""
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Permit:
    """What may go now.

    Attributes:
        count: so many.
        tests_only: of them only tests of the operator's.
        next_at: when to ask again if none may go now.
    """

    count: int
    tests_only: bool
    next_at: datetime


def decide_permit(pace: Pace, rules: RateRules, now: datetime, count_max: int) -> Permit:
    """How many may go now, at most ``count_max``.

    Tests go in quiet hours and while the operator suspended: he asks for them himself.
    """
    quiet = rules.quiet is not None and rules.quiet.covers(now)
    tests_only = quiet or pace.paused
    if pace.held_until is not None and pace.held_until > now:
        return Permit(0, tests_only, pace.held_until)
    lead = now + _tolerance(rules) - max(pace.free_at, now)
    if lead < timedelta():
        return Permit(0, tests_only, pace.free_at - _tolerance(rules))
    count = min(int(lead / _interval(rules)) + 1, count_max)
    if pace.held_until is not None:
        count = min(count, 1)  # after a refusal of all, one finds out whether it is over
    return Permit(count, tests_only, now)


def apply_claimed(pace: Pace, rules: RateRules, now: datetime, count: int) -> Pace:
    """So many were claimed. The first after a hold goes alone, until it is answered."""
    if not count:
        return pace
    free_at = max(pace.free_at, now) + count * _interval(rules)
    if pace.held_until is None:
        return replace(pace, free_at=free_at)
    return replace(pace, free_at=free_at, held_until=now + rules.hold_first, probing=True)


def apply_results(
    pace: Pace, results: Sequence[SendResult], rules: RateRules, now: datetime
) -> Pace:
    """What the provider said to some sends at once: hold all, or go on."""
    refused = [
        result
        for result in results
        if isinstance(result, NotAccepted) and result.reason in HOLDING_REASONS
    ]
    if refused:
        return _hold(pace, refused, rules, now)
    if pace.held_until is not None and any(isinstance(result, Accepted) for result in results):
        return replace(pace, held_until=None, probing=False, holds=0, hold_reason="")
    return pace


def _hold(pace: Pace, refused: Sequence[NotAccepted], rules: RateRules, now: datetime) -> Pace:
    if pace.held_until is not None and pace.held_until > now and not pace.probing:
        return pace  # sent before the hold: the same refusal once more
    pause = min(rules.hold_first * 2 ** min(pace.holds, 16), rules.hold_longest)
    asked = max(result.after_seconds or 0.0 for result in refused)
    return replace(
        pace,
        held_until=now + max(pause, timedelta(seconds=asked)),
        probing=False,
        holds=pace.holds + 1,
        hold_reason=refused[-1].reason,
    )


def _interval(rules: RateRules) -> timedelta:
    return timedelta(seconds=1 / rules.per_second)


def _tolerance(rules: RateRules) -> timedelta:
    """How far ahead of an even rate one may be."""
    burst = max(int(rules.per_second * BURST_SECONDS), 1)
    return (burst - 1) * _interval(rules)


def apply_posture(pace: Pace, posture: Posture, cause: str) -> Pace:
    """Billing changed what it pays for."""
    return replace(pace, paused=posture is Posture.SUSPENDED and cause in HOLDING_CAUSES)
