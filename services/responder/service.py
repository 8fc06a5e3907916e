"""The responder's composition root: starts its parts in order, stops them in reverse."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from aiohttp import web

from kernel.database.pool import role_of
from kernel.facts.topics import READS, RESPONDER_GROUP
from kernel.provider.port import Provider
from kernel.service.port import Ports
from kernel.settings.settings import Settings
from kernel.stage.stage import Progress, Stage
from kernel.telemetry.metrics import StageTelemetry
from kernel.values.errors import Transient
from services.responder.dispatcher import Dispatcher
from services.responder.handler import ResponderHandler
from services.responder.housekeeper import Housekeeper
from services.responder.linker import Linker
from services.responder.metrics import Metrics
from services.responder.reconciler import Reconciler
from services.responder.settings import ResponderSettings, read_settings
from services.responder.store import PostgresStore, Store

NAME = "responder"
POOL_SIZE_MAX = 6
ASKING_SECONDS_MAX = 5.0


class Responder:
    """A running responder (``service.Service``)."""

    name = NAME

    def __init__(
        self, settings: ResponderSettings, ports: Ports, store: Store, provider: Provider
    ) -> None:
        metrics = Metrics(ports.telemetry)
        self._log, self._clock = ports.log, ports.clock
        reconciler = Reconciler(store, settings, metrics, noted=self._tell)
        self._dispatcher = Dispatcher(
            store,
            provider,
            settings,
            clock=ports.clock,
            metrics=metrics,
            noted=self._tell,
            reconciled=reconciler.is_done,
        )
        holder = uuid4().hex
        self._linker = Linker(
            store, provider, settings, clock=ports.clock, log=ports.log, holder=holder
        )
        self._housekeeper = Housekeeper(
            store,
            provider,
            settings,
            clock=ports.clock,
            log=ports.log,
            metrics=metrics,
            holder=holder,
            noted=self._tell,
            reconciler=reconciler,
        )
        self._handler = ResponderHandler(
            store,
            settings.outbox,
            settings.attachment,
            metrics=metrics,
            send=self._dispatcher.wake,
            ask=self._ask,
            window=settings.window,
        )
        self._stage = Stage(
            name=NAME,
            group=RESPONDER_GROUP,
            topics=READS[RESPONDER_GROUP],
            log=ports.log,
            handler=self._handler,
            clock=ports.clock,
            metrics=StageTelemetry(ports.telemetry, NAME),
        )

    async def run(self) -> None:
        """See ``Service``. What is in flight is recorded and told before the stage leaves."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._stage.run())
            asking = [
                tasks.create_task(self._housekeeper.run()),
                tasks.create_task(self._linker.run()),
            ]
            await self._dispatcher.run()
            with contextlib.suppress(Transient):
                await self._tell_all()
            self._stage.drain()
            await asyncio.wait(asking, timeout=ASKING_SECONDS_MAX)
            for task in asking:
                task.cancel()  # a question changes nothing: it is asked again

    def _ask(self) -> None:
        self._linker.rounds.wake()
        self._housekeeper.rounds.wake()

    def _tell(self) -> None:
        self._stage.wake()

    async def _tell_all(self) -> None:
        """What the last results changed, so that it does not wait for the next start."""
        while True:
            due = await self._handler.due(Progress(), self._clock.now())
            if not due.records or due.mark is None:
                return
            await self._log.append(due.records)
            await due.mark()

    def drain(self) -> None:
        """See ``Service``."""
        self._dispatcher.drain()
        self._housekeeper.rounds.drain()
        self._linker.rounds.drain()

    def missing(self) -> Sequence[str]:
        """See ``Service``."""
        troubles = (
            self._stage.trouble,
            self._dispatcher.trouble,
            self._housekeeper.rounds.trouble,
            self._linker.rounds.trouble,
        )
        return list(dict.fromkeys(trouble for trouble in troubles if trouble))

    def ops_routes(self) -> Sequence[web.AbstractRouteDef]:
        """See ``Service``: none."""
        return ()


@asynccontextmanager
async def open_responder(settings: Settings, ports: Ports) -> AsyncIterator[Responder]:
    """The responder on PostgreSQL and Plivo, not yet working (``run``).

    Raises:
        Fatal: ``settings``: one is missing, or a reply text breaks the cap.
    """
    own = read_settings(settings)
    async with (
        ports.open_provider(settings, ports.telemetry) as provider,
        ports.open_pool(
            ports.database_url, role=role_of(NAME), schema=NAME, size_max=POOL_SIZE_MAX
        ) as pool,
    ):
        yield Responder(own, ports, PostgresStore(pool), provider)
