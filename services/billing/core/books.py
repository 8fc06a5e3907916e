"""What the books note beside the money: steps of replies and of the posture, what was received."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from kernel.facts.records import Posture
from services.billing.core.posture import Cause


class Step(NamedTuple):
    """A reply came into a state."""

    reply_id: str
    at: datetime
    state: str
    reason: str


class Interval(NamedTuple):
    """What was asked of the fund from ``since`` on, for a minute.

    Attributes:
        spent_microeuros: on receiving.
        asked_microeuros: the price of replies that were found deserved, paid or not.
        surged: so many of them came in a surge.
        webhook_at: when the last webhook came.
        replied_microeuros: what replies were found to have cost.
        receive_price_microeuros, reply_price_microeuros: the highest that the provider asked for
            a segment; 0: it named no price.
    """

    since: datetime
    spent_microeuros: int = 0
    asked_microeuros: int = 0
    surged: int = 0
    webhook_at: datetime | None = None
    replied_microeuros: int = 0
    receive_price_microeuros: int = 0
    reply_price_microeuros: int = 0

    def plus(self, other: "Interval") -> "Interval":
        """Both, of one minute."""
        times = [at for at in (self.webhook_at, other.webhook_at) if at is not None]
        return Interval(
            self.since,
            self.spent_microeuros + other.spent_microeuros,
            self.asked_microeuros + other.asked_microeuros,
            self.surged + other.surged,
            max(times, default=None),
            self.replied_microeuros + other.replied_microeuros,
            max(self.receive_price_microeuros, other.receive_price_microeuros),
            max(self.reply_price_microeuros, other.reply_price_microeuros),
        )


class PostureStep(NamedTuple):
    """A change of posture."""

    sequence: int
    at: datetime
    posture: Posture
    cause: Cause
    attach: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ProviderState:
    """What was last read at the provider.

    Attributes:
        spent_microeuros: by our books, of what came before the credit was read.
    """

    checked_at: datetime | None = None
    credit_microeuros: int | None = None
    spent_microeuros: int = 0
    attached: bool | None = None
