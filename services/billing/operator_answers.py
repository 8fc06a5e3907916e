"""What the operator API answers: a struct a route. No text, no number is in any of them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kernel.desk.fields import Instant
from kernel.facts.records import (
    Decision,
    DonationKind,
    Platform,
    Posture,
    Reason,
    ReplyState,
)
from kernel.stage.dead import Explanation
from services.billing.core.gift import Part, Uncounted
from services.billing.core.tariff import Prices
from services.billing.operator import (
    Block,
    Cards,
    Corpse,
    Entry,
    Fund,
    ReplyWay,
    Restoration,
    Status,
    Step,
    Unresolved,
    Way,
)

SILENCES = tuple(reason.value for reason in Reason if reason is not Reason.DESERVED)
STATES = [state.value for state in ReplyState]
ALL_STATES = {"properties": {state: {"type": "integer"} for state in STATES}, "required": STATES}
"""JSON Schema of counts by state, of which none is left out."""


class Messages(msgspec.Struct, frozen=True):
    """The messages.

    Attributes:
        received: distinct messages.
        judged: by ``reply``, or by the reason of the silence.
    """

    received: int
    deliberating: int
    judged: dict[str, int]


class Dear(msgspec.Struct, frozen=True):
    """Prices above the tariff that were asked for a segment within a day; null: within it."""

    receive_microeuros: int | None
    reply_microeuros: int | None


class StatusAnswer(msgspec.Struct, frozen=True):
    """The status, as in docs/contract.md §3.

    Attributes:
        attached: as last read at the provider; null: never read.
        replies: by state.
        dead: records on the dead topics that were not put back; null: the log is away.
        dear: prices above the tariff that were asked for a segment within a day.
    """

    posture: Posture
    posture_cause: str
    attached: bool | None
    last_webhook_at: Instant | None
    fund: Fund
    messages: Messages
    replies: Annotated[dict[str, int], Meta(extra_json_schema=ALL_STATES)]
    dead: int | None
    dear: Dear


def describe_status(status: Status, dead: int | None) -> StatusAnswer:
    """The status, with all reasons and states, those without included.

    Args:
        dead: as in the answer.
    """
    judged = dict.fromkeys((Decision.REPLY.value, *SILENCES), 0) | dict(status.judged)
    # A verdict may be read before the message that it is about.
    deliberating = max(status.received - sum(judged.values()), 0)
    return StatusAnswer(
        posture=status.posture,
        posture_cause=status.posture_cause,
        attached=status.attached,
        last_webhook_at=status.last_webhook_at,
        fund=status.fund,
        messages=Messages(status.received, deliberating, judged),
        replies=dict.fromkeys(STATES, 0) | dict(status.replies),
        dead=dead,
        dear=_describe_dear(status.watched.dear),
    )


def _describe_dear(dear: Prices) -> Dear:
    return Dear(dear.receive_microeuros or None, dear.reply_microeuros or None)


class Booked(msgspec.Struct, frozen=True):
    """An entry, and what the fund holds after it."""

    id: str
    amount_microeuros: int
    available_microeuros: int


class PartAnswer(msgspec.Struct, frozen=True):
    """What a platform reported; of a giver nothing is known.

    Attributes:
        amount_minor: hundredths of the currency.
        holds: false: it failed, or was cancelled.
        payment: the payment that it is about.
    """

    at: Instant
    source: Platform
    kind: DonationKind
    amount_minor: int
    currency: str
    holds: bool
    id: str
    payment: str
    uncounted: Uncounted | None


def describe_part(part: Part) -> PartAnswer:
    """One thing that a platform reported."""
    return PartAnswer(**{name: getattr(part, name) for name in PartAnswer.__struct_fields__})


class FundAnswer(msgspec.Struct, frozen=True):
    """The fund and its book, the oldest entry first.

    Attributes:
        gifts: what platforms reported, the latest first.
        uncounted: what of it is not counted: another currency, or an amount beyond belief.
    """

    fund: Fund
    entries: Sequence[Entry]
    gifts: Sequence[PartAnswer]
    uncounted: Sequence[PartAnswer]


class Corrected(msgspec.Struct, frozen=True):
    """An entry that was reversed, and what the fund holds after it."""

    entry: str
    available_microeuros: int


class PostureAnswer(msgspec.Struct, frozen=True):
    """What is paid for now.

    Attributes:
        attached: as last read at the provider; null: never read.
        changed: false: it was so before.
    """

    posture: Posture
    posture_cause: str
    attached: bool | None
    changed: bool


class WaitingAnswer(msgspec.Struct, frozen=True):
    """What resuming would pay for.

    Attributes:
        seconds: how long sending takes.
    """

    waiting: int
    cost_microeuros: int
    seconds: float


class RestorationAnswer(msgspec.Struct, frozen=True):
    """The latest restore; null: there was none."""

    restoration: Restoration | None


class BlocksAnswer(msgspec.Struct, frozen=True):
    """The block list, the latest first."""

    blocks: Sequence[Block]


class BlockAnswer(msgspec.Struct, frozen=True):
    """Whether a sender is answered.

    Attributes:
        sender: pseudonym.
        changed: false: it was so before.
    """

    sender: str
    blocked: bool
    changed: bool


class ReplyAnswer(msgspec.Struct, frozen=True):
    """What became of a reply.

    Attributes:
        price_microeuros: reserved.
        cost_microeuros: charged by the provider; null: not known.
    """

    state: str | None
    states: Sequence[Step]
    price_microeuros: int | None
    cost_microeuros: int | None


class WayAnswer(msgspec.Struct, frozen=True):
    """The way of one message.

    Attributes:
        basis: what the verdict rests on: counts and derived ids.
    """

    id: str
    kind: Annotated[str, Meta(extra_json_schema={"enum": ["message", "call", "test"]})]
    received_at: Instant | None
    receive_cost_microeuros: int | None
    verdict: str | None
    reason: str | None
    basis: Mapping[str, int | float | str]
    due_at: Instant | None
    reply: ReplyAnswer | None


class WaysAnswer(msgspec.Struct, frozen=True):
    """The latest first."""

    messages: Sequence[WayAnswer]


def describe_ways(ways: Sequence[Way]) -> WaysAnswer:
    """The ways of messages."""
    return WaysAnswer([_describe_way(way) for way in ways])


def _describe_way(way: Way) -> WayAnswer:
    return WayAnswer(
        id=way.id,
        kind=way.kind,
        received_at=way.received_at,
        receive_cost_microeuros=way.cost_microeuros,
        verdict=way.verdict,
        reason=way.reason,
        basis=way.basis,
        due_at=way.due_at,
        reply=None if way.reply is None else _describe_reply(way.reply),
    )


def _describe_reply(reply: ReplyWay) -> ReplyAnswer:
    state = reply.steps[-1].state if reply.steps else None
    return ReplyAnswer(state, reply.steps, reply.price_microeuros, reply.cost_microeuros)


class TestAnswer(msgspec.Struct, frozen=True):
    """A test.

    Attributes:
        id: for ``explain``.
    """

    id: str


class UnresolvedAnswer(msgspec.Struct, frozen=True):
    """Replies whose money is held, the oldest first."""

    replies: Sequence[Unresolved]


class DecisionAnswer(msgspec.Struct, frozen=True):
    """What was decided about a reply."""

    id: str
    outcome: Literal["sent", "void"]


class CardAnswer(msgspec.Struct, frozen=True):
    """A reply that waits for a person.

    Attributes:
        first_at: of the text it answers.
        last_at: of its sender's last text.
        texts: he sent, from that one on.
        score: log-odds that he is genuine.
        reasons: what made the score, the heaviest first.
        expires_at: if nobody acts; later, while replies are suspended.
    """

    reply_id: str
    first_at: Instant
    last_at: Instant
    texts: int
    score: float
    reasons: Sequence[str]
    price_microeuros: int
    expires_at: Instant


class ReleasesAnswer(msgspec.Struct, frozen=True):
    """The replies that wait for a person.

    Attributes:
        waiting: in all.
        cards: the best first.
    """

    waiting: int
    cards: Sequence[CardAnswer]


def describe_cards(found: Cards) -> ReleasesAnswer:
    """What a person may release."""
    return ReleasesAnswer(
        found.waiting,
        [
            CardAnswer(
                card.reply.reply_id,
                card.reply.received_at,
                card.last_at,
                card.texts,
                card.reply.score,
                card.reasons(),
                card.reply.price_microeuros,
                expires_at,
            )
            for card, expires_at in found.cards
        ],
    )


class ReleaseAnswer(msgspec.Struct, frozen=True):
    """What was done with a reply."""

    reply_id: str
    action: Literal["send", "skip", "later"]
    actor: str


class BackfillAnswer(msgspec.Struct, frozen=True):
    """From when on the provider's log is read again."""

    since: Instant


class DeadAnswer(msgspec.Struct, frozen=True):
    """The dead records, without their values.

    Attributes:
        total: how many there are; of each topic the last 1,000 are listed.
        records: what two services put aside is two records.
        explanations: by reason: what it means, and what to do.
    """

    total: int
    records: Sequence[Corpse]
    explanations: Mapping[str, Explanation]


class ReplayAnswer(msgspec.Struct, frozen=True):
    """How many dead records were put back."""

    replayed: int


class AuditAnswer(msgspec.Struct, frozen=True):
    """What was noted: violations by invariant."""

    broken: dict[str, int]
