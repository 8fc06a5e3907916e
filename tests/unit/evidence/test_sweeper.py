"""When what is past its time is erased, in what parts, and what a failure of it may hold up."""

from datetime import datetime
from typing import Any

import pytest

from kernel.stage.stage import Progress
from kernel.values.errors import Transient
from services.evidence import sweeper
from services.evidence.core.case import Case, Selection
from services.evidence.memory import MemoryStore
from tests.unit.evidence.cases import DAY, MINUTE, NOW, batch, handler, pseudonym, received

HOUR = 60 * MINUTE


class Broken(MemoryStore):
    """A store that cannot erase."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error, self.scans = error, 0

    async def erase_expired(self, *_: Any) -> Any:
        self.scans += 1
        raise self.error


@pytest.mark.parametrize(
    "error", [Transient("too slow (SQLSTATE 57014)", code="database_slow"), KeyError("ours")]
)
async def test_an_erasure_that_fails_fails_alone_and_is_not_repeated_at_every_look(
    error: Exception,
) -> None:
    store = Broken(error)
    evidence = handler(store)
    await evidence.handle(batch([received(1)]), NOW)
    for second in range(60):
        await evidence.due(Progress(), NOW + second * MINUTE / 60)
    assert store.scans == 1
    assert len(await store.load_checkpoints(9, 9)) == 1  # signed all the same
    await evidence.due(Progress(), NOW + HOUR)
    assert store.scans == 2


async def test_a_signature_that_fails_is_due_again_with_the_next_and_keeps_nothing_from_erasure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    evidence = handler(store)
    await evidence.handle(batch([received(1)]), NOW)
    tries: list[datetime] = []

    async def fail() -> None:
        tries.append(NOW)
        raise Transient("away", code="database_away")

    monkeypatch.setattr(store, "read_tree", fail)
    with pytest.raises(Transient):
        await evidence.due(Progress(), NOW + 200 * DAY)
    await evidence.due(Progress(), NOW + 200 * DAY)
    assert len(tries) == 1
    assert len(await store.load_erased(0, 9)) == 1


async def test_each_is_erased_when_its_time_has_come_and_not_before() -> None:
    store = MemoryStore()
    evidence = handler(store)
    await evidence.handle(batch([received(0, 1), received(0 + 60, 2), received(120, 3)]), NOW)
    await store.add_objection(pseudonym(3), NOW)

    async def left(at: datetime) -> list[str | None]:
        await evidence.due(Progress(), at)
        return [kept.entry.message_id for kept in await store.load_records(range(1, 9))]

    assert await left(NOW + 7 * DAY + 2 * HOUR - MINUTE) == ["m-0", "m-60", "m-120"]
    assert await left(NOW + 7 * DAY + 3 * HOUR) == ["m-0", "m-60"]
    assert await left(NOW + 180 * DAY) == ["m-0", "m-60"]
    assert await left(NOW + 180 * DAY + HOUR) == ["m-60"]
    assert await left(NOW + 180 * DAY + 2 * HOUR) == []


async def test_many_are_erased_part_by_part_past_what_a_case_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweeper, "RECORDS_MAX", 3)
    store = MemoryStore()
    evidence = handler(store)
    await evidence.handle(batch([received(n, n % 2 + 1) for n in range(20)]), NOW)
    held = Selection(until=NOW + 10 * MINUTE, since=NOW)
    await store.add_case(Case("c", "plainte", NOW + 999 * DAY, held, NOW))
    at, looks = NOW + 200 * DAY, 0
    sign_at = at + MINUTE
    while len(await store.load_erased(0, 99)) < 10:
        before = len(await store.load_erased(0, 99))
        due = await evidence.due(Progress(), at)
        assert len(await store.load_erased(0, 99)) - before <= 3
        assert due.next_at is not None
        assert due.next_at == (sign_at if looks == 6 else at + sweeper.REST)
        at, looks = due.next_at, looks + 1
    assert looks == 7
    await evidence.due(Progress(), at + HOUR)
    kept = [kept.entry.message_id for kept in await store.load_records(range(1, 99))]
    assert kept == [f"m-{n}" for n in range(10)]


async def test_of_who_objected_nobody_and_nothing_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweeper, "OBJECTORS_MAX", 2)
    monkeypatch.setattr(sweeper, "RECORDS_EACH_MAX", 2)
    store = MemoryStore()
    evidence = handler(store)
    await evidence.handle(batch([received(n, n % 5) for n in range(25)]), NOW)
    for sender in range(4):
        await store.add_objection(pseudonym(sender), NOW)
    at = NOW + 30 * DAY
    for _ in range(20):
        at = (await evidence.due(Progress(), at)).next_at or at
    kept = await store.load_records(range(1, 99))
    assert {each.entry.sender for each in kept} == {pseudonym(4)}
    assert len(kept) == 5
