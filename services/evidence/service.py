"""Evidence's composition root: starts its parts in order, stops them in reverse."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from kernel.database.pool import Pool, role_of
from kernel.facts.topics import EVIDENCE_GROUP, READS
from kernel.service.port import Ports
from kernel.settings.settings import Settings
from kernel.stage.stage import Stage, StageLimits
from kernel.telemetry.metrics import StageTelemetry
from services.evidence.api import evidence_routes
from services.evidence.eraser import Eraser
from services.evidence.handler import EvidenceHandler
from services.evidence.metrics import Metrics
from services.evidence.notary import Notary
from services.evidence.settings import EvidenceSettings, read_settings
from services.evidence.store import PostgresStore

LOG = structlog.get_logger("evidence")

NAME = "evidence"
POOL_SIZE_MAX = 4
RESTART_SECONDS = 30.0
LIMITS = StageLimits(records_max=2000)


class Evidence:
    """Running evidence (``service.Service``)."""

    name = NAME

    def __init__(self, settings: EvidenceSettings, ports: Ports, pool: Pool) -> None:
        self._ports, self._settings = ports, settings
        self._metrics = Metrics(ports.telemetry)
        self._store = PostgresStore(pool)
        self._handler = EvidenceHandler(
            self._store,
            rules=settings.rules,
            terms=settings.terms,
            signer=settings.signer,
            notary=Notary(self._store, settings.notary, self._metrics),
            metrics=self._metrics,
        )
        self._eraser = Eraser(
            self._store, ports.log, ports.database_url, self._metrics, kafka=settings.kafka
        )
        self._stage = self._new_stage()
        self._draining = asyncio.Event()
        self._failed = False

    def _new_stage(self) -> Stage:
        return Stage(
            name=NAME,
            group=EVIDENCE_GROUP,
            topics=READS[EVIDENCE_GROUP],
            log=self._ports.log,
            handler=self._handler,
            clock=self._ports.clock,
            metrics=StageTelemetry(self._ports.telemetry, NAME),
            limits=LIMITS,
        )

    async def run(self) -> None:
        """See ``Service``. A failure is its own: the others receive and answer without it."""
        while not self._draining.is_set():
            try:
                await self._stage.run()
            except Exception:
                LOG.exception("evidence_failed")
                self._metrics.failed()
                self._failed = True
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._draining.wait(), RESTART_SECONDS)
                if not self._draining.is_set():
                    self._stage = self._new_stage()

    def drain(self) -> None:
        """See ``Service``."""
        self._draining.set()
        self._stage.drain()

    def missing(self) -> Sequence[str]:
        """See ``Service``."""
        trouble = self._stage.trouble
        if trouble is None:
            self._failed = False
        # A defect of ours is logged and counted; it must not take the door of `all` out of service.
        return [trouble] if trouble and not self._failed else []

    def ops_routes(self) -> Sequence[web.AbstractRouteDef]:
        """See ``Service``: cases, proofs, and the rights of whoever wrote."""
        return evidence_routes(
            self._store, self._handler, self._eraser, self._settings, self._ports.clock
        )


@asynccontextmanager
async def open_evidence(settings: Settings, ports: Ports) -> AsyncIterator[Evidence]:
    """Evidence on PostgreSQL, not yet working (``run``).

    Raises:
        Fatal: ``settings``: one is missing.
    """
    own = read_settings(settings)
    async with ports.open_pool(
        ports.database_url, role=role_of(NAME), schema=NAME, size_max=POOL_SIZE_MAX
    ) as pool:
        yield Evidence(own, ports, pool)
