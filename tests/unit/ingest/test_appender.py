"""Batches, bounds, and what happens while the log is away."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from kernel.log.port import Outgoing
from kernel.values.clock import SystemClock
from kernel.values.errors import Rejected, Transient
from services.ingest.appender import (
    BACKLOG_RECORDS_MAX,
    WAITING_RECORDS_MAX,
    Appender,
)
from tests.fakes.log import MemoryLog
from tests.support.eventually import eventually

TOPIC = "sms.received"


def record(number: int, key: bytes = b"k") -> Outgoing:
    return Outgoing(TOPIC, key, str(number).encode())


def values(log: MemoryLog) -> list[int]:
    return [int(found.value) for found in log.read_all(TOPIC)]


@asynccontextmanager
async def running(log: MemoryLog, answer_seconds_max: float = 6.0) -> AsyncIterator[Appender]:
    appender = Appender(log, SystemClock(), answer_seconds_max=answer_seconds_max)
    async with appender.running():
        yield appender


async def append_all(appender: Appender, count: int) -> list[BaseException | None]:
    return await asyncio.gather(
        *(appender.append(record(n)) for n in range(count)), return_exceptions=True
    )


class HangingLog(MemoryLog):
    """Answers nothing until ``freed``: a broker that is frozen, not refused."""

    freed: asyncio.Event | None = None

    async def append(self, records: Sequence[Outgoing]) -> None:
        if self.freed:
            await self.freed.wait()
        await super().append(records)

    async def probe(self) -> None:
        if self.freed:
            await self.freed.wait()


class BrokenLog(MemoryLog):
    """Raises what it should not while ``broken``."""

    broken: Exception | None = None

    async def append(self, records: Sequence[Outgoing]) -> None:
        if self.broken:
            raise self.broken
        await super().append(records)

    async def probe(self) -> None:
        if self.broken:
            raise self.broken


def fresh(kind: type[MemoryLog], log: MemoryLog) -> MemoryLog:
    """Another log with the same topics."""
    return kind(specs=list(log._specs.values()))


async def test_returning_means_durable(log: MemoryLog) -> None:
    log.append_seconds = 0.02
    async with running(log) as appender:
        await appender.append(record(1))
        assert values(log) == [1]


async def test_what_comes_together_keeps_its_order(log: MemoryLog) -> None:
    log.append_seconds = 0.02
    async with running(log) as appender:
        assert await append_all(appender, 200) == [None] * 200
    assert values(log) == list(range(200))


async def test_while_the_log_is_away_nothing_waits(log: MemoryLog) -> None:
    log.away = True
    async with running(log) as appender:
        assert appender.away
        answers = await append_all(appender, 10)
        assert all(isinstance(answer, Transient) for answer in answers)
        assert {answer.code for answer in answers if isinstance(answer, Transient)} == {"log_away"}
        log.away = False
        await eventually(lambda: not appender.away, seconds_max=2)
        await appender.append(record(7))
    assert values(log) == [7]


async def test_a_failed_append_refuses_all_who_wait_for_it(log: MemoryLog) -> None:
    log.append_seconds = 0.05
    async with running(log) as appender:
        first = asyncio.create_task(append_all(appender, 1))
        await asyncio.sleep(0.01)
        behind = asyncio.create_task(append_all(appender, 5))
        await asyncio.sleep(0.01)
        log.away = True
        for answers in (await first, await behind):
            assert all(isinstance(answer, Transient) for answer in answers)
        assert appender.away


async def test_a_lost_acknowledgement_is_no_acknowledgement(log: MemoryLog) -> None:
    log.fail_after_append = 1
    async with running(log) as appender:
        with pytest.raises(Transient):
            await appender.append(record(1))
        await eventually(lambda: not appender.away, seconds_max=2)


async def test_a_log_that_hangs_is_given_up_in_time(log: MemoryLog) -> None:
    hanging = fresh(HangingLog, log)
    assert isinstance(hanging, HangingLog)
    async with running(hanging, answer_seconds_max=0.3) as appender:
        hanging.freed = asyncio.Event()
        began = asyncio.get_running_loop().time()
        early = asyncio.create_task(append_all(appender, 3))
        await asyncio.sleep(0.1)
        late = asyncio.create_task(append_all(appender, 3))
        for answers in (await early, await late):
            assert all(isinstance(answer, Transient) for answer in answers)
        assert asyncio.get_running_loop().time() - began < 0.6
        hanging.freed.set()
        await eventually(lambda: not appender.away, seconds_max=2)


@pytest.mark.parametrize(
    "trouble", [Rejected("no topic", code="unknown_topic"), ValueError("a bug below")]
)
async def test_whatever_the_log_raises_nothing_is_acknowledged_and_it_goes_on(
    log: MemoryLog, trouble: Exception
) -> None:
    broken = fresh(BrokenLog, log)
    assert isinstance(broken, BrokenLog)
    async with running(broken) as appender:
        broken.broken = trouble
        with pytest.raises(Transient):
            await appender.append(record(1))
        assert appender.away
        broken.broken = None
        await eventually(lambda: not appender.away, seconds_max=2)
        await appender.append(record(2))
    assert values(broken) == [2]


async def test_who_waits_is_bounded(log: MemoryLog) -> None:
    log.append_seconds = 0.05
    async with running(log) as appender:
        answers = await append_all(appender, WAITING_RECORDS_MAX + 10)
    refused = [answer for answer in answers if isinstance(answer, Transient)]
    assert [answer.code for answer in refused] == ["overloaded"] * 10
    assert len(values(log)) == WAITING_RECORDS_MAX


async def test_what_may_wait_is_appended_when_the_log_is_back(log: MemoryLog) -> None:
    log.away = True
    async with running(log) as appender:
        for number in range(BACKLOG_RECORDS_MAX + 5):
            await appender.append_sometime(record(number))
        assert values(log) == []
        log.away = False
        await eventually(lambda: len(values(log)) == BACKLOG_RECORDS_MAX, seconds_max=2)
    assert values(log)[0] == 5  # the oldest were let go


async def test_a_probe_alone_finds_out_that_the_log_went_away(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.appender.PROBE_IDLE_SECONDS", 0.02)
    async with running(log) as appender:
        assert not appender.away
        log.away = True
        await eventually(lambda: appender.away, seconds_max=2)
        log.away = False
        await eventually(lambda: not appender.away, seconds_max=2)


async def test_who_went_away_meanwhile_spoils_nothing(log: MemoryLog) -> None:
    log.append_seconds = 0.05
    async with running(log) as appender:
        gone = asyncio.create_task(appender.append(record(1)))
        await asyncio.sleep(0.01)
        gone.cancel()
        await appender.append(record(2))
    assert values(log)[-1] == 2
