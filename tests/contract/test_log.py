"""What every Log promises, adapters and fake alike (``kernel/log/port.py``)."""

import asyncio
import itertools
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import resources
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from kernel.database.migrations import Schema, migrate
from kernel.log.embedded import session as embedded_session
from kernel.log.embedded.log import open_embedded_log
from kernel.log.kafka.log import open_kafka_log
from kernel.log.port import Batch, Log, LogRecord, Outgoing, Partition, Reader, TopicSpec
from kernel.settings.settings import Settings, load_settings
from kernel.values.clock import SystemClock
from kernel.values.errors import Fenced, Rejected, Transient
from tests.fakes.log import MemoryLog
from tests.support.eventually import eventually
from tests.support.log_member import log_member

PARTITIONS = 4
VALUE_BYTES_MAX = 2_097_152


@dataclass(frozen=True)
class Rig:
    """An adapter under test.

    Attributes:
        kind: ``memory``, ``embedded``, ``kafka``.
        open: a client of its own to the same log, as another process would have.
        arguments: how ``log_member`` finds the same log; None: it cannot.
        drop: drops all that a topic holds, as retention does; its offsets go on.
        remake: makes a topic anew; its offsets begin again, and the group's commits stay, as after
            a truncation by an unclean leader (Kafka drops those of a topic that is deleted).
    """

    kind: str
    open: Callable[[], AbstractAsyncContextManager[Log]]
    arguments: Sequence[str] | None
    topic: str
    group: str
    drop: Callable[[str], Awaitable[None]]
    remake: Callable[[str, str], Awaitable[None]]


