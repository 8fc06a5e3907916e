"""Faults of the embedded log's own that its contract suite cannot bring about."""

import asyncio
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from kernel.database.migrations import Schema, migrate
from kernel.database.pool import open_pool, role_of
from kernel.log.embedded import session as embedded_session
from kernel.log.embedded.log import EmbeddedLog, open_embedded_log
from kernel.log.embedded.reader import EmbeddedReader
from kernel.log.embedded.session import Session, run_retention
from kernel.log.port import Batch, Outgoing, Partition, TopicSpec
from kernel.values.errors import Transient
from tests.support.eventually import eventually

TOPIC, GROUP = "topic", "group"
PARTITIONS = 4


@pytest.fixture
async def log(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EmbeddedLog]:
    monkeypatch.setattr(embedded_session, "SWEEP_SECONDS", 0.1)
    monkeypatch.setattr(embedded_session, "RECONNECT_SECONDS", 0.05)
    folder = Path(str(resources.files("kernel.log.embedded"))) / "sql"
    await migrate(fresh_database, [Schema("log", folder)])
    async with open_embedded_log(fresh_database) as opened:
        await opened.apply_topics([TopicSpec(TOPIC, PARTITIONS, None)])
        yield opened


async def test_who_joined_and_was_not_told_so_leaves_no_ghost(
    log: EmbeddedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ghost would be alive, and what falls to it would never be read."""
    hold, lost = Session.hold, [True]

    async def lose_the_answer(self: Session, statement: str, *arguments: object) -> object:
        answer = await hold(self, statement, *arguments)
        if "join_group" in statement and lost:
            lost.pop()
            raise Transient("the answer was lost", code="log_away")
        return answer

    async with log.reader(GROUP, [TOPIC]) as reader:
        monkeypatch.setattr(Session, "hold", lose_the_answer)
        log._session.reset()

        async def holds_all() -> bool:
            try:
                batch = await reader.read(records_max=1, bytes_max=1, wait_seconds=0)
            except Transient:
                return False
            return not lost and len(batch.lags) == PARTITIONS

        await eventually(holds_all, seconds_max=10)


async def test_news_that_a_failed_read_was_about_is_not_forgotten(
    log: EmbeddedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, broken = EmbeddedReader._look, [True]

    async def break_once(self: EmbeddedReader) -> object:
        if broken:
            broken.pop()
            raise Transient("the database is away", code="database_away")
        return await look(self)

    async def read() -> Batch:
        return await reader.read(records_max=9, bytes_max=99, wait_seconds=5)

    async with log.reader(GROUP, [TOPIC]) as reader:
        await reader.read(records_max=1, bytes_max=1, wait_seconds=0)
        monkeypatch.setattr(EmbeddedReader, "_look", break_once)
        reading = asyncio.create_task(read())
        await log.append([Outgoing(TOPIC, b"k", b"v")])
        with pytest.raises(Transient):
            await reading
        async with asyncio.timeout(2):
            assert [record.value for record in (await read()).records] == [b"v"]


async def test_while_an_append_is_under_way_no_watermark_passes_it(
    log: EmbeddedLog, fresh_database: str
) -> None:
    """Its records have their time, and are not to be seen yet: the partition is not quiet."""
    async with log.reader(GROUP, [TOPIC]) as reader:
        await reader.read(records_max=1, bytes_max=99, wait_seconds=0)
        async with (
            open_pool(fresh_database, role=role_of("log"), schema="log", size_max=1) as pool,
            pool.acquire() as connection,
        ):
            place = await connection.fetchrow("SELECT id, number FROM partitions ORDER BY id")
            assert place is not None
            slow = connection.transaction()
            await slow.start()
            append = "SELECT append(array[$1::int], '{1}', array[$1::int], '{0}', '{k}', '{v}')"
            await connection.execute(append, place["id"])
            batch = await reader.read(records_max=9, bytes_max=99, wait_seconds=0.1)
            assert batch.records == []
            seen_until = batch.watermarks[Partition(TOPIC, place["number"])]
            others = [at for held, at in batch.watermarks.items() if held[1] != place["number"]]
            await slow.commit()
        found = await reader.read(records_max=9, bytes_max=99, wait_seconds=5)
        assert [record.value for record in found.records] == [b"v"]
        assert seen_until <= found.records[0].appended_at < min(others)


class SlowPool:
    """Of a database that cannot look for what is expired within its time limit."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[str] = asyncio.Queue()

    async def fetchval(self, statement: str, *_: object) -> list[int]:
        self.asked.put_nowait(statement)
        raise asyncpg.QueryCanceledError("canceling statement due to statement timeout")


async def test_a_retention_that_is_too_slow_is_tried_again_and_ends_no_membership(
    log: EmbeddedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_session, "EXPIRE_SECONDS", 0.05)
    pool: Any = SlowPool()
    async with log.reader(GROUP, [TOPIC]):
        number = log._session.number
        with capture_logs() as lines:
            retention = asyncio.create_task(run_retention(pool))
            for _ in range(3):
                await asyncio.wait_for(pool.asked.get(), 5)
            retention.cancel()
            await asyncio.gather(retention, return_exceptions=True)
        assert {line["event"] for line in lines} == {"log_retention_waits"}
        assert log._session.number == number


async def test_what_is_within_its_retention_stays(log: EmbeddedLog, fresh_database: str) -> None:
    await log.apply_topics([TopicSpec("short", 1, 3600)])
    await log.append([Outgoing("short", b"k", value) for value in (b"old", b"new")])
    connection = await asyncpg.connect(fresh_database)
    try:
        await connection.execute("SET search_path = log")
        await connection.execute(
            "UPDATE records SET appended_at = appended_at - interval '2 hours' WHERE value = 'old'"
        )
        ids = await connection.fetch("SELECT expired_partitions()")
        assert [await connection.fetchval("SELECT expire($1, 5000)", id_) for (id_,) in ids] == [1]
    finally:
        await connection.close()
    assert [record.value async for record in log.scan("short")] == [b"new"]
