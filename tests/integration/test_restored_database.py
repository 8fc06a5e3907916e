"""A start notices a database that is older than its log, or that a restore left half-way."""

from collections.abc import AsyncIterator, Mapping
from typing import cast

import asyncpg
import pytest

from antirelou import compose
from antirelou.commands.backup.dump import _split_password
from antirelou.commands.backup.run import adopt
from antirelou.guard import UNFINISHED, check_database, read_postures
from kernel.database.migrations import migrate
from kernel.facts.records import Posture, PostureChanged
from kernel.facts.topics import READS, RESPONDER_GROUP, outgoing
from kernel.log.embedded.log import EmbeddedLog, open_embedded_log
from kernel.log.port import Log, LogRecord
from kernel.settings.settings import load_settings
from kernel.values.errors import Fatal
from tests.fakes.log import house_log
from tests.unit.responder.cases import NOW

BOTH = ("billing", "responder")


def posture(sequence: int) -> PostureChanged:
    return PostureChanged(
        id=f"p-{sequence}",
        trace="t",
        at=NOW,
        sequence=sequence,
        posture=Posture.NORMAL,
        cause="calm",
        attach=True,
    )


async def test_a_database_older_than_its_log_is_refused_until_it_is_marked(
    fresh_database: str,
) -> None:
    settings = load_settings(database_url=fresh_database)
    await migrate(fresh_database, compose.schemas())
    async with open_embedded_log(fresh_database) as log:
        await compose.apply_topics(log, settings)
        await check_database(BOTH, fresh_database, log)
        await log.append([outgoing(posture(5))])
        await check_database(("responder", "filter", "ingest"), fresh_database, log)  # unread
        with pytest.raises(Fatal, match="billing has posture 0, the log 5") as refused:
            await check_database(BOTH, fresh_database, log)
        assert refused.value.code == "database_older"
        async with log.reader(RESPONDER_GROUP, READS[RESPONDER_GROUP]) as reader:
            batch = await reader.read(records_max=9, bytes_max=9999, wait_seconds=30)
            assert len(batch.records) == 1
            await reader.commit(batch)
        with pytest.raises(Fatal, match="responder has posture -1"):
            await check_database(("responder",), fresh_database, log)
    done = await adopt(settings, NOW)
    assert done.backup_at == NOW
    async with open_embedded_log(fresh_database) as log:
        await check_database(BOTH, fresh_database, log)
    connection = await asyncpg.connect(fresh_database)
    try:
        assert await connection.fetchval("SELECT cause FROM billing.standing") == "restored"
        await connection.execute(f"CREATE SCHEMA {UNFINISHED}")
    finally:
        await connection.close()
    async with open_embedded_log(fresh_database) as log:
        with pytest.raises(Fatal, match="cut short"):
            await check_database(("filter",), fresh_database, log)


async def test_a_posture_that_changes_while_one_looks_makes_no_database_older(
    fresh_database: str,
) -> None:
    """Others run meanwhile: what they tell and hear between two looks is in the database first."""
    settings = load_settings(database_url=fresh_database)
    await migrate(fresh_database, compose.schemas())
    async with open_embedded_log(fresh_database) as log:
        await compose.apply_topics(log, settings)
        await log.append([outgoing(posture(0))])
        moving = Moving(log, fresh_database)
        for turn in range(3):
            await check_database(BOTH, fresh_database, cast("Log", moving))
            assert moving.sequence == turn + 1


async def test_a_topic_of_postures_that_was_made_anew_holds_no_start_up() -> None:
    """Its responder, whose commit is beyond the end, reads it again once it runs: it has to."""
    log = house_log()
    async with log.reader(RESPONDER_GROUP, READS[RESPONDER_GROUP]) as reader:
        for sequence in range(3):
            await log.append([outgoing(posture(sequence))])
        batch = await reader.read(records_max=9, bytes_max=9999, wait_seconds=0)
        await reader.commit(batch)
    assert await read_postures(log) == (2, 2)
    await log.remake(PostureChanged.TOPIC)
    assert await read_postures(log) == (-1, -1)
    await log.append([outgoing(posture(1))])
    assert await read_postures(log) == (1, -1)


class Moving:
    """A log of a house that runs: a posture changes, is told and heard, just before it is read."""

    def __init__(self, log: EmbeddedLog, url: str) -> None:
        self.log, self.url, self.sequence = log, url, 0

    async def scan(self, topic: str) -> AsyncIterator[LogRecord]:
        self.sequence += 1
        connection = await asyncpg.connect(self.url)
        try:
            for told in ("UPDATE billing.standing", "UPDATE responder.link"):
                await connection.execute(f"{told} SET sequence = $1", self.sequence)
        finally:
            await connection.close()
        await self.log.append([outgoing(posture(self.sequence))])
        async with self.log.reader(RESPONDER_GROUP, READS[RESPONDER_GROUP]) as reader:
            batch = await reader.read(records_max=9, bytes_max=9999, wait_seconds=30)
            await reader.commit(batch)
        async for record in self.log.scan(topic):
            yield record

    async def group_lag(self, group: str, topic: str) -> Mapping[int, int]:
        return await self.log.group_lag(group, topic)


async def test_a_database_in_use_is_not_restored(fresh_database: str) -> None:
    settings = load_settings(database_url=fresh_database)
    await migrate(fresh_database, compose.schemas())
    async with open_embedded_log(fresh_database) as log:
        await compose.apply_topics(log, settings)
        with pytest.raises(Fatal, match="stop all services first"):
            await adopt(settings, NOW)


@pytest.mark.parametrize(
    ("url", "bare", "password"),
    [
        ("postgresql://u:s%40e@h:5/d", "postgresql://u@h:5/d", "s@e"),
        ("postgresql://u@/d?host=%2Frun", "postgresql://u@/d?host=%2Frun", ""),
        ("postgresql://h/d?password=x&sslmode=require", "postgresql://h/d?sslmode=require", "x"),
    ],
)
def test_a_password_is_no_argument(url: str, bare: str, password: str) -> None:
    assert _split_password(url) == (bare, password)
