"""What a person does with the fund and sees of it: the values, and the store's port for it.

What an action tells the other services is a row of the same transaction; ``tell`` appends it and
takes it away. So an action is never lost between the database and the log, and one that was told
twice after a crash is the same record again.
"""

import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Protocol

import msgspec

from kernel.desk.fields import Instant
from kernel.facts.records import OperatorDecided, Posture, ReplyState, SenderBlocked
from kernel.log.port import Outgoing
from services.billing.core.gift import Part
from services.billing.core.outlook import Outlook
from services.billing.core.release import Act, Card
from services.billing.core.tariff import WITHIN_TARIFF, Prices


class Outcome(enum.Enum):
    """What became of an action."""

    DONE = "done"
    REPEATED = "repeated"
    """It was done before: nothing changed."""
    CONFLICT = "conflict"
    """Its id belongs to something else, or its object is not in a state for it."""
    UNKNOWN = "unknown"
    """There is no such object."""
    BEYOND = "beyond"
    """It is more than is there to move."""
    NO_MONEY = "no_money"
    """The fund, its floor, a cap or the pace does not allow it now."""
    HELD = "held"
    """The posture holds all replies back, for another cause than money."""
    BELOW_ZERO = "below_zero"
    """It would take the fund below zero, and nobody said that it may."""


class EntryKind(enum.StrEnum):
    """What a person books."""

    DONATION = "donation"
    FEE = "fee"
    CORRECTION = "correction"
    TRANSFER = "transfer"
    """Money that a person moved from a platform to the provider."""


class Fund(msgspec.Struct, frozen=True):
    """The fund, micro-euros. available = donated - spent - fees - reserved.

    Attributes:
        raised_microeuros: what the platforms hold or held for us.
        transferred_microeuros: of it, what a person moved to the provider.
        held_microeuros: of it, what ``GIFT_HOLD`` does not let count yet.
    """

    donated_microeuros: int
    available_microeuros: int
    reserved_microeuros: int
    spent_receive_microeuros: int
    spent_reply_microeuros: int
    fees_microeuros: int
    floor_microeuros: int
    provider_credit_microeuros: int | None
    raised_microeuros: int = 0
    transferred_microeuros: int = 0
    held_microeuros: int = 0


class Entry(msgspec.Struct, frozen=True):
    """One entry of the fund's book.

    Attributes:
        id: the person's; a correction's is derived from what it reverses.
        amount_microeuros: as it changed the fund: a fee is negative; of a transfer what was moved.
        note: the person's words; of a correction, why.
    """

    at: Instant
    kind: EntryKind
    amount_microeuros: int
    id: str
    note: str


@dataclass(frozen=True, slots=True)
class Audit:
    """The last audit that was told of (``antirelou audit --tell``).

    Attributes:
        broken: violations by invariant, those without included.
    """

    at: datetime
    broken: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Watched:
    """What alerts go by beside the status.

    Attributes:
        provider_checked_at: when account or number was last read at the provider.
        uncertain_since: of the sends whose outcome is unknown, the oldest.
        unread_at: when what is received and not booked was last known.
        dear: prices above the tariff, asked within a day.
        uncounted: gifts that were reported within a day and are not counted.
    """

    outlook: Outlook = field(default_factory=Outlook)
    provider_checked_at: datetime | None = None
    uncertain_since: datetime | None = None
    audit: Audit | None = None
    unread_at: datetime | None = None
    dear: Prices = WITHIN_TARIFF
    uncounted: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """What ``GET /v1/status`` shows, but for ``dead`` (docs/contract.md §3).

    Attributes:
        attached: as last read at the provider; None: never read.
        judged: distinct messages by ``reply``, or by the reason of the silence.
        replies: by state.
    """

    posture: Posture
    posture_cause: str
    attached: bool | None
    last_webhook_at: datetime | None
    fund: Fund
    received: int
    judged: Mapping[str, int]
    replies: Mapping[str, int]
    watched: Watched = field(default_factory=Watched)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The replies that a resumption would pay for."""

    count: int
    cost_microeuros: int


@dataclass(frozen=True, slots=True)
class Cards:
    """What a person may release.

    Attributes:
        waiting: how many in all.
        cards: the best, each with when it expires.
    """

    waiting: int
    cards: Sequence[tuple[Card, datetime]]


class Restoration(msgspec.Struct, frozen=True):
    """The latest restore from a backup, and what the provider's log brought since.

    Attributes:
        reconciled_at: None: the log is still being read.
        resumed: a person has lifted the suspension.
        matched: replies that had been sent already, and are not sent again.
        recovered: SMS sent of which the backup knew no reply.
        received: messages that came back.
        receive_microeuros, reply_microeuros: what was booked since, by what for.
    """

    backup_at: Instant
    restored_at: Instant
    reconciled_at: Instant | None
    resumed: bool
    matched: int
    recovered: int
    received: int
    receive_microeuros: int
    reply_microeuros: int


class Block(msgspec.Struct, frozen=True):
    """A sender on the block list, by his pseudonym."""

    sender: str
    at: Instant


class Step(msgspec.Struct, frozen=True):
    """A reply came into a state."""

    at: Instant
    state: Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(ReplyState)})]
    reason: str


@dataclass(frozen=True, slots=True)
class ReplyWay:
    """What became of a reply.

    Attributes:
        price_microeuros: what was or is reserved for it; None: nothing yet.
        cost_microeuros: what the provider charged; None: not known.
    """

    steps: Sequence[Step]
    price_microeuros: int | None
    cost_microeuros: int | None


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one message, without its text or its sender's number.

    Attributes:
        kind: ``message``, ``call`` or ``test``.
        verdict: None: not judged yet.
        cost_microeuros: of receiving it.
    """

    id: str
    kind: str
    received_at: datetime | None
    cost_microeuros: int | None
    verdict: str | None = None
    reason: str | None = None
    basis: Mapping[str, int | float | str] = field(default_factory=dict)
    due_at: datetime | None = None
    reply: ReplyWay | None = None


