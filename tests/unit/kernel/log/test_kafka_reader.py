"""What a reader on Kafka concludes while its group is being rebalanced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError

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
