"""The Log port: what the services need of Kafka, and what the embedded log gives as well.

Both adapters pass one contract suite (``tests/contract/test_log.py``); this file is its text.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol


class Partition(NamedTuple):
    """One ordered sequence of a topic. All records of one key are in one partition."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to append."""

    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record as read: bytes as appended, and where and when they were (UTC, by the log)."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    appended_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """What one ``read`` gave, possibly nothing.

    Attributes:
        records: in offset order within each partition; no order between partitions.
        positions: for each partition in ``records`` the offset after its last, and for each one in
            ``gone`` where reading goes on: what is committed.
        watermarks: for **every** partition this member holds, an instant W such that whatever was
            appended before W has been given out by ``read``, this batch included. Where the
            partition was read to its end, W is the time just before the end was looked up; else
            the time of the last record given out. Never steps back while the partition is held.
        lags: for every partition held whose end is known, how many records are still to be given
            out; never negative.
        gone: for partitions of which records went past their retention before the group read
            them, how many; told once.
    """

    records: Sequence[LogRecord] = ()
    positions: Mapping[Partition, int] = field(default_factory=dict)
    watermarks: Mapping[Partition, datetime] = field(default_factory=dict)
    lags: Mapping[Partition, int] = field(default_factory=dict)
    gone: Mapping[Partition, int] = field(default_factory=dict)


class Reader(Protocol):
    """A member of a consumer group. Used by one task at a time."""

    async def read(self, *, records_max: int, bytes_max: int, wait_seconds: float) -> Batch:
        """Give the next records of the partitions held, waiting for the first at most so long.

        A batch holds at most ``records_max`` records and, but for its first record, at most
        ``bytes_max`` bytes of values. A new record wakes a waiting read in less than 50 ms.
        A group without a commit starts at the earliest record, as does one whose commit lies
        beyond the end: the topic was made anew. After a rebalance reading goes on
        at the commit, so a record may be given twice; it is never left out.

        Raises:
            Transient: the log is away; the place is kept, call again.
        """
        ...

    async def commit(self, batch: Batch) -> None:
        """Make the batch's positions the group's, so that no member reads these records again.

        Raises:
            Fenced: a partition of the batch belongs to another member now; nothing of it is
                committed, and reading has gone back to the group's commit.
            Transient: the log is away; it may or may not have been committed.
        """
        ...


class Log(Protocol):
    """The log. Safe to share between tasks of one event loop."""

    async def append(self, records: Sequence[Outgoing]) -> None:
        """Append the records; returning means they are durable.

        Records of one key keep their order within the call and between calls that do not overlap.
        Concurrent calls are batched.

        Raises:
            Transient: not acknowledged in time; some, all or none may have been appended.
            Rejected: a record is larger than the log takes, or its topic does not exist.
        """
        ...

    def reader(self, group: str, topics: Sequence[str]) -> AbstractAsyncContextManager[Reader]:
        """Join a consumer group; leaving the context leaves the group, and others take over."""
        ...

    async def group_lag(self, group: str, topic: str) -> Mapping[int, int]:
        """For each partition of the topic, the records appended and not committed by the group.

        Raises:
            Transient: the log is away; or ``lag_unknown``: a commit lies beyond the end, as the
                topic was made anew or cut short, and the group has not yet begun it again.
        """
        ...

    def scan(self, topic: str) -> AsyncIterator[LogRecord]:
        """All records of a topic from the earliest to the end as it was when called; no group."""
        ...

    async def forget(
        self, topic: str, key: bytes, groups: Sequence[str], redact: Callable[[bytes], bytes]
    ) -> int:
        """Make what a topic holds of a key unreadable, as far as all the groups have read it.

        A log that can change a record puts ``redact(value)`` in its place. One that cannot drops
        the beginning of the key's partition as far as all the groups have read it, whoever's
        records these are; their bytes go later, with their segment. Where there are no groups,
        such a log drops nothing: nobody has read what else is there.

        Returns:
            how many records of the key can still be read as they were.

        Raises:
            Transient: the log is away; call again.
        """
        ...

    async def apply_topics(self, topics: Sequence["TopicSpec"]) -> Sequence[str]:
        """Create the topics that are missing and set the retention of all; idempotent.

        Returns:
            what was changed, a line each.
        """
        ...

    async def probe(self) -> None:
        """Return when the log can be written to now; else raise ``Transient`` within 5 s."""
        ...


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be.

    Attributes:
        retention_seconds: after this age a record may go; None keeps it for ever.
        value_bytes_max: the largest value taken.
        retention_bytes: beyond so much in one partition its oldest records may go; None: no limit.
    """

    name: str
    partitions: int
    retention_seconds: int | None
    value_bytes_max: int = 1_048_576
    retention_bytes: int | None = None
