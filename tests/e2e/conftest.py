"""The whole house, twice: in one process on embedded defaults, and four processes over Kafka."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from antirelou.commands.demo.house import House, clustered_house, embedded_house
from antirelou.compose import open_database, open_log
from kernel.facts.topics import READS, dead
from kernel.log.port import Log
from kernel.settings.settings import load_settings
from tests.support.eventually import eventually

SPEED = 3600
"""An hour a second: a reply comes after one to two seconds."""

SETTINGS = {"clock_speed": str(SPEED), "quiet_hours": "off"}


@dataclass(frozen=True)
class Built:
    """A house that runs, and how to read what it wrote."""

    house: House

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[tuple[Log, str]]:
        """The house's log and its database's URL, beside the house itself."""
        given = {
            name: self.house.settings.get(name, "")
            for name in ("data_dir", "kafka_bootstrap", "database_url")
        }
        settings = load_settings(**given)
        async with open_database(settings) as url, open_log(settings, url) as log:
            yield log, url


@pytest.fixture(params=["embedded", "kafka"])
def built(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Built]:
    """A running house of each size, empty."""
    with build(request.param, request, tmp_path, SETTINGS) as house:
        yield house


@contextmanager
def build(
    kind: str, request: pytest.FixtureRequest, folder: Path, settings: Mapping[str, str]
) -> Iterator[Built]:
    """A running house: ``embedded`` in one process, ``kafka`` in four over the session's broker."""
    if kind == "embedded":
        with embedded_house(folder, settings) as house:
            yield Built(house)
        return
    bootstrap = request.getfixturevalue("kafka_bootstrap")
    database_url = request.getfixturevalue("fresh_database")
    asyncio.run(forget_house(bootstrap))
    with clustered_house(
        folder, settings, kafka_bootstrap=bootstrap, database_url=database_url
    ) as house:
        yield Built(house)


async def forget_house(bootstrap: str) -> None:
    """Delete the house's topics, and with them what its groups committed, from a shared broker."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = {topic for topics in READS.values() for topic in topics}
        names |= {dead(name) for name in names}
        there = names & set(await admin.list_topics())
        if there:
            await admin.delete_topics(sorted(there))

        async def gone() -> bool:
            return not names & set(await admin.list_topics())

        await eventually(gone, seconds_max=30)
    finally:
        await admin.close()
