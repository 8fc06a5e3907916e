"""The embedded log: the Log port on PostgreSQL, schema ``log`` (docs/design.md §3).

A record is a row; its offset is handed out under its partition's lock, and it is on disk before
it is acknowledged. A process uses at most ``CONNECTIONS_MAX`` connections and one more, its
session, however many readers it has.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kernel.database.pool import OpenPool, Pool, open_pool, role_of, translate_errors
from kernel.log.embedded.reader import EmbeddedReader
from kernel.log.embedded.session import Session, open_session, run_retention
from kernel.log.lag import check_lags
from kernel.log.port import LogRecord, Outgoing, Partition, TopicSpec
from kernel.log.writer import Row, Writer
from kernel.values.errors import Rejected, Transient

CONNECTIONS_MAX = 4
QUERY_SECONDS_MAX = 5.0
SCAN_RECORDS_MAX = 1000


@dataclass(frozen=True, slots=True)
class _Topic:
    """A topic as the writer needs it: the ids of its partitions by number."""

    value_bytes_max: int
    ids: Sequence[int]


_TOPIC = """
SELECT t.value_bytes_max, array_agg(p.id ORDER BY p.number) AS ids
FROM topics t JOIN partitions p ON p.topic = t.name WHERE t.name = $1 GROUP BY t.name
"""
_LAG = """
SELECT p.number, p.next_offset - greatest(p.first_offset, c.record_offset, 0) AS lag
FROM partitions p LEFT JOIN commits c ON c.partition_id = p.id AND c.group_name = $1
WHERE p.topic = $2 ORDER BY p.number
"""
_ENDS = """
SELECT id, number, first_offset, next_offset FROM partitions WHERE topic = $1 ORDER BY number
"""
_SCAN = """
SELECT record_offset, key, value, appended_at FROM records
WHERE partition_id = $1 AND record_offset >= $2 AND record_offset < $3
ORDER BY record_offset LIMIT $4
"""

_OF_KEY = """
SELECT r.partition_id, r.record_offset, r.value, NOT EXISTS (
    SELECT FROM unnest($3::text[]) AS g (name)
    LEFT JOIN commits c ON c.group_name = g.name AND c.partition_id = p.id
    WHERE c.record_offset IS NULL OR c.record_offset <= r.record_offset
       OR c.record_offset > p.next_offset
) AS read
FROM partitions p JOIN records r ON r.partition_id = p.id WHERE p.topic = $1 AND r.key = $2
"""
_CHANGE = """
UPDATE records r SET value = u.value
FROM unnest($1::int[], $2::bigint[], $3::bytea[]) AS u (partition_id, record_offset, value)
WHERE (r.partition_id, r.record_offset) = (u.partition_id, u.record_offset)
"""


class EmbeddedLog:
    """A ``Log``. Made by ``open_embedded_log``."""

    def __init__(self, pool: Pool, session: Session) -> None:
        self._pool, self._session = pool, session
        self._writer = Writer(self._flush)
        self._topics: dict[str, _Topic] = {}
        session.listen(self._hear)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Appends are written while this is open."""
        async with self._writer.running():
            yield

    async def append(self, records: Sequence[Outgoing]) -> None:
        """See ``Log``."""
        if not records:
            return
        rows = []
        for record in records:
            topic = self._topics.get(record.topic) or await self._find_topic(record.topic)
            if len(record.value) > topic.value_bytes_max:
                raise Rejected(f"too large for {record.topic}", code="too_large")
            number = zlib.crc32(record.key) % len(topic.ids)
            rows.append(Row(Partition(record.topic, number), record.key, record.value))
        await self._writer.append(rows)

    @asynccontextmanager
    async def reader(self, group: str, topics: Sequence[str]) -> AsyncIterator[EmbeddedReader]:
        """See ``Log``."""
        for topic in topics:
            await self._find_topic(topic)
        member = EmbeddedReader(self._pool, self._session, group, topics)
        try:
            await member.join()
            yield member
        finally:
            await member.leave()

    async def group_lag(self, group: str, topic: str) -> Mapping[int, int]:
        """See ``Log``."""
        with translate_errors():
            rows = await self._pool.fetch(_LAG, group, topic, timeout=QUERY_SECONDS_MAX)
        return check_lags(group, topic, {row["number"]: row["lag"] for row in rows})

    async def scan(self, topic: str) -> AsyncIterator[LogRecord]:
        """See ``Log``."""
        with translate_errors():
            ends = await self._pool.fetch(_ENDS, topic, timeout=QUERY_SECONDS_MAX)
        for number, partition, place, end in ends:
            low = place
            while low < end:
                with translate_errors():
                    rows = await self._pool.fetch(
                        _SCAN, number, low, end, SCAN_RECORDS_MAX, timeout=QUERY_SECONDS_MAX
                    )
                for offset, key, value, appended_at in rows:
                    yield LogRecord(topic, partition, offset, key, value, appended_at)
                low = rows[-1]["record_offset"] + 1 if rows else end

    async def forget(
        self, topic: str, key: bytes, groups: Sequence[str], redact: Callable[[bytes], bytes]
    ) -> int:
        """See ``Log``. The bytes that were replaced stay in the files until a VACUUM FULL."""
        with translate_errors():
            rows = await self._pool.fetch(_OF_KEY, topic, key, list(groups))
            read = [row for row in rows if row["read"]]
            await self._pool.execute(
                _CHANGE,
                [row["partition_id"] for row in read],
                [row["record_offset"] for row in read],
                [redact(row["value"]) for row in read],
            )
        return len(rows) - len(read)

    async def apply_topics(self, topics: Sequence[TopicSpec]) -> Sequence[str]:
        """See ``Log``."""
        changed = []
        with translate_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                for spec in sorted(topics, key=lambda spec: spec.name):
                    line = await connection.fetchval(
                        "SELECT apply_topic($1, $2, $3, $4, $5)",
                        spec.name,
                        spec.partitions,
                        spec.retention_seconds,
                        spec.value_bytes_max,
                        spec.retention_bytes,
                    )
                    changed += [line] if line else []
        self._topics.clear()
        return changed

    async def probe(self) -> None:
        """See ``Log``."""
        with translate_errors():
            standby = await self._pool.fetchval(
                "SELECT pg_is_in_recovery()", timeout=QUERY_SECONDS_MAX
            )
        if standby:
            raise Transient("the log's database is read-only", code="log_away")

    async def _find_topic(self, name: str) -> _Topic:
        with translate_errors():
            row = await self._pool.fetchrow(_TOPIC, name, timeout=QUERY_SECONDS_MAX)
        if row is None:
            raise Rejected(f"no topic {name}: run `antirelou topics apply`", code="unknown_topic")
        self._topics[name] = found = _Topic(row["value_bytes_max"], row["ids"])
        return found

    async def _flush(self, rows: Sequence[Row]) -> None:
        """Append rows in one transaction of one statement."""
        counts: dict[int, int] = {}
        ids, ranks = [], []
        for row in rows:
            topic = self._topics.get(row.partition.topic)
            topic = topic or await self._find_topic(row.partition.topic)
            number = topic.ids[row.partition.number]
            rank = counts.get(number, 0)
            counts[number] = rank + 1
            ids.append(number)
            ranks.append(rank)
        distinct = sorted(counts)
        with translate_errors():
            await self._pool.fetchval(
                "SELECT append($1, $2, $3, $4, $5, $6)",
                distinct,
                [counts[number] for number in distinct],
                ids,
                ranks,
                [row.key for row in rows],
                [row.value for row in rows],
                timeout=QUERY_SECONDS_MAX,
            )

    def _hear(self, payload: str) -> None:
        if payload[:1] in {"t", ""}:
            self._topics.clear()


@asynccontextmanager
async def open_embedded_log(
    database_url: str, open_pool: OpenPool = open_pool
) -> AsyncIterator[EmbeddedLog]:
    """Open the log in a migrated database; opening succeeds while the database is away.

    Args:
        database_url: as for ``database.open_pool``.
    """
    async with (
        open_pool(
            database_url,
            role=role_of("log"),
            schema="log",
            size_max=CONNECTIONS_MAX,
            application="antirelou-log",
        ) as pool,
        open_session(database_url) as session,
    ):
        log = EmbeddedLog(pool, session)
        retention = asyncio.create_task(run_retention(pool))
        try:
            async with log.writing():
                yield log
        finally:
            retention.cancel()
            await asyncio.gather(retention, return_exceptions=True)
