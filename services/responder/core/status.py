"""What the provider says of an SMS of ours, in a report or in its log, and what counts more.

Reports come repeated and out of order (docs/plivo.md §2). Each is given two numbers, for what it
says of the state and for what it says of the amount; of two observations the one with the larger
number counts. So the outcome depends on which were seen, not on when.
"""

import enum
from dataclasses import dataclass, replace

from kernel.facts.records import SmsReported
from kernel.provider.port import LoggedMessage


class Status(enum.StrEnum):
    """The provider's statuses, as far as they differ for us."""

    QUEUED = "queued"
    CANCELLED = "cancelled"
    """Called back before it was sent; what is sent all the same takes it back."""
    SENT = "sent"
    FAILED = "failed"
    UNDELIVERED = "undelivered"
    DELIVERED = "delivered"


_STATUSES = {
    "queued": Status.QUEUED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
    "rejected": Status.FAILED,
    "cancelled": Status.CANCELLED,
}
_RANKS = {
    Status.QUEUED: 0,
    Status.CANCELLED: 1,
    Status.SENT: 2,
    Status.FAILED: 3,
    Status.UNDELIVERED: 4,
    Status.DELIVERED: 5,
}
"""Of two with the same place in the provider's order, the one further on."""

LOG_ORDER = 10**8
"""Of amounts the log's counts above every report's: the log is the bill, and asked for by us, while
a report may come unsigned (docs/plivo.md §3). Its latest word counts."""
DOUBTED_ORDER = LOG_ORDER - 1
"""The log's amount, once a later report told another one: it is to be read again."""

SEQUENCE_MAX = 10**6
_TERMINAL = 10**9


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing the provider said.

    Attributes:
        state_order: an end counts above all that is none, then the provider's sequence.
        amount_order: the provider's sequence, or ``LOG_ORDER``.
        amount_microunits: what is charged; None where it is not told or not charged yet.
    """

    status: Status
    message_id: str
    error_code: str | None
    segments: int | None
    amount_microunits: int | None
    state_order: int
    amount_order: int


def has_left(state_order: int) -> bool:
    """Whether the observation with this number says that the SMS was sent."""
    return state_order >= 0 and state_order % 10 == _RANKS[Status.SENT]


def has_failed(state_order: int) -> bool:
    """Whether it says that it failed, for good."""
    return state_order >= _TERMINAL and state_order % 10 == _RANKS[Status.FAILED]


def as_undelivered(observed: Observation, error_code: str | None) -> Observation:
    """What left and failed: it was not delivered."""
    rank = _RANKS[Status.UNDELIVERED]
    order = (rank + 1) * 10 + rank + _TERMINAL
    return replace(observed, status=Status.UNDELIVERED, state_order=order, error_code=error_code)


def observe_report(report: SmsReported) -> Observation | None:
    """A status report; None: a status that nobody knows."""
    status = _STATUSES.get(report.status)
    if status is None:
        return None
    # Without a sequence, how far on its status is is the only order there is.
    place = report.sequence if report.sequence is not None else _RANKS[status]
    return _observe(status, place, report, report.error_code)


def observe_logged(logged: LoggedMessage) -> Observation:
    """A record of the provider's log, which lags: of the state any report counts above it.

    That it is there proves that it was accepted, whatever its state says.
    """
    status = _STATUSES.get(logged.state, Status.QUEUED)
    return replace(_observe(status, -1, logged, logged.error_code), amount_order=LOG_ORDER)


def _observe(
    status: Status,
    place: int,
    said: SmsReported | LoggedMessage,
    error_code: str | None,
) -> Observation:
    order = (min(max(place, -1), SEQUENCE_MAX) + 1) * 10 + _RANKS[status]
    charged = status is not Status.QUEUED
    terminal = status not in {Status.QUEUED, Status.CANCELLED, Status.SENT}
    cancelled = status is Status.CANCELLED
    return Observation(
        status=status,
        message_id=said.message_id,
        error_code=status.value if cancelled else error_code,
        segments=said.segments,
        amount_microunits=said.amount_microunits if charged else None,
        state_order=order + _TERMINAL * terminal,
        amount_order=order,
    )
