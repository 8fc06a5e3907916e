"""Reads the platforms: what changed since the last time, and at night all of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from kernel.facts.records import DonationKind, DonationReported, Platform
from kernel.values.clock import Clock
from services.donations.core.helloasso import Forms, Payment, report_payment
from services.donations.core.stripe import (
    choose_until,
    compare_balance,
    report_event,
    report_fee,
)
from services.donations.core.walk import OVERLAP, Mark, end_walk, goes_on, plan_bound
from services.donations.helloasso import HelloAsso
from services.donations.metrics import Metrics
from services.donations.settings import StripeSettings
from services.donations.store import Store
from services.donations.stripe import Stripe
from services.donations.teller import Beginning, Teller

LOG = structlog.get_logger("donations")

PAGES_MAX = 5000
EVENTS_KEPT = timedelta(days=30)
"""How long Stripe lists an event."""
PAYMENTS, EVENTS, BALANCE = "helloasso:payments", "stripe:events", "stripe:balance"
CENTS = 100


@dataclass(frozen=True, slots=True)
class Desk:
    """What every reader works with.

    Attributes:
        nightly: how often all is read again.
    """

    store: Store
    teller: Teller
    beginning: Beginning
    nightly: timedelta
    clock: Clock
    metrics: Metrics


class HelloAssoReader:
    """Walks HelloAsso's payments back from the latest change."""

    def __init__(self, platform: HelloAsso, forms: Forms, desk: Desk) -> None:
        self._platform, self._forms, self._desk = platform, forms, desk

    async def read(self) -> None:
        """Walk once; what was told stays told if it is cut short, and is walked again.

        Raises:
            Transient: the platform, the database or the log is away.
        """
        began_at = self._desk.clock.now()
        since, mark = (
            await self._desk.beginning.since(began_at),
            await self._desk.store.load_mark(PAYMENTS),
        )
        await self._desk.teller.tell_noted()
        whole = mark.whole_at is None or began_at - mark.whole_at >= self._desk.nightly
        usual = plan_bound(mark, since, whole=False)
        bound = plan_bound(mark, since, whole=whole)
        seen: list[datetime] = []
        known: set[int] = set()
        token, late = None, 0
        for _ in range(PAGES_MAX):
            read_at = self._desk.clock.now()
            page = await self._platform.page(token)
            ids = {payment.id for payment in page.payments}
            if not page.count or (ids and ids <= known):
                break  # an empty page ends the list; one that says nothing new would never end
            known |= ids
            self._desk.metrics.unreadable(Platform.HELLOASSO, page.unreadable)
            facts = []
            for payment in page.payments:
                if self._counts(payment, since):
                    facts += report_payment(payment, read_at)
            old = {p.id for p in page.payments if p.updated_at is not None and p.updated_at < usual}
            news = await self._desk.teller.tell(facts)
            late += sum(_sign(fact) for fact in news if _payment_of(fact) in old)
            changed = [p.updated_at for p in page.payments if p.updated_at is not None]
            seen += changed
            if page.token is None or not goes_on(seen, changed, mark, bound):
                break
            token = page.token
        latest = max(seen, default=None)
        after = end_walk(mark, latest, since, began_at, whole=whole)
        await self._desk.store.save_mark(PAYMENTS, after)
        self._desk.metrics.watched(Platform.HELLOASSO, began_at)
        if whole:
            # At the first walk all is news.
            self._desk.metrics.compared(Platform.HELLOASSO, late / CENTS if mark.walked_at else 0.0)

    def _counts(self, payment: Payment, since: datetime) -> bool:
        return payment.given_at >= since and self._forms.take(payment)


def _payment_of(fact: DonationReported) -> int:
    return int(fact.about[0].rpartition(":")[2])


def _sign(fact: DonationReported) -> int:
    amount = fact.amount_minor if fact.holds else 0
    return amount if fact.kind is DonationKind.GIFT else -amount


class StripeReader:
    """Reads Stripe's events, for those that were lost on the way, and at night its balance."""

    def __init__(self, platform: Stripe, settings: StripeSettings, desk: Desk) -> None:
        self._platform, self._settings, self._desk = platform, settings, desk

    async def read(self) -> None:
        """Read once. Raises ``Transient``: Stripe, the database or the log is away."""
        began_at = self._desk.clock.now()
        since = await self._desk.beginning.since(began_at)
        await self._desk.teller.tell_noted()
        await self._read_events(since, began_at)
        mark = await self._desk.store.load_mark(BALANCE)
        if mark.walked_at is None or began_at - mark.walked_at >= self._desk.nightly:
            await self._read_balance(since, began_at)
            await self._desk.store.save_mark(
                BALANCE, end_walk(mark, None, since, began_at, whole=True)
            )
        self._desk.metrics.watched(Platform.STRIPE, began_at)

    async def _read_events(self, since: datetime, began_at: datetime) -> None:
        mark: Mark = await self._desk.store.load_mark(EVENTS)
        bound = max(plan_bound(mark, since, whole=False), began_at - EVENTS_KEPT)
        facts: list[DonationReported] = []
        async for event in self._platform.events(bound - OVERLAP):
            if event.live is self._settings.live:
                facts += report_event(event, since)
        await self._desk.teller.tell(facts)
        await self._desk.store.save_mark(
            EVENTS, end_walk(mark, began_at, since, began_at, whole=False)
        )

    async def _read_balance(self, since: datetime, began_at: datetime) -> None:
        balances = await self._platform.balances(since)
        told = await self._desk.store.list_told(Platform.STRIPE)
        names = frozenset(name for fact in told for name in fact.about)
        fees = [fee for balance in balances if (fee := report_fee(balance, names)) is not None]
        await self._desk.teller.tell(fees)
        times = [*(balance.created for balance in balances), *(fact.at for fact in told)]
        until = choose_until(times, began_at, self._settings.under_way)
        difference = compare_balance(balances, told, until)
        self._desk.metrics.compared(Platform.STRIPE, difference / CENTS)
        if difference:
            LOG.warning("stripe_differs", cents=difference)
