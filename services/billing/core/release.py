"""What a person does with the replies that wait for him (``RELEASE=person``): cards and acts. Pure.

Nothing is reserved for a card. One act, one message: who comes second finds that it waits no more.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from services.billing.core.reply import Reply

_WEIGHT = "weight_"


class Action(enum.StrEnum):
    """What one can do with a card."""

    SEND = "send"
    SKIP = "skip"
    """Not this one: it is ended."""
    LATER = "later"
    """It goes behind all who wait."""


class Act(NamedTuple):
    """What a person did.

    Attributes:
        actor: the person's name.
    """

    reply_id: str
    at: datetime
    action: Action
    actor: str

    def repeats(self, known: "Act | None") -> bool:
        """Whether the same person did the same before, as one who heard no answer does again."""
        return known is not None and (known.action, known.actor) == (self.action, self.actor)


@dataclass(frozen=True, slots=True)
class Card:
    """A reply that waits, with what a person goes by.

    Attributes:
        last_at: when its sender last wrote.
        texts: that he sent, from the one it answers on.
        basis: of the verdict.
    """

    reply: Reply
    last_at: datetime
    texts: int
    basis: Mapping[str, int | float | str]

    def reasons(self) -> list[str]:
        """What made the score, the heaviest first."""
        weights = {
            name.removeprefix(_WEIGHT): abs(weight)
            for name, weight in self.basis.items()
            if name.startswith(_WEIGHT) and isinstance(weight, int | float)
        }
        return sorted(weights, key=lambda name: (-weights[name], name))

    def left(self, shown: timedelta, wait_longest: timedelta) -> timedelta:
        """How long it may still wait, by the waiting clock that shows ``shown``."""
        return max(self.reply.entered + wait_longest - shown, timedelta())


def put_behind(reply: Reply, last_rank: float) -> Reply:
    """The reply behind all who wait.

    Args:
        last_rank: the least of them.
    """
    return replace(reply, rank=min(last_rank, reply.rank) - 1.0)
