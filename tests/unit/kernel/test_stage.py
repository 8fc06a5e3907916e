"""The stage: at least once, in order, nothing lost, the dead buried, the timer prompt."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import structlog

from kernel.facts.records import DeadRecord, SenderBlocked
from kernel.facts.topics import outgoing
from kernel.log.port import Batch, Outgoing, Partition
from kernel.stage import stage as stage_module
from kernel.stage.stage import Due, Progress, Received, Stage, StageLimits
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal, Transient
from tests.fakes.log import MemoryLog, MemoryReader, house_log

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
        self.lags: Mapping[str, int | None] = {}
        self.deaths: list[str] = []
        self.failures: list[str] = []
        self.gone_records = 0

    def batch(self, seconds: float, counts: Mapping[str, int]) -> None:
        assert seconds >= 0
        self.records += sum(counts.values())

    def lag(self, lags: Mapping[str, int | None]) -> None:
        self.lags = lags

    def dead(self, topic: str, reason: str) -> None:
        self.deaths.append(f"{topic}:{reason}")

    def gone(self, topic: str, count: int) -> None:
        assert topic == TOPIC
        self.gone_records += count

    def failed(self, part: str) -> None:
        self.failures.append(part)


class Echo:
    """A ``Handler`` that remembers ids, gives one output for each, and fails on demand."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.poison: set[str] = set()
        self.away = 0
        self.calls = 0
        self.pending: list[Outgoing] = []
        self.marked = 0
        self.next_at: datetime | None = None
        self.progress = Progress()

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
        assert now.tzinfo is UTC
        self.calls += 1
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


async def test_one_to_blame_in_a_batch_costs_a_few_calls_more_and_no_order(log: MemoryLog) -> None:
    handler = Echo()
    handler.poison = {"m777"}
    await log.append([fact(n) for n in range(1024)])
    async with running(log, handler, records_max=2000) as (_, counts):
        await until(lambda: counts.records == 1024)
    assert handler.seen == [f"m{n}" for n in range(1024) if n != 777]
    assert counts.deaths == [f"{TOPIC}:handler_failed"]
    assert handler.calls <= 2 * 10 + 1 + 1  # twice log2, the whole, and a batch at the end


async def test_where_all_are_to_blame_each_dies_once(log: MemoryLog) -> None:
    handler = Echo()
    handler.poison = {f"m{n}" for n in range(100)}
    await log.append([fact(n) for n in range(101)])
    async with running(log, handler) as (_, counts):
        await until(lambda: counts.records == 101)
    assert (handler.seen, len(counts.deaths)) == (["m100"], 100)
    assert handler.calls <= 2 * 100 + 2
    corpses = [
        msgspec.json.decode(record.value, type=DeadRecord).offset
        for record in log.read_all(TOPIC + ".dead")
    ]
    assert corpses == list(range(100))


async def test_a_death_counts_once_though_its_append_is_tried_again(log: MemoryLog) -> None:
    await log.append([Outgoing(TOPIC, b"k", b"rubbish")])
    log.fail_after_append = 2
    async with running(log, Echo()) as (_, counts):
        await until(lambda: counts.records == 1)
    assert counts.deaths == [f"{TOPIC}:unreadable"]


async def test_a_flood_of_deaths_is_told_in_a_few_lines(log: MemoryLog) -> None:
    with structlog.testing.capture_logs() as lines:
        async with running(log, Echo()) as (_, counts):
            for _ in range(20):
                await log.append([Outgoing(TOPIC, b"k", b"rubbish")] * 100)
            await until(lambda: counts.records == 2000)
    told = [line for line in lines if line["event"] == "record_dead"]
    assert sum(line["records"] for line in told) == 2000
    assert len(told) == 2  # the first batch's at once, the rest at the end
    assert told[0]["topic"] == TOPIC


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


async def test_a_dependency_that_goes_away_among_poison_buries_nothing_else(
    log: MemoryLog,
) -> None:
    class Leaving(Echo):
        async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
            if len(batch) == 1 and not self.left:
                self.left = True
                raise Transient("database away", code="database_away")
            return await super().handle(batch, now)

        left = False

    handler = Leaving()
    handler.poison = {"m1"}
    await log.append([fact(0), fact(1), fact(2)])
    async with running(log, handler) as (_, counts):
        await until(lambda: counts.records == 3)
    assert handler.left
    assert sorted(set(handler.seen)) == ["m0", "m2"]
    assert counts.deaths == [f"{TOPIC}:handler_failed"]
    assert await committed(log) == 0


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


