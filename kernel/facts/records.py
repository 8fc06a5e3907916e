"""The records that travel on the topics: frozen facts, named as their topic, and their codec.

Pure. Every record is one JSON object with ``v`` (its version), ``id`` (what makes it distinct:
the provider's, or derived from it) and ``trace`` (follows a message through all stages). Times
are RFC 3339 in UTC; amounts say their unit in their name; bytes are base64. A reader ignores
fields it does not know, so a newer writer may add some; a change that older readers must not
misread raises ``v``.
"""

import enum
import hashlib
import re
from datetime import datetime
from typing import Annotated, ClassVar, TypeVar, cast

import msgspec
from msgspec import Meta, Struct

from kernel.values.errors import Rejected
from kernel.values.sender import SenderKind

VERSION = 1

Id = Annotated[str, Meta(min_length=1, max_length=200)]
Pseudonym = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
"""128 bits of HMAC-SHA256 over the E.164 number, as hexadecimal."""
Micro = Annotated[int, Meta(ge=0, le=10**15)]
Count = Annotated[int, Meta(ge=0, le=10**6)]
Instant = Annotated[datetime, Meta(tz=True)]


class ReceivedKind(enum.StrEnum):
    """What arrived."""

    MESSAGE = "message"
    CALL = "call"


class Source(enum.StrEnum):
    """How we learnt of it: from the provider's webhook, or later from its message log."""

    WEBHOOK = "webhook"
    BACKFILL = "backfill"


class Intent(enum.StrEnum):
    """What the provider read out of the text."""

    NONE = "none"
    OPTOUT = "optout"
    OPTIN = "optin"
    HELP = "help"


class SignatureMode(enum.StrEnum):
    """How the provider vouched for the request. V2 signs the URL only, not the body."""

    V2 = "v2"
    MA_V2 = "ma_v2"
    V3 = "v3"
    MA_V3 = "ma_v3"
    HMAC = "hmac"
    """A phone of ours: over body and time, by a key that we gave it."""
    NONE = "none"
    """Not a webhook: read from the provider's log over its own API."""


class Decision(enum.StrEnum):
    """The verdict on a message."""

    REPLY = "reply"
    SILENT = "silent"


class Reason(enum.StrEnum):
    """Why a verdict is as it is, in order of precedence (docs/design.md §5)."""

    REPLAYED = "replayed"
    OTHER_NUMBER = "other_number"
    OWN_NUMBER = "own_number"
    SHORT_CODE = "short_code"
    ALPHANUMERIC = "alphanumeric"
    NOT_MOBILE = "not_mobile"
    FOREIGN = "foreign"
    CALL = "call"
    """A call, and ``CALL_COUNTS`` is off."""
    OPTED_OUT = "opted_out"
    BLOCKED = "blocked"
    ALREADY_ANSWERED = "already_answered"
    ALREADY_DELIBERATING = "already_deliberating"
    BURST = "burst"
    CAMPAIGN = "campaign"
    RANGE = "range"
    """Numbers next to his wrote as well: a rented block."""
    DESERVED = "deserved"
    """The one reason for ``reply``."""


class ReplyState(enum.StrEnum):
    """Where a reply stands, once billing has seen its verdict."""

    WAITING = "waiting"
    AUTHORIZED = "authorized"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    UNRESOLVED = "unresolved"
    EXPIRED = "expired"
    REFUSED = "refused"


class Refusal(enum.StrEnum):
    """Why billing refused a reply for good: the reason of ``ReplyState.REFUSED``."""

    OVER_CAP = "over_cap"
    NO_NUMBER = "no_number"
    OPTED_OUT = "opted_out"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    """A person who releases said: not this one."""


class ReplyKind(enum.StrEnum):
    """Whom a reply is for: a sender, or a phone of the operator's own (``antirelou test``)."""

    REPLY = "reply"
    TEST = "test"
    RECOVERED = "recovered"
    """An SMS that after a restore only the provider's log knew of."""


class Posture(enum.StrEnum):
    """What billing pays for (docs/design.md §5)."""

    NORMAL = "normal"
    GUARDED = "guarded"
    SUSPENDED = "suspended"


class Record(Struct, frozen=True, kw_only=True):
    """What all records share.

    Attributes:
        id: what makes the fact distinct; the same fact told twice has the same id.
        trace: derived from the message's id (``derive_trace``); in every log line about it.
        at: when it happened, by the clock of the service that says so.
    """

    TOPIC: ClassVar[str]

    id: Id
    trace: Annotated[str, Meta(max_length=64)]
    at: Instant
    v: int = VERSION

    def key(self) -> bytes:
        """What the log partitions by."""
        raise NotImplementedError


