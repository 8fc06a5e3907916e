"""What an audit knows: ids, pseudonyms, states and sums; never a number, never a text.

The parts are read one after the other from a house that runs, upstream first, so that what a stage
had read when we looked is in what it keeps when we look there. ``Told.unread`` says the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

SPENT_RECEIVE = "spent.receive"
SPENT_REPLY = "spent.reply"
RESERVED = "reserved"
GIFTS = "gifts"


@dataclass(slots=True)
class Told:
    """One id on a topic, told once or more often.

    Attributes:
        said: what was told of it, each distinct content once.
        unread: the groups that may not have handled its first telling.
        dead: a stage gave it up: it stands on the dead topic.
    """

    said: set[str] = field(default_factory=set)
    unread: frozenset[str] = frozenset()
    dead: bool = False


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A row of the filter's ``messages``; ``verdict`` None: deliberated."""

    verdict: str | None
    emitted: bool


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A row of the responder's ``replies``."""

    sender: str
    kind: str
    state: str
    sequence: int
    message_id: str | None
    sending_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReplyRow:
    """A row of billing's ``replies``; ``told`` None: its authorisation may not be out yet."""

    sender: str
    kind: str
    state: str
    sequence: int
    due_at: datetime
    price_microeuros: int
    cost_microeuros: int
    reservation: str
    told: bool


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A row of billing's ``receipts``; ``doubted``: the tariff stands in until the log says."""

    kind: str
    received_at: datetime
    cost_microeuros: int
    doubted: bool


@dataclass(frozen=True, slots=True)
class Books:
    """Billing's schema, as one snapshot.

    Attributes:
        accounts: balances as kept.
        moved: balances as the transfers make them.
        net: what transfers moved onto an account for one subject, by (account, subject).
        reserves: by reply, how often and how much was reserved.
        corrected: of donations, what was taken back later.
        counted: of gifts, all that was ever let count, whatever was taken back later.
        payments: of platforms, by name, worth and fees as booked.
        valued: the same as their parts make them.
        pot: worth and fees of all payments, and what was transferred, as kept.
        transferred: as the entries make it.
        uncovered: replies reserved with money that was not there, by the order of the ledger.
    """

    accounts: Mapping[str, int] = field(default_factory=dict)
    moved: Mapping[str, int] = field(default_factory=dict)
    net: Mapping[tuple[str, str], int] = field(default_factory=dict)
    reserves: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    corrected: int = 0
    counted: int = 0
    payments: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    valued: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    pot: tuple[int, int, int] = (0, 0, 0)
    transferred: int = 0
    uncovered: Sequence[str] = ()
    receipts: Mapping[str, ReceiptRow] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)
    replies: Mapping[str, ReplyRow] = field(default_factory=dict)
    tallies: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Logged:
    """A message of the provider's log; ``phone``: pseudonym of the other side, where known."""

    state: str
    amount_microunits: int | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class ProviderLog:
    """A stretch of the provider's log, by its ids.

    Attributes:
        since, until: between these whatever we know of must be in it.
    """

    since: datetime
    until: datetime
    received: Mapping[str, Logged]
    sent: Mapping[str, Logged]


@dataclass(frozen=True, slots=True)
class AuditRules:
    """What of the settings the judgement rests on."""

    window: timedelta
    cap_microeuros: int
    receive_microeuros: int
    rate_micro: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything.

    Attributes:
        changed: what the responder told, by (reply, sequence).
        untold: changes committed in the responder and not on the topic yet, likewise.
        provider: None: not asked.
        leaks: where what looks like a phone number stands and must not, and how often.
        scanned: how many records and tables were looked through for that.
    """

    rules: AuditRules
    received: Mapping[str, Told] = field(default_factory=dict)
    judged: Mapping[str, Told] = field(default_factory=dict)
    authorized: Mapping[str, Told] = field(default_factory=dict)
    changed: Mapping[tuple[str, int], Told] = field(default_factory=dict)
    messages: Mapping[str, MessageRow] = field(default_factory=dict)
    outbox: Mapping[str, OutboxRow] = field(default_factory=dict)
    untold: frozenset[tuple[str, int]] = frozenset()
    books: Books = field(default_factory=Books)
    provider: ProviderLog | None = None
    leaks: Mapping[str, int] = field(default_factory=dict)
    scanned: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and of which ids."""

    what: str
    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One invariant.

    Attributes:
        examined: how many things it was held against.
        violations: empty: it holds.
        under_way: what is not decided yet, and is no violation.
    """

    invariant: str
    claim: str
    examined: int
    violations: Sequence[Finding]
    under_way: Sequence[Finding]

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.violations