async def test_the_timer_knows_nothing_of_what_is_being_handled(log: MemoryLog) -> None:
    class Slow(Echo):
        def __init__(self) -> None:
            super().__init__()
            self.handling, self.go_on = asyncio.Event(), asyncio.Event()

        async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
            self.handling.set()
            await self.go_on.wait()
            return await super().handle(batch, now)

    handler = Slow()
    await log.append([fact(0)])
    async with running(log, handler) as (stage, _):
        await asyncio.wait_for(handler.handling.wait(), 5)
        looks = handler.marked
        stage.wake()
        await until(lambda: handler.marked > looks)
        assert handler.progress == Progress()
        handler.go_on.set()
        await until(lambda: len(handler.progress.watermarks) == 12)
        assert handler.seen == ["m0"]


@pytest.mark.parametrize("place", ["handle", "due"])
async def test_a_cancellation_that_nobody_asked_for_is_trouble(log: MemoryLog, place: str) -> None:
    """A client library cancels its futures when it closes: neither task ends in silence by that."""
    handler = GivesUp(place)
    async with running(log, handler) as (stage, _):
        await log.append([fact(1)])
        await until(lambda: handler.seen == ["m1"] and handler.given_up)
        await until(lambda: stage.trouble is None)
        handler.pending = [Outgoing("sms.judged", b"k", b"later")]
        stage.wake()
        await until(lambda: handler.marked > 0)


class GivesUp(Echo):
    """Awaits once a future that was cancelled."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place, self.given_up = place, False

    async def _give_up(self, place: str) -> None:
        if place == self.place and not self.given_up:
            self.given_up = True
            task = asyncio.current_task()
            assert task is not None
            task.cancel()  # as a time limit of a library that does not take it back
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            await future

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
        await self._give_up("handle")
        return await super().handle(batch, now)

    async def due(self, progress: Progress, now: datetime) -> Due:
        await self._give_up("due")
        return await super().due(progress, now)


async def bring_about(trouble: str, log: MemoryLog, handler: Echo, stage: Stage) -> None:
    match trouble:
        case "read":
            log.away = True
        case "handle":
            handler.away = 1
            await log.append([fact(0)])
        case "commit":
            log.fail_commit = 1
            await log.append([fact(0)])
        case "fence":
            log.fail_commit = 1  # so that the rebalance comes between the read and the commit
            await log.append([fact(0)])
            await until(lambda: log.fail_commit == 0)
            async with log.reader(GROUP, [TOPIC]):
                pass
        case "append":
            log.away = True
            handler.pending = [Outgoing("sms.judged", b"k", b"due")]
            stage.wake()
        case _:
            stage.drain()


@pytest.mark.parametrize("trouble", ["read", "handle", "commit", "fence", "append", "leave"])
async def test_whoever_is_in_trouble_knows_nothing_until_it_has_read_again(
    log: MemoryLog, trouble: str
) -> None:
    """Others may append and read meanwhile: what was last heard is no fact any more."""
    handler, seen = Echo(), list[Progress]()

    class Watched(Counts):
        def lag(self, lags: Mapping[str, int | None]) -> None:
            super().lag(lags)
            seen.append(Progress() if lags == {TOPIC: None} else handler.progress)

    counts = Watched()
    stage = Stage(
        name="test", group=GROUP, topics=[TOPIC], log=log, handler=handler, clock=CLOCK,
        metrics=counts,
    )  # fmt: skip
    task = asyncio.create_task(stage.run())
    await until(lambda: counts.lags == {TOPIC: 0} and handler.progress.at is not None)
    assert len(handler.progress.watermarks) == len(handler.progress.lags) == 12
    seen.clear()
    await bring_about(trouble, log, handler, stage)
    await until(lambda: Progress() in seen)
    if trouble in {"read", "append"}:
        stage.wake()
        await until(lambda: handler.progress == Progress())
        log.away = False
    if trouble != "leave":
        await until(lambda: counts.lags == {TOPIC: 0} and handler.progress.at is not None)
    stage.drain()
    await asyncio.wait_for(task, 5)


async def test_the_timer_asks_anew_for_lags_that_are_old(log: MemoryLog) -> None:
    """A read waits up to a second; what came to all the topics meanwhile it has not told."""
    handler, progresses = Echo(), list[Progress]()

    class Remembering(Echo):
        async def due(self, progress: Progress, now: datetime) -> Due:
            progresses.append(progress)
            return await super().due(progress, now)

    handler = Remembering()
    async with running(log, handler) as (stage, counts):
        await until(lambda: counts.lags == {TOPIC: 0})
        await asyncio.sleep(stage_module.LAG_SECONDS_MAX * 2)
        progresses.clear()
        woken_at = CLOCK.now()
        stage.wake()
        await until(lambda: len(progresses) == 2)
        old, new = progresses
        assert (old.lags, len(old.watermarks)) == ({}, 12)
        assert new.at is not None
        assert new.at >= woken_at
        assert set(new.lags.values()) == {0}
        assert (CLOCK.now() - woken_at).total_seconds() < 0.5  # it did not wait for the read


async def test_an_unknown_lag_is_told_as_unknown() -> None:
    counts, partitions = Counts(), [Partition(TOPIC, n) for n in range(2)]
    stage = Stage(
        name="test", group=GROUP, topics=[TOPIC, "sms.judged"], log=house_log(), handler=Echo(),
        clock=CLOCK, metrics=counts,
    )  # fmt: skip
    for lags, told in (({partitions[0]: 3}, None), (dict.fromkeys(partitions, 3), 6)):
        batch = Batch(watermarks=dict.fromkeys(partitions, AT), lags=lags)
        stage._publish(batch)
        assert counts.lags == {TOPIC: told, "sms.judged": 0}


# -- defects of ours -----------------------------------------------------------------------------


class Defective(Echo):
    """Its timer breaks, as a programmer's error does."""

    def __init__(self) -> None:
        super().__init__()
        self.defects = 3

    async def due(self, progress: Progress, now: datetime) -> Due:
        if self.defects:
            self.defects -= 1
            raise ZeroDivisionError("a defect")
        return await super().due(progress, now)


