"""A member of a consumer group on Kafka.

What a member holds changes under its feet: each rebalance begins a new *epoch*, in which reading
starts at the group's commit, and what was read in an older one cannot be committed.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from kernel.log.kafka.client import (
    REQUEST_SECONDS_MAX,
    Kept,
    close_quietly,
    translate_kafka_errors,
)
from kernel.log.port import Batch, LogRecord, Partition
from kernel.values.clock import SystemClock
from kernel.values.errors import Fenced

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
JOIN_SECONDS_MAX = 30.0
"""Others have to notice that we come, at their next heartbeat."""
LOOK_SECONDS = 0.2
"""How often the ends of the partitions are looked up while records flow."""
SKEW_SECONDS_MAX = 0.1
"""How far the broker's clock and ours may differ, and how long replication may take: so much
earlier than we looked the watermark is."""
TROUBLE_SECONDS_MAX = 30.0
"""After so long without an answer the consumer is made anew."""


Committed = Callable[[Sequence[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]


def to_record(found: Any) -> LogRecord:
    """A record of aiokafka's as ours."""
    return LogRecord(
        found.topic,
        found.partition,
        found.offset,
        found.key or b"",
        found.value or b"",
        datetime.fromtimestamp(found.timestamp / 1000, UTC),
    )


async def _ask_ends(
    consumer: AIOKafkaConsumer, held: Sequence[TopicPartition]
) -> Mapping[TopicPartition, int]:
    if not held:
        await consumer.topics()
        return {}
    ends: Mapping[TopicPartition, int] = await consumer.end_offsets(held)
    return ends


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka is not typed
    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._changed()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._changed()


