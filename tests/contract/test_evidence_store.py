"""The evidence store, kept by PostgreSQL and by memory alike."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from kernel.database.migrations import Schema, migrate
from kernel.database.pool import open_pool, role_of
from kernel.facts.records import Record
from services.evidence.core.case import Case, Hold, Selection
from services.evidence.core.entry import NOBODY, START, Erased, enter
from services.evidence.core.entry import TERMS as TERMS_KIND
from services.evidence.core.merkle import edge_tiles, root_of
from services.evidence.core.note import Signed
from services.evidence.core.verifier import EMPTY_ROOT
from services.evidence.memory import MemoryStore
from services.evidence.store import PostgresStore, Store
from tests.unit.evidence.cases import (
    DAY,
    MINUTE,
    NOW,
    batch,
    handler,
    judged,
    pseudonym,
    received,
    replied,
    weekend,
)

SCHEMA = Schema("evidence", Path("services/evidence/sql").resolve())


@pytest.fixture(params=["postgres", "memory"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    url = request.getfixturevalue("fresh_database")
    await migrate(url, [SCHEMA])
    async with open_pool(url, role=role_of("evidence"), schema="evidence", size_max=4) as pool:
        yield PostgresStore(pool)


async def keep(store: Store, records: Sequence[Record], now: datetime = NOW) -> None:
    await handler(store).handle(batch(records), now)


async def kinds(store: Store, selection: Selection) -> list[str]:
    leaves = await store.case_leaves(selection, (await store.read_tree()).size)
    records = await store.load_records(leaves)
    assert [each.leaf for each in records] == leaves
    return [
        f"{each.entry.kind} {each.entry.message_id}"
        for each in records
        if each.entry.kind != TERMS_KIND
    ]


def case(name: str = "c-1", **chosen: object) -> Case:
    selection = Selection(**chosen)  # type: ignore[arg-type]
    return Case(name, "plainte", NOW + 365 * DAY, selection, NOW)


async def test_an_empty_log_is_an_empty_tree(store: Store) -> None:
    tree = await store.read_tree()
    assert (tree.size, tree.root) == (0, EMPTY_ROOT)
    assert await store.load_checkpoints(0, 5) == []
    assert await store.witnessed_size() == 0


async def test_what_is_kept_comes_back_as_it_was_and_once(store: Store) -> None:
    records = weekend()
    await keep(store, records)
    tree = await store.read_tree()
    assert tree.size == len(records) + 1  # the terms
    await keep(store, records)  # redelivered
    assert await store.read_tree() == tree
    kept = await store.load_records(range(tree.size))
    assert [each.leaf for each in kept] == list(range(tree.size))
    assert kept[0].entry.kind == TERMS_KIND
    assert [each.entry for each in kept[1:]] == [enter(r, "0.1.0") for r in records]
    assert len({each.salt for each in kept}) == tree.size
    tiles = await store.load_tiles([*edge_tiles(tree.size), (0, 99)])
    assert root_of(tree.size, tiles) == tree.root


async def test_members_that_append_at_once_share_no_leaf(store: Store) -> None:
    batches = [[received(n * 40 + i, n) for i in range(40)] for n in range(6)]
    batches.append(batches[0])
    await asyncio.gather(*(keep(store, each) for each in batches))
    tree = await store.read_tree()
    kept = await store.load_records(range(tree.size))
    messages = [each.entry.message_id for each in kept if each.entry.message_id]
    assert sorted(messages) == sorted({record.id for each in batches for record in each})
    assert root_of(tree.size, await store.load_tiles(edge_tiles(tree.size))) == tree.root


async def test_checkpoints_stamps_and_cosignatures(store: Store) -> None:
    for size in (3, 5, 9):
        await store.add_checkpoint(Signed(size, f"note {size}", NOW))
    await store.add_checkpoint(Signed(5, "another", NOW + MINUTE))
    await store.stamp_checkpoint(5, b"stamp", NOW + MINUTE)
    await store.witness_checkpoint(3, "note 3, cosigned", NOW + MINUTE)
    five = Signed(5, "note 5", NOW, stamp=b"stamp", stamped_at=NOW + MINUTE)
    three = Signed(3, "note 3, cosigned", NOW, witnessed_at=NOW + MINUTE)
    assert await store.load_checkpoints(9, 2) == [Signed(9, "note 9", NOW), five]
    assert await store.load_checkpoints(8, 9) == [five, three]
    assert await store.load_checkpoints(9, 9, stamped_only=True) == [five]
    assert await store.witnessed_size() == 3


async def test_a_case_finds_all_that_is_about_its_messages(store: Store) -> None:
    await keep(store, [received(1, 1), received(2, 2), received(3, 1), judged(3, 1)])
    await keep(store, [judged(1, 1, basis={"campaign": "c1"}), replied(1, 1), judged(2, 2)])
    one = ["received m-1", "judged m-1", "replied m-1"]
    assert await kinds(store, Selection(senders=(pseudonym(2),))) == ["received m-2", "judged m-2"]
    assert await kinds(store, Selection(campaigns=("c1",))) == one
    assert await kinds(store, Selection(since=NOW, until=NOW + 2 * MINUTE)) == one
    both = Selection(senders=(pseudonym(2),), campaigns=("c1",))
    assert len(await kinds(store, both)) == 5
    later = Selection(senders=(pseudonym(1),), since=NOW + 2 * MINUTE)
    assert await kinds(store, later) == ["received m-3", "judged m-3"]
    assert await kinds(store, Selection(senders=(pseudonym(9),))) == []
    first = (await store.message_leaves("m-1"))[0]
    assert await store.case_leaves(Selection(campaigns=("c1",)), first + 1) == [0, first]
    assert await store.message_leaves("nothing") == []
    assert len(await store.subject_leaves(pseudonym(1))) == 5


async def test_the_window_of_a_case_reaches_to_its_neighbours_in_time(store: Store) -> None:
    await keep(store, [received(1, 1), received(5, 2), received(9, 1)])
    size = (await store.read_tree()).size
    assert await store.case_window(Selection(senders=(pseudonym(1),)), size) == (0, size - 1)
    between = Selection(since=NOW + 4 * MINUTE, until=NOW + 9 * MINUTE)
    assert await store.case_window(between, size) == (2, 2)
    assert await store.case_window(between, 2) == (2, 1)


async def test_a_case_is_opened_once_and_closed_once(store: Store) -> None:
    opened = case(senders=(pseudonym(1),), campaigns=("c1",), since=NOW, until=NOW + DAY)
    assert await store.add_case(opened)
    assert not await store.add_case(case(senders=(pseudonym(2),)))
    assert await store.load_cases() == [opened]
    assert await store.load_cases("other") == []
    await store.close_case("c-1", NOW + DAY)
    await store.close_case("c-1", NOW + 2 * DAY)
    assert (await store.load_cases("c-1"))[0].closed_at == NOW + DAY


async def test_an_erased_sender_leaves_his_leaves_and_no_more(store: Store) -> None:
    records = weekend()
    await keep(store, records)
    tree = await store.read_tree()
    gone = await store.subject_leaves(pseudonym(1))
    assert await store.erase_subject(pseudonym(1), NOW + DAY) == len(gone) == 6
    assert await store.load_records(gone) == []
    assert await store.subject_leaves(pseudonym(1)) == []
    assert await store.load_erased(0, tree.size) == [
        Erased(leaf, NOW + DAY, "request") for leaf in gone
    ]
    assert await store.read_tree() == tree
    await keep(store, records)  # redelivered: what was erased does not come back
    assert await store.read_tree() == tree
    assert await store.erase_subject(pseudonym(1), NOW + DAY) == 0


async def test_a_hold_keeps_what_it_is_about_until_it_ends(store: Store) -> None:
    await keep(store, [received(1, 1), judged(1, 1), received(2, 1), received(3, 2)])
    held = case(senders=(pseudonym(1),), until=NOW + 2 * MINUTE)
    await store.add_case(held)
    hold = Hold("c-1", "plainte", held.hold_until, 2)
    assert await store.load_holds(pseudonym(1), NOW) == [hold]
    assert await store.load_holds(pseudonym(2), NOW) == []
    assert await store.load_holds(pseudonym(1), held.hold_until) == []
    assert await store.erase_subject(pseudonym(1), NOW) == 1
    assert len(await store.subject_leaves(pseudonym(1))) == 2
    await store.close_case("c-1", NOW)
    assert await store.load_holds(pseudonym(1), NOW) == []
    assert await store.erase_subject(pseudonym(1), NOW) == 2


async def test_time_erases_what_no_hold_keeps_sooner_for_who_objected(store: Store) -> None:
    await keep(store, [received(1, 1), received(2, 2), received(3, 3), judged(3, 3)])
    await store.add_case(case(senders=(pseudonym(2),)))
    await store.add_objection(pseudonym(3), NOW)
    await store.add_objection(pseudonym(3), NOW + DAY)
    await store.add_objection(pseudonym(2), NOW)
    assert await store.load_objection(pseudonym(3)) == NOW
    assert await store.load_objection(pseudonym(1)) is None
    late = NOW + 10 * DAY
    assert await store.erase_objected(late, late, NOBODY, 1, 1) == (0, pseudonym(2))  # held
    assert await store.erase_objected(late, late, pseudonym(2), 1, 1) == (1, pseudonym(3))
    assert await store.erase_objected(late, late, NOBODY, 9, 9) == (1, None)
    assert await store.erase_objected(late, late, pseudonym(3), 9, 9) == (0, None)
    assert await store.erase_expired(NOW, late, START, 9) == (0, None)
    assert await store.erase_expired(late, late, START, 1) == (1, (NOW + MINUTE, 1))
    assert await store.erase_expired(late, late, START, 1) == (0, (NOW + 2 * MINUTE, 2))  # held
    assert await store.erase_expired(late, late, (NOW + 2 * MINUTE, 2), 9) == (0, None)
    assert [kept.entry.message_id for kept in await store.load_records(range(9))] == [None, "m-2"]