async def test_a_timer_that_breaks_is_told_of_counted_and_tried_again(log: MemoryLog) -> None:
    handler = Defective()
    handler.defects = 1_000_000
    await log.append([fact(0)])
    with structlog.testing.capture_logs() as lines:
        async with running(log, handler) as (stage, counts):
            await until(lambda: stage.trouble == "timer_failed" and handler.seen == ["m0"])
            await log.append([fact(1)])
            await until(lambda: handler.seen == ["m0", "m1"])  # the reader goes on meanwhile
            assert stage.trouble == "timer_failed"
            handler.defects = 0
            await until(lambda: stage.trouble is None)
            assert handler.marked
            assert set(counts.failures) == {"timer"}
    told = [line for line in lines if line["event"] == "stage_failed"]
    assert len(told) == len(counts.failures)
    assert (told[0]["service"], told[0]["part"]) == ("test", "timer")


async def test_a_reader_that_breaks_begins_anew(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_module, "RETRY_SECONDS_MAX", 0.05)
    handler, read, broken = Echo(), MemoryReader.read, [True, True]

    async def break_down(self: MemoryReader, **arguments: Any) -> Batch:
        if broken:
            broken.pop()
            raise KeyError("a defect")
        return await read(self, **arguments)

    monkeypatch.setattr(MemoryReader, "read", break_down)
    await log.append([fact(0)])
    async with running(log, handler) as (stage, counts):
        await until(lambda: handler.seen == ["m0"] and stage.trouble is None)
        assert counts.failures == ["reader", "reader"]


