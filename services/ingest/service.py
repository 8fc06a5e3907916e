"""The composition root of the door: starts its parts in order, stops them in reverse."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from kernel.service.port import Ports
from kernel.settings.settings import Settings
from services.ingest.api import make_server
from services.ingest.appender import ANSWER_SECONDS, ANSWER_SECONDS_MAX, Appender
from services.ingest.core.webhook import PATHS
from services.ingest.handler import WebhookHandler
from services.ingest.metrics import IngestMetrics
from services.ingest.settings import IngestSettings

LAST_CALL_SECONDS = 2.0
"""Between saying that we are not ready and closing the door: so long a load balancer may take to
hear of it. Until then whoever still comes in is served."""


class IngestService:
    """The running door (``kernel.service.port.Service``).

    Attributes:
        url: what it answers on.
    """

    name = "ingest"

    def __init__(
        self, url: str, appender: Appender, parts: AsyncExitStack, draining: asyncio.Event
    ) -> None:
        self.url = url
        self._appender, self._parts, self._draining = appender, parts, draining

    async def run(self) -> None:
        """Serve until drained and a last call is over; then finish the requests in hand."""
        await self._draining.wait()
        await asyncio.sleep(LAST_CALL_SECONDS)
        await self._parts.aclose()

    def drain(self) -> None:
        """Be unready, and after a last call take no new request."""
        self._draining.set()

    def missing(self) -> Sequence[str]:
        """``draining`` once the end has begun; ``log_away`` while the log takes nothing."""
        if self._draining.is_set():
            return ("draining",)
        return ("log_away",) if self._appender.away else ()

    def ops_routes(self) -> Sequence[web.AbstractRouteDef]:
        """None."""
        return ()


@asynccontextmanager
async def open_ingest(settings: Settings, ports: Ports) -> AsyncIterator[IngestService]:
    """Open the door; it opens also while the log is away, and says so.

    Raises:
        Fatal: ``settings`` or ``listen``.
    """
    own = IngestSettings.of(settings)
    metrics = IngestMetrics(ports.telemetry)
    patience = ANSWER_SECONDS[own.provider]
    appender = Appender(ports.log, ports.clock, answer_seconds_max=patience)
    handler = WebhookHandler(own, appender, ports.clock, metrics)
    draining = asyncio.Event()
    server = make_server(
        own.public_url,
        handler,
        ports.clock,
        metrics,
        paths=PATHS[own.provider],
        is_draining=draining.is_set,
        doors=ports.doors,
    )
    async with AsyncExitStack() as parts:
        await parts.enter_async_context(appender.running())
        url = await parts.enter_async_context(
            ports.listen(server, own.listen, name="LISTEN", shutdown_seconds=ANSWER_SECONDS_MAX + 1)
        )
        yield IngestService(url, appender, parts, draining)
