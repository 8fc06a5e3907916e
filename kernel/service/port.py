"""What every service looks like from outside, and what it is given."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from kernel.database.pool import OpenPool, open_pool
from kernel.http.doors import Doors
from kernel.http.server import Listen, listening
from kernel.log.port import Log
from kernel.provider.port import Provider
from kernel.provider.table import open_provider
from kernel.settings.settings import Settings
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import Clock

OpenProvider = Callable[[Settings, Telemetry], AbstractAsyncContextManager[Provider]]


@dataclass(frozen=True, slots=True)
class Ports:
    """The adapters a service is composed with; chosen by settings alone, in the cli.

    Attributes:
        database_url: where its schema is; empty for a service that keeps nothing.
        open_pool, open_provider, listen: how it gets at the database, the provider and its
            callers: all that a service does to the world goes through one of these or the log.
        doors: what ``LISTEN`` serves of services that do not listen themselves.
    """

    log: Log
    clock: Clock
    telemetry: Telemetry
    database_url: str
    open_pool: OpenPool = open_pool
    open_provider: OpenProvider = open_provider
    listen: Listen = listening
    doors: Doors = field(default_factory=Doors)


class Service(Protocol):
    """A running service. ``services/<name>/service.py`` opens one as an async context manager:

    entering starts its parts in order (pools, stage objects, HTTP), leaving stops them in
    reverse; ``run`` does the work in between.
    """

    name: str

    async def run(self) -> None:
        """Work until drained. Returns when everything in hand is finished and committed."""
        ...

    def drain(self) -> None:
        """Take nothing new; ``run`` returns soon after. Safe to call twice."""
        ...

    def missing(self) -> Sequence[str]:
        """What it lacks to be ready, a word each (``log_away``, ``database_away``); empty: ready.

        Never blocks: it says what the last attempt found.
        """
        ...

    def ops_routes(self) -> Sequence[web.AbstractRouteDef]:
        """Routes for ``OPS_LISTEN``, already guarded by the operator's token; mostly none."""
        ...
