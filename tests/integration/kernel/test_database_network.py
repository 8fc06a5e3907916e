"""The network to the database is cut, slow or silent: bounded trouble, and it goes on by itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import services.responder
from kernel.database import pool as database
from kernel.database.migrations import Schema, migrate
from kernel.database.pool import Pool, open_pool, translate_errors
from kernel.values.errors import Transient
from tests.support.eventually import eventually
from tests.support.proxy import Proxy, database_proxy

SCHEMA = Schema("responder", Path(services.responder.__file__).parent / "sql")
COMMAND_SECONDS_MAX = 1.0
"""Shortened; the bounds below follow it."""


@pytest.fixture
def proxied(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Proxy, str]]:
    monkeypatch.setattr(database, "COMMAND_SECONDS_MAX", COMMAND_SECONDS_MAX)
    monkeypatch.setattr(database, "CONNECT_SECONDS_MAX", COMMAND_SECONDS_MAX)
    proxy, url = database_proxy(fresh_database)
    with proxy:
        yield proxy, url


@pytest.fixture
async def pool(proxied: tuple[Proxy, str]) -> AsyncIterator[Pool]:
    await migrate(proxied[1], [SCHEMA])
    async with open_pool(proxied[1], role=SCHEMA.role, schema=SCHEMA.name, size_max=4) as opened:
        await asyncio.gather(*(work(opened) for _ in range(4)))
        yield opened


async def work(pool: Pool) -> None:
    with translate_errors():
        async with pool.acquire() as connection, connection.transaction():
            await connection.fetchval("SELECT pg_sleep(0.05)")


async def fails(pool: Pool) -> float:
    """Seconds until work fails as what passes by itself does."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(Transient):
        await work(pool)
    return loop.time() - began


async def works_again(pool: Pool) -> bool:
    try:
        await work(pool)
    except Transient as trouble:
        raise AssertionError(trouble.code) from None
    return True


@pytest.mark.parametrize("mode", ["cut", "silent", "mute", "deaf"])
async def test_trouble_is_bounded_and_one_try_finds_the_network_well_again(
    pool: Pool, proxied: tuple[Proxy, str], mode: str
) -> None:
    proxy, _ = proxied
    with proxy.harmed(mode):
        assert await fails(pool) < COMMAND_SECONDS_MAX + 1, "one time limit, not one after another"
        assert await fails(pool) < COMMAND_SECONDS_MAX + 1
    # Four connections went silent; only one was found out by a statement.
    await work(pool)
    await asyncio.gather(*(work(pool) for _ in range(4)))


async def test_connections_that_a_router_forgot_cost_one_time_limit(
    pool: Pool, proxied: tuple[Proxy, str]
) -> None:
    proxy, _ = proxied
    proxy.forget()
    assert await fails(pool) < COMMAND_SECONDS_MAX + 1
    await asyncio.gather(*(work(pool) for _ in range(4)))


async def test_a_slow_network_is_only_slow(pool: Pool, proxied: tuple[Proxy, str]) -> None:
    proxy, _ = proxied
    with proxy.harmed("slow"):
        await eventually(lambda: works_again(pool), seconds_max=5)


async def test_the_pool_closes_in_bounded_time_whatever_the_network(
    proxied: tuple[Proxy, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, url = proxied
    monkeypatch.setattr(database, "CLOSE_SECONDS_MAX", 1.0)
    await migrate(url, [SCHEMA])
    loop = asyncio.get_running_loop()
    async with open_pool(url, role=SCHEMA.role, schema=SCHEMA.name, size_max=4) as opened:
        await work(opened)
        proxy.silence()
        began = loop.time()
    assert loop.time() - began < 3
