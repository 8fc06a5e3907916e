"""What every service looks like from outside, and what it is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from antirelou.clock import Clock
from antirelou.log.port import Log
from antirelou.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Ports:
    """The adapters a service is composed with; chosen by settings alone, in the cli.

    Attributes:
        database_url: where its schema is; empty for a service that keeps nothing.
    """

    log: Log
    clock: Clock
    telemetry: Telemetry
    database_url: str


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
