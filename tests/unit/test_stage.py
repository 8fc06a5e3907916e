"""The stage: at least once, in order, nothing lost, the dead buried, the timer prompt."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from antirelou.clock import SystemClock
from antirelou.errors import Fatal, Transient
from antirelou.log.port import Outgoing, Partition
from antirelou.records import DeadRecord, SenderBlocked
from antirelou.stage import Due, Progress, Received, Stage, StageLimits
from antirelou.topics import outgoing
from tests.fakes.log import MemoryLog, house_log

TOPIC = SenderBlocked.TOPIC
GROUP = "group"
AT = datetime(2017, 10, 27, tzinfo=UTC)
CLOCK = SystemClock()


def fact(number: int, sender: int = 0) -> Outgoing:
    record = SenderBlocked(id=f"m{number}", trace="t", at=AT, sender=f"{sender:032x}", blocked=True)
    return outgoing(record)


class Counts:
    """A ``StageMetrics`` that remembers."""

    def __init__(self) -> None:
        self.records = 0
        self.lags: Mapping[str, int] = {}
        self.deaths: list[str] = []

    def batch(self, seconds: float, counts: Mapping[str, int]) -> None:
        assert seconds >= 0
        self.records += sum(counts.values())

    def lag(self, lags: Mapping[str, int]) -> None:
        self.lags = lags

    def dead(self, topic: str, reason: str) -> None:
        self.deaths.append(f"{topic}:{reason}")


class Echo:
    """A ``Handler`` that remembers ids, gives one output for each, and fails on demand."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.poison: set[str] = set()
        self.away = 0
        self.pending: list[Outgoing] = []
        self.marked = 0
        self.next_at: datetime | None = None
        self.progress = Progress()

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
        assert now.tzinfo is UTC
        if self.away:
            self.away -= 1
            raise Transient("database away", code="database_away")
        ids = [received.record.id for received in batch]
        if self.poison & set(ids):
            raise ValueError(f"cannot handle {ids}")
        self.seen += ids
        return [Outgoing("sms.judged", b"k", id_.encode()) for id_ in ids]

    async def due(self, progress: Progress, now: datetime) -> Due:
        self.progress = progress
        taken, self.pending = self.pending, []
        return Due(taken, self._mark, self.next_at if now else None)

    async def _mark(self) -> None:
        self.marked += 1


@pytest.fixture
def log() -> MemoryLog:
    return house_log()


@asynccontextmanager
async def running(
    log: MemoryLog, handler: Echo, *, records_max: int = 100
) -> AsyncIterator[tuple[Stage, Counts]]:
    counts = Counts()
    stage = Stage(
        name="test",
        group=GROUP,
        topics=[TOPIC],
        log=log,
        handler=handler,
        clock=CLOCK,
        metrics=counts,
        limits=StageLimits(records_max=records_max),
    )
    task = asyncio.create_task(stage.run())
    try:
        yield stage, counts
    finally:
        stage.drain()
        await asyncio.wait_for(task, 5)


async def until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not check():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


async def committed(log: MemoryLog) -> int:
    return -sum((await log.group_lag(GROUP, TOPIC)).values())


async def test_a_batch_is_handled_appended_committed(log: MemoryLog) -> None:
    handler = Echo()
    await log.append([fact(n) for n in range(250)])
    async with running(log, handler) as (stage, counts):
        await until(lambda: counts.records == 250)
        assert handler.seen == [f"m{n}" for n in range(250)]
        await until(lambda: stage.trouble is None and counts.lags == {TOPIC: 0})
    assert await committed(log) == 0
    assert [r.value for r in log.read_all("sms.judged")] == [b"m%d" % n for n in range(250)]


async def test_what_was_not_committed_is_handled_again_after_a_crash(log: MemoryLog) -> None:
    class Crash(BaseException):
        pass

    class Crashing(Echo):
        async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
            await super().handle(batch, now)
            raise Crash

    await log.append([fact(0)])
    with pytest.raises(BaseExceptionGroup):
        await Stage(
            name="test",
            group=GROUP,
            topics=[TOPIC],
            log=log,
            handler=Crashing(),
            clock=CLOCK,
            metrics=Counts(),
        ).run()
    assert log.read_all("sms.judged") == []
    handler = Echo()
    async with running(log, handler):
        await until(lambda: handler.seen == ["m0"])


