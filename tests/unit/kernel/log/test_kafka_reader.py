"""What a reader on Kafka concludes while its group is being rebalanced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from kernel.log.kafka import reader as kafka_reader
from kernel.log.kafka.reader import LONG_AGO, KafkaReader
from kernel.log.port import Batch, Partition
from kernel.values.errors import Fenced

PLACE = TopicPartition("topic", 0)


@dataclass(frozen=True)
class Found:
    """A record as aiokafka gives it."""

    offset: int
    topic: str = "topic"
    partition: int = 0
    key: bytes = b"k"
    value: bytes = b"v"
    timestamp: int = 1_509_112_800_000


class Consumer:
    """As much of aiokafka's as a reader uses: one partition, three records, a commit that fails."""

    def __init__(self) -> None:
        self.place, self.end, self.committed = 0, 3, 0
        self.listener: ConsumerRebalanceListener | None = None

    def subscribe(self, topics: Sequence[str], listener: ConsumerRebalanceListener) -> None:
        assert topics
        self.listener = listener

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def assignment(self) -> set[TopicPartition]:
        return {PLACE}

    async def getmany(self, **_: Any) -> Mapping[TopicPartition, Sequence[Found]]:
        found = [Found(offset) for offset in range(self.place, self.end)]
        self.place = self.end
        return {PLACE: found}

    async def end_offsets(self, _: object) -> Mapping[TopicPartition, int]:
        return {PLACE: self.end}

    async def position(self, _: object) -> int:
        return self.place

    async def commit(self, _: object) -> None:
        raise CommitFailedError

    def rejoin(self) -> None:
        """The group was rebalanced: reading goes on at its commit."""
        assert self.listener
        self.listener.on_partitions_revoked([PLACE])
        self.place = self.committed
        self.listener.on_partitions_assigned([PLACE])


async def read(reader: KafkaReader, records_max: int = 9) -> Batch:
    return await reader.read(records_max=records_max, bytes_max=1000, wait_seconds=0.01)


async def test_who_is_fenced_sees_nothing_until_it_has_joined_again() -> None:
    """What was fetched and forgotten is neither skipped nor under the watermark."""
    consumer = Consumer()
    reader = KafkaReader(lambda: consumer, ["topic"])
    batch = await read(reader, 1)
    with pytest.raises(Fenced):
        await reader.commit(batch)
    blind = await read(reader)
    assert (blind.records, blind.watermarks, blind.lags) == ((), {}, {})
    consumer.rejoin()
    assert [record.offset for record in (await read(reader)).records] == [0, 1, 2]
    assert (await read(reader)).watermarks[Partition(*PLACE)] > LONG_AGO


class Willing(Consumer):
    """Its commits are taken."""

    async def commit(self, positions: object) -> None:
        assert positions == {PLACE: 3}
        self.committed = 3


async def test_what_was_read_before_a_rebalance_cannot_be_committed() -> None:
    """It may be another's now, who handles it; and the broker would take our commit."""
    consumer = Willing()
    reader = KafkaReader(lambda: consumer, ["topic"])
    batch = await read(reader)
    consumer.rejoin()
    with pytest.raises(Fenced):
        await reader.commit(batch)
    assert consumer.committed == 0
    await reader.commit(await read(reader))
    assert consumer.committed == 3


async def test_the_watermark_is_the_clock_at_the_end_alone() -> None:
    consumer = Consumer()
    reader = KafkaReader(lambda: consumer, ["topic"])
    place, appended_at = Partition(*PLACE), datetime.fromtimestamp(Found(0).timestamp / 1000, UTC)
    for lag in (2, 1):
        batch = await read(reader, 1)
        assert (batch.watermarks[place], batch.lags[place]) == (appended_at, lag)
    assert (await read(reader, 1)).lags[place] == 0
    assert (await read(reader)).watermarks[place] > appended_at


async def test_an_old_watermark_does_not_outlive_a_rebalance() -> None:
    """What was given before and not committed comes again: it is not handled yet."""
    consumer = Consumer()
    reader = KafkaReader(lambda: consumer, ["topic"])
    await read(reader)
    appended_at = datetime.fromtimestamp(Found(0).timestamp / 1000, UTC)
    assert (await read(reader)).watermarks[Partition(*PLACE)] > appended_at
    consumer.rejoin()
    for lag in (2, 1):
        batch = await read(reader, 1)
        assert batch.watermarks[Partition(*PLACE)] == appended_at
        assert batch.lags[Partition(*PLACE)] == lag


# -- ends that nobody has looked up --------------------------------------------------------------


