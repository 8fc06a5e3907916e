"""Several members: the verdict does not depend on how far another has read (I5), within a bound."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from kernel.facts.records import Decision, Reason, SmsJudged, decode_as
from kernel.log.port import Partition
from kernel.stage.stage import Due, Received
from kernel.values.errors import Transient
from services.filter.core.docket import Loaded
from services.filter.core.group import ABSENT_AFTER, LOOK_EVERY, TELL_EVERY
from services.filter.handler import FilterHandler
from services.filter.memory import MemoryStore
from services.filter.metrics import Metrics
from services.filter.store import PostgresStore
from tests.fakes.clock import ManualClock
from tests.integration.filter.scene import Scene, open_scene
from tests.unit.filter.cases import (
    CAMPAIGN_MIN,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    RAID,
    SECOND,
    SETTINGS,
    read_until,
    received,
)

LATER = NOW + 2 * HOUR
"""What came at ``NOW`` is due."""
OURS, THEIRS = range(6), range(6, 12)
Open = Callable[[], FilterHandler]


@pytest.fixture
async def scene(fresh_database: str) -> AsyncIterator[Scene]:
    async with open_scene(fresh_database, ManualClock(NOW)) as opened:
        yield opened


@pytest.fixture(params=["postgres", "memory"])
def member(scene: Scene, request: pytest.FixtureRequest) -> Open:
    """A member more on the same store."""
    if request.param == "postgres":
        return scene.handler
    store, metrics = MemoryStore(), Metrics(scene.telemetry)
    return lambda: FilterHandler(store, SETTINGS, metrics)


def raid(first: int, count: int, partition: int) -> list[Received]:
    return [
        Received(
            received(f"m-{n}", 100 + n, text=RAID, at=NOW + MINUTE),
            Partition("sms.received", partition),
            NOW,
        )
        for n in range(first, first + count)
    ]


def first_text() -> list[Received]:
    return [Received(received("m-0", 1, text=RAID), Partition("sms.received", 0), NOW)]


def reasons(due: Due) -> dict[str, Reason]:
    return {v.id: v.reason for v in (decode_as(SmsJudged, r.value) for r in due.records)}


@pytest.mark.parametrize("lag", [MINUTE / 2, HOUR, 2 * HOUR])
async def test_the_verdict_is_the_same_however_far_the_other_member_is(
    member: Open, lag: timedelta
) -> None:
    ours, theirs = member(), member()
    await ours.handle(first_text(), NOW)
    half = 2 * CAMPAIGN_MIN
    await theirs.handle(raid(1, half, 6), NOW)
    behind = LATER - lag
    await theirs.due(read_until(behind, THEIRS), LATER)
    due = await ours.due(read_until(LATER, OURS), LATER)
    if behind <= NOW + HOUR:
        assert due.records == []
        assert due.next_at == LATER + LOOK_EVERY
    await theirs.handle(raid(1 + half, half, 7), LATER)
    told = reasons(due)
    await theirs.due(read_until(LATER + SECOND, THEIRS), LATER + SECOND)
    told |= reasons(await ours.due(read_until(LATER + SECOND, OURS), LATER + SECOND))
    assert told["m-0"] is Reason.CAMPAIGN


async def test_a_partition_that_nobody_reads_on_stops_the_others_for_so_long_and_no_longer(
    member: Open, scene: Scene
) -> None:
    ours, theirs = member(), member()
    await ours.handle(first_text(), NOW)
    await theirs.due(read_until(NOW + MINUTE, THEIRS), NOW + MINUTE)
    for minute in range(ABSENT_AFTER // MINUTE):
        now = LATER + minute * MINUTE
        assert (await ours.due(read_until(now, OURS), now)).records == []
    assert scene.sample("antirelou_partitions_absent") == 0
    now = LATER + ABSENT_AFTER
    due = await ours.due(read_until(now, OURS), now)
    assert reasons(due) == {"m-0": Reason.DESERVED}  # by what is known
    assert scene.sample("antirelou_partitions_absent") == len(THEIRS)
    # Who comes back is waited for again.
    await ours.handle([_text("late", 2, at=now)], now)
    await theirs.due(read_until(now, THEIRS), now)
    later = now + 2 * HOUR
    assert reasons(await ours.due(read_until(later, OURS), later)).keys() == {"m-0"}
    assert scene.sample("antirelou_partitions_absent") == 0


async def test_who_lags_is_waited_for_as_long_as_he_reads_on(member: Open) -> None:
    ours, theirs = member(), member()
    await ours.handle(first_text(), NOW)
    for minute in range(59):
        now = LATER + minute * MINUTE
        await theirs.due(read_until(NOW + minute * MINUTE, THEIRS), now)
        assert (await ours.due(read_until(now, OURS), now)).records == []
    await theirs.due(read_until(NOW + HOUR + SECOND, THEIRS), LATER + HOUR)
    assert (await ours.due(read_until(LATER + HOUR, OURS), LATER + HOUR)).records


async def test_whoever_takes_over_a_partition_is_waited_for_by_what_was_told_of_it(
    member: Open,
) -> None:
    """What was read before is in the tables, whoever read it."""
    ours, theirs, next_one = member(), member(), member()
    await ours.handle(first_text(), NOW)
    await theirs.due(read_until(LATER, THEIRS), LATER)
    # A third begins at the group's commit, and knows no more than that.
    await next_one.due(read_until(NOW, THEIRS), LATER + SECOND)
    assert (await ours.due(read_until(LATER + SECOND, OURS), LATER + SECOND)).records


async def test_whoever_holds_all_waits_for_nobody_and_tells_nobody(member: Open) -> None:
    ours, theirs = member(), member()
    await theirs.due(read_until(NOW, THEIRS), NOW)
    await ours.handle(first_text(), NOW)
    due = await ours.due(read_until(LATER), LATER)
    assert reasons(due) == {"m-0": Reason.DESERVED}


async def test_at_rest_a_member_writes_now_and_then_alone(scene: Scene) -> None:
    handler, seen = scene.handler(), set[datetime]()
    for second in range(120):
        now = NOW + second * SECOND
        due = await handler.due(read_until(now, OURS), now)
        assert due.next_at == now + LOOK_EVERY
        [row] = await scene.rows("SELECT max(told_at) FROM progress")
        seen.add(row[0])
    assert len(seen) == 120 * SECOND // TELL_EVERY
    await handler.due(read_until(NOW + HOUR), NOW + HOUR)
    [row] = await scene.rows("SELECT max(told_at) FROM progress")
    assert row[0] in seen  # all of them are his: nobody to tell


class Away(PostgresStore):
    """A database that can be away."""

    away = False

    async def next_due(self, partitions: Sequence[int]) -> datetime | None:
        if self.away:
            raise Transient("away", code="database_away")
        return await super().next_due(partitions)


async def test_after_an_outage_of_the_database_nobody_is_absent_at_once(scene: Scene) -> None:
    store = Away(scene.pool)
    ours = FilterHandler(store, SETTINGS, Metrics(scene.telemetry))
    await ours.handle(first_text(), NOW)
    await scene.handler().due(read_until(NOW, THEIRS), NOW)
    await ours.due(read_until(NOW + MINUTE, OURS), NOW + MINUTE)
    store.away = True
    with pytest.raises(Transient):
        await ours.due(read_until(LATER, OURS), LATER)
    store.away = False
    now = LATER + HOUR
    assert (await ours.due(read_until(now, OURS), now)).records == []
    assert scene.sample("antirelou_partitions_absent") == 0


async def test_what_another_that_lags_still_needs_is_not_pruned(member: Open) -> None:
    """Whoever holds the first partition prunes for all."""
    ours, theirs = member(), member()
    await theirs.handle(raid(0, CAMPAIGN_MIN, 6), NOW)
    week = NOW + 27 * DAY
    for day in range(20, 27):
        await theirs.due(read_until(NOW + day * MINUTE, THEIRS), NOW + day * DAY)
        await ours.due(read_until(NOW + day * DAY, OURS), NOW + day * DAY)
    await ours.due(read_until(week, OURS), week)
    due = await theirs.due(read_until(week, THEIRS), week)
    assert set(reasons(due).values()) == {Reason.CAMPAIGN}


async def test_two_members_at_work_catch_a_campaign_that_lies_in_all_partitions(
    fresh_database: str,
) -> None:
    quick = replace(
        SETTINGS, delay=0.3 * SECOND, quiet=0.1 * SECOND, longest=2 * SECOND, bucket=0.02 * SECOND
    )
    async with open_scene(fresh_database, settings=quick) as scene:
        for _ in range(2):
            scene.start()
        at, count = scene.clock.now(), 3 * CAMPAIGN_MIN
        await scene.append(
            *(received(f"m-{n}", 100 + n, text=RAID, at=at) for n in range(count)),
            received("other", 1, at=at),
        )
        verdicts = await scene.verdicts_of(count + 1)
        assert verdicts.pop("other").decision is Decision.REPLY
        assert {v.reason for v in verdicts.values()} == {Reason.CAMPAIGN}


class Slow(MemoryStore):
    """A store that gives others time between what is due and what becomes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.read = asyncio.Event()

    async def load_due(self, partitions: Sequence[int], until: datetime, count_max: int) -> Loaded:
        found = await super().load_due(partitions, until, count_max)
        self.read.set()
        for _ in range(100):
            await asyncio.sleep(0)
        return found


async def test_a_members_batch_and_its_timer_take_turns(scene: Scene) -> None:
    """Neither undoes what the other just read, so neither has to be done again."""
    store = Slow()
    member = FilterHandler(store, SETTINGS, Metrics(scene.telemetry))
    await member.handle(first_text(), NOW)
    looking = asyncio.create_task(member.due(read_until(LATER), LATER))
    await asyncio.wait_for(store.read.wait(), 5)
    outputs = await member.handle([_text("m-1", 1, at=LATER)], LATER)
    assert [decode_as(SmsJudged, o.value).reason for o in outputs] == [Reason.ALREADY_ANSWERED]
    assert reasons(await looking) == {"m-0": Reason.DESERVED}


def _text(message_id: str, sender: int, at: datetime) -> Received:
    return Received(received(message_id, sender, at=at), Partition("sms.received", 0), at)