class SenderRecord(Record, frozen=True, kw_only=True):
    """A record about one sender; the pseudonym keeps all of his in order."""

    sender: Pseudonym

    def key(self) -> bytes:
        """The sender's pseudonym."""
        return self.sender.encode()


class SmsReceived(SenderRecord, frozen=True, kw_only=True):
    """Somebody texted (or called) the number.

    Attributes:
        id: the provider's MessageUUID or CallUUID.
        at: when our webhook had the whole request; for a backfill, and where the provider says
            it (a phone that was away tells of hours at once), the message's own time.
        sender_sealed: the E.164 number, sealed for sending; None where it cannot be answered.
        blocks: keyed hashes of the blocks of 100, 10,000 and a million numbers that a mobile's
            lies in (``privacy.Pseudonymizer.blocks``).
        country: ISO 3166 alpha-2 of a valid number, else None.
        to_ours: it was sent to ``NUMBER``.
        text: None where there was none, or where only the provider's log knows of the message.
        sms_type: ``sms``, ``mms``, …, as the provider says; ``voice`` for a call.
        segments: as billed; at least 1 for a message, 0 for a call.
        amount_microunits: charged, in millionths of the provider's currency; None: not told.
        nonce: hash of the signature's nonce; None without one.
        evidence_sealed: the request as it came (body, signature headers, time), sealed for
            evidence; None for a backfill.
        evidence_digest: SHA-256 of what was sealed, hexadecimal, so that whoever is shown the
            opened request can check it; random bytes in it keep it from being guessed.
    """

    TOPIC: ClassVar[str] = "sms.received"

    kind: ReceivedKind = ReceivedKind.MESSAGE
    source: Source = Source.WEBHOOK
    sender_kind: SenderKind
    sender_sealed: bytes | None
    blocks: tuple[bytes, ...] = ()
    country: str | None
    to_ours: bool
    text: str | None
    intent: Intent = Intent.NONE
    sms_type: str = "sms"
    media_count: Count = 0
    segments: Count = 1
    amount_microunits: Micro | None = None
    signature: SignatureMode
    nonce: str | None = None
    evidence_sealed: bytes | None = None
    evidence_digest: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")] | None = None


class SmsReported(SenderRecord, frozen=True, kw_only=True):
    """The provider reported on an SMS of ours.

    Attributes:
        id: derived from every field of the report that makes it another one.
        sender: pseudonym of the phone it was sent to (the number may come masked: trust ``ref``).
        message_id: the provider's MessageUUID of the SMS we sent.
        ref: our own reference from the callback's query, that is the reply's id; None without.
        status: as the provider says, lower case.
        sequence: the provider's order of reports; None where it is missing or no number.
        error_code: None where the provider gives none (or says 000).
    """

    TOPIC: ClassVar[str] = "sms.reported"

    message_id: Id
    ref: str | None
    status: str
    sequence: int | None = None
    error_code: str | None = None
    segments: Count | None = None
    amount_microunits: Micro | None = None
    signature: SignatureMode
    nonce: str | None = None


class SmsJudged(SenderRecord, frozen=True, kw_only=True):
    """The filter's verdict on one message, the only one it will ever get.

    Attributes:
        id: the message's id.
        received_at: ``SmsReceived.at``.
        due_at: when the reply was due; for a message that was never deliberated, ``at``.
        score: log-odds that the sender is genuine; orders the waiting room.
        basis: what the verdict rests on: counts and derived ids, never a text or a number.
        sender_sealed: for ``reply``, the number sealed for sending; else None.
        kind: a call is counted apart from messages.
    """

    TOPIC: ClassVar[str] = "sms.judged"

    decision: Decision
    reason: Reason
    kind: ReceivedKind = ReceivedKind.MESSAGE
    score: float = 0.0
    received_at: Instant
    due_at: Instant
    basis: dict[str, int | float | str] = {}
    sender_sealed: bytes | None = None


class ReplyAuthorized(SenderRecord, frozen=True, kw_only=True):
    """Billing reserved the price of one reply: it may be sent, once.

    Attributes:
        id: the reply's id: the id of the message it answers; for a test, derived.
        due_at: when the reply was due (lateness = sent - due).
        price_microeuros: reserved; what sending is expected to cost.
        text_index: None: derived from the id; else which of ``REPLY_TEXTS`` to send.
    """

    TOPIC: ClassVar[str] = "replies.authorized"

    kind: ReplyKind = ReplyKind.REPLY
    due_at: Instant
    price_microeuros: Micro
    sender_sealed: bytes
    text_index: int | None = None


