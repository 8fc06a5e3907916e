"""A member of a group of the embedded log: which partitions it holds, and how it reads them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kernel.database.pool import Pool, translate_errors
from kernel.log.embedded.session import QUERY_SECONDS_MAX, Session
from kernel.log.port import Batch, LogRecord, Partition
from kernel.values.errors import Fenced, Transient

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
LOOK_SECONDS_MIN = 0.01
"""How far apart two looks at a log without a backlog are: small batches cost as much as large."""
WAIT_SECONDS_MAX = 5.0
"""A read looks after this even if nothing was notified."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a member holds in one generation of its group.

    Attributes:
        generation: None: unknown, to be looked up before anything is read.
    """

    generation: int | None = None
    ids: Mapping[Partition, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """How long the partitions held were at an instant.

    Attributes:
        ends: for each partition its first offset, the offset after its last, and whether no
            append was under way.
    """

    at: datetime
    ends: Mapping[Partition, tuple[int, int, bool]]


def assign_partitions(
    members: Mapping[int, Sequence[str]], partitions: Mapping[Partition, int], member: int
) -> dict[Partition, int]:
    """The partitions that fall to a member; every member of a generation computes the same.

    Args:
        members: the topics each reads.
        partitions: all partitions of the member's topics, with their ids.
    """
    held = {}
    for partition, number in partitions.items():
        readers = sorted(m for m, topics in members.items() if partition.topic in topics)
        if readers and readers[partition.number % len(readers)] == member:
            held[partition] = number
    return held


def share_room(backlogs: Mapping[Partition, int], room: int) -> dict[Partition, int]:
    """Share the room of a batch among partitions, evenly; what one cannot use goes to others."""
    shares = {}
    for left, (partition, backlog) in zip(
        range(len(backlogs), 0, -1),
        sorted(backlogs.items(), key=lambda item: item[1]),
        strict=True,
    ):
        shares[partition] = min(backlog, -(-room // left))
        room -= shares[partition]
    return shares


_GROUP = """
SELECT g.generation, m.id, m.topics
FROM consumer_groups g JOIN members m ON m.group_name = g.name WHERE g.name = $1
"""
_PARTITIONS = "SELECT id, topic, number FROM partitions WHERE topic = ANY ($1) ORDER BY id"
# A commit beyond the end is of the partition as it was before it was made anew.
_PLACES = """
SELECT p.id, CASE
    WHEN c.record_offset <= p.next_offset THEN c.record_offset ELSE p.first_offset
