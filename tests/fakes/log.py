"""The whole Log port in memory: same promises, no broker. Faults are switched on by attributes."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from kernel.facts.topics import topic_specs
from kernel.log.lag import check_lags
from kernel.log.port import Batch, LogRecord, Outgoing, Partition, TopicSpec
from kernel.values.clock import Clock, SystemClock
from kernel.values.errors import Fenced, Rejected, Transient

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Sequence:
    """One partition: ``records[0]`` has the offset ``base``; older ones are gone."""

    base: int = 0
    records: list[LogRecord] = field(default_factory=list)
    appended_last: datetime = LONG_AGO

    @property
    def end(self) -> int:
        return self.base + len(self.records)

    def since(self, offset: int) -> list[LogRecord]:
        return self.records[max(offset - self.base, 0) :]


@dataclass(slots=True, eq=False)
class _Group:
    members: list["MemoryReader"] = field(default_factory=list)
    generation: int = 0
    committed: dict[Partition, int] = field(default_factory=dict)


class MemoryLog:
    """A ``Log``. Share one between the services of a test, as they would share a broker.

    Attributes:
        away: while True every call raises ``Transient``, and nothing is appended.
        append_seconds: how long an append takes to be acknowledged.
        fail_after_append: that many appends are taken and then raise ``Transient`` all the same.
        fail_commit: that many commits raise ``Transient`` and are not taken.
        append_calls: how many calls of ``append`` were acknowledged.
    """

    def __init__(self, clock: Clock | None = None, specs: Sequence[TopicSpec] = ()) -> None:
        self._clock = clock or SystemClock()
        self._specs: dict[str, TopicSpec] = {spec.name: spec for spec in specs}
        self._partitions: dict[Partition, _Sequence] = {}
        self._groups: dict[str, _Group] = {}
        self._grown = asyncio.Condition()
        self.away = False
        self.append_seconds = 0.0
        self.fail_after_append = 0
        self.fail_commit = 0
        self.append_calls = 0

    # -- the port ---------------------------------------------------------------------------

    async def append(self, records: Sequence[Outgoing]) -> None:
        self._check_there()
        for record in records:
            self._check_taken(record)
        if self.append_seconds:
            await asyncio.sleep(self.append_seconds)
            self._check_there()
        for record in records:
            self._put(record)
        async with self._grown:
            self._grown.notify_all()
        if self.fail_after_append:
            self.fail_after_append -= 1
            raise Transient("acknowledgement lost", code="log_away")
        self.append_calls += 1

    @asynccontextmanager
    async def reader(self, group: str, topics: Sequence[str]) -> AsyncIterator["MemoryReader"]:
        self._check_there()
        for topic in topics:
            if topic not in self._specs:
                raise Rejected(f"no topic {topic}", code="unknown_topic")
        member = MemoryReader(self, self._groups.setdefault(group, _Group()), tuple(topics))
        member.join()
        try:
            yield member
        finally:
            member.leave()

    async def group_lag(self, group: str, topic: str) -> Mapping[int, int]:
        self._check_there()
        committed = self._groups.get(group, _Group()).committed
        lags = {
            partition.number: self.at(partition).end
            - max(committed.get(partition, 0), self.at(partition).base)
            for partition in self.partitions_of([topic])
        }
        return check_lags(group, topic, lags)

    async def scan(self, topic: str) -> AsyncIterator[LogRecord]:
        self._check_there()
        for record in self.read_all(topic):
            yield record

    async def forget(
        self, topic: str, key: bytes, groups: Sequence[str], redact: Callable[[bytes], bytes]
    ) -> int:
        self._check_there()
        left = 0
        for partition in self.partitions_of([topic]):
            committed = [
                self._groups.get(group, _Group()).committed.get(partition, 0) for group in groups
            ]
            records = self.at(partition).records
            for place, record in enumerate(records):
                if record.key != key:
                    continue
                end = self.at(partition).end
                if all(record.offset < position <= end for position in committed):
                    records[place] = replace(record, value=redact(record.value))
                else:
                    left += 1
        return left

    async def apply_topics(self, topics: Sequence[TopicSpec]) -> Sequence[str]:
        self._check_there()
        changed = [spec.name for spec in topics if self._specs.get(spec.name) != spec]
        self._specs |= {spec.name: spec for spec in topics}
        return changed

    async def probe(self) -> None:
        self._check_there()

    # -- for tests and for the readers -------------------------------------------------------

    def read_all(self, topic: str) -> list[LogRecord]:
        """What the topic holds, in the order of appending."""
        found = [r for p in self.partitions_of([topic]) for r in self.at(p).records]
        return sorted(found, key=lambda record: record.appended_at)

    async def drop(self, topic: str) -> None:
        """Drop all that a topic holds, as retention does."""
        for partition in self.partitions_of([topic]):
            sequence = self.at(partition)
            sequence.base, sequence.records = sequence.end, []

    async def remake(self, topic: str) -> None:
        """Make a topic anew: its offsets begin again."""
        for partition in self.partitions_of([topic]):
            self._partitions[partition] = _Sequence()

    def partitions_of(self, topics: Sequence[str]) -> list[Partition]:
        return [
            Partition(topic, n) for topic in topics for n in range(self._specs[topic].partitions)
        ]

    def at(self, partition: Partition) -> _Sequence:
        """The partition as it is now, without what is past its retention."""
        sequence = self._partitions.setdefault(partition, _Sequence())
        kept = self._specs[partition.topic].retention_seconds
        if kept is not None:
            oldest = self._clock.now() - timedelta(seconds=kept)
            while sequence.records and sequence.records[0].appended_at < oldest:
                sequence.records.pop(0)
                sequence.base += 1
        kept_bytes = self._specs[partition.topic].retention_bytes
        if kept_bytes is not None:
            excess = sum(len(r.key) + len(r.value) for r in sequence.records) - kept_bytes
            while excess > 0:
                gone = sequence.records.pop(0)
                excess -= len(gone.key) + len(gone.value)
                sequence.base += 1
        return sequence

    def now(self) -> datetime:
        return self._clock.now()

    async def grown(self, seconds: float) -> None:
        """Wait for an append or a rebalance, at most so long."""
        try:
            async with asyncio.timeout(seconds), self._grown:
                await self._grown.wait()
        except TimeoutError:
            return

    def _check_there(self) -> None:
        if self.away:
            raise Transient("the log is away", code="log_away")

    def _check_taken(self, record: Outgoing) -> None:
        spec = self._specs.get(record.topic)
        if spec is None:
            raise Rejected(f"no topic {record.topic}", code="unknown_topic")
        if len(record.value) > spec.value_bytes_max:
            raise Rejected(f"too large for {record.topic}", code="too_large")

    def _put(self, record: Outgoing) -> None:
        number = zlib.crc32(record.key) % self._specs[record.topic].partitions
        sequence = self.at(Partition(record.topic, number))
        # Times never step back within a partition, as in the real logs.
        sequence.appended_last = max(sequence.appended_last, self._clock.now())
        sequence.records.append(
            LogRecord(
                record.topic,
                number,
                sequence.end,
                record.key,
                record.value,
                sequence.appended_last,
            )
        )


class MemoryReader:
    """A ``Reader``; made by ``MemoryLog.reader``."""

    def __init__(self, log: MemoryLog, group: _Group, topics: tuple[str, ...]) -> None:
        self._log, self._group, self._topics = log, group, topics
        self._generation = -1
        self._positions: dict[Partition, int] = {}
        self._watermarks: dict[Partition, datetime] = {}

    def join(self) -> None:
        self._group.members.append(self)
        self._group.generation += 1

    def leave(self) -> None:
        """Leave the group; called by a test on a member in use, it expels it."""
        if self in self._group.members:
            self._group.members.remove(self)
            self._group.generation += 1

    async def read(self, *, records_max: int, bytes_max: int, wait_seconds: float) -> Batch:
        deadline = asyncio.get_running_loop().time() + wait_seconds
        while True:
            self._log._check_there()
            self._synchronize()
            batch = self._take(records_max, bytes_max)
            left = deadline - asyncio.get_running_loop().time()
            if batch.records or batch.gone or left <= 0:
                return batch
            await self._log.grown(left)

    async def commit(self, batch: Batch) -> None:
        self._log._check_there()
        if self._log.fail_commit:
            self._log.fail_commit -= 1
            raise Transient("the commit was not answered", code="log_slow")
        if self._synchronize():
            raise Fenced("the group was rebalanced", code="fenced")
        self._group.committed.update(batch.positions)

    def _synchronize(self) -> bool:
        """After a rebalance, go back to the group's commit. Returns whether there was one."""
        if self not in self._group.members:
            self.join()
        if self._generation == self._group.generation:
            return False
        self._generation = self._group.generation
        held = [p for p in self._log.partitions_of(self._topics) if self._owner(p) is self]
        before = self._positions
        for partition in held:
            sequence, committed = self._log.at(partition), self._group.committed
            if committed.setdefault(partition, sequence.base) > sequence.end:
                committed[partition] = sequence.base  # the topic was made anew
        self._positions = {p: self._group.committed[p] for p in held}
        self._watermarks = {
            p: self._watermarks.get(p, LONG_AGO) if before.get(p) == position else LONG_AGO
            for p, position in self._positions.items()
        }
        return True

    def _owner(self, partition: Partition) -> "MemoryReader":
        readers = [m for m in self._group.members if partition.topic in m._topics]
        return readers[partition.number % len(readers)]

    def _take(self, records_max: int, bytes_max: int) -> Batch:
        taken: list[LogRecord] = []
        room, positions, lags = bytes_max, dict[Partition, int](), dict[Partition, int]()
        gone: dict[Partition, int] = {}
        looked_at = self._log.now()
        for partition in self._positions:
            sequence = self._log.at(partition)
            if sequence.base > self._positions[partition]:
                gone[partition] = sequence.base - self._positions[partition]
                positions[partition] = self._positions[partition] = sequence.base
            for record in sequence.since(self._positions[partition]):
                if len(taken) >= records_max or (taken and len(record.value) > room):
                    break
                taken.append(record)
                room -= len(record.value)
                positions[partition] = self._positions[partition] = record.offset + 1
                self._mark(partition, record.appended_at)
            lags[partition] = sequence.end - self._positions[partition]
            if not lags[partition]:
                self._mark(partition, looked_at)
        return Batch(taken, positions, dict(self._watermarks), lags, gone)

    def _mark(self, partition: Partition, instant: datetime) -> None:
        self._watermarks[partition] = max(self._watermarks[partition], instant)


def house_log(clock: Clock | None = None) -> MemoryLog:
    """A log in memory with all the topics of the house."""
    specs = topic_specs(retain_text=timedelta(days=7), wait_longest=timedelta(days=14))
    return MemoryLog(clock, specs)