class ReplyChanged(SenderRecord, frozen=True, kw_only=True):
    """A reply went from one state to another, or its cost became known or was corrected.

    The responder says so of what it sends; billing of what it ends itself (``expired``,
    ``refused``) so that the filter may answer the sender again.

    Attributes:
        id: ``derive_id(reply_id, sequence, by)``.
        reply_id: ``ReplyAuthorized.id``.
        sequence: counts the changes that one service tells of one reply, from 1; the later one
            counts, whatever order they are read in.
        by: ``responder`` or ``billing``.
        state: where the reply stands now.
        reason: why, a stable code (``over_cap``, ``429``, ``timeout``, the provider's error code).
        message_id: the provider's MessageUUID, once known.
        amount_microunits: what the provider charged as far as now known, in millionths of its
            currency; None while unknown. A later record may say another amount.
        amount_confirmed: the amount was read in the provider's log, that is, over its own API.
        nothing_charged: the provider never accepted it, or reported it uncharged: the
            reservation is void.
        final: no other state follows by itself.
    """

    TOPIC: ClassVar[str] = "replies.changed"

    reply_id: Id
    sequence: Count
    by: str
    kind: ReplyKind = ReplyKind.REPLY
    state: ReplyState
    reason: str = ""
    due_at: Instant
    message_id: str | None = None
    segments: Count | None = None
    amount_microunits: Micro | None = None
    amount_confirmed: bool = False
    nothing_charged: bool = False
    final: bool = False


class PostureChanged(Record, frozen=True, kw_only=True):
    """Billing changed what it pays for, or whether the number should be attached.

    Attributes:
        sequence: counts up; a reader keeps the highest it has seen.
        posture: what is paid for from now on.
        cause: a stable code: ``calm``, ``operator``, ``floor``, ``daily_cap``, ``credit``,
            ``deliveries_failing``, ``donation``…
        detail: for a person; never a phone number or a text.
        attach: whether the number should be attached at the provider.
    """

    TOPIC: ClassVar[str] = "posture.changed"

    sequence: Count
    posture: Posture
    cause: str
    detail: str = ""
    attach: bool

    def key(self) -> bytes:
        """All in one partition."""
        return b"posture"


class Reconciled(Struct, frozen=True, kw_only=True):
    """After a restore: the provider's log was read from the backup's time on.

    Attributes:
        restoration: which restore.
        matched: replies that had been sent already, and will not be again.
        recovered: SMS of which no reply was known.
    """

    restoration: Id
    matched: Count
    recovered: Count


class LoggedCost(Struct, frozen=True, kw_only=True):
    """What the provider's log says that receiving one message cost; it counts above the webhook.

    Attributes:
        message_id: the provider's.
        amount_microunits: millionths of the provider's currency.
    """

    message_id: Id
    segments: Count
    amount_microunits: Micro


class ProviderChecked(Record, frozen=True, kw_only=True):
    """The responder, which alone talks to the provider's API, tells what it read there.

    Attributes:
        id: derived from ``at``.
        credit_microunits: prepaid credit left, in millionths of the provider's currency.
        attached: whether the number is linked to our application; None: could not be read.
        reconciled: instead of these, what was found after a restore.
        received: instead of these, what messages cost that our webhook took.
    """

    TOPIC: ClassVar[str] = "provider.checked"

    credit_microunits: int | None
    auto_recharge: bool | None = None
    attached: bool | None = None
    reconciled: Reconciled | None = None
    received: tuple[LoggedCost, ...] = ()

    def key(self) -> bytes:
        """All in one partition."""
        return b"provider"


class SenderBlocked(SenderRecord, frozen=True, kw_only=True):
    """The operator put a number on the block list, or took it off.

    Attributes:
        id: derived from sender, ``at`` and ``blocked``.
        blocked: False takes it off.
    """

    TOPIC: ClassVar[str] = "senders.blocked"

    blocked: bool


class OperatorAction(enum.StrEnum):
    """What only a person can decide, told to the responder."""

    REPLY_SENT = "reply_sent"
    """An unresolved reply was sent after all: book its price."""
    REPLY_VOID = "reply_void"
    """An unresolved reply was never sent: void its reservation."""
    BACKFILL = "backfill"
    """Read the provider's log again from ``since``."""


