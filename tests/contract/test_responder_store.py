"""The responder's store, kept by PostgreSQL and by memory alike."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from kernel.database.migrations import Schema, migrate
from kernel.database.pool import open_pool, role_of
from kernel.facts.records import ReplyChanged, ReplyKind, ReplyState
from kernel.log.port import Outgoing
from kernel.provider.port import Accepted, Uncertain
from services.responder.core.backfill import Scan, ScanKind
from services.responder.core.outbox import (
    Reply,
    apply_absence,
    apply_claim,
    apply_observation,
    apply_result,
)
from services.responder.core.restoration import Restoration, Stage
from services.responder.core.status import observe_logged
from services.responder.memory import MemoryStore
from services.responder.store import PostgresStore, Store
from tests.unit.responder.cases import MINUTE, NOW, RULES, logged, waiting

SCHEMA = Schema("responder", Path("services/responder/sql").resolve())


@pytest.fixture(params=["postgres", "memory"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    url = request.getfixturevalue("fresh_database")
    await migrate(url, [SCHEMA])
    async with open_pool(url, role=role_of("responder"), schema="responder", size_max=4) as pool:
        yield PostgresStore(pool)


def reply(number: int, **fields: object) -> Reply:
    base = replace(waiting(), reply_id=f"m-{number}", sender=f"{number:032x}")
    return replace(base, **fields)  # type: ignore[arg-type]


async def save(store: Store, *replies: Reply) -> None:
    async with store.transaction() as transaction:
        added = await transaction.add_replies(replies)
        await transaction.save_replies([each for each in replies if each.reply_id not in added])


async def load(store: Store, *reply_ids: str) -> dict[str, Reply]:
    async with store.transaction() as transaction:
        return await transaction.load_replies(reply_ids)


async def ready(store: Store, count: int = 9, *, tests_only: bool = False) -> list[str]:
    async with store.transaction() as transaction:
        found = await transaction.load_ready(NOW, count, tests_only=tests_only)
    return [each.reply_id for each in found]


async def test_replies_come_back_as_they_were_saved_in_every_state(store: Store) -> None:
    claimed = apply_claim(reply(1), NOW, RULES)
    done = apply_result(apply_claim(reply(2), NOW, RULES), 1, Accepted("p-1"), NOW, RULES)
    charged = replace(done, reply_id="m-3", sender="3" * 32)
    charged = apply_observation(charged, observe_logged(logged("delivered")), NOW, RULES)
    lost = apply_result(apply_claim(reply(4), NOW, RULES), 1, Uncertain("timeout"), NOW, RULES)
    gone = replace(lost, reply_id="m-5", sender="5" * 32, kind=ReplyKind.TEST, text_index=2)
    gone = apply_absence(gone, NOW + RULES.unresolved_after, RULES)
    every = [reply(0), claimed, done, charged, lost, gone]
    await save(store, *every)
    found = await load(store, *(each.reply_id for each in every), "nobody")
    assert found == {each.reply_id: each for each in every}
    changed = replace(charged, amount_microunits=70_000, sequence=9)
    await save(store, changed)
    assert (await load(store, "m-3"))["m-3"] == changed


async def test_a_reply_that_is_there_is_not_added_again(store: Store) -> None:
    claimed = apply_claim(reply(1), NOW, RULES)
    await save(store, claimed)
    async with store.transaction() as transaction:
        assert await transaction.add_replies([reply(2), reply(1)]) == {"m-2"}
        assert await transaction.add_replies([]) == set()
    assert await load(store, "m-1", "m-2") == {"m-1": claimed, "m-2": reply(2)}


async def test_two_members_that_add_the_same_reply_do_not_undo_each_other(store: Store) -> None:
    async def add() -> set[str]:
        async with store.transaction() as transaction:
            added = await transaction.add_replies([reply(n) for n in range(50)])
            found = await transaction.load_replies([f"m-{n}" for n in range(50)])
            assert len(found) == 50
            await transaction.save_replies(
                [apply_claim(each, NOW, RULES) for i, each in found.items() if i in added]
            )
            return added

    adds = await asyncio.gather(*(add() for _ in range(4)))
    assert sorted(len(added) for added in adds) == [0, 0, 0, 50]
    found = await load(store, *(f"m-{n}" for n in range(50)))
    assert {each.state for each in found.values()} == {ReplyState.SENDING}


async def test_replies_are_found_by_the_providers_id(store: Store) -> None:
    await save(
        store, apply_result(apply_claim(reply(1), NOW, RULES), 1, Accepted("p-1"), NOW, RULES)
    )
    async with store.transaction() as transaction:
        assert await transaction.find_by_message(["p-1", "p-2"]) == {"p-1": "m-1"}
        assert await transaction.find_by_message([]) == {}


async def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    change = Outgoing(ReplyChanged.TOPIC, b"k", b"v")

    async def fail() -> None:
        async with store.transaction() as transaction:
            await transaction.add_replies([reply(1)])
            await transaction.add_changes([change])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await load(store, "m-1") == {}
    assert await store.load_changes(9) == []


async def test_changes_are_kept_in_order_until_they_are_told(store: Store) -> None:
    changes = [Outgoing(ReplyChanged.TOPIC, b"k", b"%d" % n) for n in range(5)]
    async with store.transaction() as transaction:
        await transaction.add_changes(changes[:3])
        await transaction.add_changes([])
    async with store.transaction() as transaction:
        await transaction.add_changes(changes[3:])
    found = await store.load_changes(4)
    assert [change for _, change in found] == changes[:4]
    await store.delete_changes([number for number, _ in found])
    await store.delete_changes([number for number, _ in found])
    assert [change for _, change in await store.load_changes(9)] == changes[4:]


async def test_ready_are_the_longest_due_whose_time_has_come(store: Store) -> None:
    await save(
        store,
        reply(1, due_at=NOW - MINUTE),
        reply(2, due_at=NOW - 2 * MINUTE),
        reply(3, due_at=NOW - 3 * MINUTE, look_at=NOW + MINUTE),
        reply(4, due_at=NOW, kind=ReplyKind.TEST),
        apply_claim(reply(5), NOW, RULES),
    )
    assert await ready(store) == ["m-2", "m-1", "m-4"]
    assert await ready(store, 1) == ["m-2"]
    assert await ready(store, tests_only=True) == ["m-4"]
    async with store.transaction() as transaction:
        assert await transaction.next_ready_at(tests_only=False) == NOW
        assert await transaction.next_ready_at(tests_only=True) == NOW
    async with store.transaction() as transaction:
        await transaction.save_replies([
            apply_claim(each, NOW, RULES)
            for each in (await transaction.load_replies(["m-1", "m-2", "m-4"])).values()
        ])  # fmt: skip
    async with store.transaction() as transaction:
        assert await transaction.next_ready_at(tests_only=False) == NOW + MINUTE
        assert await transaction.next_ready_at(tests_only=True) is None


@pytest.mark.parametrize("state", [ReplyState.SENDING, ReplyState.UNCERTAIN])
async def test_nothing_is_ready_for_a_number_with_an_open_send(
    store: Store, state: ReplyState
) -> None:
    busy = replace(apply_claim(reply(1), NOW, RULES), state=state)
    await save(store, busy, reply(2, sender=busy.sender), reply(3))
    assert await ready(store) == ["m-3"]
    await save(store, replace(busy, state=ReplyState.UNRESOLVED))
    assert await ready(store) == ["m-2", "m-3"]


async def test_what_is_due_comes_in_the_order_of_the_states(store: Store) -> None:
    open_, late = apply_claim(reply(1), NOW - MINUTE * 9, RULES), MINUTE
    lost = apply_result(apply_claim(reply(2), NOW, RULES), 1, Uncertain("t"), NOW - late, RULES)
    done = apply_result(apply_claim(reply(3), NOW, RULES), 1, Accepted("p"), NOW - late, RULES)
    await save(
        store, open_, lost, done, replace(lost, reply_id="m-4", sender="4" * 32, look_at=NOW)
    )
    states = (ReplyState.UNCERTAIN, ReplyState.SENDING, ReplyState.SENT)
    found = await store.find_due(states, NOW, 9)
    assert [each.reply_id for each in found] == ["m-2", "m-4", "m-1"]
    found = await store.find_due(states, NOW + RULES.settle_after, 9)
    assert [each.reply_id for each in found] == ["m-2", "m-4", "m-1", "m-3"]
    assert len(await store.find_due(states, NOW + RULES.settle_after, 2)) == 2


async def test_sent_between_is_counted(store: Store) -> None:
    await save(
        store, reply(0), *(apply_claim(reply(n), NOW + n * MINUTE, RULES) for n in range(1, 4))
    )
    assert await store.count_sent(NOW + MINUTE, NOW + 2 * MINUTE, 9) == 2
    assert await store.count_sent(NOW + MINUTE, NOW + 3 * MINUTE, 2) == 2
    assert await store.count_sent(NOW, NOW, 9) == 0


async def test_the_pace_is_one(store: Store) -> None:
    async with store.transaction() as transaction:
        pace = await transaction.load_pace()
        assert (pace.held_until, pace.paused, pace.holds) == (None, False, 0)
        changed = replace(
            pace, free_at=NOW, held_until=NOW, probing=True, holds=3, hold_reason="402", paused=True
        )
        await transaction.save_pace(changed)
    async with store.transaction() as transaction:
        assert await transaction.load_pace() == changed


async def test_one_claims_at_a_time(fresh_database: str) -> None:
    """Else each replica would have the rate for itself."""
    await migrate(fresh_database, [SCHEMA])
    role = role_of("responder")
    async with open_pool(fresh_database, role=role, schema="responder", size_max=4) as pool:
        store = PostgresStore(pool)

        async def claim() -> None:
            async with store.transaction() as work:
                pace = await work.load_pace()
                await work.load_replies(["nobody"])  # others have their turn
                await work.save_pace(replace(pace, holds=pace.holds + 1))

        await asyncio.gather(*(claim() for _ in range(8)))
        async with store.transaction() as work:
            assert (await work.load_pace()).holds == 8


async def test_the_attachment_is_one(store: Store) -> None:
    async with store.transaction() as transaction:
        attachment = await transaction.load_attachment()
        assert (attachment.sequence, attachment.attach, attachment.attached) == (-1, None, None)
        changed = replace(
            attachment, sequence=4, attach=False, attached=True, tries=2, link_at=NOW, check_at=NOW
        )
        await transaction.save_attachment(changed)
    assert await store.read_attachment() == changed


async def test_scans_are_gone_on_with_by_kind_and_time(store: Store) -> None:
    def scan(kind: ScanKind, name: str = "", look_at: timedelta = timedelta()) -> Scan:
        return Scan(name or kind.value, kind, NOW, None, 0, NOW + look_at)

    async with store.transaction() as transaction:
        for kind in (ScanKind.WHOLE, ScanKind.ORDERED, ScanKind.UNDELIVERED):
            await transaction.save_scan(scan(kind))
        await transaction.save_scan(scan(ScanKind.ORDERED, "b", -MINUTE))
        await transaction.add_scan(scan(ScanKind.WHOLE, look_at=-9 * MINUTE))
    order = []
    while (found := await store.find_scan(NOW)) is not None:
        order.append(found.name)
        async with store.transaction() as transaction:
            await transaction.delete_scan(found.name)
            await transaction.save_scan(replace(found, look_at=NOW + MINUTE, until=NOW, offset=3))
    assert order == ["undelivered", "b", "ordered", "whole"]
    later = await store.find_scan(NOW + MINUTE)
    assert later == Scan("undelivered", ScanKind.UNDELIVERED, NOW, NOW, 3, NOW + MINUTE)


async def test_a_lease_has_one_holder_until_it_ends(store: Store) -> None:
    assert await store.take_lease("x", "a", NOW, NOW + MINUTE)
    assert await store.take_lease("x", "a", NOW, NOW + MINUTE)
    assert not await store.take_lease("x", "b", NOW, NOW + 9 * MINUTE)
    assert await store.take_lease("y", "b", NOW, NOW + MINUTE)
    assert await store.take_lease("x", "b", NOW + MINUTE, NOW + 2 * MINUTE)
    assert not await store.take_lease("x", "a", NOW + MINUTE, NOW + 2 * MINUTE)


async def test_the_database_itself_allows_one_open_send_a_number(fresh_database: str) -> None:
    await migrate(fresh_database, [SCHEMA])
    role = role_of("responder")
    async with open_pool(fresh_database, role=role, schema="responder", size_max=2) as pool:
        store = PostgresStore(pool)
        first, second = apply_claim(reply(1), NOW, RULES), apply_claim(reply(2), NOW, RULES)
        with pytest.raises(asyncpg.UniqueViolationError):
            await save(store, first, replace(second, sender=first.sender))
        with pytest.raises(asyncpg.CheckViolationError):
            await save(store, replace(first, final=True))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute("DELETE FROM replies")


async def test_what_an_sms_may_be_is_found_by_the_number(store: Store) -> None:
    sent = apply_result(apply_claim(reply(2), NOW, RULES), 1, Accepted("p-1"), NOW, RULES)
    test = replace(sent, reply_id="m-3", kind=ReplyKind.TEST, message_id="p-3", sender="3" * 32)
    found = replace(sent, reply_id="r", kind=ReplyKind.RECOVERED, message_id="p-4")
    over = replace(found, reply_id="x", state=ReplyState.FAILED, message_id=None, final=True)
    await save(store, reply(0), apply_claim(reply(1), NOW, RULES), sent, test, found, over)
    numbers = [reply(n).sender for n in range(3)] + ["3" * 32]
    async with store.transaction() as transaction:
        unsent = await transaction.find_unsent(numbers)
        assert [each.reply_id for each in unsent] == ["m-0", "m-1"]
        assert await transaction.find_unsent(["f" * 32]) == []
        left = await transaction.find_sent_to(numbers)
        assert [each.reply_id for each in left] == ["m-2", "r"]
        assert await transaction.find_sent_to(["f" * 32]) == []
        unended = await transaction.find_unended()
        assert [each.reply_id for each in unended] == ["m-0", "m-1", "m-2", "m-3", "r"]


async def test_a_scan_is_there_until_it_is_over(store: Store) -> None:
    async with store.transaction() as transaction:
        await transaction.add_scan(Scan("restored", ScanKind.ORDERED, NOW, None, 0, NOW))
    assert await store.has_scan("restored")
    async with store.transaction() as transaction:
        await transaction.delete_scan("restored")
    assert not await store.has_scan("restored")


async def test_a_database_that_was_never_restored_says_so(store: Store) -> None:
    assert await store.read_restoration() is None


async def test_the_mark_of_a_restore_holds_and_lifts_what_is_told(fresh_database: str) -> None:
    await migrate(fresh_database, [SCHEMA])
    ended = replace(reply(3), state=ReplyState.FAILED, sender_sealed=None, final=True, sequence=2)
    role = role_of("responder")
    async with open_pool(fresh_database, role=role, schema="responder", size_max=2) as pool:
        store = PostgresStore(pool)
        await save(store, reply(0), apply_claim(reply(1), NOW, RULES), ended)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute("SELECT mark_restored('x', now(), now(), 1, 1)")
        login = await asyncpg.connect(fresh_database)
        for name, base, posture in (("r-1", 3, 2), ("r-2", 41, 17)):
            await login.execute(
                "SELECT responder.mark_restored($1, $2, $3, $4, $5)",
                name, NOW, NOW + MINUTE, base, posture,
            )  # fmt: skip
        await login.close()
        assert await store.read_restoration() == Restoration("r-2", NOW, NOW + MINUTE, 41)
        found = await load(store, "m-0", "m-1", "m-3")
        assert [each.sequence for each in found.values()] == [42, 42, 2]
        assert (await store.read_attachment()).sequence == 17
        async with store.transaction() as transaction:
            assert (await transaction.load_pace()).paused
            read = Restoration("r-2", NOW, NOW + MINUTE, 41, Stage.RECEIVED, 20, 3, 4)
            await transaction.save_restoration(read)
        assert await store.read_restoration() == read
