"""A filter on a real database and a log in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from kernel.database.migrations import Schema, migrate
from kernel.database.pool import Pool, open_pool, role_of
from kernel.facts.records import Record, SmsJudged, decode_as
from kernel.facts.topics import FILTER_GROUP, outgoing
from kernel.service.port import Ports
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import Clock, SystemClock
from services.filter.handler import FilterHandler
from services.filter.metrics import Metrics
from services.filter.service import Filter
from services.filter.settings import FilterSettings
from services.filter.store import PostgresStore
from tests.fakes.log import MemoryLog, house_log
from tests.support.eventually import eventually
from tests.unit.filter.cases import SETTINGS

SCHEMA = Schema("filter", Path("services/filter/sql").resolve())
SECONDS_MAX = 15


@dataclass
class Scene:
    """What a test holds: a database, a log, and as many members as it starts."""

    pool: Pool
    log: MemoryLog
    clock: Clock
    settings: FilterSettings
    telemetry: Telemetry = field(default_factory=lambda: Telemetry(CollectorRegistry()))
    members: dict[Filter, "asyncio.Task[None]"] = field(default_factory=dict)

    def handler(self) -> FilterHandler:
        """The handler alone, for what a stage does only when it crashes."""
        return FilterHandler(PostgresStore(self.pool), self.settings, Metrics(self.telemetry))

    def start(self) -> Filter:
        """A member more."""
        ports = Ports(self.log, self.clock, self.telemetry, "")
        member = Filter(self.settings, ports, PostgresStore(self.pool))
        self.members[member] = asyncio.create_task(member.run())
        return member

    async def kill(self, member: Filter) -> None:
        """As far as a test can: nothing is drained."""
        task = self.members.pop(member)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def stop(self, member: Filter) -> None:
        member.drain()
        await asyncio.wait_for(self.members.pop(member), 10)

    async def append(self, *records: Record) -> None:
        await self.log.append([outgoing(record) for record in records])

    def told(self) -> list[SmsJudged]:
        """All that was told, repeats included, in order."""
        found = self.log.read_all(SmsJudged.TOPIC)
        return [decode_as(SmsJudged, record.value) for record in found]

    def verdicts(self) -> dict[str, SmsJudged]:
        """By message; a repeat must be the same to the last byte."""
        verdicts: dict[str, SmsJudged] = {}
        for verdict in self.told():
            assert verdicts.setdefault(verdict.id, verdict) == verdict
        return verdicts

    async def verdicts_of(self, count: int) -> dict[str, SmsJudged]:
        """Wait until so many messages have theirs."""
        await eventually(lambda: len(self.verdicts()) >= count, seconds_max=SECONDS_MAX)
        verdicts = self.verdicts()
        assert len(verdicts) == count
        return verdicts

    async def all_read(self, topic: str = "sms.received") -> None:
        """Wait until the group has committed all that the topic holds."""

        async def check() -> bool:
            return not any((await self.log.group_lag(FILTER_GROUP, topic)).values())

        await eventually(check, seconds_max=SECONDS_MAX)

    def sample(self, name: str, **labels: str) -> float:
        return self.telemetry.registry.get_sample_value(name, labels) or 0.0

    async def rows(self, query: str) -> Sequence[Any]:
        return await self.pool.fetch(query)


@asynccontextmanager
async def open_scene(
    database_url: str, clock: Clock | None = None, settings: FilterSettings = SETTINGS
) -> AsyncIterator[Scene]:
    """Nothing runs yet; whatever was started is killed at the end."""
    await migrate(database_url, [SCHEMA])
    clock = clock or SystemClock()
    async with open_pool(database_url, role=role_of("filter"), schema="filter", size_max=8) as pool:
        scene = Scene(pool, house_log(clock), clock, settings)
        try:
            yield scene
        finally:
            for member in list(scene.members):
                await scene.kill(member)
