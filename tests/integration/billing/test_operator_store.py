"""What the operator decides, on a real PostgreSQL: once, in order, and told until it is durable."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from kernel.database.pool import open_pool, role_of
from kernel.facts.records import OperatorAction, OperatorDecided, SenderBlocked, decode_as
from kernel.log.port import Outgoing
from kernel.values.errors import Transient
from services.billing.operator import Outcome
from services.billing.operator_store import PostgresDecisions
from tests.fakes.log import MemoryLog

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
SENDER = "0123456789abcdef" * 2


@pytest.fixture
async def store(billing_database: str) -> AsyncIterator[PostgresDecisions]:
    role = role_of("billing")
    async with open_pool(billing_database, role=role, schema="billing", size_max=4) as pool:
        yield PostgresDecisions(pool)


def block(*, blocked: bool = True, sender: str = SENDER, second: int = 0) -> SenderBlocked:
    at = AT + timedelta(seconds=second)
    return SenderBlocked(id=f"b{second}{blocked}", trace="t", at=at, sender=sender, blocked=blocked)


def decision(action: OperatorAction, reply_id: str | None = "r-1") -> OperatorDecided:
    return OperatorDecided(
        id=f"d{action}", trace="t", at=AT, action=action, reply_id=reply_id, why="w"
    )


async def test_a_block_and_its_end_are_each_noted_once_and_told_in_order(
    store: PostgresDecisions, log: MemoryLog
) -> None:
    assert await store.set_blocked(block()) is Outcome.DONE
    assert await store.set_blocked(block(second=1)) is Outcome.REPEATED
    assert [(b.sender, b.at) for b in await store.list_blocks()] == [(SENDER, AT)]
    assert await store.set_blocked(block(blocked=False, second=2)) is Outcome.DONE
    assert await store.set_blocked(block(blocked=False, second=3)) is Outcome.REPEATED
    assert await store.list_blocks() == []
    assert await store.tell(log.append) == 2
    assert await store.tell(log.append) == 0
    told = [decode_as(SenderBlocked, r.value).blocked for r in log.read_all(SenderBlocked.TOPIC)]
    assert told == [True, False]


async def test_what_the_log_did_not_take_is_told_later(
    store: PostgresDecisions, log: MemoryLog
) -> None:
    await store.set_blocked(block())
    log.away = True
    with pytest.raises(Transient):
        await store.tell(log.append)
    log.away = False
    assert await store.tell(log.append) == 1


async def test_a_lost_acknowledgement_tells_the_same_record_again(
    store: PostgresDecisions, log: MemoryLog
) -> None:
    await store.set_blocked(block())
    log.fail_after_append = 1
    with pytest.raises(Transient):
        await store.tell(log.append)
    await store.tell(log.append)
    first, second = log.read_all(SenderBlocked.TOPIC)
    assert first.value == second.value


async def test_two_that_tell_at_once_keep_the_order_and_tell_once(
    store: PostgresDecisions,
) -> None:
    appended: list[bytes] = []

    async def slowly(records: Sequence[Outgoing]) -> None:
        await asyncio.sleep(0.05)
        appended.extend(record.value for record in records)

    await store.set_blocked(block())
    first = asyncio.create_task(store.tell(slowly))
    await asyncio.sleep(0.02)
    await store.set_blocked(block(blocked=False, second=1))
    told = await asyncio.gather(first, *(store.tell(slowly) for _ in range(2)))
    assert sum(told) == 2
    assert [decode_as(SenderBlocked, value).blocked for value in appended] == [True, False]


async def test_many_who_block_at_once_block_once(store: PostgresDecisions, log: MemoryLog) -> None:
    outcomes = await asyncio.gather(*(store.set_blocked(block(second=n)) for n in range(8)))
    assert outcomes.count(Outcome.DONE) == 1
    assert await store.tell(log.append) == 1


async def test_a_decision_is_for_good(store: PostgresDecisions, log: MemoryLog) -> None:
    sent, void = (
        decision(OperatorAction.REPLY_SENT),
        decision(OperatorAction.REPLY_VOID),
    )
    assert await store.decide(sent, unresolved=False) is Outcome.CONFLICT
    assert await store.decide(sent, unresolved=True) is Outcome.DONE
    assert await store.decide(sent, unresolved=True) is Outcome.REPEATED
    assert await store.decide(sent, unresolved=False) is Outcome.REPEATED
    assert await store.decide(void, unresolved=True) is Outcome.CONFLICT
    assert await store.tell(log.append) == 1


async def test_of_two_who_decide_otherwise_at_once_one_wins(
    store: PostgresDecisions, log: MemoryLog
) -> None:
    outcomes = await asyncio.gather(
        store.decide(decision(OperatorAction.REPLY_SENT), unresolved=True),
        store.decide(decision(OperatorAction.REPLY_VOID), unresolved=True),
    )
    assert set(outcomes) == {Outcome.DONE, Outcome.CONFLICT}
    assert await store.tell(log.append) == 1


async def test_a_backfill_is_told_each_time(store: PostgresDecisions, log: MemoryLog) -> None:
    asked = decision(OperatorAction.BACKFILL, None)
    assert await store.ask_backfill(asked) is Outcome.DONE
    assert await store.ask_backfill(asked) is Outcome.DONE
    assert await store.tell(log.append) == 2


async def test_a_pseudonym_is_all_that_a_block_may_hold(store: PostgresDecisions) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await store.set_blocked(block(sender="+33639980001"))


@pytest.mark.parametrize("method", ["set_blocked", "list_blocks", "decide", "ask_backfill", "tell"])
async def test_a_database_that_is_away_is_trouble_that_passes(
    method: str, log: MemoryLog, tmp_path: Path
) -> None:
    """Any other error ends the service."""
    url = f"postgresql://antirelou@/antirelou?host={quote(str(tmp_path), safe='')}"
    calls: dict[str, Callable[[PostgresDecisions], Awaitable[object]]] = {
        "set_blocked": lambda store: store.set_blocked(block()),
        "list_blocks": lambda store: store.list_blocks(),
        "decide": lambda store: store.decide(decision(OperatorAction.REPLY_VOID), unresolved=True),
        "ask_backfill": lambda store: store.ask_backfill(decision(OperatorAction.BACKFILL, None)),
        "tell": lambda store: store.tell(log.append),
    }
    async with open_pool(url, role=role_of("billing"), schema="billing", size_max=1) as pool:
        with pytest.raises(Transient) as raised:
            await calls[method](PostgresDecisions(pool))
    assert raised.value.code == "database_away"
