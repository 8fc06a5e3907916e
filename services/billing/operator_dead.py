"""The dead topics, for a person: how many records, which, and back onto their topics."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import structlog

from kernel.facts.records import RECORD_TYPES, DeadRecord
from kernel.facts.topics import DEAD_GROUP, dead
from kernel.log.port import Batch, Log, LogRecord, Outgoing
from kernel.values.errors import Transient
from services.billing.operator import Corpse

LOG = structlog.get_logger("billing")

DEAD_TOPICS = tuple(dead(kind.TOPIC) for kind in RECORD_TYPES)
COUNT_SECONDS_MAX = 5.0
LISTED_MAX = 1000
READ_RECORDS_MAX = 2000
READ_BYTES_MAX = 8_388_608
READ_SECONDS_MAX = 1.0
EMPTY_READS_MAX = 15
"""Joining a group of a real broker takes a few seconds, in which reads give nothing."""

_DECODER = msgspec.json.Decoder(DeadRecord)


class DeadTopics:
    """What stands on the dead topics and was not put back yet.

    Everything raises ``Transient`` while the log is away.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._replaying = asyncio.Lock()

    async def count(self) -> int:
        """How many records wait for a person."""
        try:
            async with asyncio.timeout(COUNT_SECONDS_MAX):
                lags = await asyncio.gather(*(self._lags(topic) for topic in DEAD_TOPICS))
        except TimeoutError:
            raise Transient("the log did not answer in time", code="log_slow") from None
        return sum(sum(of_topic.values()) for of_topic in lags)

    async def list(self) -> Sequence[Corpse]:
        """They, by topic, at most the last ``LISTED_MAX`` of each partition."""
        found: list[Corpse] = []
        for topic in DEAD_TOPICS:
            lags = await self._lags(topic)
            if not any(lags.values()):
                continue
            # What is not committed is always the end of a partition.
            last: dict[int, deque[Corpse]] = {
                number: deque(maxlen=min(lag, LISTED_MAX)) for number, lag in lags.items()
            }
            async for record in self._log.scan(topic):
                if record.partition in last:
                    last[record.partition].append(_describe(record))
            found += [corpse for corpses in last.values() for corpse in corpses]
        return found

    async def replay(self) -> int:
        """Put them back as they were, in order; what dies again meanwhile stays.

        What several services put aside is put back once, since all of them read it again; else
        each replay would double what dies for good. Appended first, then committed: a crash
        between the two puts back twice, which every handler bears.

        Returns:
            how many were put back.
        """
        async with self._replaying:
            left = await self.count()
            if not left:
                return 0
            return await self._replay(left)

    async def _replay(self, left: int) -> int:
        seen: set[tuple[str, int, int]] = set()
        replayed = empty_reads = dropped = 0
        async with self._log.reader(DEAD_GROUP, DEAD_TOPICS) as reader:
            while left > 0 and empty_reads < EMPTY_READS_MAX:
                batch: Batch = await reader.read(
                    records_max=min(left, READ_RECORDS_MAX),
                    bytes_max=READ_BYTES_MAX,
                    wait_seconds=READ_SECONDS_MAX,
                )
                empty_reads = 0 if batch.records else empty_reads + 1
                corpses = [_read(record) for record in batch.records]
                dropped += sum(corpse is None for corpse in corpses)
                alive = list(_revive(corpses, seen))
                if alive:
                    await self._log.append(alive)
                if batch.positions:
                    await reader.commit(batch)
                left -= len(batch.records)
                replayed += len(alive)
        if dropped:
            LOG.error("corpses_dropped", records=dropped)
        if left > 0 and not replayed:
            raise Transient("another replay holds the dead topics", code="dead_held")
        return replayed

    async def _lags(self, topic: str) -> dict[int, int]:
        return dict(await self._log.group_lag(DEAD_GROUP, topic))


def _read(record: LogRecord) -> DeadRecord | None:
    """None for what is no dead record of the topic it stands on."""
    try:
        corpse = _DECODER.decode(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return corpse if dead(corpse.topic) == record.topic else None


def _describe(record: LogRecord) -> Corpse:
    corpse = _read(record)
    if corpse is None:
        return Corpse(
            record.appended_at, record.topic, record.partition, record.offset,
            "", "unreadable_corpse", "not a dead record of this topic",
        )  # fmt: skip
    return Corpse(
        corpse.at, corpse.topic, corpse.partition, corpse.offset,
        corpse.service, corpse.reason, corpse.error,
    )  # fmt: skip


def _revive(
    corpses: Iterable[DeadRecord | None], seen: set[tuple[str, int, int]]
) -> Iterator[Outgoing]:
    """The records as they were, each once; where they had been read is added to ``seen``."""
    for corpse in corpses:
        if corpse is None:
            continue
        place = (corpse.topic, corpse.partition, corpse.offset)
        if place not in seen:
            seen.add(place)
            yield Outgoing(corpse.topic, corpse.key, corpse.value)