class OperatorDecided(Record, frozen=True, kw_only=True):
    """The operator decided something that the responder carries out.

    Attributes:
        id: derived from the action, its object and ``at``.
        reply_id: for ``reply_sent`` and ``reply_void``.
        since: for ``backfill``.
    """

    TOPIC: ClassVar[str] = "operator.decided"

    action: OperatorAction
    reply_id: Id | None = None
    since: Instant | None = None
    why: str = ""

    def key(self) -> bytes:
        """All in one partition."""
        return b"operator"


class Platform(enum.StrEnum):
    """Where gifts are given."""

    HELLOASSO = "helloasso"
    STRIPE = "stripe"


class DonationKind(enum.StrEnum):
    """What a platform reports."""

    GIFT = "gift"
    REFUND = "refund"
    DISPUTE = "dispute"
    """Money that the platform took back because the giver's bank asked for it."""
    REINSTATED = "reinstated"
    """Money of a dispute that came back."""
    FEE = "fee"


class DonationReported(Record, frozen=True, kw_only=True):
    """A platform says what something about a gift amounts to now. Nothing is in it of the giver.

    Attributes:
        id: the platform's own, such as ``helloasso:payment:13790``; told again with another amount
            it is the same thing, which amounts to something else now.
        at: when it happened, by the platform.
        amount_minor: hundredths of the currency, as the platform says: it may be absurd.
        currency: ISO 4217 in capitals; ``XXX``: none that could be read.
        holds: False: it does not count (any more): cancelled, or a refund that failed.
        total: of a refund: all that was ever refunded of the payment, not one refund.
        version: of two tellings of one id the higher one counts.
        card: of a gift: paid by card, which its owner may take back.
        about: names of the payment at the platform; whatever shares one is about one payment.
            Empty: about none that is known.
    """

    TOPIC: ClassVar[str] = "donations.reported"

    source: Platform
    kind: DonationKind
    amount_minor: Annotated[int, Meta(ge=-(10**15), le=10**15)]
    currency: Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
    holds: bool = True
    total: bool = False
    version: Annotated[int, Meta(ge=-1, le=10**15)] = 0
    card: bool = False
    about: tuple[Id, ...] = ()

    def key(self) -> bytes:
        """All in one partition."""
        return b"donations"


class DeadRecord(Struct, frozen=True, kw_only=True):
    """A record that could not be handled, as it stands on its dead topic.

    Attributes:
        topic, partition, offset: where it was read.
        key, value: as they were.
        service: whose handler gave up.
        reason: the error's code.
        error: for a person; never a phone number or a text.
    """

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    service: str
    reason: str
    error: str
    at: Instant


RECORD_TYPES: tuple[type[Record], ...] = (
    SmsReceived,
    SmsReported,
    SmsJudged,
    ReplyAuthorized,
    ReplyChanged,
    PostureChanged,
    ProviderChecked,
    SenderBlocked,
    OperatorDecided,
    DonationReported,
)

_ENCODER = msgspec.json.Encoder()
_DECODERS = {kind.TOPIC: msgspec.json.Decoder(kind) for kind in RECORD_TYPES}

R = TypeVar("R", bound=Record)


def encode(record: Record) -> bytes:
    """Encode a record as one line of JSON. The same record gives the same bytes."""
    return _ENCODER.encode(record)


def decode(topic: str, value: bytes) -> Record:
    """Decode and validate a record of a topic.

    Raises:
        Rejected: ``unreadable`` (no JSON, or not the record's shape; names the field) or
            ``unknown_version``. The message never quotes the value.
    """
    try:
        record = _DECODERS[topic].decode(value)
    except msgspec.ValidationError as error:
        # msgspec names the field, and of an enum quotes what it got: that could be anything.
        shape = re.sub(r"'.*'", "", str(error), flags=re.DOTALL)
        raise Rejected(f"not a record of {topic}: {shape}", code="unreadable") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Rejected(f"not a record of {topic}: no JSON object", code="unreadable") from None
    if record.v != VERSION:
        raise Rejected(f"{topic} version {record.v} is unknown", code="unknown_version")
    return record


def decode_as(kind: type[R], value: bytes) -> R:
    """Decode a record of a known kind. Raises as ``decode``."""
    return cast("R", decode(kind.TOPIC, value))


def derive_id(*parts: str | int) -> str:
    """An id that the same parts always give: 128 bits of SHA-256, hexadecimal."""
    joined = "\x1f".join(map(str, parts))
    return hashlib.sha256(joined.encode()).hexdigest()[:32]


def derive_trace(message_id: str) -> str:
    """The trace id of all that happens to a message: 128 bits, W3C trace-context's size."""
    return derive_id("trace", message_id)
