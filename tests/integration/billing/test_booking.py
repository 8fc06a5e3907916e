"""Several members book at once: they wait for each other in turn, and never in a circle."""

import asyncio

from services.billing.core.ledger import Account, Movement, TransferKind, transfer
from tests.integration.billing.scene import Desk, open_desk
from tests.support.eventually import eventually
from tests.unit.billing.cases import NOW

RECEIVING = Movement(TransferKind.RECEIVE, Account.FUND, Account.SPENT_RECEIVE, 1)
MEMBERS = 2
WAITERS = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
HELD = "SELECT 1 FROM accounts ORDER BY name FOR NO KEY UPDATE"


async def test_who_books_at_once_waits_in_turn_and_in_no_circle(fresh_database: str) -> None:
    """PostgreSQL would end one of a circle with an error, a second later: ``database_conflict``."""
    async with open_desk(fresh_database) as desk:
        async with desk.store.transaction() as first:
            held = first._connection
            await held.fetch(HELD)
            others = [asyncio.create_task(book(desk, f"m-{n}")) for n in range(MEMBERS)]

            async def all_wait() -> bool:
                return bool(await held.fetchval(WAITERS) == MEMBERS)

            await eventually(all_wait, seconds_max=20)
        await asyncio.gather(*others)
        assert (await desk.balances())[Account.SPENT_RECEIVE] == MEMBERS


async def book(desk: Desk, message_id: str) -> None:
    async with desk.store.transaction() as work:
        await work.add_transfers([transfer(RECEIVING, message_id, NOW)])
