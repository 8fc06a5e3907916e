"""How far the stages are behind, in seconds, as the log itself tells it from outside."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from kernel.facts.topics import (
    BILLING_GROUP,
    EVIDENCE_GROUP,
    FILTER_GROUP,
    READS,
    RESPONDER_GROUP,
    topic_specs,
)

LOOK_EVERY_SECONDS = 0.25
LOOK_SECONDS_MAX = 5.0
LAG_SECONDS_MAX = 1.0
"""What the house must come back to."""
GROUPS = (FILTER_GROUP, BILLING_GROUP, RESPONDER_GROUP, EVIDENCE_GROUP)

_SPECS = topic_specs(retain_text=timedelta(days=1), wait_longest=timedelta(days=1))
PLACES = [(spec.name, number) for spec in _SPECS for number in range(spec.partitions)]
"""Every partition of the house."""

Offsets = Mapping[tuple[str, int], int]
"""Records by topic and partition number."""


class LogEye(Protocol):
    """Sees how long the partitions are, and what each group has committed."""

    async def look(self) -> tuple[Offsets, Mapping[str, Offsets]]:
        """The ends, and by group its commits; raises whatever the log's client raises."""
        ...


class KafkaEye:
    """Sees a broker; its clients are made anew after trouble."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin: Any = None
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._close()

    async def look(self) -> tuple[Offsets, Mapping[str, Offsets]]:
        """See ``LogEye``."""
        try:
            async with asyncio.timeout(LOOK_SECONDS_MAX):
                return await self._look()
        except BaseException:
            await self._close()
            raise

    async def _look(self) -> tuple[Offsets, Mapping[str, Offsets]]:
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
            await self._admin.start()
            self._consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap)
            await self._consumer.start()
        # The commits first: what is committed then is never beyond the ends.
        committed = {
            group: {
                (place.topic, place.partition): at.offset
                for place, at in (await self._admin.list_consumer_group_offsets(group)).items()
            }
            for group in GROUPS
        }
        places = [TopicPartition(name, number) for name, number in PLACES]
        found = await self._consumer.end_offsets(places)
        return {(place.topic, place.partition): end for place, end in found.items()}, committed

    async def _close(self) -> None:
        admin, consumer, self._admin, self._consumer = self._admin, self._consumer, None, None
        for closing in (admin and admin.close, consumer and consumer.stop):
            if closing:
                with contextlib.suppress(Exception):  # it is given up
                    async with asyncio.timeout(LOOK_SECONDS_MAX):
                        await closing()


class EmbeddedEye:
    """Sees the embedded log of a database."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        pass

    async def look(self) -> tuple[Offsets, Mapping[str, Offsets]]:
        """See ``LogEye``."""
        connection = await asyncpg.connect(self._url, timeout=LOOK_SECONDS_MAX)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                ends = await connection.fetch(
                    "SELECT topic, number, next_offset FROM log.partitions"
                )
                commits = await connection.fetch(
                    "SELECT group_name, topic, number, record_offset"
                    " FROM log.commits JOIN log.partitions ON id = partition_id"
                )
        finally:
            await connection.close(timeout=LOOK_SECONDS_MAX)
        committed: dict[str, dict[tuple[str, int], int]] = {group: {} for group in GROUPS}
        for group, topic, number, at in commits:
            committed.setdefault(group, {})[topic, number] = at
        return {(topic, number): end for topic, number, end in ends}, committed


class LagMeter:
    """Measures lag in seconds.

    The lag of a group at an instant is the time since the last instant at which the log was no
    longer than what the group has committed by now: nothing that was appended before then is
    unread. The lag of the house is its slowest group's. Nobody needs to be asked who may be
    frozen: commits and ends are the log's own.

    Attributes:
        trouble: why the log does not say, or else who is behind; empty: nobody is.
    """

    def __init__(self, eye: LogEye, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._eye, self._monotonic = eye, monotonic
        self.trouble = ""
        self._ends: list[tuple[float, Offsets]] = []

    async def look(self) -> float | None:
        """The lag in seconds now; None: the log does not say, or the lag began before us."""
        try:
            ends, committed = await self._eye.look()
        except Exception as error:  # noqa: BLE001 - away, whatever its client calls that
            self.trouble = repr(error)
            return None
        self.trouble = _name_late(ends, committed)
        now = self._monotonic()
        self._ends.append((now, ends))
        level = len(self._ends)
        for group in GROUPS:
            level = min(level, self._level(group, committed[group]))
        del self._ends[: max(level - 1, 0)]
        return now - self._ends[0][0] if level else None

    def _level(self, group: str, committed: Offsets) -> int:
        """How many of the samples, from the oldest on, hold nothing that the group has not read."""
        for count, (_, ends) in enumerate(self._ends):
            for place, end in ends.items():
                if place[0] in READS[group] and committed.get(place, 0) < end:
                    return count
        return len(self._ends)


def _name_late(ends: Offsets, committed: Mapping[str, Offsets]) -> str:
    late: dict[tuple[str, str], int] = {}
    for group in GROUPS:
        for (topic, number), end in ends.items():
            unread = end - committed[group].get((topic, number), 0)
            if topic in READS[group] and unread > 0:
                late[group, topic] = late.get((group, topic), 0) + unread
    return ", ".join(f"{group} {topic}: {unread}" for (group, topic), unread in late.items())
