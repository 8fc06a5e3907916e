"""A start notices a database that is older than its log, or that a restore left half-way."""

import asyncpg
import pytest

from antirelou import compose
from antirelou.commands.backup.dump import _split_password
from antirelou.commands.backup.run import adopt
from antirelou.guard import UNFINISHED, check_database
from kernel.database.migrations import migrate
from kernel.facts.records import Posture, PostureChanged
from kernel.facts.topics import READS, RESPONDER_GROUP, outgoing
from kernel.log.embedded.log import open_embedded_log
from kernel.settings.settings import load_settings
from kernel.values.errors import Fatal
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