async def test_nothing_is_committed_before_its_output_is_durable(log: MemoryLog) -> None:
    """An append that fails is tried again with the same batch; the commit waits for it."""
    handler = Echo()
    await log.append([fact(0)])
    log.fail_after_append = 2
    async with running(log, handler):
        await until(lambda: handler.seen == ["m0"] * 3)
        await until(lambda: len(log.read_all("sms.judged")) == 3)
    assert await committed(log) == 0


async def test_a_dependency_away_is_waited_for_in_place(log: MemoryLog) -> None:
    handler = Echo()
    handler.away = 3
    await log.append([fact(n) for n in range(3)])
    async with running(log, handler) as (stage, _):
        await until(lambda: stage.trouble == "database_away")
        await until(lambda: handler.seen == ["m0", "m1", "m2"])
        await until(lambda: stage.trouble is None)


async def test_the_log_away_makes_it_unready_and_it_goes_on_by_itself(log: MemoryLog) -> None:
    handler = Echo()
    log.away = True
    async with running(log, handler) as (stage, _):
        await until(lambda: stage.trouble == "log_away")
        log.away = False
        await log.append([fact(0)])
        await until(lambda: handler.seen == ["m0"] and stage.trouble is None)


async def test_a_drain_while_a_dependency_is_away_returns_and_commits_nothing(
    log: MemoryLog,
) -> None:
    handler = Echo()
    handler.away = 1_000_000
    await log.append([fact(0)])
    async with running(log, handler) as (stage, _):
        await until(lambda: stage.trouble == "database_away")
    assert await committed(log) == -1


async def test_what_no_handler_can_take_is_buried_and_the_rest_goes_on(log: MemoryLog) -> None:
    handler = Echo()
    handler.poison = {"m1"}
    rubbish = Outgoing(TOPIC, b"k", b"\xff rubbish")
    await log.append([fact(0), fact(1), rubbish, fact(2)])
    async with running(log, handler) as (_, counts):
        await until(lambda: counts.records == 4)
    assert sorted(handler.seen) == ["m0", "m2"]
    assert sorted(counts.deaths) == [f"{TOPIC}:handler_failed", f"{TOPIC}:unreadable"]
    corpses = [
        msgspec.json.decode(record.value, type=DeadRecord)
        for record in log.read_all(TOPIC + ".dead")
    ]
    by_reason = {corpse.reason: corpse for corpse in corpses}
    assert by_reason["unreadable"].value == rubbish.value
    assert by_reason["handler_failed"].value == fact(1).value
    assert by_reason["handler_failed"].error == "ValueError"  # its message may quote anything
    assert by_reason["handler_failed"].service == "test"
    assert await committed(log) == 0


async def test_what_no_record_is_to_blame_for_stops_the_stage_and_buries_none(
    log: MemoryLog,
) -> None:
    class Unmigrated(Echo):
        async def handle(self, _: Sequence[Received], __: datetime) -> Sequence[Outgoing]:
            raise Fatal("run `antirelou migrate`", code="database_unmigrated")

    await log.append([fact(0), fact(1)])
    counts = Counts()
    stage = Stage(
        name="test", group=GROUP, topics=[TOPIC], log=log, handler=Unmigrated(), clock=CLOCK,
        metrics=counts,
    )  # fmt: skip
    with pytest.raises(Fatal, match="antirelou migrate"):
        await asyncio.wait_for(stage.run(), 5)
    assert (counts.deaths, log.read_all(TOPIC + ".dead")) == ([], [])
    assert await committed(log) == -2


