"""Stripe's events and balance transactions: read from its JSON, and what they say. Pure.

Only what money needs is read: no struct has a name, an address or a message. A number is a number
and a text a text, or it is not there: what one event has in an unusual shape costs no other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from kernel.facts.records import DonationKind, DonationReported, Platform, derive_trace

MINOR_MAX = 10**15
ID_MAX = 150
NO_CURRENCY = "XXX"
PAID = "paid"
SUBSCRIPTION = "subscription"
FAILED = frozenset({"failed", "canceled"})
REFUND_RANKS = {"pending": 0, "requires_action": 1, "succeeded": 2, "failed": 3, "canceled": 3}
"""A refund's status never steps back, but events come in any order: the highest counts."""
LOST = "lost"
CARD = "card"
LINK_VERSION = -1
"""Of what only names a payment: anything else that is told of it counts above."""


class Unreadable(ValueError):
    """No event."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event.

    Attributes:
        subject: the object that it is about; only what is needed is ever taken out of it.
    """

    id: str
    kind: str
    created: datetime
    live: bool
    subject: Mapping[str, Any]


def read_event(body: bytes) -> Event:
    """Read an event.

    Raises:
        Unreadable: it is none.
    """
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Unreadable("no JSON") from None
    return event_of(found)


def event_of(found: Any) -> Event:
    """An event, decoded. Raises ``Unreadable``."""
    data = _object(found, "data")
    event_id, kind, created = _text(found, "id"), _text(found, "type"), _whole(found, "created")
    subject = _object(data, "object")
    if event_id is None or kind is None or created is None or not subject:
        raise Unreadable("no event")
    live = found.get("livemode")
    if not isinstance(live, bool):
        raise Unreadable("no livemode")
    return Event(event_id, kind, _time(created), live, subject)


def report_event(event: Event, since: datetime) -> list[DonationReported]:
    """What an event says; of one that is none of ours nothing.

    Args:
        since: what was given before is not told.
    """
    report = _REPORTS.get(event.kind)
    facts = report(event) if report is not None else ()
    return [f for f in facts if f.kind is not DonationKind.GIFT or f.at >= since]


def _report_session(event: Event) -> Iterator[DonationReported]:
    session = event.subject
    if _text(session, "payment_status") != PAID:
        return
    name, invoice = _text(session, "id"), _id(session, "invoice")
    if name is None or (_text(session, "mode") == SUBSCRIPTION and invoice is None):
        return  # its invoice tells of it
    means = session.get("payment_method_types")
    at_once = event.kind == "checkout.session.completed"
    card = at_once and (not isinstance(means, list) or not means or CARD in means)
    yield _fact(
        event, DonationKind.GIFT,
        f"invoice:{invoice}" if invoice else f"session:{name}",
        _whole(session, "amount_total"), _text(session, "currency"), card=card,
        about=(name, _id(session, "payment_intent"), invoice),
    )  # fmt: skip


def _report_invoice(event: Event) -> Iterator[DonationReported]:
    invoice = event.subject
    name = _text(invoice, "id")
    if name is None:
        return
    payments = _list(_object(invoice, "payments"), "data")
    paid = [_object(one, "payment") for one in payments]
    named = [_id(one, key) for one in paid for key in ("payment_intent", "charge")]
    means = _object(invoice, "payment_settings").get("payment_method_types")
    yield _fact(
        event, DonationKind.GIFT, f"invoice:{name}",
        _whole(invoice, "amount_paid"), _text(invoice, "currency"),
        card=not isinstance(means, list) or not means or CARD in means,
        about=(name, _id(invoice, "payment_intent"), _id(invoice, "charge"), *named),
    )  # fmt: skip


def _report_invoice_payment(event: Event) -> Iterator[DonationReported]:
    """Which payment an invoice was paid by: later versions of the API say so nowhere else."""
    invoice, payment = _id(event.subject, "invoice"), _object(event.subject, "payment")
    if invoice is None:
        return
    yield _fact(
        event, DonationKind.GIFT, f"invoice:{invoice}",
        _whole(event.subject, "amount_paid"), _text(event.subject, "currency"), card=True,
        version=LINK_VERSION,
        about=(invoice, _id(payment, "payment_intent"), _id(payment, "charge")),
    )  # fmt: skip


def _report_charge(event: Event) -> Iterator[DonationReported]:
    """A refund was made: how much of the charge is refunded in all, and the refunds it lists."""
    charge = event.subject
    name, total = _text(charge, "id"), _whole(charge, "amount_refunded")
    if name is None:
        return
    about = (name, _id(charge, "payment_intent"), _id(charge, "invoice"))
    currency = _text(charge, "currency")
    if total:
        yield _fact(
            event, DonationKind.REFUND, f"refunded:{name}", total, currency,
            total=True, version=max(min(total, MINOR_MAX), 0), about=about,
        )  # fmt: skip
    for refund in _list(_object(charge, "refunds"), "data"):
        yield from _tell_refund(event, refund, about)


