"""The treasurer at work: books what platforms report, and settles what of it may be spent.

One transaction under the standing's lock, so that gifts, transfers and reservations have one order.
"""

from collections.abc import Sequence
from datetime import datetime

from kernel.facts.records import DonationReported
from services.billing.core.gift import GiftRules, Pot, book_told, settle_pot
from services.billing.core.ledger import Transfer, apply_transfers
from services.billing.core.posture import Standing, take_gifts
from services.billing.settings import BillingSettings
from services.billing.store import Store, Transaction


async def read_held(store: Transaction, rules: GiftRules, now: datetime) -> int:
    """What ``GIFT_HOLD`` holds now, micro-euros."""
    if rules.hold_microeuros is None:
        return 0
    return await store.read_held(rules.hold_microeuros, now - rules.hold_after)


async def book_gifts(
    store: Store, told: Sequence[DonationReported], settings: BillingSettings, now: datetime
) -> None:
    """Book what platforms reported; told before, nothing moves."""
    async with store.transaction() as work:
        standing = await work.load_standing()
        about = sorted({name for one in told for name in one.about})
        parts = await work.find_parts([one.id for one in told], about)
        payments = await work.load_payments(sorted({part.payment for part in parts}))
        booked = book_told(parts, payments, await work.load_pot(), told, now)
        await work.save_parts(booked.parts)
        await work.save_payments(booked.payments)
        await settle(work, standing, booked.pot, settings, now, moved=booked.transfers)


async def settle_gifts(store: Store, settings: BillingSettings, now: datetime) -> None:
    """Let what was held and is held no more count; heed settings that changed."""
    rules = settings.gifts
    async with store.transaction() as work:
        balances, pot = await work.read_balances(), await work.read_pot()
        if not settle_pot(pot, balances, await read_held(work, rules, now), rules, now).transfers:
            return
    async with store.transaction() as work:
        standing = await work.load_standing()
        await settle(work, standing, await work.load_pot(), settings, now)


async def settle(
    work: Transaction,
    standing: Standing,
    pot: Pot,
    settings: BillingSettings,
    now: datetime,
    *,
    moved: Sequence[Transfer] = (),
) -> None:
    """Save the pot and all that moves by it.

    Args:
        standing: locked.
        pot: locked, and as it is now.
        moved: at the platforms; not saved yet.
    """
    balances = apply_transfers(await work.lock_balances(), moved)
    held = await read_held(work, settings.gifts, now)
    settled = settle_pot(pot, balances, held, settings.gifts, now)
    await work.add_transfers([*moved, *settled.transfers])
    await work.save_pot(settled.pot)
    if settled.difference_microeuros:
        after = apply_transfers(balances, settled.transfers)
        gained, horizon = settled.difference_microeuros, settings.posture.pace.horizon
        await work.save_standing(take_gifts(standing, after, gained, horizon, now))
