"""HelloAsso's payments: read from its JSON, and what they say. Pure.

Only what money needs is read: who gave, where he lives and what he wrote is in none of the structs,
so nothing of it is decoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from kernel.facts.records import DonationKind, DonationReported, Platform, derive_trace

MINOR_MAX = 10**15
"""Beyond it an amount is cut: it is absurd as it is."""

WORTH = frozenset({"Authorized", "Registered", "Corrected", "Refunding"})
"""States in which a payment is worth its amount, less the refunds."""
TAKEN_BACK = frozenset({"Refunded"})
DISPUTED = frozenset({"Contested"})
WORTHLESS = frozenset({
    "Pending", "Refused", "Error", "Waiting", "Canceled", "WaitingBankValidation",
    "WaitingBankWithdraw", "Abandoned", "WaitingAuthentication", "Deleted", "Inconsistent",
    "NoDonation", "Init",
})  # fmt: skip
NEVER = frozenset({"AuthorizedPreprod"})
"""A test's. Of a state that is in none of these, ``Unknown`` among them, we say nothing: all stays
as it was."""
GIFT_FORMS = frozenset({"Donation", "CrowdFunding"})
NO_GIFT_FORMS = frozenset({"Membership", "Event", "Shop"})
"""Not even where ``HELLOASSO_FORMS`` names one: slugs are of a type, and two may be alike."""
CARDS = frozenset({"Card", "ApplePay", "GooglePay"})
OFFLINE = "Offline"
PROCESSED = "processed"


class _Order(Struct, rename="camel"):
    form_slug: str = ""
    form_type: str = ""


class _Item(Struct, rename="camel"):
    share_amount: int | None = None


class _Refund(Struct, rename="camel"):
    id: int
    amount: int = 0
    amount_tip: int | None = None
    status: str = ""


class _Meta(Struct, rename="camel"):
    updated_at: str | None = None


class _Payment(Struct, rename="camel"):
    id: int
    amount: int
    state: str
    date: str
    amount_tip: int | None = None
    type: str | None = None
    payment_means: str | None = None
    order: _Order | None = None
    items: list[_Item] | None = None
    refund_operations: list[_Refund] | None = None
    meta: _Meta | None = None


class _Pagination(Struct, rename="camel"):
    continuation_token: str | None = None


class _Page(Struct):
    data: list[msgspec.Raw] = []
    pagination: _Pagination | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as the platform has it now; cents.

    Attributes:
        state: the platform's word.
        gross: what the association gets of it, without HelloAsso's own tip.
        refunded: what the refunds that went through take of that.
        offline: cash or a cheque that somebody typed in: the platform has no such money.
        updated_at: None: it does not say.
    """

    id: int
    state: str
    gross: int
    refunded: int
    given_at: datetime
    card: bool
    offline: bool
    form_type: str
    form_slug: str
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of payments.

    Attributes:
        count: entries on it; none: there is no further page.
        unreadable: of them, how many could not be read.
        token: for the next one.
    """

    payments: Sequence[Payment]
    count: int
    unreadable: int
    token: str | None


@dataclass(frozen=True, slots=True)
class Forms:
    """Which forms are counted.

    Attributes:
        slugs: ``HELLOASSO_FORMS``; empty: every form of gifts.
    """

    slugs: frozenset[str]

    def take(self, payment: Payment) -> bool:
        """Whether a payment was made by one of them."""
        if not self.slugs:
            return payment.form_type in GIFT_FORMS
        return payment.form_slug in self.slugs and payment.form_type not in NO_GIFT_FORMS


def read_page(body: bytes) -> Page:
    """Read a page of payments; one that cannot be read is left out and counted.

    Raises:
        ValueError: it is no page.
    """
    try:
        page = msgspec.json.decode(body, type=_Page)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ValueError("not a page of payments") from None
    payments = [found for one in page.data if (found := _read_payment(one)) is not None]
    token = page.pagination.continuation_token if page.pagination else None
    return Page(payments, len(page.data), len(page.data) - len(payments), token)


def _read_payment(raw: msgspec.Raw) -> Payment | None:
    try:
        found = msgspec.json.decode(raw, type=_Payment)
        given_at = read_time(found.date)
        updated = found.meta.updated_at if found.meta else None
        updated_at = read_time(updated) if updated else None
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, OverflowError):
        return None
    tip = found.amount_tip or 0
    shares = [item.share_amount for item in found.items or () if item.share_amount is not None]
    # Whether the amount has the tip in it is not said; what the items share of it tells.
    tip_inside = bool(shares) and tip > 0 and sum(shares) == found.amount - tip
    gross = found.amount - (tip if tip_inside else 0)
    refunds = {
        one.id: one.amount - ((one.amount_tip or 0) if tip_inside else 0)
        for one in found.refund_operations or ()
        if one.status.lower() == PROCESSED
    }
    order = found.order or _Order()
    return Payment(
        found.id,
        found.state,
        _cut(gross),
        _cut(min(sum(refunds.values()), max(gross, 0))),
        given_at,
        found.payment_means in CARDS,
        found.type == OFFLINE,
        order.form_type,
        order.form_slug,
        updated_at,
    )


def report_payment(payment: Payment, read_at: datetime) -> list[DonationReported]:
    """What a payment says now: what was given, and what of it was taken back.

    All three are told of each: what does not hold any more is told as such. Of a test, of what the
    platform never had, and of a state that is unknown: nothing.

    Args:
        read_at: when the platform was asked: of two tellings the later one counts.
    """
    state = payment.state
    if state in NEVER or payment.offline:
        return []
    if state not in WORTH | TAKEN_BACK | DISPUTED | WORTHLESS:
        return []
    name = f"{Platform.HELLOASSO}:payment:{payment.id}"
    given = state not in WORTHLESS
    refunded = payment.gross if state in TAKEN_BACK else payment.refunded
    disputed = payment.gross - refunded if state in DISPUTED else 0

    def tell(kind: DonationKind, id_: str, amount: int, *, holds: bool) -> DonationReported:
        return DonationReported(
            id=id_,
            trace=derive_trace(name),
            at=payment.given_at,
            source=Platform.HELLOASSO,
            kind=kind,
            amount_minor=amount,
            currency="EUR",
            holds=holds,
            version=int(read_at.timestamp() * 1000),
            card=payment.card and kind is DonationKind.GIFT,
            about=(name,),
        )

    taken = given and refunded > 0
    fought = given and disputed > 0
    return [
        tell(DonationKind.GIFT, name, payment.gross, holds=given),
        tell(DonationKind.REFUND, f"{name}:refunds", refunded, holds=taken),
        tell(DonationKind.DISPUTE, f"{name}:contest", disputed, holds=fought),
    ]


def _cut(amount: int) -> int:
    return max(min(amount, MINOR_MAX), -MINOR_MAX)


def read_time(text: str) -> datetime:
    """RFC 3339, with as many digits of a second as there are; UTC where it names no offset.

    Raises:
        ValueError, OverflowError: it is none.
    """
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


class _Token(Struct):
    access_token: str
    expires_in: int = 0


TOKEN_SECONDS = 1500
"""How long a token is used of which it is not said how long it lives."""


def read_token(body: bytes) -> tuple[str, float]:
    """An access token, and for how many seconds from now on it is used; a tenth is left.

    Raises:
        ValueError: it is none.
    """
    try:
        token = msgspec.json.decode(body, type=_Token)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ValueError("no access token") from None
    if not token.access_token.isascii() or not token.access_token.isprintable():
        raise ValueError("no access token")
    seconds = token.expires_in if token.expires_in > 0 else TOKEN_SECONDS
    return token.access_token, seconds * 0.9