@pytest.fixture(params=["memory", "embedded", "kafka"])
async def rig(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Rig:
    name = secrets.token_hex(4)
    if request.param == "memory":
        log = MemoryLog()

        @asynccontextmanager
        async def same() -> AsyncIterator[Log]:
            yield log

        return await _prepared(
            Rig("memory", same, None, f"t{name}", f"g{name}", log.drop, lambda t, _: log.remake(t))
        )
    if request.param == "embedded":
        monkeypatch.setattr(embedded_session, "EXPIRE_SECONDS", 0.2)
        monkeypatch.setattr(embedded_session, "SWEEP_SECONDS", 0.2)
        url = request.getfixturevalue("fresh_database")
        folder = Path(str(resources.files("kernel.log.embedded"))) / "sql"
        await migrate(url, [Schema("log", folder)])
        found = Rig(
            "embedded",
            lambda: open_embedded_log(url),
            ("embedded", url),
            f"t{name}",
            f"g{name}",
            partial(_change_embedded, url, _DROP),
            lambda topic, _: _change_embedded(url, _REMAKE, topic),
        )
        return await _prepared(found)
    address = request.getfixturevalue("kafka_bootstrap")
    settings = load_settings(kafka_bootstrap=address)
    found = Rig(
        "kafka",
        lambda: open_kafka_log(settings),
        ("kafka", address),
        f"t{name}",
        f"g{name}",
        partial(_drop_kafka, address),
        partial(_remake_kafka, settings),
    )
    return await _prepared(found)


_DROP = """
WITH gone AS (DELETE FROM log.records r USING log.partitions p
              WHERE p.id = r.partition_id AND p.topic = $1)
UPDATE log.partitions SET first_offset = next_offset WHERE topic = $1
"""
_REMAKE = """
WITH gone AS (DELETE FROM log.records r USING log.partitions p
              WHERE p.id = r.partition_id AND p.topic = $1)
UPDATE log.partitions SET first_offset = 0, next_offset = 0 WHERE topic = $1
"""


async def _change_embedded(url: str, statement: str, topic: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, topic)
    finally:
        await connection.close()


@asynccontextmanager
async def _administering(address: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def _drop_kafka(address: str, topic: str) -> None:
    everything = RecordsToDelete(before_offset=-1)
    async with _administering(address) as admin:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        await admin.delete_records(dict.fromkeys(places, everything))


async def _remake_kafka(settings: Settings, topic: str, group: str) -> None:
    async with _administering(settings.kafka_bootstrap) as admin:
        committed = await admin.list_consumer_group_offsets(group)
        await admin.delete_topics([topic])

        async def gone() -> bool:
            return topic not in await admin.list_topics()

        await eventually(gone, seconds_max=20)
    async with open_kafka_log(settings) as log:
        await log.apply_topics([TopicSpec(topic, PARTITIONS, 3600, VALUE_BYTES_MAX)])
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(list(committed))
        await consumer.commit({place: at.offset for place, at in committed.items()})
    finally:
        await consumer.stop()


async def _prepared(rig: Rig) -> Rig:
    async with rig.open() as log:
        await log.apply_topics([TopicSpec(rig.topic, PARTITIONS, 3600, VALUE_BYTES_MAX)])
    return rig


@pytest.fixture
async def log(rig: Rig) -> AsyncIterator[Log]:
    async with rig.open() as opened:
        yield opened


def texts(rig: Rig, *values: str, key: str = "k") -> list[Outgoing]:
    return [Outgoing(rig.topic, key.encode(), value.encode()) for value in values]


async def read_one(
    reader: Reader, *, records_max: int = 1000, bytes_max: int = 1 << 23, seconds_max: float = 30
) -> Batch:
    """The next batch that is not empty."""

    async def read() -> Batch | None:
        batch = await reader.read(records_max=records_max, bytes_max=bytes_max, wait_seconds=0.3)
        return batch if batch.records else None

    found: Batch = await eventually(read, seconds_max=seconds_max)
    return found


async def read_values(reader: Reader, count: int, *, commit: bool = True) -> list[str]:
    values: list[str] = []
    while len(values) < count:
        batch = await read_one(reader)
        values += [record.value.decode() for record in batch.records]
        if commit:
            await reader.commit(batch)
    return values


async def scanned(log: Log, topic: str) -> list[LogRecord]:
    return [record async for record in log.scan(topic)]


async def lag(log: Log, rig: Rig) -> int:
    return sum((await log.group_lag(rig.group, rig.topic)).values())


# -- appending --------------------------------------------------------------------------------


async def test_bytes_come_back_as_they_went_in(rig: Rig, log: Log) -> None:
    before = datetime.now(UTC)  # noqa: TID251 - the log's clock is the machine's
    everything = bytes(range(256))
    await log.append([Outgoing(rig.topic, everything, everything), Outgoing(rig.topic, b"", b"")])
    records = sorted(await scanned(log, rig.topic), key=lambda record: record.key)
    assert [(r.topic, r.key, r.value) for r in records] == [
        (rig.topic, b"", b""),
        (rig.topic, everything, everything),
    ]
    for record in records:
        assert record.appended_at.tzinfo is UTC or record.appended_at.utcoffset() is not None
        assert abs((record.appended_at - before).total_seconds()) < 30


async def test_what_is_acknowledged_another_client_reads(rig: Rig, log: Log) -> None:
    await log.append(texts(rig, "a", "b"))
    async with rig.open() as other:
        assert [record.value for record in await scanned(other, rig.topic)] == [b"a", b"b"]


async def test_what_is_acknowledged_outlives_the_process(rig: Rig, log: Log) -> None:
    if rig.arguments is None:
        pytest.skip("the fake lives in our process")
    async with log_member(rig.arguments, rig.group, rig.topic) as member:
        assert await member.ask("append k survivor") == "appended"
        member.process.kill()
        await member.process.wait()
    assert [record.value for record in await scanned(log, rig.topic)] == [b"survivor"]


async def test_the_records_of_a_key_keep_their_order(rig: Rig, log: Log) -> None:
    async def append_many(key: str) -> None:
        for start in range(0, 50, 5):
            await log.append(texts(rig, *(f"{key}:{n}" for n in range(start, start + 5)), key=key))

    keys = [f"key{n}" for n in range(20)]
    await asyncio.gather(*(append_many(key) for key in keys))
    async with log.reader(rig.group, [rig.topic]) as reader:
        values = await read_values(reader, 1000)
    for key in keys:
        assert [v for v in values if v.startswith(f"{key}:")] == [f"{key}:{n}" for n in range(50)]


async def test_two_processes_append_at_once_and_no_reader_skips(rig: Rig, log: Log) -> None:
    async with rig.open() as other, log.reader(rig.group, [rig.topic]) as reader:

        async def append_many(client: Log, name: str) -> None:
            for n in range(60):
                await client.append(texts(rig, f"{name}:{n}", key=f"{name}{n % 7}"))

        writing = asyncio.gather(append_many(log, "a"), append_many(other, "b"))
        values = await read_values(reader, 120)
        await writing
    assert sorted(values) == sorted(f"{name}:{n}" for name in "ab" for n in range(60))


async def test_the_largest_value_is_taken_and_a_larger_one_rejected(rig: Rig, log: Log) -> None:
    await log.append([Outgoing(rig.topic, b"k", b"x" * VALUE_BYTES_MAX)])
    with pytest.raises(Rejected) as caught:
        await log.append(
            [*texts(rig, "small"), Outgoing(rig.topic, b"k", b"x" * (VALUE_BYTES_MAX + 1))]
        )
    assert caught.value.code == "too_large"
    assert [len(record.value) for record in await scanned(log, rig.topic)] == [VALUE_BYTES_MAX]


async def test_an_unknown_topic_is_rejected(rig: Rig, log: Log) -> None:
    with pytest.raises(Rejected) as caught:
        await log.append([Outgoing("no-such-topic", b"k", b"v")])
    assert caught.value.code == "unknown_topic"
    with pytest.raises(Rejected) as caught:
        async with log.reader(rig.group, ["no-such-topic"]):
            pass
    assert caught.value.code == "unknown_topic"


# -- reading ----------------------------------------------------------------------------------


async def test_a_new_group_starts_at_the_earliest(rig: Rig, log: Log) -> None:
    await log.append(texts(rig, "early"))
    async with log.reader(rig.group, [rig.topic]) as reader:
        assert await read_values(reader, 1) == ["early"]


async def test_batches_are_bounded_in_count_and_hold_positions(rig: Rig, log: Log) -> None:
    for n in range(25):
        await log.append(texts(rig, *(f"{n}:{m}" for m in range(4)), key=f"k{n}"))
    async with log.reader(rig.group, [rig.topic]) as reader:
        seen = 0
        while seen < 100:
            batch = await read_one(reader, records_max=7)
            assert len(batch.records) <= 7
            seen += len(batch.records)
            for partition, position in batch.positions.items():
                theirs = [r.offset for r in batch.records if r.partition == partition.number]
                assert theirs == sorted(theirs)
                assert theirs[-1] + 1 == position
            assert {r.partition for r in batch.records} == {p.number for p in batch.positions}


async def test_batches_are_bounded_in_bytes_but_for_the_first_record(rig: Rig, log: Log) -> None:
    await log.append([Outgoing(rig.topic, b"k", bytes([n]) * 1000) for n in range(10)])
    await log.append([Outgoing(rig.topic, b"k", b"L" * 5000), Outgoing(rig.topic, b"k", b"end")])
    async with log.reader(rig.group, [rig.topic]) as reader:
        sizes: list[list[int]] = []
        while sum(len(batch) for batch in sizes) < 12:
            batch = await read_one(reader, bytes_max=3500)
            sizes.append([len(record.value) for record in batch.records])
    assert [size for batch in sizes for size in batch] == [1000] * 10 + [5000, 3]
    for sizes_read in sizes:
        assert sum(sizes_read) <= 3500 or len(sizes_read) == 1


async def test_a_reader_of_several_topics_reads_all(rig: Rig, log: Log) -> None:
    second = f"{rig.topic}.dead"
    await log.apply_topics([TopicSpec(second, 1, None)])
    await log.append([*texts(rig, "a"), Outgoing(second, b"k", b"b")])
    async with log.reader(rig.group, [rig.topic, second]) as reader:
        assert sorted(await read_values(reader, 2)) == ["a", "b"]
        batch = await reader.read(records_max=9, bytes_max=9, wait_seconds=0)
        everything = {Partition(rig.topic, n) for n in range(PARTITIONS)} | {Partition(second, 0)}
        assert set(batch.watermarks) == set(batch.lags) == everything


async def test_a_read_without_records_ends_in_time(rig: Rig, log: Log) -> None:
    async with log.reader(rig.group, [rig.topic]) as reader:
        loop = asyncio.get_running_loop()
        started = loop.time()
        batch = await reader.read(records_max=9, bytes_max=9, wait_seconds=0.3)
        assert not batch.records
        assert not batch.positions
        assert loop.time() - started < 5


async def test_a_record_wakes_a_waiting_read(rig: Rig, log: Log) -> None:
    """Below 50 ms by the port. A machine busy with other tests may hold up some, never most."""
    delays = []
    loop = asyncio.get_running_loop()
    async with log.reader(rig.group, [rig.topic]) as reader:
        await log.append(texts(rig, "warm"))
        await read_values(reader, 1)
        for n in range(7):
            reading = asyncio.create_task(
                reader.read(records_max=9, bytes_max=999, wait_seconds=30)
            )
            await asyncio.sleep(0.05)
            assert not reading.done()
            await log.append(texts(rig, str(n)))
            acknowledged = loop.time()
            batch = await reading
            delays.append(loop.time() - acknowledged)
            assert [record.value.decode() for record in batch.records] == [str(n)]
            await reader.commit(batch)
    assert sorted(delays)[len(delays) // 2 - 1] < 0.05, delays


async def test_a_cancelled_read_loses_nothing(rig: Rig, log: Log) -> None:
    async with log.reader(rig.group, [rig.topic]) as reader:
        writing = asyncio.create_task(
            _append_slowly(log, [texts(rig, str(n), key=str(n)) for n in range(40)])
        )
        values = []
        for turn in itertools.count():
            reading = asyncio.create_task(reader.read(records_max=3, bytes_max=999, wait_seconds=5))
            # Of 29 some are cut off at every step; some have the time that a busy machine takes.
            done, _ = await asyncio.wait({reading}, timeout=0.004 * (turn % 29))
            if not done:
                reading.cancel()
                await asyncio.wait({reading})
            if not reading.cancelled():
                batch = reading.result()
                values += [record.value.decode() for record in batch.records]
            if len(values) == 40 or turn > 5000:
                break
        await writing
    assert sorted(values, key=int) == [str(n) for n in range(40)]


async def _append_slowly(log: Log, calls: Sequence[Sequence[Outgoing]]) -> None:
    for call in calls:
        await log.append(call)
        await asyncio.sleep(0.005)


# -- groups -----------------------------------------------------------------------------------


async def test_reading_resumes_at_the_commit(rig: Rig, log: Log) -> None:
    await log.append(texts(rig, *"abcdef"))
    async with log.reader(rig.group, [rig.topic]) as reader:
        committed = await read_one(reader, records_max=2)
        await reader.commit(committed)
        uncommitted = await read_one(reader, records_max=2)
        assert [record.value for record in uncommitted.records] == [b"c", b"d"]
    async with rig.open() as other, other.reader(rig.group, [rig.topic]) as reader:
        assert await read_values(reader, 4) == list("cdef")


async def test_two_groups_do_not_mind_each_other(rig: Rig, log: Log) -> None:
    await log.append(texts(rig, "a"))
    async with (
        log.reader(rig.group, [rig.topic]) as one,
        log.reader(rig.group + "2", [rig.topic]) as two,
    ):
        assert await read_values(one, 1) == ["a"]
        assert await read_values(two, 1) == ["a"]


async def test_members_share_the_partitions_and_the_last_has_all(rig: Rig, log: Log) -> None:
    everything = {Partition(rig.topic, n) for n in range(PARTITIONS)}

    async def held(*readers: Reader) -> list[set[Partition]]:
        batches = [await r.read(records_max=1, bytes_max=1, wait_seconds=0.05) for r in readers]
        return [set(batch.lags) for batch in batches]

    async with rig.open() as other, log.reader(rig.group, [rig.topic]) as one:
        async with other.reader(rig.group, [rig.topic]) as two:

            async def shared() -> bool:
                first, second = await held(one, two)
                return (
                    bool(first and second) and first | second == everything and not (first & second)
                )

            await eventually(shared, seconds_max=30)

        async def alone() -> bool:
            [first] = await held(one)
            return first == everything

        await eventually(alone, seconds_max=30)


async def test_who_lost_a_partition_cannot_commit_and_goes_back(rig: Rig, log: Log) -> None:
    for n in range(40):
        await log.append(texts(rig, str(n), key=str(n)))
    async with rig.open() as other, log.reader(rig.group, [rig.topic]) as one:
        mine = await read_one(one)
        async with other.reader(rig.group, [rig.topic]) as two:
            theirs = await read_one(two)
            with pytest.raises(Fenced):
                await one.commit(mine)
            assert await lag(log, rig) == 40
            await two.commit(theirs)
        assert await lag(log, rig) == 40 - len(theirs.records)
        rest = await read_values(one, 40 - len(theirs.records))
        given = [record.value.decode() for record in theirs.records] + rest
        assert sorted(given, key=int) == [str(n) for n in range(40)]
        assert await lag(log, rig) == 0


async def test_others_take_over_from_a_killed_member(rig: Rig, log: Log) -> None:
    if rig.arguments is None:
        pytest.skip("the fake lives in our process")
    await log.append(texts(rig, "a", "b"))
    async with log_member(rig.arguments, rig.group, rig.topic) as member:
        assert await member.ask("read") == ["a", "b"]
        member.process.kill()
        await member.process.wait()
    async with log.reader(rig.group, [rig.topic]) as reader:
        assert await read_values(reader, 2) == ["a", "b"]


async def test_a_frozen_member_is_replaced_and_cannot_commit(rig: Rig, log: Log) -> None:
    if rig.arguments is None:
        pytest.skip("the fake lives in our process")
    await log.append(texts(rig, "a", "b"))
    async with log_member(rig.arguments, rig.group, rig.topic) as member:
        assert await member.ask("read") == ["a", "b"]
        member.process.send_signal(signal.SIGSTOP)
        async with log.reader(rig.group, [rig.topic]) as reader:
            batch = await read_one(reader, records_max=1, seconds_max=60)
            await reader.commit(batch)
            member.process.send_signal(signal.SIGCONT)
            assert await member.ask("commit") == "fenced"
    assert await lag(log, rig) == 1


async def test_lag_counts_what_is_not_committed(rig: Rig, log: Log) -> None:
    assert await log.group_lag(rig.group, rig.topic) == dict.fromkeys(range(PARTITIONS), 0)
    await log.append(texts(rig, *"abc"))
    assert await lag(log, rig) == 3
    async with log.reader(rig.group, [rig.topic]) as reader:
        batch = await read_one(reader, records_max=2)
        assert await lag(log, rig) == 3
        await reader.commit(batch)
    assert await lag(log, rig) == 1


# -- watermarks -------------------------------------------------------------------------------


async def test_at_the_end_the_watermark_follows_the_clock(rig: Rig, log: Log) -> None:
    await log.append(texts(rig, "a"))
    after = SystemClock().now()
    async with log.reader(rig.group, [rig.topic]) as reader:
        await read_one(reader)

        async def caught_up() -> bool:
            batch = await reader.read(records_max=9, bytes_max=9, wait_seconds=0.1)
            return set(batch.watermarks) == {
                Partition(rig.topic, n) for n in range(PARTITIONS)
            } and all(instant > after for instant in batch.watermarks.values())

        await eventually(caught_up, seconds_max=20)


async def test_the_watermark_is_never_past_what_is_still_to_be_given(rig: Rig, log: Log) -> None:
    for n in range(20):
        await log.append(texts(rig, str(n), key=f"k{n % 5}"))
        await asyncio.sleep(0.003)
    waiting = {(r.partition, r.offset): r.appended_at for r in await scanned(log, rig.topic)}
    before: dict[Partition, datetime] = {}
    async with log.reader(rig.group, [rig.topic]) as reader:
        while waiting:
            batch = await read_one(reader, records_max=2)
            for record in batch.records:
                del waiting[record.partition, record.offset]
            for (partition, _), appended_at in waiting.items():
                assert batch.watermarks[Partition(rig.topic, partition)] <= appended_at
            for place, instant in batch.watermarks.items():
                assert instant >= before.get(place, instant)
            before = dict(batch.watermarks)
    assert before


async def test_lags_of_a_batch_count_what_is_still_to_be_given(rig: Rig, log: Log) -> None:
    await log.append(texts(rig, *"abcde"))
    async with log.reader(rig.group, [rig.topic]) as reader:
        batch = await read_one(reader, records_max=2)
        assert sum(batch.lags.values()) == 3
        batch = await read_one(reader)
        assert sum(batch.lags.values()) == 0


async def test_what_is_given_again_is_not_under_the_watermark(rig: Rig, log: Log) -> None:
    """After a rebalance it goes back to the commit; what it gave before is not handled."""
    await log.append([Outgoing(rig.topic, b"k%d" % (n % 9), b"%d" % n) for n in range(40)])
    appended = {(r.partition, r.offset): r.appended_at for r in await scanned(log, rig.topic)}

    async def at_the_end(reader: Reader) -> bool:
        batch = await reader.read(records_max=99, bytes_max=9999, wait_seconds=0.1)
        after = SystemClock().now() - timedelta(seconds=1)
        return len(batch.watermarks) == PARTITIONS and min(batch.watermarks.values()) > after

    async with rig.open() as other, log.reader(rig.group, [rig.topic]) as one:
        await asyncio.sleep(1.5)  # so that a watermark at the end is after all of them
        await eventually(lambda: at_the_end(one), seconds_max=20)
        async with other.reader(rig.group, [rig.topic]) as two:
            await read_one(two)
        waiting = dict(appended)
        while waiting:
            batch = await one.read(records_max=3, bytes_max=9999, wait_seconds=0.1)
            for record in batch.records:
                waiting.pop((record.partition, record.offset), None)
            for (number, _), appended_at in waiting.items():
                watermark = batch.watermarks.get(Partition(rig.topic, number), appended_at)
                assert watermark <= appended_at


# -- what nobody has read -----------------------------------------------------------------------


async def test_a_commit_beyond_the_end_is_an_unknown_lag_until_all_is_read_again(
    rig: Rig, log: Log
) -> None:
    """The topic was made anew. A lag of -3 would be money; of 0, silence."""
    await log.append(texts(rig, *"abcd"))
    async with log.reader(rig.group, [rig.topic]) as reader:
        await read_values(reader, 4)
    await rig.remake(rig.topic, rig.group)
    async with rig.open() as anew:
        await anew.append(texts(rig, "new"))
        with pytest.raises(Transient) as caught:
            await anew.group_lag(rig.group, rig.topic)
        assert caught.value.code == "lag_unknown"
        assert rig.topic in str(caught.value)
        assert "beyond the end" in str(caught.value)
        assert sum((await anew.group_lag(rig.group + "-other", rig.topic)).values()) == 1
        assert await anew.forget(rig.topic, b"k", [rig.group], lambda _: b"") == 1  # it is unread
        async with anew.reader(rig.group, [rig.topic]) as reader:
            assert await read_values(reader, 1) == ["new"]
        assert await lag(anew, rig) == 0


async def test_lags_are_of_known_ends_and_never_negative(rig: Rig, log: Log) -> None:
    async with log.reader(rig.group, [rig.topic]) as reader:
        for turn in range(6):
            await log.append(texts(rig, *"abc", key=f"k{turn}"))
            batch = await reader.read(records_max=2, bytes_max=9999, wait_seconds=0.3)
            assert min(batch.lags.values(), default=0) >= 0
            assert batch.lags.keys() <= batch.watermarks.keys()
            assert batch.gone == {}


async def test_records_that_went_unread_are_told_once(rig: Rig, log: Log) -> None:
    """Retention passes whoever is away for longer than it: that is a loss, never silence."""
    keys = [f"k{n}" for n in range(8)]
    for key in keys:
        await log.append(texts(rig, "read", key=key))
    async with log.reader(rig.group, [rig.topic]) as reader:
        await read_values(reader, 8)
    for key in keys:
        await log.append(texts(rig, "lost", "lost too", key=key))
    await rig.drop(rig.topic)
    assert await gone(log, rig) == 16
    assert await gone(log, rig) == 0  # not again by whoever comes next
    assert await lag(log, rig) == 0
    await log.append(texts(rig, "new"))
    async with log.reader(rig.group, [rig.topic]) as reader:
        assert await read_values(reader, 1) == ["new"]


async def test_what_went_before_a_group_has_read_its_first_is_told_too(rig: Rig, log: Log) -> None:
    async with log.reader(rig.group, [rig.topic]) as reader:
        await reader.read(records_max=1, bytes_max=1, wait_seconds=0)  # it was there
    await log.append(texts(rig, "lost", "lost too"))
    await rig.drop(rig.topic)
    assert await gone(log, rig) == 2


async def test_a_new_group_has_lost_nothing(rig: Rig, log: Log) -> None:
    await log.append(texts(rig, *"ab"))
    await rig.drop(rig.topic)
    assert await gone(log, rig) == 0


async def gone(log: Log, rig: Rig) -> int:
    """How many records a member learns that nobody of its group has read; it commits that."""
    count = 0
    async with log.reader(rig.group, [rig.topic]) as reader:

        async def at_the_end() -> bool:
            nonlocal count
            batch = await reader.read(records_max=9, bytes_max=99, wait_seconds=0.1)
            count += sum(batch.gone.values())
            assert batch.gone.keys() <= batch.positions.keys()
            await reader.commit(batch)
            ago = SystemClock().now() - timedelta(seconds=1)
            return len(batch.lags) == PARTITIONS and min(batch.watermarks.values()) > ago

        await eventually(at_the_end, seconds_max=20)
    return count


# -- topics -----------------------------------------------------------------------------------


async def test_applying_topics_twice_changes_nothing(rig: Rig, log: Log) -> None:
    spec = TopicSpec(f"{rig.topic}.b", 2, 86_400)
    assert len(await log.apply_topics([spec])) == 1
    assert await log.apply_topics([spec]) == []
    assert len(await log.apply_topics([TopicSpec(spec.name, 2, 3600)])) == 1
    assert await log.apply_topics([TopicSpec(spec.name, 2, 3600)]) == []
    small = TopicSpec(spec.name, 2, 3600, retention_bytes=1 << 28)
    [said] = await log.apply_topics([small])
    assert spec.name in said
    assert rig.kind == "memory" or "268435456" in said
    assert await log.apply_topics([small]) == []
    await log.append([Outgoing(spec.name, b"k", b"v")])
    assert len(await scanned(log, spec.name)) == 1


async def test_records_past_their_retention_go(rig: Rig, log: Log) -> None:
    if rig.kind == "kafka":
        pytest.skip("Kafka deletes every five minutes; its configuration has a test of its own")
    topic = f"{rig.topic}.short"
    await log.apply_topics([TopicSpec(topic, 2, 1)])
    await log.append([Outgoing(topic, str(n).encode(), b"v") for n in range(20)])

    async def gone() -> bool:
        return not await scanned(log, topic)

    await eventually(gone, seconds_max=20)
    assert sum((await log.group_lag(rig.group, topic)).values()) == 0
    await log.append([Outgoing(topic, b"k", b"new")])
    async with log.reader(rig.group, [topic]) as reader:
        assert await read_values(reader, 1) == ["new"]


async def test_records_beyond_the_size_of_their_topic_go_the_oldest_first(
    rig: Rig, log: Log
) -> None:
    if rig.kind == "kafka":
        pytest.skip("Kafka deletes every five minutes; its configuration has a test of its own")
    topic = f"{rig.topic}.small"
    await log.apply_topics([TopicSpec(topic, 1, 86_400, retention_bytes=10_000)])
    await log.append([Outgoing(topic, b"k", b"%04d" % n + b"." * 995) for n in range(30)])

    async def shrunk() -> bool:
        return len(await scanned(log, topic)) < 11  # bytes of keys count as well

    await eventually(shrunk, seconds_max=20)
    kept = [int(record.value[:4]) for record in await scanned(log, topic)]
    assert kept == list(range(20, 30))
    assert (await log.group_lag(rig.group, topic)) == {0: 10}
    await log.append([Outgoing(topic, b"k", b"0030")])
    assert (await scanned(log, topic))[-1].value == b"0030"


async def test_a_scan_ends_where_the_topic_ended(rig: Rig, log: Log) -> None:
    assert await scanned(log, rig.topic) == []
    await log.append(texts(rig, *(str(n) for n in range(50))))
    found = []
    async for record in log.scan(rig.topic):
        found.append(record.value.decode())
        if len(found) == 1:
            await log.append(texts(rig, "later"))
    assert found == [str(n) for n in range(50)]


async def test_a_log_that_is_there_can_be_written_to(log: Log) -> None:
    await log.probe()


@pytest.mark.parametrize("kind", ["embedded", "kafka"])
async def test_a_log_that_is_away_is_transient_in_time(kind: str) -> None:
    opened: AbstractAsyncContextManager[Log] = (
        open_embedded_log("postgresql://nobody@127.0.0.1:1/none")
        if kind == "embedded"
        else open_kafka_log(load_settings(kafka_bootstrap="127.0.0.1:1"))
    )
    async with opened as log, asyncio.timeout(8):
        with pytest.raises(Transient):
            await log.probe()
        with pytest.raises(Transient):
            await log.append([Outgoing("t", b"k", b"v")])


async def test_a_key_is_forgotten_as_far_as_it_was_read(rig: Rig, log: Log) -> None:
    await log.append(texts(rig, "secret 1", "secret 2", key="him"))
    await log.append(texts(rig, "hers", key="her"))

    async def forget(*groups: str) -> int:
        return await log.forget(
            rig.topic, b"him", groups, lambda value: b"redacted %d" % len(value)
        )

    async def his() -> list[bytes]:
        return [record.value for record in await scanned(log, rig.topic) if record.key == b"him"]

    assert await forget(rig.group) == 2  # nobody has read it
    assert await his() == [b"secret 1", b"secret 2"]
    async with log.reader(rig.group, [rig.topic]) as reader:
        await read_values(reader, 3)
        await log.append(texts(rig, "secret 3", key="him"))
        assert await forget(rig.group, f"{rig.group}-other") == 3
        assert await forget(rig.group) == 1
        # A log that can change a record keeps its place; one that cannot keeps nothing of it.
        read = [] if rig.kind == "kafka" else [b"redacted 8", b"redacted 8"]
        assert await his() == [*read, b"secret 3"]
        assert await read_values(reader, 1) == ["secret 3"]
    assert await forget(rig.group) == 0


async def test_where_nobody_reads_a_key_is_forgotten_only_by_a_log_that_can_change_it(
    rig: Rig, log: Log
) -> None:
    await log.append([*texts(rig, "secret", key="him"), *texts(rig, "hers", key="her")])
    left = await log.forget(rig.topic, b"him", [], lambda _: b"{}")
    values = {record.key: record.value for record in await scanned(log, rig.topic)}
    assert values == {b"him": b"secret" if rig.kind == "kafka" else b"{}", b"her": b"hers"}
    assert left == (1 if rig.kind == "kafka" else 0)
