"""The filter's composition root: starts its parts in order, stops them in reverse."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from kernel.database.pool import role_of
from kernel.facts.topics import FILTER_GROUP, READS
from kernel.service.port import Ports
from kernel.settings.settings import Settings
from kernel.stage.stage import Stage, StageLimits
from kernel.telemetry.metrics import StageTelemetry
from services.filter.handler import FilterHandler
from services.filter.metrics import Metrics
from services.filter.settings import FilterSettings, read_settings
from services.filter.store import PostgresStore, Store

NAME = "filter"
POOL_SIZE_MAX = 3
"""The batch, the timer, and the upkeep."""
LIMITS = StageLimits(records_max=4000)
"""A round trip of the database is shared by many."""


class Filter:
    """A running filter (``service.Service``)."""

    name = NAME

    def __init__(self, settings: FilterSettings, ports: Ports, store: Store) -> None:
        handler = FilterHandler(store, settings, Metrics(ports.telemetry))
        self._upkeep = handler.upkeep
        self._stage = Stage(
            name=NAME,
            group=FILTER_GROUP,
            topics=READS[FILTER_GROUP],
            log=ports.log,
            handler=handler,
            clock=ports.clock,
            metrics=StageTelemetry(ports.telemetry, NAME),
            limits=LIMITS,
        )

    async def run(self) -> None:
        """See ``Service``."""
        try:
            await self._stage.run()
        finally:
            await self._upkeep.stop()

    def drain(self) -> None:
        """See ``Service``."""
        self._stage.drain()

    def missing(self) -> Sequence[str]:
        """See ``Service``."""
        trouble = self._stage.trouble
        return [trouble] if trouble else []

    def ops_routes(self) -> Sequence[web.AbstractRouteDef]:
        """See ``Service``: none."""
        return ()


@asynccontextmanager
async def open_filter(settings: Settings, ports: Ports) -> AsyncIterator[Filter]:
    """The filter on PostgreSQL, not yet working (``run``).

    Raises:
        Fatal: ``settings``: NUMBER is missing.
    """
    own = read_settings(settings)
    async with ports.open_pool(
        ports.database_url, role=role_of(NAME), schema=NAME, size_max=POOL_SIZE_MAX
    ) as pool:
        yield Filter(own, ports, PostgresStore(pool))
