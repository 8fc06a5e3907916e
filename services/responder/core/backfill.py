"""Which stretches of the provider's log to read for messages that we never saw.

docs/design.md §5.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from kernel.facts.records import LoggedCost
from kernel.provider.port import LoggedMessage


class ScanKind(enum.StrEnum):
    """What a scan reads and passes on."""

    UNDELIVERED = "undelivered"
    """Only what our webhook did not take: all of it is passed on. Comes first."""
    WHOLE = "whole"
    """Everything: passed on is what our webhook did not take (a detached number has no webhook,
    and what state such messages have is not documented); of the rest, what it cost."""
    ORDERED = "ordered"
    """Everything, and all is passed on: the operator asked for it."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A place in the provider's log of received messages.

    Attributes:
        name: unique.
        since, until: the stretch in hand, whole seconds, both included; ``until`` None: none.
        offset: of the next page in it.
        look_at: when to go on.
    """

    name: str
    kind: ScanKind
    since: datetime
    until: datetime | None
    offset: int
    look_at: datetime


@dataclass(frozen=True, slots=True)
class BackfillRules:
    """When the log is read.

    Attributes:
        every: how often.
        behind: how old a message must be: before that the provider may still be trying our
            webhook (about seven minutes), and the log lags.
    """

    every: timedelta
    behind: timedelta


def open_scan(scan: Scan, rules: BackfillRules, now: datetime) -> Scan:
    """Take the next stretch in hand, unless one is."""
    if scan.until is not None:
        return scan
    until = (now - rules.behind).astimezone(UTC).replace(microsecond=0)
    if until <= scan.since:
        return replace(scan, look_at=now + rules.every)
    return replace(scan, until=until, offset=0)


def apply_page(scan: Scan, read: int, *, more: bool, rules: BackfillRules, now: datetime) -> Scan:
    """One page was read and passed on.

    Args:
        read: how many records were on it.
    """
    assert scan.until is not None
    if more and read:
        return replace(scan, offset=scan.offset + read, look_at=now)
    # The last second is read again next time: it may not have been over.
    return replace(scan, since=scan.until, until=None, offset=0, look_at=now + rules.every)


def is_over(scan: Scan) -> bool:
    """An ordered scan ends with its first stretch; the others go on for ever."""
    return scan.kind is ScanKind.ORDERED and scan.until is None


def is_passed_on(kind: ScanKind, message: LoggedMessage) -> bool:
    """Whether a record of the log goes to the others as a message."""
    return kind is not ScanKind.WHOLE or message.state != "delivered"


def list_costs(kind: ScanKind, messages: Sequence[LoggedMessage]) -> tuple[LoggedCost, ...]:
    """What messages cost that our webhook took; of the others it is passed on with them.

    The log counts above what the webhook told, whose body may be unsigned (docs/plivo.md §3).
    """
    return tuple(
        LoggedCost(
            message_id=message.message_id,
            segments=max(message.segments or 1, 1),
            amount_microunits=message.amount_microunits,
        )
        for message in messages
        if message.amount_microunits is not None and not is_passed_on(kind, message)
    )
