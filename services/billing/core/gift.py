"""Gifts that platforms report: what a payment is worth, and what of it may be spent. Pure.

A payment's worth is a function of the parts that are known of it, whatever order they came in; the
fund is a function of what all payments are worth, of what a person transferred, and of the
settings. Booking moves the ledger from where it stands to there, so the same again moves nothing.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kernel.facts.records import DonationKind, DonationReported, Platform
from kernel.settings.settings import GiftsCount
from kernel.values.money import MICRO
from services.billing.core.ledger import (
    Account,
    Balances,
    Movement,
    Transfer,
    TransferKind,
    transfer,
)

MICROEUROS_A_CENT = MICRO // 100
EURO = "EUR"
CENTS_MAX = 100_000 * 100
"""An amount beyond 100,000 € is absurd."""
SETTLEMENT = "gifts"
"""The subject of transfers that are about no single payment."""


class Uncounted(enum.StrEnum):
    """Why a part is not counted."""

    CURRENCY = "currency"
    ZERO = "zero"
    NEGATIVE = "negative"
    ABSURD = "absurd"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a platform reported of a payment, as last told.

    Attributes:
        id: the platform's.
        payment: the payment's name with us: the id of the first part that was known of it.
        amount_minor, holds, total, version, card, about: see ``DonationReported``.
        reported_at: when it was first heard of, by our clock.
    """

    id: str
    payment: str
    source: Platform
    kind: DonationKind
    amount_minor: int
    currency: str
    at: datetime
    holds: bool
    total: bool
    version: int
    card: bool
    about: tuple[str, ...]
    reported_at: datetime

    @property
    def uncounted(self) -> Uncounted | None:
        """Why it is not counted; None: it is."""
        if self.currency != EURO:
            return Uncounted.CURRENCY
        if not self.amount_minor:
            return Uncounted.ZERO
        if self.amount_minor < 0 and self.kind is not DonationKind.FEE:
            return Uncounted.NEGATIVE
        return Uncounted.ABSURD if abs(self.amount_minor) > CENTS_MAX else None


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment at a platform, as booked.

    Attributes:
        worth_microeuros: what the platform holds or held of it for us.
        fees_microeuros: what the platform took for it.
        card_microeuros: of a gift by card its amount, for ``GIFT_HOLD``; else 0.
        at: when it was given.
        revision: how often it was booked.
    """

    payment: str
    worth_microeuros: int
    fees_microeuros: int
    card_microeuros: int
    at: datetime
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Pot:
    """The sums over all payments, and what was transferred; micro-euros.

    Attributes:
        revision: how often it was settled.
    """

    worth_microeuros: int = 0
    fees_microeuros: int = 0
    transferred_microeuros: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class GiftRules:
    """The settings.

    Attributes:
        count: ``GIFTS_COUNT``.
        hold_microeuros, hold_after: ``GIFT_HOLD``; None: off.
    """

    count: GiftsCount = GiftsCount.RAISED
    hold_microeuros: int | None = None
    hold_after: timedelta = timedelta()


def open_part(told: DonationReported, now: datetime) -> Part:
    """A part that is new."""
    return Part(
        told.id, told.id, told.source, told.kind, told.amount_minor, told.currency, told.at,
        told.holds, told.total, told.version, told.card, tuple(dict.fromkeys(told.about)), now,
    )  # fmt: skip


def tell_again(part: Part, told: DonationReported) -> Part:
    """A part that is told once more.

    The higher version counts, of equal ones the later; names of its payment add up.
    """
    about = tuple(dict.fromkeys((*part.about, *told.about)))
    if told.version < part.version:
        return replace(part, about=about)
    return replace(
        part,
        amount_minor=told.amount_minor,
        currency=told.currency,
        at=min(part.at, told.at),
        holds=told.holds,
        version=told.version,
        card=told.card,
        about=about,
    )


def unite_parts(
    parts: Iterable[Part], told: Sequence[DonationReported], now: datetime
) -> list[Part]:
    """The parts after what was told, each under its payment.

    Args:
        parts: all parts of all payments that ``told`` is about.
    """
    known = {part.id: part for part in parts}
    for one in told:
        part = known.get(one.id)
        known[one.id] = open_part(one, now) if part is None else tell_again(part, one)
    names: dict[str, str] = {}

    def root(name: str) -> str:
        while names.setdefault(name, name) != name:
            name = names[name]
        return name

    for part in known.values():
        for name in (part.payment, *part.about):
            names[root(name)] = root(part.id)
    chosen: dict[str, str] = {}
    for part in sorted(known.values(), key=lambda p: (p.reported_at, p.id)):
        chosen.setdefault(root(part.id), part.payment)
    return [replace(part, payment=chosen[root(part.id)]) for part in known.values()]


def value_payment(name: str, parts: Sequence[Part], booked: Payment | None) -> Payment:
    """What a payment is worth by its parts; without a gift nothing, whatever was taken back.

    All gifts of one payment are tellings of one: a session's and its invoice's.
    """
    counted = [part for part in parts if part.uncounted is None]
    gifts = [p for p in counted if p.kind is DonationKind.GIFT and p.holds]
    gift = max((p.amount_minor for p in gifts), default=0)
    worth = gift - _refunded(counted) - _disputed(counted) if gifts else 0
    # A fee of which nobody knows what for is one all the same.
    nameless = all(not part.about for part in parts)
    fees = sum(p.amount_minor for p in counted if p.kind is DonationKind.FEE and p.holds)
    card = gift if any(p.card for p in gifts) else 0
    return Payment(
        name,
        worth * MICROEUROS_A_CENT,
        fees * MICROEUROS_A_CENT if gifts or nameless else 0,
        card * MICROEUROS_A_CENT,
        min((p.at for p in gifts), default=min(p.at for p in parts)),
        0 if booked is None else booked.revision,
    )


def _refunded(parts: Sequence[Part]) -> int:
    """Refunds one by one, or what the platform says that was refunded in all, if that is more.

    What it said in all may have included a refund that failed since.
    """
    refunds = [p for p in parts if p.kind is DonationKind.REFUND]
    single = sum(p.amount_minor for p in refunds if p.holds and not p.total)
    failed = sum(p.amount_minor for p in refunds if not p.holds and not p.total)
    total = max((p.amount_minor for p in refunds if p.holds and p.total), default=0)
    return max(single, total - failed)


def _disputed(parts: Sequence[Part]) -> int:
    taken = sum(p.amount_minor for p in parts if p.kind is DonationKind.DISPUTE and p.holds)
    back = sum(p.amount_minor for p in parts if p.kind is DonationKind.REINSTATED and p.holds)
    return max(taken - back, 0)


@dataclass(frozen=True, slots=True)
class Booked:
    """What comes of telling.

    Attributes:
        parts: as they are now.
        payments: as they are now, those that changed.
        pot: the sums after it.
        transfers: what moved at the platforms.
    """

    parts: Sequence[Part]
    payments: Sequence[Payment]
    pot: Pot
    transfers: Sequence[Transfer]


def book_told(
    before: Sequence[Part],
    payments: Mapping[str, Payment],
    pot: Pot,
    told: Sequence[DonationReported],
    now: datetime,
) -> Booked:
    """Book what was told.

    Args:
        before: all parts of all payments that ``told`` is about.
        payments: those, as booked.
    """
    united = unite_parts(before, told, now)
    by_payment: dict[str, list[Part]] = {name: [] for name in payments}
    for part in united:
        by_payment.setdefault(part.payment, []).append(part)
    changed, transfers = [], []
    for name in sorted(by_payment):
        booked, parts = payments.get(name), by_payment[name]
        if parts:
            valued = value_payment(name, parts, booked)
        else:  # it turned out to be another's
            assert booked is not None
            valued = replace(booked, worth_microeuros=0, fees_microeuros=0, card_microeuros=0)
        if valued == booked:
            continue
        old = Payment(name, 0, 0, 0, now) if booked is None else booked
        valued = replace(valued, revision=old.revision + 1)
        changed.append(valued)
        pot = replace(
            pot,
            worth_microeuros=pot.worth_microeuros + valued.worth_microeuros - old.worth_microeuros,
            fees_microeuros=pot.fees_microeuros + valued.fees_microeuros - old.fees_microeuros,
        )
        moved = _move(
            TransferKind.GIFT, Account.GIFTS, Account.RAISED,
            valued.worth_microeuros - old.worth_microeuros,
        )  # fmt: skip
        transfers += [transfer(m, name, now, revision=valued.revision) for m in moved]
    known = {part.id: part for part in before}
    return Booked([p for p in united if known.get(p.id) != p], changed, pot, transfers)


@dataclass(frozen=True, slots=True)
class Settled:
    """What of the gifts may be spent.

    Attributes:
        difference_microeuros: what the fund gained by it, fees off.
    """

    pot: Pot
    transfers: Sequence[Transfer]
    difference_microeuros: int


def settle_pot(
    pot: Pot, balances: Balances, held_microeuros: int, rules: GiftRules, now: datetime
) -> Settled:
    """Move the ledger to where gifts, transfers and settings say it stands.

    Args:
        balances: with what moved at the platforms.
        held_microeuros: worth of what ``GIFT_HOLD`` holds.
    """
    raised, counted, fees = plan_pot(pot, held_microeuros, rules)
    off = -balances[Account.GIFTS] - raised
    movements = _move(TransferKind.PLATFORM_FEE, Account.RAISED, Account.GIFTS, off)
    counted_now = -balances[Account.GIFTS] - balances[Account.RAISED]
    movements += _move(TransferKind.COUNT, Account.RAISED, Account.FUND, counted - counted_now)
    fee = fees - balances[Account.PLATFORM_FEES]
    movements += _move(TransferKind.PLATFORM_FEE, Account.FUND, Account.PLATFORM_FEES, fee)
    if not movements:
        return Settled(pot, [], 0)
    pot = replace(pot, revision=pot.revision + 1)
    transfers = [transfer(m, SETTLEMENT, now, revision=pot.revision) for m in movements]
    return Settled(pot, transfers, counted - counted_now - fee)


def plan_pot(pot: Pot, held_microeuros: int, rules: GiftRules) -> tuple[int, int, int]:
    """Raised, counted as donated, and platforms' fees paid from the fund; micro-euros.

    A payout is net of the platform's fees: where gifts count once transferred they are off what
    was raised, and no cost of the fund's.
    """
    if rules.count is GiftsCount.TRANSFERRED:
        raised = pot.worth_microeuros - pot.fees_microeuros
        return raised, min(pot.transferred_microeuros, raised - held_microeuros), 0
    return pot.worth_microeuros, pot.worth_microeuros - held_microeuros, pot.fees_microeuros


def left_to_transfer(pot: Pot, rules: GiftRules) -> int:
    """The most that may be transferred, micro-euros."""
    raised, _, _ = plan_pot(pot, 0, rules)
    return raised - pot.transferred_microeuros


def _move(kind: TransferKind, debit: Account, credit: Account, amount: int) -> list[Movement]:
    """From one to the other, or back where the amount is below zero."""
    if not amount:
        return []
    if amount < 0:
        return [Movement(kind, credit, debit, -amount)]
    return [Movement(kind, debit, credit, amount)]