END AS place
FROM partitions p LEFT JOIN commits c ON c.group_name = $1 AND c.partition_id = p.id
WHERE p.id = ANY ($2)
"""
_LOOK = "SELECT generation, looked_at, quiet, firsts, ends FROM look($1, $2)"
# The sum runs over sizes alone, which does not fetch the values; only what fits is fetched.
_FETCH = """
SELECT partition_id, record_offset, appended_at, key, value FROM (
    SELECT r.*, u.i, sum(octet_length(r.value)) OVER w AS total, row_number() OVER w AS rank
    FROM unnest($1::int[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS u (id, low, high, i)
    JOIN records r
      ON r.partition_id = u.id AND r.record_offset >= u.low AND r.record_offset < u.high
    WINDOW w AS (ORDER BY u.i, r.record_offset ROWS UNBOUNDED PRECEDING)
) found
WHERE total <= $4 OR rank = 1
ORDER BY i, record_offset
"""


class EmbeddedReader:
    """A ``Reader``. Made by ``EmbeddedLog.reader``."""

    def __init__(self, pool: Pool, session: Session, group: str, topics: Sequence[str]) -> None:
        self._pool, self._session = pool, session
        self._group, self._topics = group, tuple(topics)
        self._member = 0
        self._session_number = 0
        self._joined = False
        self._held = Held()
        self._names: dict[int, Partition] = {}
        self._positions: dict[Partition, int] = {}
        self._watermarks: dict[Partition, datetime] = {}
        self._lags: dict[Partition, int] = {}
        self._news = asyncio.Event()
        self._news.set()
        self._looked_at = 0.0
        self._turn = 0

    async def join(self) -> None:
        """Enter the group. Raises ``Transient`` when the database is away."""
        self._session.listen(self._hear, self._group)
        await self._enter()

    async def leave(self) -> None:
        """Leave the group; when the database is away, the session's end does it."""
        self._session.unlisten(self._hear)
        if not self._session.is_there(self._session_number):
            return
        try:
            await self._session.hold("SELECT leave_group($1, $2)", self._group, self._member)
            await self._session.hold("SELECT pg_advisory_unlock(member_class(), $1)", self._member)
        except Transient:
            self._session.reset()

    async def read(self, *, records_max: int, bytes_max: int, wait_seconds: float) -> Batch:
        """See ``Reader``."""
        clock = asyncio.get_running_loop()
        deadline = clock.time() + wait_seconds
        while True:
            if not any(self._lags.values()):
                await self._wait_for_news(min(deadline - clock.time(), WAIT_SECONDS_MAX))
            self._looked_at = clock.time()
            batch = await self._follow_news(records_max, bytes_max)
            if batch.records or batch.gone or clock.time() >= deadline:
                return batch

    async def commit(self, batch: Batch) -> None:
        """See ``Reader``."""
        if not batch.positions:
            return
        taken = False
        generation = self._held.generation
        if generation is not None and batch.positions.keys() <= self._held.ids.keys():
            ids = [self._held.ids[partition] for partition in batch.positions]
            with translate_errors():
                taken = await self._pool.fetchval(
                    "SELECT commit_positions($1, $2, $3, $4, $5)",
                    self._group,
                    self._member,
                    generation,
                    ids,
                    list(batch.positions.values()),
                    timeout=QUERY_SECONDS_MAX,
                )
        if not taken:
            self._held = Held()
            self._news.set()
            raise Fenced(f"the group {self._group} was rebalanced", code="fenced")

    def _hear(self, payload: str) -> None:
        match payload[:1]:
            case "p":
                if any(int(number) in self._names for number in payload[1:].split(",")):
                    self._news.set()
            case "g":
                if payload[1:] == self._group:
                    self._news.set()
            case _:
                self._news.set()

    async def _follow_news(self, records_max: int, bytes_max: int) -> Batch:
        """Look and take; news that a cancelled or failed look was about stay news."""
        self._news.clear()
        try:
            with translate_errors():
                return await self._take(await self._look(), records_max, bytes_max)
        except BaseException:
            self._news.set()
            raise

    async def _wait_for_news(self, seconds: float) -> None:
        """Wait for a notification, and then a little for more, if one was only just followed."""
        clock = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._news.wait()
        except TimeoutError:
            return
        rest = self._looked_at + LOOK_SECONDS_MIN - clock.time()
        if rest > 0:
            await asyncio.sleep(min(rest, LOOK_SECONDS_MIN))

    # -- membership ---------------------------------------------------------------------------

    async def _enter(self) -> None:
        hold = self._session.hold
        self._joined, self._held = False, Held()
        member = await hold("SELECT nextval('member_ids')::int")
        assert isinstance(member, int)
        self._member, self._session_number = member, self._session.number
        try:
            await hold("SELECT pg_advisory_lock(member_class(), $1)", member)
            await hold("SELECT join_group($1, $2, $3)", self._group, member, list(self._topics))
        except BaseException:
            # It may have joined, unknown to us: alive, and nobody who reads what falls to it.
            self._session.reset()
            raise
        self._joined = True

    @property
    def _is_member(self) -> bool:
        return self._joined and self._session.is_there(self._session_number)

    async def _look(self) -> Look:
        """Look at the partitions of the present generation, joining it first if need be."""
        while True:
            if not self._is_member:
                await self._enter()
            if self._held.generation is None and not await self._resume():
                self._joined = False  # we were taken for dead
                continue
            names, ids = list(self._held.ids), list(self._held.ids.values())
            row = await self._pool.fetchrow(_LOOK, self._group, ids, timeout=QUERY_SECONDS_MAX)
            assert row is not None
            if row["generation"] == self._held.generation:
                found = zip(row["firsts"] or (), row["ends"] or (), row["quiet"], strict=True)
                return Look(row["looked_at"], dict(zip(names, found, strict=True)))
            self._held = Held()

    async def _resume(self) -> bool:
        """Find what falls to us in the present generation, and go back to the group's commit.

        Returns:
            whether we are a member.
        """
        async with asyncio.timeout(QUERY_SECONDS_MAX), self._pool.acquire() as connection:
            members = await connection.fetch(_GROUP, self._group)
            partitions = await connection.fetch(_PARTITIONS, list(self._topics))
            everything = {Partition(row["topic"], row["number"]): row["id"] for row in partitions}
            topics = {row["id"]: row["topics"] for row in members}
            if self._member not in topics:
                return False
            ids = assign_partitions(topics, everything, self._member)
            found = await connection.fetch(_PLACES, self._group, list(ids.values()))
        by_id = {row["id"]: row["place"] for row in found}
        places = {partition: by_id[number] for partition, number in ids.items()}
        # Only where we stand just as we stood is what was given out also what is handled.
        self._watermarks = {
            partition: self._watermarks.get(partition, LONG_AGO)
            if self._positions.get(partition) == place
            else LONG_AGO
            for partition, place in places.items()
        }
        self._positions, self._lags = places, {}
        self._names = {number: partition for partition, number in ids.items()}
        self._held = Held(members[0]["generation"], ids)
        return True

    # -- reading ------------------------------------------------------------------------------

    async def _take(self, look: Look, records_max: int, bytes_max: int) -> Batch:
        if any(end < self._positions[partition] for partition, (_, end, _) in look.ends.items()):
            self._held = Held()  # made anew under our feet: where to go on is looked up again
            self._lags = {}
            self._news.set()
            return Batch()
        gone = {
            partition: first - self._positions[partition]
            for partition, (first, _, _) in look.ends.items()
            if first > self._positions[partition]
        }
        starts = {
            partition: max(self._positions[partition], first)
            for partition, (first, _, _) in look.ends.items()
        }
        backlogs = {
            partition: end - starts[partition]
            for partition, (_, end, _) in look.ends.items()
            if end > starts[partition]
        }
        records = await self._fetch(starts, share_room(backlogs, records_max), bytes_max)
        positions = {partition: starts[partition] for partition in gone}
        for record in records:
            partition = Partition(record.topic, record.partition)
            positions[partition] = record.offset + 1
            self._mark(partition, record.appended_at)
        self._positions |= starts | positions
        for partition, (_, end, quiet) in look.ends.items():
            self._lags[partition] = end - self._positions[partition]
            if quiet and not self._lags[partition]:
                self._mark(partition, look.at)
        return Batch(records, positions, dict(self._watermarks), dict(self._lags), gone)

    async def _fetch(
        self, starts: Mapping[Partition, int], shares: Mapping[Partition, int], bytes_max: int
    ) -> list[LogRecord]:
        wanted = [partition for partition, share in shares.items() if share]
        if not wanted:
            return []
        # Who comes first is sure to be read; let each have its turn.
        self._turn += 1
        wanted = sorted(wanted)
        cut = self._turn % len(wanted)
        wanted = wanted[cut:] + wanted[:cut]
        rows = await self._pool.fetch(
            _FETCH,
            [self._held.ids[partition] for partition in wanted],
            [starts[partition] for partition in wanted],
            [starts[partition] + shares[partition] for partition in wanted],
            bytes_max,
            timeout=QUERY_SECONDS_MAX * 2,
        )
        found = []
        for number, place, appended_at, key, value in rows:
            topic, partition = self._names[number]
            found.append(LogRecord(topic, partition, place, key, value, appended_at))
        return found

    def _mark(self, partition: Partition, instant: datetime) -> None:
        self._watermarks[partition] = max(self._watermarks[partition], instant)
