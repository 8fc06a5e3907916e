"""Billing's composition root: starts its parts in order, stops them in reverse."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial

from aiohttp import web

from kernel.database.pool import Pool, role_of
from kernel.facts.records import SmsReceived
from kernel.facts.topics import BILLING_GROUP, OUTAGE_MAX, PARTITIONS, READS
from kernel.service.port import Ports
from kernel.settings.settings import Settings
from kernel.stage.stage import Stage, StageLimits
from kernel.telemetry.metrics import StageTelemetry
from kernel.upkeep.upkeep import Upkeep
from kernel.values.errors import Transient
from services.billing.accountant import LAG_UNKNOWN, Accountant
from services.billing.api import operator_routes
from services.billing.core.pace import HOURS_A_DAY
from services.billing.core.price import DAYS_KEPT
from services.billing.handler import BillingHandler
from services.billing.metrics import Metrics
from services.billing.operator_books import PostgresOperatorStore
from services.billing.settings import BillingSettings, read_settings
from services.billing.store import PostgresStore
from services.billing.treasurer import settle_gifts
from services.billing.watchman import Watchman

NAME = "billing"
POOL_SIZE_MAX = 6
SHOW_EVERY = timedelta(seconds=2)
"""How old the gauges may be, and how late a decision is told that could not be told at once."""
PRUNE_EVERY = timedelta(minutes=1)
PRUNE_MAX = 5000
COSTS_KEPT = 2 * OUTAGE_MAX
"""How long the log's word waits for its message, which may itself wait through an outage."""
LIMITS = StageLimits(records_max=4000)


class Billing:
    """Running billing (``service.Service``)."""

    name = NAME

    def __init__(self, settings: BillingSettings, ports: Ports, pool: Pool) -> None:
        self._settings, self._ports = settings, ports
        self._metrics = Metrics(ports.telemetry)
        self._store = PostgresStore(pool)
        accountant = Accountant(self._store, self._count_lag, settings, ports.clock, self._metrics)
        self._operator = PostgresOperatorStore(pool, self._store, accountant, settings)
        self._watchman = Watchman(
            self._operator,
            self._store,
            settings,
            log=ports.log,
            clock=ports.clock,
            metrics=self._metrics,
        )
        self._upkeep = Upkeep(NAME, ports.telemetry)
        self._stage = Stage(
            name=NAME,
            group=BILLING_GROUP,
            topics=READS[BILLING_GROUP],
            log=ports.log,
            handler=BillingHandler(self._store, settings, accountant, self._metrics, self._keep),
            clock=ports.clock,
            metrics=StageTelemetry(ports.telemetry, NAME),
            limits=LIMITS,
        )

    async def run(self) -> None:
        """See ``Service``."""
        watching = asyncio.create_task(self._watchman.run())
        try:
            await self._stage.run()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._upkeep.stop()

    def drain(self) -> None:
        """See ``Service``."""
        self._stage.drain()

    def missing(self) -> Sequence[str]:
        """See ``Service``."""
        trouble = self._stage.trouble
        return [trouble] if trouble else []

    def ops_routes(self) -> Sequence[web.AbstractRouteDef]:
        """See ``Service``: the operator API."""
        return operator_routes(
            self._operator,
            self._ports.log,
            self._ports.clock,
            self._settings.operator,
            self._stage.wake,
        )

    async def _count_lag(self) -> int:
        lags = await self._ports.log.group_lag(BILLING_GROUP, SmsReceived.TOPIC)
        if len(lags) < PARTITIONS or min(lags.values()) < 0:
            raise Transient("the lag of a partition is not known", code=LAG_UNKNOWN)
        return sum(lags.values())

    async def _keep(self, now: datetime) -> None:
        """Beside the payments: tell what a person decided, set the gauges, forget old minutes."""
        self._upkeep.begin("tell", SHOW_EVERY, self._tell, now)
        self._upkeep.begin("settle", SHOW_EVERY, partial(self._settle, now), now)
        self._upkeep.begin("show", SHOW_EVERY, partial(self._show, now), now)
        self._upkeep.begin("prune", PRUNE_EVERY, partial(self._prune, now), now)

    async def _prune(self, now: datetime) -> bool:
        await self._store.prune_asked(now - (DAYS_KEPT + 1) * HOURS_A_DAY * self._settings.hour)
        await self._store.prune_receiving(now - (HOURS_A_DAY + 1) * self._settings.hour)
        return await self._store.prune_costs(now - COSTS_KEPT, PRUNE_MAX)

    async def _tell(self) -> None:
        await self._operator.tell(self._ports.log.append)

    async def _settle(self, now: datetime) -> None:
        await settle_gifts(self._store, self._settings, now)

    async def _show(self, now: datetime) -> None:
        horizon = self._settings.posture.pace.horizon
        self._metrics.show(await self._operator.read_status(now), horizon, now)


@asynccontextmanager
async def open_billing(settings: Settings, ports: Ports) -> AsyncIterator[Billing]:
    """Billing on PostgreSQL, not yet working (``run``).

    Raises:
        Fatal: ``settings``: one is missing.
    """
    own = read_settings(settings)
    async with ports.open_pool(
        ports.database_url, role=role_of(NAME), schema=NAME, size_max=POOL_SIZE_MAX
    ) as pool:
        yield Billing(own, ports, pool)