def _report_refund(event: Event) -> Iterator[DonationReported]:
    yield from _tell_refund(event, event.subject, ())


def _tell_refund(
    event: Event, refund: Mapping[str, Any], about: tuple[str | None, ...]
) -> Iterator[DonationReported]:
    """Money leaves when a refund is made, and comes back when it failed."""
    name, status = _text(refund, "id"), _text(refund, "status") or "succeeded"
    if name is None:
        return
    yield _fact(
        event, DonationKind.REFUND, f"refund:{name}",
        _whole(refund, "amount"), _text(refund, "currency"),
        holds=status not in FAILED, version=REFUND_RANKS.get(status, 0),
        about=(*about, _id(refund, "payment_intent"), _id(refund, "charge")),
    )  # fmt: skip


def _report_dispute(event: Event) -> Iterator[DonationReported]:
    """Money moves when funds are withdrawn or reinstated; an inquiry moves nothing."""
    dispute, reinstated = event.subject, event.kind == "charge.dispute.funds_reinstated"
    if event.kind == "charge.dispute.closed" and _text(dispute, "status") != LOST:
        return
    name = _text(dispute, "id")
    if name is None:
        return
    about = (_id(dispute, "payment_intent"), _id(dispute, "charge"))
    currency = _text(dispute, "currency")
    yield _fact(
        event, DonationKind.REINSTATED if reinstated else DonationKind.DISPUTE,
        f"dispute:{name}:{'reinstated' if reinstated else 'withdrawn'}",
        _whole(dispute, "amount"), currency, about=about,
    )  # fmt: skip
    for moved in _list(dispute, "balance_transactions"):
        fee, txn = _whole(moved, "fee"), _text(moved, "id")
        if fee and txn is not None:
            yield _fact(
                event, DonationKind.FEE, f"fee:{txn}", fee,
                _text(moved, "currency") or currency, about=about,
            )  # fmt: skip


_REPORTS: Mapping[str, Callable[[Event], Iterator[DonationReported]]] = {
    "checkout.session.completed": _report_session,
    "checkout.session.async_payment_succeeded": _report_session,
    "invoice.paid": _report_invoice,
    "invoice_payment.paid": _report_invoice_payment,
    "charge.refunded": _report_charge,
    "charge.refund.updated": _report_refund,
    "refund.created": _report_refund,
    "refund.updated": _report_refund,
    "refund.failed": _report_refund,
    "charge.dispute.funds_withdrawn": _report_dispute,
    "charge.dispute.funds_reinstated": _report_dispute,
    "charge.dispute.closed": _report_dispute,
}
EVENT_KINDS = tuple(_REPORTS)
"""The kinds that move money, or say which payment one is about."""


def _fact(
    event: Event,
    kind: DonationKind,
    name: str,
    amount: int | None,
    currency: str | None,
    *,
    about: Sequence[str | None],
    holds: bool = True,
    total: bool = False,
    version: int = 0,
    card: bool = False,
) -> DonationReported:
    names = tuple(dict.fromkeys(one for one in about if one))
    fact_id = f"{Platform.STRIPE}:{name}"
    return DonationReported(
        id=fact_id,
        trace=derive_trace(fact_id),
        at=event.created,
        source=Platform.STRIPE,
        kind=kind,
        amount_minor=max(min(amount or 0, MINOR_MAX), -MINOR_MAX),
        currency=_currency(currency),
        holds=holds,
        total=total,
        version=version,
        card=card,
        about=names,
    )


def _currency(text: str | None) -> str:
    fits = text is not None and len(text) == 3 and text.isascii() and text.isalpha()
    return text.upper() if fits and text is not None else NO_CURRENCY


def _text(found: Any, name: str) -> str | None:
    value = found.get(name) if isinstance(found, Mapping) else None
    fits = isinstance(value, str) and 0 < len(value) <= ID_MAX and value.isprintable()
    return value if fits else None


def _id(found: Any, name: str) -> str | None:
    """The id of an object that is named, or that stands there whole."""
    value = found.get(name) if isinstance(found, Mapping) else None
    return _text(value, "id") if isinstance(value, Mapping) else _text(found, name)


