"""Donations' composition root: starts its parts in order, stops them in reverse."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from kernel.database.pool import Pool, role_of
from kernel.facts.records import Platform
from kernel.facts.topics import DONATIONS_GROUP, READS
from kernel.http.doors import make_door
from kernel.service.port import Ports
from kernel.settings.settings import Settings
from kernel.stage.stage import Stage
from kernel.telemetry.metrics import StageTelemetry
from services.donations.api import ANSWER_SECONDS_MAX, StripeDoor, make_find
from services.donations.core.walk import Rhythm
from services.donations.handler import DonationsHandler
from services.donations.helloasso import HelloAsso
from services.donations.metrics import Metrics
from services.donations.poller import Poller
from services.donations.reader import Desk, HelloAssoReader, StripeReader
from services.donations.settings import DonationsSettings
from services.donations.store import PostgresStore
from services.donations.stripe import Stripe
from services.donations.teller import Beginning, Teller

NAME = "donations"
POOL_SIZE_MAX = 4


class Donations:
    """Running donations (``service.Service``)."""

    name = NAME

    def __init__(self, settings: DonationsSettings, ports: Ports, pool: Pool) -> None:
        metrics, clock = Metrics(ports.telemetry), ports.clock
        store = PostgresStore(pool)
        self._beginning, self._clock = Beginning(store, settings.since), clock
        teller = Teller(store, ports.log, metrics)
        desk = Desk(store, teller, self._beginning, settings.nightly, clock, metrics)
        self._pollers: list[Poller] = []
        if (chosen := settings.helloasso) is not None:
            payments = HelloAssoReader(HelloAsso(chosen, clock, metrics), chosen.forms, desk)
            self._ask(Platform.HELLOASSO, chosen.rhythm, payments.read, desk)
        if settings.stripe.api_key:
            lists = StripeReader(Stripe(settings.stripe, clock, metrics), settings.stripe, desk)
            self._ask(Platform.STRIPE, settings.stripe.rhythm, lists.read, desk)
        bell = self._pollers[0].ring if settings.helloasso is not None else _nobody
        door = StripeDoor(settings.stripe, self._beginning, ports.log, clock=clock, metrics=metrics)
        self.find = make_find(settings, bell, door, metrics)
        self._stage = Stage(
            name=NAME,
            group=DONATIONS_GROUP,
            topics=READS[DONATIONS_GROUP],
            log=ports.log,
            handler=DonationsHandler(store),
            clock=clock,
            metrics=StageTelemetry(ports.telemetry, NAME),
        )

    def _ask(
        self, source: Platform, rhythm: Rhythm, read: Callable[[], Awaitable[None]], desk: Desk
    ) -> None:
        self._pollers.append(Poller(source, rhythm, read, clock=desk.clock, metrics=desk.metrics))

    async def run(self) -> None:
        """See ``Service``."""
        # From when on gifts count is known from the first start on, whatever is set later.
        beginning = asyncio.create_task(self._beginning.begin(self._clock))
        asking = [asyncio.create_task(poller.run()) for poller in self._pollers]
        try:
            await self._stage.run()
        finally:
            for task in (beginning, *asking):
                task.cancel()
            await asyncio.gather(beginning, *asking, return_exceptions=True)

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


def _nobody() -> None:
    """There is no bell."""


@asynccontextmanager
async def open_donations(settings: Settings, ports: Ports) -> AsyncIterator[Donations]:
    """Donations on PostgreSQL, not yet working (``run``).

    Its doors are open, here or at whoever listens.

    Raises:
        Fatal: ``settings`` or ``listen``.
    """
    own = DonationsSettings.of(settings)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            ports.open_pool(
                ports.database_url, role=role_of(NAME), schema=NAME, size_max=POOL_SIZE_MAX
            )
        )
        donations = Donations(own, ports, pool)
        if ports.doors.shared:
            ports.doors.add(donations.find)
            stack.callback(ports.doors.remove, donations.find)
        else:
            await stack.enter_async_context(
                ports.listen(
                    make_door(donations.find),
                    own.listen,
                    name="LISTEN",
                    shutdown_seconds=ANSWER_SECONDS_MAX + 1,
                )
            )
        yield donations
