"""A crash at any point between the topics and the tree: nothing lost, nothing twice, no fork."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from kernel.database.migrations import Schema, migrate
from kernel.database.pool import open_pool, role_of
from kernel.stage.stage import Progress
from services.evidence.core.entry import enter
from services.evidence.core.merkle import plan_consistency
from services.evidence.core.verifier import read_checkpoint, read_note, verify_consistency
from services.evidence.handler import EvidenceHandler
from services.evidence.memory import MemoryStore
from services.evidence.prover import prove
from services.evidence.store import PostgresStore, Store
from tests.unit.evidence.cases import MINUTE, NOW, batch, handler, weekend

SCHEMA = Schema("evidence", Path("services/evidence/sql").resolve())


class Crash(BaseException):
    """The process is gone."""


class Crashing:
    """A store, or a transaction of it, that crashes before or after its n-th call."""

    def __init__(self, store: Any, fuse: list[int]) -> None:
        self._store, self._fuse = store, fuse

    def _burn(self) -> None:
        self._fuse[0] -= 1
        if self._fuse[0] == 0:
            raise Crash

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name == "transaction":
            return self._open(method)

        async def call(*arguments: Any, **more: Any) -> Any:
            self._burn()
            result = await method(*arguments, **more)
            self._burn()
            return result

        return call

    def _open(self, method: Any) -> Any:
        @asynccontextmanager
        async def opened() -> AsyncIterator[Any]:
            self._burn()
            async with method() as transaction:
                yield Crashing(transaction, self._fuse)
            self._burn()  # committed, and nobody was told

        return opened


@pytest.fixture(params=["memory", "postgres"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    url = request.getfixturevalue("fresh_database")
    await migrate(url, [SCHEMA])
    async with open_pool(url, role=role_of("evidence"), schema="evidence", size_max=4) as pool:
        yield PostgresStore(pool)


async def test_a_crash_at_every_point_in_turn(store: Store) -> None:
    records = weekend(9)
    batches = [batch(records[start : start + 5]) for start in range(0, len(records), 5)]
    crashes = 0
    for each in batches:
        point, done = 0, False
        while not done:
            point += 1
            fuse = [point]
            try:
                kept: EvidenceHandler = handler(cast("Store", Crashing(store, fuse)))
                await kept.handle(each, NOW)
                await kept.due(Progress(), NOW + point * MINUTE)
                done = True
            except Crash:
                crashes += 1
    assert crashes > 12 * len(batches)
    await _check(store, [enter(record, "0.1.0") for record in records])


async def _check(store: Store, entries: list[Any]) -> None:
    tree = await store.read_tree()
    kept = await store.load_records(range(tree.size))
    assert [each.leaf for each in kept] == list(range(tree.size))
    told = [each.entry for each in kept if each.entry.message_id is not None]
    assert told == entries
    assert len(kept) == len(entries) + 1  # the terms, once
    checkpoints = await store.load_checkpoints(tree.size, 999)
    assert checkpoints[0].size == tree.size
    for signed in checkpoints:
        earlier = read_checkpoint(read_note(signed.note.encode()).text)
        proof = await prove(store, plan_consistency(earlier.size, tree.size))
        assert verify_consistency(earlier.size, tree.size, proof, earlier.root, tree.root)


def test_a_crashing_store_is_a_store() -> None:
    opened = Crashing(MemoryStore(), [9]).transaction()
    assert isinstance(opened, AbstractAsyncContextManager)
