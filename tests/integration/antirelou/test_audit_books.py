"""What an audit says of the ledger: I2 holds when a reservation is made, whatever comes later."""

import asyncpg
import pytest

from antirelou.commands.audit.facts import AuditRules, Facts
from antirelou.commands.audit.gather import _read_books
from antirelou.commands.audit.judge import judge
from kernel.facts.records import ReplyState
from services.billing.operator import EntryKind
from tests.integration.billing.scene import Desk, open_desk, sender, texts, verdicts
from tests.unit.billing.cases import DAY, EURO, changed


async def overspent(database_url: str) -> list[str]:
    """What the audit says of I2."""
    books = await _read_books(database_url, 5.0)
    judgements = judge(Facts(AuditRules(180 * DAY, 160_000, 10_000, 1_000_000), books=books))
    return [one.what for judged in judgements if judged.invariant == "I2"
            for one in judged.violations]  # fmt: skip


async def pay_two(desk: Desk, *costs: int) -> None:
    assert desk.operator is not None
    await desk.operator.book_entry("mistyped", EntryKind.DONATION, 1000 * EURO, "", desk.now)
    await desk.hear(*texts(1, 2), *verdicts(1, 2))
    await desk.look()
    for number, cost in enumerate(costs, 1):
        sent = changed(f"m-{number}", 1, ReplyState.DELIVERED, cost, sender=sender(number))
        await desk.hear(sent)


@pytest.mark.parametrize("costs", [(), (150_000,), (150_000, 150_000), (450_000, 0), (140_000,)])
async def test_what_is_corrected_after_replies_were_paid_is_no_overspending(
    fresh_database: str, costs: tuple[int, ...]
) -> None:
    async with open_desk(fresh_database) as desk:
        await pay_two(desk, *costs)
        assert desk.operator is not None
        await desk.operator.correct_entry("mistyped", "why", desk.now, below_zero=True)
        await desk.operator.book_entry("rent", EntryKind.FEE, 50 * EURO, "", desk.now)
        assert await overspent(fresh_database) == []


async def test_a_reservation_before_the_money_came_is_found(fresh_database: str) -> None:
    """As if the database had not refused it: by the sums alone all is well again."""
    async with open_desk(fresh_database) as desk:
        await pay_two(desk)
        assert desk.operator is not None
        await desk.operator.correct_entry("mistyped", "why", desk.now, below_zero=True)
        await desk.hear(*texts(3), *verdicts(3))
        owner = await asyncpg.connect(fresh_database)
        try:
            await owner.execute("ALTER TABLE billing.transfers DISABLE TRIGGER transfers_booked")
            await owner.execute(
                "INSERT INTO billing.transfers (id, kind, subject, debit, credit,"
                " amount_microeuros, at) SELECT gen_random_uuid(), kind, 'm-3', debit, credit,"
                " amount_microeuros, at FROM billing.transfers WHERE subject = 'm-1'"
                " AND kind = 'reserve'"
            )
            await owner.execute("ALTER TABLE billing.transfers ENABLE TRIGGER transfers_booked")
        finally:
            await owner.close()
        await desk.operator.book_entry("gift", EntryKind.DONATION, 1000 * EURO, "", desk.now)
        assert "reserved with money that was not there" in await overspent(fresh_database)


async def test_of_what_is_older_than_the_order_the_sum_counts(fresh_database: str) -> None:
    async with open_desk(fresh_database) as desk:
        await pay_two(desk)
        owner = await asyncpg.connect(fresh_database)
        try:
            await owner.execute("UPDATE billing.transfers SET number = NULL")
        finally:
            await owner.close()
        await desk.hear(*texts(3), *verdicts(3))
        await desk.look()
        assert await overspent(fresh_database) == []
