"""The ledger: double entry in integer micro-euros, append-only, two-phase (docs/design.md §5).

Every movement of money is a transfer from one account to another, so the sum over all accounts is
zero, always. A reservation is *pending* in ``reserved`` until it is *posted* (at most at its
price; the rest is *released*) or *voided*; what becomes known later is an *adjustment*. Nothing is
edited. Ids are derived from what a transfer is about and its place there, so one made twice is
the same transfer.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from kernel.facts.records import SmsReceived, Source, derive_id
from services.billing.core.tariff import Basis, Cost, Tariff, price_received


class Account(enum.StrEnum):
    """The accounts. Money flows donations → fund → (reserved) → spent, fees.

    What platforms report flows gifts → raised → fund.
    """

    DONATIONS = "donations"
    """Minus what was given: the outside world's side of it."""
    FUND = "fund"
    """What is available."""
    RESERVED = "reserved"
    SPENT_RECEIVE = "spent.receive"
    SPENT_REPLY = "spent.reply"
    FEES = "fees"
    GIFTS = "gifts"
    """Minus what the platforms hold or held for us: their givers' side of it."""
    RAISED = "raised"
    """Of it, what may not be spent (yet)."""
    PLATFORM_FEES = "fees.platform"
    """What platforms took, where the fund pays it."""


class TransferKind(enum.StrEnum):
    """What moves money."""

    DONATION = "donation"
    FEE = "fee"
    CORRECTION = "correction"
    RECEIVE = "receive"
    RESERVE = "reserve"
    POST = "post"
    RELEASE = "release"
    """The part of a reservation that its reply did not cost."""
    VOID = "void"
    ADJUSTMENT = "adjustment"
    GIFT = "gift"
    """A payment at a platform is worth more, or less."""
    COUNT = "count"
    """What was raised may be spent, or may no more."""
    PLATFORM_FEE = "platform_fee"


@dataclass(frozen=True, slots=True)
class Transfer:
    """A movement of money.

    Attributes:
        id: derived from kind, accounts, subject and revision, 128 bits, hexadecimal. The accounts,
            because a message and the reply to it are one subject.
        subject: what it is about: a message's, a reply's or a fund entry's id.
        debit, credit: from and to.
        amount_microeuros: above zero.
    """

    id: str
    kind: TransferKind
    subject: str
    debit: Account
    credit: Account
    amount_microeuros: int
    at: datetime


Balances = Mapping[Account, int]
"""Micro-euros by account: what came in minus what went out."""

OWING = frozenset({Account.FUND, Account.DONATIONS, Account.GIFTS, Account.PLATFORM_FEES})
"""The accounts that may go below zero."""
EMPTY: Balances = dict.fromkeys(Account, 0)


def donated(balances: Balances) -> int:
    """What may be spent, or was: given by hand, and of the gifts what counts; micro-euros."""
    return -sum(balances[a] for a in (Account.DONATIONS, Account.GIFTS, Account.RAISED))


class Movement(NamedTuple):
    """Money from one account to another, before it is a transfer."""

    kind: TransferKind
    debit: Account
    credit: Account
    amount_microeuros: int


def transfer(movement: Movement, subject: str, at: datetime, *, revision: int = 0) -> Transfer:
    """Make a transfer with its derived id.

    Args:
        subject: what it is about.
        revision: tells adjustments of one subject apart, from 1.
    """
    assert movement.amount_microeuros > 0, "a transfer moves something"
    assert movement.debit is not movement.credit
    kind, debit, credit, amount_microeuros = movement
    id_ = derive_id("transfer", kind, debit, credit, subject, revision)
    return Transfer(id_, kind, subject, debit, credit, amount_microeuros, at)


def apply_transfers(balances: Balances, transfers: Iterable[Transfer]) -> Balances:
    """The balances after these transfers, which are new; their sum stays zero."""
    after = dict(balances)
    for moved in transfers:
        after[moved.debit] -= moved.amount_microeuros
        after[moved.credit] += moved.amount_microeuros
    assert sum(after.values()) == 0, "the books balance"
    return after


def move_difference(
    account: Account, before_microeuros: int, after_microeuros: int
) -> list[Movement]:
    """What makes the booked cost of something another one: from the fund, or back into it."""
    difference = after_microeuros - before_microeuros
    if difference > 0:
        return [Movement(TransferKind.ADJUSTMENT, Account.FUND, account, difference)]
    if difference < 0:
        return [Movement(TransferKind.ADJUSTMENT, account, Account.FUND, -difference)]
    return []


@dataclass(frozen=True, slots=True)
class Receipt:
    """What receiving one message or call cost, as booked.

    Attributes:
        message_id: the provider's.
        sender: pseudonym.
        kind, source: ``ReceivedKind``, ``Source``.
        cost_microeuros: booked so far.
        basis: what that rests on.
        revision: adjustments booked so far.
    """

    message_id: str
    sender: str
    kind: str
    source: str
    received_at: datetime
    cost_microeuros: int
    basis: Basis
    revision: int = 0


class Booked(NamedTuple):
    """A receipt as it is now, and what moves."""

    receipt: Receipt
    transfers: list[Transfer]


def open_receipt(message: SmsReceived, tariff: Tariff) -> Receipt:
    """The receipt of a message, as its record says."""
    cost = cost_received(message, tariff)
    return Receipt(
        message.id, message.sender, message.kind, message.source, message.at,
        cost.amount_microeuros, cost.basis,
    )  # fmt: skip


def cost_received(message: SmsReceived, tariff: Tariff) -> Cost:
    """What a record says that receiving cost."""
    confirmed = message.source is Source.BACKFILL
    return price_received(message.amount_microunits, message.segments, tariff, confirmed=confirmed)


def book_receipt(receipt: Receipt, now: datetime) -> list[Transfer]:
    """The transfer of a receipt that is new."""
    if not receipt.cost_microeuros:
        return []
    received = Movement(
        TransferKind.RECEIVE, Account.FUND, Account.SPENT_RECEIVE, receipt.cost_microeuros
    )
    return [transfer(received, receipt.message_id, now)]


def book_again(receipt: Receipt, cost: Cost, now: datetime) -> Booked:
    """The same message told once more, perhaps with a better figure.

    The provider's log counts above a webhook, its latest word above its earlier ones; of two
    webhooks the first. So a repeat of what is booked moves nothing.
    """
    better = cost.basis > receipt.basis or cost.basis is receipt.basis is Basis.CONFIRMED
    if not better:
        return Booked(receipt, [])
    movements = move_difference(
        Account.SPENT_RECEIVE, receipt.cost_microeuros, cost.amount_microeuros
    )
    revision = receipt.revision + len(movements)
    booked = replace(
        receipt, cost_microeuros=cost.amount_microeuros, basis=cost.basis, revision=revision
    )
    return Booked(
        booked,
        [transfer(m, receipt.message_id, now, revision=revision) for m in movements],
    )
