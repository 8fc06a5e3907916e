"""The composition root of the door: starts its parts in order, stops them in reverse."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from antirelou.service import Ports
from antirelou.settings import Settings
from services.ingest.api import make_server
from services.ingest.appender import ANSWER_SECONDS_MAX, Appender
from services.ingest.handler import WebhookHandler
from services.ingest.metrics import IngestMetrics
from services.ingest.settings import IngestSettings


class IngestService:
    """The running door (``antirelou.service.Service``).

    Attributes:
        url: what it answers on.
    """

    name = "ingest"

    def __init__(self, url: str, appender: Appender, parts: AsyncExitStack) -> None:
        self.url = url
        self._appender, self._parts = appender, parts
        self._draining = asyncio.Event()

    async def run(self) -> None:
        """Serve until drained; then finish the requests in hand and append what they brought."""
        await self._draining.wait()
        await self._parts.aclose()

    def drain(self) -> None:
        """Take no new request."""
        self._draining.set()

    def missing(self) -> Sequence[str]:
        """``log_away`` while the log takes nothing."""
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
    appender = Appender(ports.log, ports.clock)
    handler = WebhookHandler(own, appender, ports.clock, metrics)
    server = make_server(own.public_url, handler, ports.clock, metrics)
    async with AsyncExitStack() as parts:
        await parts.enter_async_context(appender.running())
        url = await parts.enter_async_context(
            ports.listen(server, own.listen, name="LISTEN", shutdown_seconds=ANSWER_SECONDS_MAX + 1)
        )
        yield IngestService(url, appender, parts)
