"""What the books note beside the money: steps of replies and of the posture, what was received."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from antirelou.records import Posture
from services.billing.core.posture import Cause


class Step(NamedTuple):
    """A reply came into a state."""

    reply_id: str
    at: datetime
    state: str
    reason: str


class Interval(NamedTuple):
    """What receiving cost from ``since`` on, for a minute, and when the last webhook came."""

    since: datetime
    spent_microeuros: int
    webhook_at: datetime | None


class PostureStep(NamedTuple):
    """A change of posture."""

    sequence: int
    at: datetime
    posture: Posture
    cause: Cause
    attach: bool


@dataclass(frozen=True, slots=True)
class ProviderState:
    """What was last read at the provider.

    Attributes:
        spent_microeuros: by our books, when the credit was read.
    """

    checked_at: datetime | None = None
    credit_microeuros: int | None = None
    spent_microeuros: int = 0
    attached: bool | None = None
