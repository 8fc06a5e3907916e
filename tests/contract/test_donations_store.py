"""Donations' store, kept by PostgreSQL and by memory alike."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from kernel.database.migrations import Schema, migrate
from kernel.database.pool import Pool, open_pool, role_of
from kernel.facts.records import Platform
from services.donations.core.walk import Mark
from services.donations.memory import MemoryStore
from services.donations.store import LISTED_MAX, PostgresStore, Store
from tests.unit.donations.test_walk import NOW, fact

SCHEMA = Schema("donations", Path("services/donations/sql").resolve())


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    await migrate(fresh_database, [SCHEMA])
    role = role_of("donations")
    async with open_pool(fresh_database, role=role, schema="donations", size_max=3) as opened:
        yield opened


@pytest.fixture(params=["postgres", "memory"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore()
    return PostgresStore(request.getfixturevalue("pool"))


async def test_the_first_start_stays(store: Store) -> None:
    assert await store.begin_counting(NOW) == NOW
    assert await store.begin_counting(NOW + timedelta(days=1)) == NOW


async def test_a_mark_is_kept_for_each_list(store: Store) -> None:
    assert await store.load_mark("a") == Mark()
    mark = Mark(NOW, NOW, NOW, None)
    await store.save_mark("a", Mark())
    await store.save_mark("a", mark)
    assert await store.load_mark("a") == mark
    assert await store.load_mark("b") == Mark()


async def test_news_is_told_once_and_a_later_version_again(store: Store) -> None:
    first, later = fact(version=1), fact(version=2, amount_minor=6)
    await store.keep_news([first, fact(id="b")])
    assert {one.id for one in await store.load_untold(9)} == {"a", "b"}
    assert len(await store.load_untold(1)) == 1
    await store.mark_told([first, fact(id="b")])
    assert await store.load_untold(9) == []
    await store.keep_news([later])
    await store.keep_news([fact(version=1, amount_minor=7)])
    assert await store.load_untold(9) == [later]
    await store.mark_told([first])
    assert await store.load_untold(9) == [later], "what was told is not what is noted now"
    assert await store.load_told(["a", "c"]) == {"a": later}


async def test_what_the_topic_has_is_told_but_not_what_is_to_be_told_instead(store: Store) -> None:
    old, new = fact(version=1), fact(version=2, amount_minor=6)
    await store.keep_news([new])
    await store.note_told([old])
    assert await store.load_untold(9) == [new]
    await store.note_told([fact(version=2, amount_minor=7)])
    assert await store.load_untold(9) == [new]
    await store.note_told([new])
    assert await store.load_untold(9) == []
    await store.note_told([fact(version=3, amount_minor=8)])
    assert (await store.load_told(["a"]))["a"].amount_minor == 8


async def test_all_of_a_platform_are_listed(store: Store) -> None:
    many = [fact(id=f"s{n:05}", source=Platform.STRIPE) for n in range(LISTED_MAX + 2)]
    await store.note_told([*many, fact(id="h")])
    found = await store.list_told(Platform.STRIPE)
    assert [one.id for one in found] == [one.id for one in many]
    assert [one.id for one in await store.list_told(Platform.HELLOASSO)] == ["h"]
