"""The Log port on Kafka, by aiokafka.

Acknowledged means written by every in-sync replica. Concurrent appends share requests; a producer
that failed is given up and made anew, since after a lost batch an idempotent one cannot go on.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import GroupCoordinatorNotAvailableError

from kernel.log.kafka.client import (
    REQUEST_SECONDS_MAX,
    Kept,
    close_quietly,
    connection_arguments,
    quiet_logs,
    translate_kafka_errors,
)
from kernel.log.kafka.reader import KafkaReader, to_record
from kernel.log.kafka.topics import KafkaTopic, apply_topics, find_topic
from kernel.log.lag import check_lags
from kernel.log.port import LogRecord, Outgoing, Partition, TopicSpec
from kernel.log.writer import Row, Writer
from kernel.settings.settings import Settings
from kernel.values.errors import Rejected, Transient

BATCH_BYTES_MAX = 524_288
REQUEST_BYTES_MAX = 4_194_304
"""A dead record's value may have 2 MiB."""
PARTITION_FETCH_BYTES = 1_048_576
FETCH_BYTES_MAX = 16_777_216
FETCH_WAIT_MS = 500
SESSION_MS = 6_000
"""A member that is silent for so long is dead, and others take over: what it held is read again
within 10 s. A broker accepts no less (``group.min.session.timeout.ms``)."""
HEARTBEAT_MS = 1_000
"""How soon the others hear that the group is shared out anew."""