async def test_what_only_counts_fails_nothing(log: MemoryLog) -> None:
    class Broken(Counts):
        def failed(self, part: str) -> None:
            raise ValueError(part)

        def gone(self, topic: str, count: int) -> None:
            raise ValueError(topic, count)

    handler = Defective()
    async with log.reader(GROUP, [TOPIC]) as reader:
        await reader.read(records_max=1, bytes_max=1, wait_seconds=0)
    await log.append([fact(0)])
    await log.drop(TOPIC)
    await log.append([fact(1)])
    stage = Stage(
        name="test", group=GROUP, topics=[TOPIC], log=log, handler=handler, clock=CLOCK,
        metrics=Broken(),
    )  # fmt: skip
    task = asyncio.create_task(stage.run())
    await until(lambda: handler.seen == ["m1"] and handler.marked > 0)
    stage.drain()
    await asyncio.wait_for(task, 5)


async def test_records_that_nobody_has_read_are_told_of_when_they_are_gone(log: MemoryLog) -> None:
    async with running(log, Echo()) as (_, counts):
        await until(lambda: counts.lags == {TOPIC: 0})
    await log.append([fact(n, sender=n) for n in range(30)])
    await log.drop(TOPIC)
    handler = Echo()
    with structlog.testing.capture_logs() as lines:
        async with running(log, handler) as (_, counts):
            await until(lambda: counts.gone_records == 30)
            await log.append([fact(99)])
            await until(lambda: handler.seen == ["m99"])
    told = [line for line in lines if line["event"] == "records_gone"]
    assert sum(line["records"] for line in told) == 30
    assert {(line["log_level"], line["topic"]) for line in told} == {("error", TOPIC)}
    async with running(log, Echo()) as (_, again):
        await until(lambda: again.lags == {TOPIC: 0})
    assert again.gone_records == 0


# -- too many dead -------------------------------------------------------------------------------


class BrokenDeploy(Echo):
    """A version of ours that breaks on everything it reads, until it is mended."""

    def __init__(self, *, spares: int = 1_000_000_000) -> None:
        super().__init__()
        self.mended, self.spares = False, spares

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
        if not self.mended and any(int(r.record.id[1:]) % self.spares for r in batch):
            self.calls += 1
            raise KeyError("a defect")
        return await super().handle(batch, now)


@pytest.mark.parametrize("spares", [1_000_000_000, 4])
async def test_a_broken_version_does_not_bury_everything(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch, spares: int
) -> None:
    monkeypatch.setattr(stage_module, "TOO_MANY_DEAD_SECONDS", 0.05)
    handler, count = BrokenDeploy(spares=spares), 3000
    await log.append([fact(n) for n in range(count)])
    with structlog.testing.capture_logs() as lines:
        async with running(log, handler) as (stage, counts):
            await until(lambda: stage.trouble == "too_many_dead")
            buried = len(log.read_all(TOPIC + ".dead"))
            assert buried == len(counts.deaths) <= 500 + 250
            assert await committed(log) == -count + counts.records  # it keeps its place
            calls = handler.calls
            await until(lambda: handler.calls > calls)  # and looks again, slowly
            assert len(log.read_all(TOPIC + ".dead")) == buried
            handler.mended = True
            await until(lambda: counts.records == count and stage.trouble is None)
    assert len(set(handler.seen)) == count - buried
    assert [line for line in lines if line["event"] == "too_many_dead"]
    assert await committed(log) == 0


async def test_who_stands_among_too_many_dead_drains_at_once(log: MemoryLog) -> None:
    await log.append([fact(n) for n in range(3000)])
    async with running(log, BrokenDeploy()) as (stage, _):
        await until(lambda: stage.trouble == "too_many_dead")
    assert await committed(log) < 0


async def test_a_flood_of_foreign_bytes_stops_nobody(log: MemoryLog) -> None:
    handler = Echo()
    for turn in range(20):
        await log.append([Outgoing(TOPIC, b"k", b"rubbish")] * 150)
        await log.append([fact(turn)])
    async with running(log, handler) as (_, counts):
        await until(lambda: counts.records == 20 * 151)
    assert handler.seen == [f"m{n}" for n in range(20)]
    assert len(counts.deaths) == 3000


async def test_a_version_that_cannot_read_its_own_buries_few(log: MemoryLog) -> None:
    later = msgspec.json.encode(msgspec.json.decode(fact(0).value) | {"v": 99})
    await log.append([Outgoing(TOPIC, b"k", later)] * 3000)
    async with running(log, Echo()) as (stage, counts):
        await until(lambda: stage.trouble == "too_many_dead")
        assert len(counts.deaths) <= 250
