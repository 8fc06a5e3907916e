"""The members of one service over one broker and one database, and what they commit and tell."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from antirelou.commands.demo.house import Process, free_port
from bench.stages import Bench
from kernel.facts.records import PostureChanged, ReplyAuthorized, SmsJudged, decode
from kernel.facts.topics import PARTITIONS
from tests.faults.group import Groups

TABLES = {"filter": "filter.messages", "billing": "billing.receipts"}
"""One row a distinct message: more would be impossible, fewer would be lost."""
TOLD = {"filter": SmsJudged.TOPIC, "billing": ReplyAuthorized.TOPIC}
"""What is told once everything was due."""


@dataclass
class Group:
    """Members of one service over one broker and one database."""

    bench: Bench
    folder: Path
    settings: dict[str, str]
    groups: Groups
    members: list[Process] = field(default_factory=list)
    started: int = 0

    def start(self) -> Process:
        """Another member."""
        ops = f"127.0.0.1:{free_port()}"
        own = {**self.settings, "ops_listen": ops}
        name = f"{self.bench.name}-{self.started}"
        member = Process(name, ["serve", self.bench.name], own, self.folder, f"http://{ops}/readyz")
        self.started += 1
        member.start()
        self.members.append(member)
        return member

    async def committed(self) -> dict[TopicPartition, int]:
        """Records that were handled, by partition: it costs the members nothing."""
        found = await self.groups.committed(self.bench.group)
        read = {TopicPartition(*place): offset for place, offset in found.items()}
        return {place: offset for place, offset in read.items() if place.topic in self.bench.topics}

    async def shares(self) -> list[Sequence[TopicPartition]]:
        """The partitions of each member; empty while the group is not complete."""
        members = await self.groups.members(self.bench.group)
        held = [
            [TopicPartition(*place) for place in places if place[0] in self.bench.topics]
            for places in members.values()
        ]
        return list(held) if len(held) == len(self.members) and all(held) else []

    def cpu_seconds(self) -> float:
        """What all have spent. Less than their shares: the machine had other work."""
        return float(sum(sum(psutil.Process(one.pid).cpu_times()[:2]) for one in self.members))

    async def stop(self) -> None:
        """Let all drain."""
        members, self.members = self.members, []
        await asyncio.gather(*(asyncio.to_thread(member.stop) for member in members))


@contextlib.asynccontextmanager
async def gate(group: Group) -> AsyncIterator[None]:
    """Nobody can keep a message until the context is left."""
    connection = await asyncpg.connect(group.settings["database_url"])
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {TABLES[group.bench.name]} IN SHARE MODE")
            yield
    finally:
        await connection.close()


async def ends(bootstrap: str, topics: Sequence[str]) -> dict[TopicPartition, int]:
    """The end of each partition, less what was deleted."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        places = [TopicPartition(topic, n) for topic in topics for n in range(PARTITIONS)]
        starts = await consumer.beginning_offsets(places)
        ends = await consumer.end_offsets(places)
        return {place: ends[place] - starts[place] for place in places}
    finally:
        await consumer.stop()


async def forget_told(bootstrap: str, topics: Sequence[str]) -> None:
    """What the last run told; a fresh database would take itself for a restored one."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await consumer.start()
    await admin.start()
    try:
        places = [TopicPartition(PostureChanged.TOPIC, 0)]
        places += [TopicPartition(topic, n) for topic in topics for n in range(PARTITIONS)]
        ends = await consumer.end_offsets(places)
        full = {place: RecordsToDelete(before_offset=end) for place, end in ends.items() if end}
        if full:
            await admin.delete_records(full)
    finally:
        await admin.close()
        await consumer.stop()


@dataclass
class Told:
    """What is told of what was due, as it comes.

    Attributes:
        ids: how often each was told.
        by_partition: distinct ones.
    """

    ids: Counter[str] = field(default_factory=Counter)
    by_partition: Counter[int] = field(default_factory=Counter)

    async def read(self, bootstrap: str, topic: str) -> None:
        """Read on until cancelled."""
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
        await consumer.start()
        try:
            consumer.assign([TopicPartition(topic, n) for n in range(PARTITIONS)])
            await consumer.seek_to_beginning()
            while True:
                found = await consumer.getmany(timeout_ms=500, max_records=2000)
                for place, records in found.items():
                    for record in records:
                        id_ = decode(topic, record.value or b"").id
                        self.by_partition[place.partition] += not self.ids[id_]
                        self.ids[id_] += 1
        finally:
            await consumer.stop()


@contextlib.asynccontextmanager
async def listen(bootstrap: str, topic: str) -> AsyncIterator[Told]:
    """Take down what is told on a topic until the context is left."""
    told = Told()
    reading = asyncio.create_task(told.read(bootstrap, topic))
    try:
        yield told
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
