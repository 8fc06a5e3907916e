"""A stand-in that answers on loopback while its context is open."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web


@dataclass(slots=True)
class Served:
    """Serves the routes of whoever inherits.

    Attributes:
        url: where it answers, from the entering of the context on.
    """

    url: str = field(default="", kw_only=True)
    _runner: web.AppRunner | None = field(default=None, init=False)

    def routes(self) -> Iterable[web.RouteDef]:
        """What it answers to."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()
