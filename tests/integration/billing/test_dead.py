"""Dead records on both real logs: counted, listed, put back once."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from kernel.database.migrations import Schema, migrate
from kernel.facts.topics import topic_specs
from kernel.log.embedded.log import open_embedded_log
from kernel.log.kafka.log import open_kafka_log
from kernel.log.port import Log, LogRecord
from kernel.settings.settings import load_settings
from kernel.stage.dead import bury
from services.billing.operator_dead import DeadTopics

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(params=["embedded", "kafka"])
async def real_log(request: pytest.FixtureRequest) -> AsyncIterator[Log]:
    opened: AbstractAsyncContextManager[Log]
    if request.param == "embedded":
        url = request.getfixturevalue("fresh_database")
        folder = Path(str(resources.files("kernel.log.embedded"))) / "sql"
        await migrate(url, [Schema("log", folder)])
        opened = open_embedded_log(url)
    else:
        opened = open_kafka_log(
            load_settings(kafka_bootstrap=request.getfixturevalue("kafka_bootstrap"))
        )
    async with opened as log:
        await log.apply_topics(
            topic_specs(retain_text=timedelta(days=7), wait_longest=timedelta(days=7))
        )
        yield log


async def values(log: Log, topic: str) -> list[bytes]:
    return [record.value async for record in log.scan(topic)]


async def test_dead_records_are_put_back_once(real_log: Log) -> None:
    dead = DeadTopics(real_log)
    # The broker is the whole session's: others may have left some.
    await dead.replay()
    assert await dead.count() == 0
    before = await values(real_log, "sms.reported")
    for number in range(3):
        record = LogRecord("sms.reported", 5, number, b"key", b"body %d" % number, AT)
        await real_log.append(
            [bury(record, service="responder", reason="unreadable", error="odd", at=AT)]
        )
    assert await dead.count() == 3
    assert [corpse.offset for corpse in await dead.list()] == [0, 1, 2]
    assert await dead.replay() == 3
    after = await values(real_log, "sms.reported")
    # A scan goes partition by partition: what others left may lie on either side.
    assert [value for value in after if value not in before] == [b"body 0", b"body 1", b"body 2"]
    assert await dead.count() == 0
    assert await dead.list() == []
    assert await dead.replay() == 0