class Joining(Consumer):
    """A group that is joined while the reader, who holds nothing, asks whether the broker is there.

    The answer takes a round trip; the join completes meanwhile.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held: set[TopicPartition] = set()
        self.end = 50_000

    def assignment(self) -> set[TopicPartition]:
        return self.held

    async def getmany(self, **_: Any) -> Mapping[TopicPartition, Sequence[Found]]:
        return {}

    async def topics(self) -> set[str]:
        self.held = {PLACE}
        self.rejoin()
        return {"topic"}


class Revoked(Consumer):
    """Rebalanced in the middle of a look: the position of what was revoked is illegal."""

    async def position(self, _: object) -> int:
        self.rejoin()
        raise IllegalStateError

    async def getmany(self, **_: Any) -> Mapping[TopicPartition, Sequence[Found]]:
        return {}


class Rebalancing(Consumer):
    """The ends are those of the partitions of before, and come after the rebalance."""

    async def end_offsets(self, _: object) -> Mapping[TopicPartition, int]:
        self.rejoin()
        return {PLACE: 0}

    async def getmany(self, **_: Any) -> Mapping[TopicPartition, Sequence[Found]]:
        return {}


@pytest.mark.parametrize("kind", [Joining, Revoked, Rebalancing])
async def test_a_partition_whose_end_is_unknown_has_no_lag(kind: type[Consumer]) -> None:
    consumer = kind()
    reader = KafkaReader(lambda: consumer, ["topic"])
    consumer.end = 50_000
    batch = await read(reader)
    assert (batch.lags, batch.records) == ({}, ())
    assert set(batch.watermarks.values()) <= {LONG_AGO}


class Truncated(Consumer):
    """It fetches nothing from beyond the end, and stays there."""

    async def getmany(self, **arguments: Any) -> Mapping[TopicPartition, Sequence[Found]]:
        return {} if self.place > self.end else await super().getmany(**arguments)


async def test_a_place_beyond_the_end_has_no_lag_and_no_watermark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The topic was made anew; the client goes back to its beginning a little later."""
    monkeypatch.setattr(kafka_reader, "LOOK_SECONDS", 0)
    consumer = Truncated()
    consumer.place, consumer.end = 2003, 3
    reader = KafkaReader(lambda: consumer, ["topic"], committed=Commits(2003))
    batch = await read(reader)
    assert (batch.lags, batch.watermarks) == ({}, {Partition(*PLACE): LONG_AGO})
    consumer.place = 0
    batch = await read(reader)
    assert ([r.offset for r in batch.records], batch.lags[Partition(*PLACE)]) == ([0, 1, 2], 0)
    assert batch.gone == {}


@pytest.fixture
def one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first look none comes again while there are records."""
    monkeypatch.setattr(kafka_reader, "LOOK_SECONDS", float("inf"))


@pytest.mark.usefixtures("one_look")
async def test_what_was_fetched_since_the_ends_were_looked_up_is_counted() -> None:
    consumer = Consumer()
    reader = KafkaReader(lambda: consumer, ["topic"])
    await read(reader)
    consumer.end = 9
    for lag in range(5, -1, -1):
        assert (await read(reader, 1)).lags[Partition(*PLACE)] == lag


# -- what went unread ----------------------------------------------------------------------------


class Commits:
    """The group's commit, as the broker knows it."""

    def __init__(self, commit: int) -> None:
        self.commit = commit

    async def __call__(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(places, self.commit)


@pytest.mark.parametrize("earliest", [7, 9])
async def test_what_went_while_nobody_read_is_told_once_and_committed(earliest: int) -> None:
    consumer = Consumer()
    consumer.place, consumer.end = earliest, 9
    reader = KafkaReader(lambda: consumer, ["topic"], committed=Commits(4))
    batch = await read(reader)
    assert batch.gone == {Partition(*PLACE): earliest - 4}
    assert batch.positions == {Partition(*PLACE): 9}
    assert (await read(reader)).gone == {}


@pytest.mark.usefixtures("one_look")
async def test_what_went_under_a_reader_that_lags_is_told() -> None:
    consumer = Consumer()
    reader = KafkaReader(lambda: consumer, ["topic"], committed=Commits(0))
    assert (await read(reader)).gone == {}
    consumer.place, consumer.end = 10, 12
    batch = await read(reader)
    assert batch.gone == {Partition(*PLACE): 7}
    assert batch.positions == {Partition(*PLACE): 12}


class Noting(Consumer):
    """Its commits are taken, and remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[object] = []

    async def commit(self, positions: object) -> None:
        self.noted.append(positions)


async def test_where_a_group_never_was_its_place_is_noted() -> None:
    """Else nobody would miss what goes before its first commit."""
    consumer = Noting()
    consumer.place = 1
    reader = KafkaReader(lambda: consumer, ["topic"], committed=Commits(-1))
    assert (await read(reader)).gone == {}
    assert consumer.noted == [{PLACE: 1}]
    await read(reader)
    assert len(consumer.noted) == 1


async def test_a_place_that_cannot_be_noted_gives_nothing_until_it_can() -> None:
    """The group is being rebalanced: what was fetched is another's, or is fetched again."""
    consumer = Consumer()  # whose commits fail
    reader = KafkaReader(lambda: consumer, ["topic"], committed=Commits(-1))
    assert await read(reader) == Batch()
