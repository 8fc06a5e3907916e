"""The console's composition root: starts its parts in order, stops them in reverse."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import structlog
from aiohttp import web

from kernel.database.pool import Pool, role_of
from kernel.http.client import JsonApi, open_api
from kernel.service.port import Ports
from kernel.settings.settings import Settings
from kernel.upkeep.upkeep import Upkeep
from kernel.values.errors import Fatal
from services.console.api import list_routes, make_application, operator_routes
from services.console.entry import Entry
from services.console.gate import Gate, Parts
from services.console.house import House
from services.console.live import Live
from services.console.metrics import Metrics
from services.console.pages import Pages
from services.console.passkeys import Passkeys
from services.console.render import Renderer
from services.console.settings import ConsoleSettings, read_settings
from services.console.store import Store

LOG = structlog.get_logger("console")

NAME = "console"
POOL_SIZE_MAX = 3
RELISTEN_SECONDS = 15.0
"""How long it waits where its address is taken."""
FORGET_EVERY = timedelta(minutes=10)


class Console:
    """The running console (``service.Service``)."""

    name = NAME

    def __init__(self, settings: ConsoleSettings, ports: Ports, pool: Pool, api: JsonApi) -> None:
        self._settings, self._ports = settings, ports
        house = House(api, ports.clock, settings.poll_every)
        parts = Parts(
            settings, Store(pool), house, ports.clock, Renderer(), Metrics(ports.telemetry)
        )
        gate = Gate(parts)
        pages = Pages(gate, parts)
        self._live = Live(gate, pages, parts)
        routes = list_routes(Entry(gate, parts, Passkeys(settings.url)), pages, self._live)
        # Once its listening failed, an application is spent.
        self._application = partial(make_application, gate, routes, parts.renderer)
        self._store = parts.store
        self._upkeep = Upkeep(NAME, ports.telemetry)
        self._draining = asyncio.Event()

    async def run(self) -> None:
        """Serve until drained. A failure is its own: the others receive and answer without it."""
        try:
            while not self._draining.is_set():
                try:
                    async with self._ports.listen(
                        self._application(), self._settings.listen, name="CONSOLE_LISTEN"
                    ):
                        await self._serve()
                except Fatal as trouble:
                    LOG.warning("console_waits", code=trouble.code, error=str(trouble))
                    await self._rest(RELISTEN_SECONDS)
        finally:
            await self._upkeep.stop()

    async def _serve(self) -> None:
        while not self._draining.is_set():
            now = self._ports.clock.now()
            self._upkeep.begin("sessions", FORGET_EVERY, self._forget, now)
            await self._rest(FORGET_EVERY.total_seconds())

    async def _forget(self) -> bool:
        return await self._store.forget(self._ports.clock.now())

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._draining.wait(), seconds)

    def drain(self) -> None:
        """See ``Service``. Streams end first: nobody else would end them."""
        self._live.close()
        self._draining.set()

    def missing(self) -> Sequence[str]:
        """See ``Service``: nothing. Without the console, money and messages go on."""
        return ()

    def ops_routes(self) -> Sequence[web.AbstractRouteDef]:
        """See ``Service``: who may get in, for the command line."""
        return operator_routes(
            self._store, self._ports.clock, self._settings.url, self._settings.token
        )


@asynccontextmanager
async def open_console(settings: Settings, ports: Ports) -> AsyncIterator[Console]:
    """The console on PostgreSQL, not yet serving (``run``).

    Raises:
        Fatal: ``settings``: one is missing.
    """
    own = read_settings(settings)
    async with (
        ports.open_pool(
            ports.database_url, role=role_of(NAME), schema=NAME, size_max=POOL_SIZE_MAX
        ) as pool,
        open_api(own.operator_url, own.token) as api,
    ):
        yield Console(own, ports, pool, api)