class KafkaLog:
    """A ``Log``. Made by ``open_kafka_log``."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._arguments = dict(arguments)
        self._writer = Writer(self._flush)
        self._topics: dict[str, KafkaTopic] = {}
        self._producer = Kept(self._make_producer, lambda client: client.stop())
        self._admin = Kept(
            lambda: AIOKafkaAdminClient(**self._arguments), lambda client: client.close()
        )
        self._looker = Kept(self._make_consumer, lambda client: client.stop())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Appends are written while this is open; leaving closes all connections."""
        try:
            async with self._writer.running():
                yield
        finally:
            await asyncio.gather(self._producer.close(), self._admin.close(), self._looker.close())

    async def append(self, records: Sequence[Outgoing]) -> None:
        """See ``Log``."""
        if not records:
            return
        rows = []
        for record in records:
            topic = self._topics.get(record.topic) or await self._find_topic(record.topic)
            if len(record.value) > topic.value_bytes_max:
                raise Rejected(f"too large for {record.topic}", code="too_large")
            number = zlib.crc32(record.key) % topic.partitions
            rows.append(Row(Partition(record.topic, number), record.key, record.value))
        await self._writer.append(rows)

    @asynccontextmanager
    async def reader(self, group: str, topics: Sequence[str]) -> AsyncIterator[KafkaReader]:
        """See ``Log``."""
        for topic in topics:
            await self._find_topic(topic)
        member = KafkaReader(
            partial(self._make_consumer, group),
            topics,
            self._looker,
            partial(self._committed, group),
        )
        try:
            await member.open()
            yield member
        finally:
            await member.close()

    async def group_lag(self, group: str, topic: str) -> Mapping[int, int]:
        """See ``Log``."""
        places = await self._places(topic)
        with translate_kafka_errors():
            committed = await self._committed(group, places)
            async with self._looker.using(REQUEST_SECONDS_MAX) as looker:
                firsts = await looker.beginning_offsets(places)
                ends = await looker.end_offsets(places)
        lags = {}
        for place in places:
            lags[place.partition] = ends[place] - max(committed.get(place, 0), firsts[place])
        return check_lags(group, topic, lags)

    async def scan(self, topic: str) -> AsyncIterator[LogRecord]:
        """See ``Log``."""
        places = await self._places(topic)
        consumer = self._make_consumer()
        try:
            with translate_kafka_errors():
                async with asyncio.timeout(REQUEST_SECONDS_MAX):
                    consumer.assign(places)
                    await consumer.start()
                    left = await consumer.end_offsets(places)
            while left := await self._unread(consumer, left):
                with translate_kafka_errors():
                    found = await consumer.getmany(*left, timeout_ms=200, max_records=2000)
                for place, records in found.items():
                    for record in records:
                        if record.offset < left[place]:
                            yield to_record(record)
        finally:
            await close_quietly(consumer.stop())

    async def forget(
        self,
        topic: str,
        key: bytes,
        groups: Sequence[str],
        redact: Callable[[bytes], bytes],
    ) -> int:
        """See ``Log``: drops what was read; the broker deletes the bytes with their segment."""
        place = TopicPartition(topic, zlib.crc32(key) % (await self._find_topic(topic)).partitions)
        if groups:
            with translate_kafka_errors():
                read = [await self._committed(group, [place]) for group in groups]
                until = min(max(committed.get(place, 0), 0) for committed in read)
                async with self._looker.using(REQUEST_SECONDS_MAX) as looker:
                    end = (await looker.end_offsets([place]))[place]
                if 0 < until <= end:  # beyond it is of a topic that was: of this none is read
                    async with self._admin.using(REQUEST_SECONDS_MAX) as admin:
                        await admin.delete_records({place: RecordsToDelete(before_offset=until)})
        return sum([1 async for record in self.scan(topic) if record.key == key])

    async def apply_topics(self, topics: Sequence[TopicSpec]) -> Sequence[str]:
        """See ``Log``."""
        with translate_kafka_errors():
            async with self._admin.using(REQUEST_SECONDS_MAX * 4) as admin:
                changed = await apply_topics(admin, topics)
        self._topics.clear()
        return changed

    async def probe(self) -> None:
        """See ``Log``."""
        with translate_kafka_errors():
            async with self._producer.using(REQUEST_SECONDS_MAX) as producer:
                cluster = await producer.client.fetch_all_metadata()
                for topic in self._topics:
                    if len(cluster.available_partitions_for_topic(topic) or ()) != len(
                        cluster.partitions_for_topic(topic) or ()
                    ):
                        raise Transient(f"{topic} has no leader", code="log_away")

    # -- appending ----------------------------------------------------------------------------

    def _make_producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **self._arguments,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,  # the writer gathers
            max_batch_size=BATCH_BYTES_MAX,
            max_request_size=REQUEST_BYTES_MAX,
        )

    async def _flush(self, rows: Sequence[Row]) -> None:
        """Send rows and wait until all are acknowledged."""
        by_partition: dict[Partition, list[Row]] = {}
        for row in rows:
            by_partition.setdefault(row.partition, []).append(row)
        try:
            with translate_kafka_errors():
                producer = await self._producer.get()
            await _all([_send(producer, place, theirs) for place, theirs in by_partition.items()])
        except BaseException:
            self._producer.drop()
            self._topics.clear()
            raise

    # -- looking up ---------------------------------------------------------------------------

    def _make_consumer(self, group: str | None = None) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self._arguments,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            fetch_max_bytes=FETCH_BYTES_MAX,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
        )

    async def _find_topic(self, name: str) -> KafkaTopic:
        with translate_kafka_errors():
            async with self._admin.using(REQUEST_SECONDS_MAX) as admin:
                topic = await find_topic(admin, name)
        if topic is None:
            raise Rejected(f"no topic {name}: run `antirelou topics apply`", code="unknown_topic")
        self._topics[name] = topic
        return topic

    async def _places(self, topic: str) -> list[TopicPartition]:
        found = await self._find_topic(topic)
        return [TopicPartition(topic, number) for number in range(found.partitions)]

    async def _committed(
        self, group: str, places: Sequence[TopicPartition]
    ) -> Mapping[TopicPartition, int]:
        async with self._admin.using(REQUEST_SECONDS_MAX) as admin:
            while True:
                try:
                    found = await admin.list_consumer_group_offsets(group, partitions=list(places))
                except GroupCoordinatorNotAvailableError:
                    await asyncio.sleep(0.1)  # a broker that has only just started
                else:
                    return {place: at.offset for place, at in found.items()}

    async def _unread(
        self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        with translate_kafka_errors():
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                return {
                    place: end
                    for place, end in ends.items()
                    if await consumer.position(place) < end
                }


async def _send(producer: AIOKafkaProducer, place: Partition, rows: Sequence[Row]) -> None:
    """Send the rows of one partition in order, in as few batches as hold them."""
    acknowledgements = []
    with translate_kafka_errors():
        batch = producer.create_batch()
        for row in rows:
            if batch.append(key=row.key, value=row.value, timestamp=None) is None:
                acknowledgements.append(
                    await producer.send_batch(batch, place.topic, partition=place.number)
                )
                batch = producer.create_batch()
                batch.append(key=row.key, value=row.value, timestamp=None)
        acknowledgements.append(
            await producer.send_batch(batch, place.topic, partition=place.number)
        )
        await asyncio.gather(*acknowledgements)


async def _all(sendings: Sequence[Coroutine[None, None, None]]) -> None:
    """Await all; raise the first failure, when none is under way any more."""
    for result in await asyncio.gather(*sendings, return_exceptions=True):
        if result is not None:
            raise result


@asynccontextmanager
async def open_kafka_log(settings: Settings) -> AsyncIterator[KafkaLog]:
    """Open the log on Kafka; opening succeeds while the broker is away.

    Args:
        settings: KAFKA_BOOTSTRAP and KAFKA_SECURITY_*.

    Raises:
        Fatal: ``settings``: the CA file cannot be read.
    """
    quiet_logs()
    log = KafkaLog(connection_arguments(settings))
    async with log.running():
        yield log
