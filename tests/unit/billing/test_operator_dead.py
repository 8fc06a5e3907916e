"""The dead topics for a person: counted, listed without their values, put back as they were."""

from datetime import UTC, datetime

import msgspec
import pytest

from kernel.facts.records import DeadRecord
from kernel.facts.topics import DEAD_GROUP, dead
from kernel.log.port import LogRecord, Outgoing
from kernel.stage.dead import bury
from kernel.values.errors import Transient
from services.billing.operator import Corpse
from services.billing.operator_dead import DeadTopics
from tests.fakes.log import MemoryLog

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def topics(log: MemoryLog) -> DeadTopics:
    return DeadTopics(log)


async def let_die(log: MemoryLog, topic: str, value: bytes, service: str = "filter") -> None:
    record = LogRecord(topic, 3, 7, b"k", value, AT)
    await log.append([bury(record, service=service, reason="unreadable", error="odd", at=AT)])


async def test_dead_records_are_listed_without_their_values_and_put_back_as_they_were(
    topics: DeadTopics, log: MemoryLog
) -> None:
    await let_die(log, "sms.received", b"secret text \xff")
    await let_die(log, "sms.judged", b"second")
    assert await topics.count() == 2
    first, second = await topics.list()
    assert first == Corpse(AT, "sms.received", 3, 7, "filter", "unreadable", "odd")
    assert second.topic == "sms.judged"
    assert await topics.replay() == 2
    [back] = log.read_all("sms.received")
    assert (back.key, back.value) == (b"k", b"secret text \xff")
    assert (await topics.count(), await topics.list(), await topics.replay()) == (0, [], 0)
    await let_die(log, "sms.judged", b"third")
    assert len(await topics.list()) == 1  # not those that were put back


async def test_what_two_services_put_aside_is_put_back_once(
    topics: DeadTopics, log: MemoryLog
) -> None:
    """All its readers read it again: put back twice, what dies for good would double each time."""
    for service in ("filter", "billing"):
        await let_die(log, "sms.received", b"rubbish", service)
    assert [one.service for one in await topics.list()] == ["filter", "billing"]
    assert await topics.replay() == 1
    assert len(log.read_all("sms.received")) == 1
    assert await topics.count() == 0


async def test_what_is_no_dead_record_is_listed_and_dropped(
    topics: DeadTopics, log: MemoryLog
) -> None:
    astray = DeadRecord(
        topic="sms.judged", partition=0, offset=0, key=b"", value=b"x", service="s",
        reason="r", error="e", at=AT,
    )  # fmt: skip
    await log.append(
        [
            Outgoing(dead("sms.received"), b"", b"rubbish"),
            Outgoing(dead("sms.received"), b"", msgspec.json.encode(astray)),
        ]
    )
    await let_die(log, "sms.received", b"good")
    reasons = [one.reason for one in await topics.list()]
    assert reasons == ["unreadable_corpse", "unreadable_corpse", "unreadable"]
    assert await topics.replay() == 1
    assert log.read_all("sms.judged") == []
    assert await topics.count() == 0


async def test_a_replay_whose_acknowledgement_is_lost_loses_nothing(
    topics: DeadTopics, log: MemoryLog
) -> None:
    await let_die(log, "sms.received", b"one")
    log.fail_after_append = 1
    with pytest.raises(Transient):
        await topics.replay()
    assert await topics.count() == 1  # uncommitted: put back again
    assert await topics.replay() == 1
    assert [r.value for r in log.read_all("sms.received")] == [b"one", b"one"]
    assert sum((await log.group_lag(DEAD_GROUP, dead("sms.received"))).values()) == 0


async def test_while_the_log_is_away_nothing_is_known_of_them(
    topics: DeadTopics, log: MemoryLog
) -> None:
    log.away = True
    for ask in (topics.count, topics.list, topics.replay):
        with pytest.raises(Transient):
            await ask()