def _whole(found: Any, name: str) -> int | None:
    value = found.get(name) if isinstance(found, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _object(found: Any, name: str) -> Mapping[str, Any]:
    value = found.get(name) if isinstance(found, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _list(found: Any, name: str) -> list[Any]:
    value = found.get(name) if isinstance(found, Mapping) else None
    return value if isinstance(value, list) else []


def _time(created: int) -> datetime:
    try:
        return datetime.fromtimestamp(created, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable("no time") from None


# -- what is read over the API ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list.

    Attributes:
        last: the id to go on after; None: this was the last page.
    """

    found: Sequence[Any]
    last: str | None


def read_list(body: bytes) -> Listing:
    """Read a page. Raises ``Unreadable``: it is none."""
    try:
        page = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Unreadable("no list") from None
    if not isinstance(page, Mapping) or not isinstance(page.get("data"), list):
        raise Unreadable("no list")
    found = page["data"]
    more = page.get("has_more") is True and bool(found)
    return Listing(found, _text(found[-1], "id") if more else None)


@dataclass(frozen=True, slots=True)
class Balance:
    """A movement of Stripe's balance; cents.

    Attributes:
        kind: Stripe's ``type``.
        amount, fee: signed; the balance gains ``amount`` less ``fee``.
        about: names of what it is about.
        tied: they name a payment, and not but a charge.
        live: None: it does not say.
    """

    id: str
    kind: str
    amount: int
    fee: int
    currency: str
    created: datetime
    about: tuple[str, ...]
    tied: bool
    live: bool | None


OWN_FEES = frozenset({"stripe_fee", "stripe_fx_fee", "tax_fee"})
"""Kinds that are fees as a whole."""
GIVEN = frozenset({
    "charge", "payment", "refund", "payment_refund", "payment_failure_refund", "refund_failure",
    "adjustment", "payment_reversal",
})  # fmt: skip
"""Kinds by which gifts come and go; payouts and whatever else leave them as they are."""


def read_balance(found: Any) -> Balance | None:
    """A balance transaction, decoded; None: it cannot be read."""
    name, kind, created = _text(found, "id"), _text(found, "type"), _whole(found, "created")
    amount, fee = _whole(found, "amount"), _whole(found, "fee") or 0
    if name is None or kind is None or created is None or amount is None:
        return None
    source = _object(found, "source")
    live = source.get("livemode")
    keys = ("payment_intent", "charge", "invoice")
    about = (_id(found, "source"), *(_id(source, key) for key in keys))
    try:
        at = _time(created)
    except Unreadable:
        return None
    currency = _currency(_text(found, "currency"))
    return Balance(
        name, kind, amount, -amount if kind in OWN_FEES else fee, currency,
        at, tuple(dict.fromkeys(one for one in about if one)),
        _id(source, "payment_intent") is not None, live if isinstance(live, bool) else None,
    )  # fmt: skip


def report_fee(balance: Balance, known: frozenset[str]) -> DonationReported | None:
    """The fee of a movement; None: it has none.

    Args:
        known: names of payments that were told: a fee of one counts with it. Where Stripe names
            but the charge, of which nobody else speaks, a fee stands by itself.
    """
    if not balance.fee:
        return None
    tied = balance.about if balance.tied or known & set(balance.about) else ()
    fact_id = f"{Platform.STRIPE}:fee:{balance.id}"
    return DonationReported(
        id=fact_id,
        trace=derive_trace(fact_id),
        at=balance.created,
        source=Platform.STRIPE,
        kind=DonationKind.FEE,
        amount_minor=max(min(balance.fee, MINOR_MAX), -MINOR_MAX),
        currency=balance.currency,
        about=tied,
    )


def choose_until(times: Sequence[datetime], now: datetime, lag: timedelta) -> datetime:
    """Up to when to compare: ``lag`` ago, or earlier.

    Nothing happened for a while around it: what Stripe and we date a little apart is on one side.
    """
    until, apart = now - lag, lag / 6
    for at in sorted(times, reverse=True):
        if abs(at - until) < apart:
            until = at - apart
    return until


def compare_balance(
    balances: Sequence[Balance], told: Sequence[DonationReported], until: datetime
) -> int:
    """What the balance gained by gifts, less what was told that it did; cents. 0: they agree.

    Args:
        told: of Stripe, as last told.
        until: what came later may be under way yet.
    """
    moved = sum(
        b.amount for b in balances if b.kind in GIVEN and b.currency == EURO and b.created < until
    )
    heard = sum(
        _SIGNS[one.kind] * one.amount_minor
        for one in told
        if one.kind in _SIGNS and one.holds and not one.total and one.currency == EURO
        and one.at < until
    )  # fmt: skip
    return moved - heard


EURO = "EUR"
_SIGNS = {DonationKind.GIFT: 1, DonationKind.REFUND: -1, DonationKind.DISPUTE: -1,
          DonationKind.REINSTATED: 1}  # fmt: skip