class Unresolved(msgspec.Struct, frozen=True):
    """A reply whose money is held because nobody knows whether it was sent.

    Attributes:
        log: what the provider's log says of it, a reason code of the responder's (``absent``,
            ``ambiguous``, ``unsealable``).
    """

    id: str
    at: Instant
    price_microeuros: int
    log: str


class Corpse(msgspec.Struct, frozen=True):
    """A dead record without its value: where it was read, and why it could not be handled."""

    at: Instant
    topic: str
    partition: int
    offset: int
    service: str
    reason: str
    error: str


@dataclass(frozen=True, slots=True)
class SmsTest:
    """One SMS to a phone of the operator's own."""

    id: str
    sender: str
    sender_sealed: bytes


class OperatorStore(Protocol):
    """What the operator API keeps and reads; one method, one transaction.

    Everything raises ``Transient`` while the database is away.
    """

    async def read_status(self, now: datetime) -> Status:
        """Posture, fund and counters."""
        ...

    async def book_entry(
        self, entry_id: str, kind: EntryKind, amount_microeuros: int, note: str, now: datetime
    ) -> Outcome:
        """Book a donation or a fee of a positive amount.

        ``CONFLICT``: the id was used for another amount or kind.
        """
        ...

    async def book_transfer(
        self, entry_id: str, amount_microeuros: int, note: str, now: datetime
    ) -> Outcome:
        """Note what a person moved from a platform to the provider.

        ``CONFLICT``: the id was used for another amount or kind; ``BEYOND``: more than is left.
        """
        ...

    async def list_gifts(self, count_max: int) -> Sequence[Part]:
        """What platforms reported, the latest first."""
        ...

    async def list_uncounted(self, count_max: int) -> Sequence[Part]:
        """What of it is not counted, the latest first."""
        ...

    async def correct_entry(
        self, entry_id: str, why: str, now: datetime, *, below_zero: bool = False
    ) -> Outcome:
        """Reverse a donation or a fee. ``CONFLICT``: it is a correction itself.

        Args:
            below_zero: it may take the fund below zero.
        """
        ...

    async def list_entries(self) -> Sequence[Entry]:
        """The book, the oldest first."""
        ...

    async def pause(self, reason: str, now: datetime) -> Outcome:
        """Pay for nothing until ``resume``."""
        ...

    async def resume(self, now: datetime) -> Outcome:
        """Take the operator's pause back; other causes hold on.

        After a restore as well; ``CONFLICT``: the provider's log is still being read.
        """
        ...

    async def read_restoration(self) -> Restoration | None:
        """The latest restore; None: there was none."""
        ...

    async def read_waiting(self) -> Waiting:
        """What waits to be paid for."""
        ...

    async def list_cards(self, count_max: int, now: datetime) -> Cards:
        """What a person may release, the best first."""
        ...

    async def release(self, act: Act) -> Outcome:
        """Send, skip or postpone one reply that waits.

        ``REPEATED``: he did the same before; ``CONFLICT``: it waits no more; ``NO_MONEY``,
        ``HELD``: it waits on, and nothing was done.

        Raises:
            Transient: nobody knows at this moment what the fund holds.
        """
        ...

    async def attach(self, *, attach: bool, now: datetime) -> Outcome:
        """Want the number attached, or detached."""
        ...

    async def set_blocked(self, change: SenderBlocked) -> Outcome:
        """Note a block or its end, and tell it."""
        ...

    async def list_blocks(self) -> Sequence[Block]:
        """The block list, the latest first."""
        ...

    async def explain_sender(self, sender: str, count_max: int) -> Sequence[Way]:
        """A sender's messages, the latest first."""
        ...

    async def explain_message(self, message_id: str) -> Way | None:
        """One message, or one test."""
        ...

    async def add_test(self, test: SmsTest, now: datetime) -> Outcome:
        """Let one SMS go at once, ahead of all that waits. ``CONFLICT``: another has the id."""
        ...

    async def list_unresolved(self) -> Sequence[Unresolved]:
        """The oldest first."""
        ...

    async def decide_unresolved(self, decided: OperatorDecided) -> Outcome:
        """Note what a person decided about a reply, and tell it.

        ``REPEATED``: the same was decided before; ``CONFLICT``: another was, or the reply is not
        unresolved.
        """
        ...

    async def ask_backfill(self, decided: OperatorDecided) -> Outcome:
        """Tell that the provider's log is to be read again."""
        ...

    async def note_audit(self, audit: Audit) -> None:
        """Keep the outcome of an audit, unless a later one is there."""
        ...

    async def tell(self, append: Callable[[Sequence[Outgoing]], Awaitable[None]]) -> int:
        """Append what was not told yet, in order, and note it as told.

        One caller at a time, whatever the replicas: a block and its end keep their order.

        Returns:
            how many records were appended.

        Raises:
            Transient: the database or the log is away; all of it is told later.
        """
        ...