class KafkaReader:
    """A ``Reader``. Made by ``KafkaLog.reader``.

    Args:
        make: makes a consumer of the group, not started.
        looker: a consumer that fetches nothing, to look up ends with. A broker answers a connection
            in order, so behind a fetch that waits for records a question waits as long.
        committed: looks up the group's commits; below 0: none. Without it nobody learns what went
            past its retention while nobody read.
    """

    def __init__(
        self,
        make: Callable[[], AIOKafkaConsumer],
        topics: Sequence[str],
        looker: Kept[AIOKafkaConsumer] | None = None,
        committed: Committed | None = None,
    ) -> None:
        self._make, self._topics, self._looker = make, tuple(topics), looker
        self._committed = committed
        self._clock = SystemClock()
        self._consumer: AIOKafkaConsumer | None = None
        self._epoch = 0
        self._given_in: dict[Partition, int] = {}
        self._answered_at = 0.0
        self._settled = asyncio.Event()
        self._fenced_at = 0.0
        self._rebalance()

    def _rebalance(self) -> None:
        """The consumer holds other partitions now, each at the group's commit."""
        self._settled.set()
        self._forget()

    def _forget(self) -> None:
        """Begin an epoch: nothing is held until the consumer says so."""
        self._epoch += 1
        self._buffer: deque[LogRecord] = deque()
        self._positions: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}
        self._watermarks: dict[Partition, datetime] = {}
        self._expected: dict[Partition, int] = {}
        """The offset that comes next, unless something goes unread; empty: not yet looked up."""
        self._gone: dict[Partition, int] = {}
        self._looked_at = LONG_AGO
        self._look_at = 0.0

    async def open(self) -> AIOKafkaConsumer:
        """Join the group, unless we are in it. Raises ``Transient``."""
        if self._consumer is None:
            consumer = self._make()
            consumer.subscribe(self._topics, listener=_Listener(self._rebalance))
            try:
                with translate_kafka_errors():
                    async with asyncio.timeout(JOIN_SECONDS_MAX):
                        await consumer.start()
            except BaseException:
                await close_quietly(consumer.stop())
                raise
            self._rebalance()
            self._consumer = consumer
            self._answered_at = self._clock.monotonic()
        return self._consumer

    async def close(self) -> None:
        """Leave the group."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            self._rebalance()
            await close_quietly(consumer.stop())

    async def read(self, *, records_max: int, bytes_max: int, wait_seconds: float) -> Batch:
        """See ``Reader``."""
        consumer = await self.open()
        if not self._settled.is_set():
            await self._wait_for_rebalance(wait_seconds)
            return Batch()
        with translate_kafka_errors():
            if not self._buffer:
                await self._fetch(consumer, records_max, wait_seconds)
            if not self._buffer or self._clock.monotonic() >= self._look_at:
                await self._look(consumer)
        if not self._expected:
            return Batch()  # nothing held, or rebalanced meanwhile
        return self._take(consumer, records_max, bytes_max)

    async def commit(self, batch: Batch) -> None:
        """See ``Reader``."""
        if not batch.positions:
            return
        consumer = self._consumer
        mine = all(self._given_in.get(place) == self._epoch for place in batch.positions)
        if consumer is None or not mine:
            raise Fenced("the group was rebalanced", code="fenced")
        positions = {TopicPartition(*place): at for place, at in batch.positions.items()}
        try:
            with translate_kafka_errors():
                async with asyncio.timeout(REQUEST_SECONDS_MAX):
                    try:
                        await consumer.commit(positions)
                    except (CommitFailedError, IllegalStateError):
                        raise Fenced("the group was rebalanced", code="fenced") from None
        except Fenced:
            # Until it has joined again the consumer stands after what was just forgotten.
            self._settled.clear()
            self._fenced_at = self._clock.monotonic()
            self._forget()
            raise

    async def _wait_for_rebalance(self, seconds: float) -> None:
        """Wait, at most so long, until the consumer goes back to the group's commit."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._settled.wait()
        if self._clock.monotonic() - self._fenced_at > TROUBLE_SECONDS_MAX:
            await self.close()

    async def _fetch(
        self, consumer: AIOKafkaConsumer, records_max: int, wait_seconds: float
    ) -> None:
        """Fill the buffer, waiting for the first record at most so long."""
        try:
            # While the group is rebalanced aiokafka waits without end.
            async with asyncio.timeout(wait_seconds + 0.05):
                found = await consumer.getmany(
                    timeout_ms=int(wait_seconds * 1000), max_records=records_max
                )
        except TimeoutError:
            return
        except KafkaError:
            await self.close()  # what stops it is not mended by waiting
            raise
        for records in found.values():
            self._buffer.extend(to_record(record) for record in records)

    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        """Look up how long the partitions held are, and where we stand in them."""
        held = list(consumer.assignment())
        epoch = self._epoch
        looked_at = self._clock.now() - timedelta(seconds=SKEW_SECONDS_MAX)
        try:
            ends = await self._ends_of(consumer, held)
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                positions = await self._positions_in(consumer, held)
                expected = self._expected or await self._begin(consumer, positions)
        except (CommitFailedError, IllegalStateError):
            return  # rebalanced meanwhile
        except (KafkaError, TimeoutError):
            if self._clock.monotonic() - self._answered_at > TROUBLE_SECONDS_MAX:
                await self.close()
            raise
        self._answered_at = self._clock.monotonic()
        if epoch == self._epoch and held:
            self._expected = expected
            for at, position in positions.items():
                self._go_on(at, position, position)
            # A place beyond the end is of the topic as it was: how long it is now nobody knows.
            self._ends = {
                Partition(*place): ends[place]
                for place in held
                if positions[Partition(*place)] <= ends[place]
            }
            self._positions |= positions
            self._looked_at = looked_at
            self._look_at = self._answered_at + LOOK_SECONDS

    async def _positions_in(
        self, consumer: AIOKafkaConsumer, held: Sequence[TopicPartition]
    ) -> dict[Partition, int]:
        """The offset that is given out next of each partition."""
        positions: dict[Partition, int] = {}
        for record in self._buffer:
            positions.setdefault(Partition(record.topic, record.partition), record.offset)
        for place in held:
            if Partition(*place) not in positions:
                positions[Partition(*place)] = await consumer.position(place)
        return positions

    async def _begin(
        self, consumer: AIOKafkaConsumer, positions: Mapping[Partition, int]
    ) -> dict[Partition, int]:
        """Where the group goes on; where it never was, that is noted, so that it is known."""
        if self._committed is None:
            return dict(positions)
        committed = await self._committed([TopicPartition(*place) for place in positions])
        new = {
            TopicPartition(*place): position
            for place, position in positions.items()
            if committed.get(TopicPartition(*place), -1) < 0
        }
        if new:
            await consumer.commit(new)
        return {
            place: new.get(TopicPartition(*place), committed.get(TopicPartition(*place), position))
            for place, position in positions.items()
        }

    def _go_on(self, place: Partition, offset: int, after: int) -> None:
        """Read from this offset on; what lies before was deleted before anybody read it."""
        gone = offset - self._expected.get(place, offset)
        if gone > 0:
            self._gone[place] = self._gone.get(place, 0) + gone
        self._expected[place] = after

    async def _ends_of(
        self, consumer: AIOKafkaConsumer, held: Sequence[TopicPartition]
    ) -> Mapping[TopicPartition, int]:
        """How long partitions are. Without one we ask all the same: is the broker there?"""
        if self._looker is None:
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                return await _ask_ends(consumer, held)
        async with self._looker.using(REQUEST_SECONDS_MAX) as looker:
            return await _ask_ends(looker, held)

    def _take(self, consumer: AIOKafkaConsumer, records_max: int, bytes_max: int) -> Batch:
        taken: list[LogRecord] = []
        given: dict[Partition, int] = {}
        room = bytes_max
        while self._buffer and len(taken) < records_max:
            record = self._buffer[0]
            room -= len(record.value)
            if taken and room < 0:
                break
            taken.append(self._buffer.popleft())
            place = Partition(record.topic, record.partition)
            self._go_on(place, record.offset, record.offset + 1)
            given[place] = record.offset + 1
            self._mark(place, record.appended_at)
        gone, self._gone = self._gone, {}
        given = {place: self._expected[place] for place in gone} | given
        self._positions |= given
        self._given_in |= dict.fromkeys(given, self._epoch)
        # What was fetched since the ends were looked up lies behind them.
        fetched = {Partition(r.topic, r.partition): r.offset + 1 for r in self._buffer}
        lags = {}
        held = [Partition(*found) for found in consumer.assignment()]
        for place in held:
            position, end = self._positions.get(place, 0), self._ends.get(place)
            if end is not None:
                lags[place] = max(max(end, fetched.get(place, 0)) - position, 0)
            self._mark(place, self._looked_at if end is not None and position >= end else LONG_AGO)
        watermarks = {place: self._watermarks[place] for place in held}
        return Batch(taken, given, watermarks, lags, gone)

    def _mark(self, place: Partition, instant: datetime) -> None:
        self._watermarks[place] = max(self._watermarks.get(place, LONG_AGO), instant)
