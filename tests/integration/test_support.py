import asyncio
import time

import asyncpg
import pytest

from tests.support.eventually import eventually
from tests.support.postgres import PostgresServer


async def test_a_fresh_database_is_empty_and_quick_to_get(postgres_server: PostgresServer) -> None:
    postgres_server.drop_database(postgres_server.create_database())
    started = time.monotonic()
    url = postgres_server.create_database()
    try:
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        await connection.close()
    finally:
        postgres_server.drop_database(url)
    assert time.monotonic() - started < 2


def test_two_tests_have_two_databases(fresh_database: str, postgres_server: PostgresServer) -> None:
    other = postgres_server.create_database()
    postgres_server.drop_database(other)
    assert other != fresh_database


async def test_the_broker_answers(kafka_bootstrap: str) -> None:
    host, port = kafka_bootstrap.rsplit(":", 1)
    _, writer = await asyncio.open_connection(host, int(port))
    writer.close()
    await writer.wait_closed()


async def test_eventually_waits_for_a_true_value() -> None:
    values = iter([0, None, 7])

    async def check() -> int | None:
        return next(values)

    assert await eventually(check, seconds_max=5, every=0.001) == 7


async def test_eventually_says_what_was_missing() -> None:
    def check() -> None:
        raise AssertionError("one is not two")

    with pytest.raises(AssertionError, match="one is not two"):
        await eventually(check, seconds_max=0.05)