async def test_who_is_cancelled_ends_at_whichever_moment(log: MemoryLog) -> None:
    """Python 3.11's ``wait_for`` forgets a cancellation that comes with what it waits for."""
    for turns in range(8):
        handler = Echo()
        handler.next_at = CLOCK.now() + timedelta(minutes=1)
        stage = Stage(
            name="test", group=GROUP, topics=[TOPIC], log=log, handler=handler, clock=CLOCK,
            metrics=Counts(),
        )  # fmt: skip
        task = asyncio.create_task(stage.run())
        await asyncio.sleep(0.02)  # now it waits, until `next_at`
        assert handler.marked == 1
        stage.wake()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=2)
        assert done, turns


async def test_a_commit_that_failed_is_made_again_though_nothing_new_comes(
    log: MemoryLog,
) -> None:
    handler = Echo()
    await log.append([fact(0)])
    log.fail_commit = 2
    async with running(log, handler) as (stage, counts):
        await until(lambda: log.fail_commit == 0)
        await until(lambda: counts.lags == {TOPIC: 0} and stage.trouble is None)
        assert handler.seen == ["m0"]
    assert await committed(log) == 0


async def test_a_member_that_lost_its_partition_reads_on_from_the_commit(log: MemoryLog) -> None:
    handler = Echo()
    await log.append([fact(0)])
    async with running(log, handler) as (_, counts):
        await until(lambda: counts.records == 1)
        async with log.reader(GROUP, [TOPIC]) as other:
            await other.read(records_max=1, bytes_max=1000, wait_seconds=0)
            await log.append([fact(n, sender=n) for n in range(1, 30)])
        await until(lambda: set(handler.seen) == {f"m{n}" for n in range(30)})


async def test_the_timer_emits_then_marks_and_says_when_to_look_again(log: MemoryLog) -> None:
    handler = Echo()
    async with running(log, handler) as (stage, _):
        await until(lambda: handler.marked == 1)
        handler.pending = [Outgoing("sms.judged", b"k", b"due")]
        handler.next_at = CLOCK.now() + timedelta(milliseconds=50)
        stage.wake()
        await until(lambda: [r.value for r in log.read_all("sms.judged")] == [b"due"])
        marked = handler.marked
        await until(lambda: handler.marked > marked)  # it looked again at next_at


async def test_what_could_not_be_appended_is_not_marked(log: MemoryLog) -> None:
    handler = Echo()
    async with running(log, handler) as (stage, _):
        await until(lambda: handler.marked == 1)
        log.away = True
        handler.pending = [Outgoing("sms.judged", b"k", b"due")]
        stage.wake()
        await until(lambda: not handler.pending)
        await until(lambda: stage.trouble is not None)
        assert handler.marked == 1
        log.away = False


async def test_the_timer_sees_watermarks_of_what_was_handled_only(log: MemoryLog) -> None:
    handler = Echo()
    handler.away = 2
    appended_after = CLOCK.now()
    await log.append([fact(0)])
    partition = Partition(TOPIC, log.read_all(TOPIC)[0].partition)
    async with running(log, handler):
        await until(lambda: handler.away == 1)
        assert partition not in handler.progress.watermarks
        await until(lambda: partition in handler.progress.watermarks)
        assert handler.seen == ["m0"]
        assert handler.progress.watermarks[partition] >= appended_after


async def test_a_cancellation_that_nobody_asked_for_is_trouble(log: MemoryLog) -> None:
    """A client library cancels its futures when it closes: no stage ends in silence by that."""
    handler = GivesUp()
    async with running(log, handler) as (stage, _):
        await log.append([fact(1)])
        await until(lambda: handler.seen == ["m1"])
        await until(lambda: stage.trouble is None)
    assert handler.given_up == [False, False]


class GivesUp(Echo):
    """Awaits a future that was cancelled, once in each of its two tasks."""

    def __init__(self) -> None:
        super().__init__()
        self.given_up = [True, True]

    async def _give_up(self, place: int) -> None:
        if self.given_up[place]:
            self.given_up[place] = False
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            await future

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
        await self._give_up(0)
        return await super().handle(batch, now)

    async def due(self, progress: Progress, now: datetime) -> Due:
        await self._give_up(1)
        return await super().due(progress, now)
