"""What strangers may hold open: how many connections, how long, and how little they are told.

aiohttp bounds the head (8 KiB a line, 128 fields) and the caller the body; here are the bounds it
lacks. A connection that brought no whole request within ``IDLE_SECONDS_MAX`` is closed, dripping
or not. Where too many are open, the oldest that brought none makes room: so whoever comes with a
request is served, however many others only hold on.
"""

import resource
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

IDLE_SECONDS_MAX = 75.0
"""Longer than the 60 s for which nginx keeps connections to us, so that it is the one to close."""

LINGERING_SECONDS = 1.0
"""How long the rest of a refused body is read and thrown away, so that the refusal is heard."""

CONNECTIONS_MAX = 4096
FILES_RESERVED = 256
"""Descriptors for the log, the database and the provider, which no stranger may use up."""

FILES_WANTED = CONNECTIONS_MAX + FILES_RESERVED

HTTP_OPTIONS: dict[str, Any] = {
    "keepalive_timeout": IDLE_SECONDS_MAX,
    "lingering_time": LINGERING_SECONDS,
}

Answering = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def raise_file_limit() -> int:
    """Let this process open as many files as it wants and may. Returns how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < FILES_WANTED:
        soft = FILES_WANTED if hard == unlimited else min(FILES_WANTED, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return FILES_WANTED if soft == unlimited else soft


def plan_connections() -> int:
    """How many connections the present limit of open files allows, at least one."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    return max(min(CONNECTIONS_MAX, soft - FILES_RESERVED), 1)


class _Protocol(web.RequestHandler):
    """aiohttp's, but for malformed HTTP: it is answered bare, and not worth a line in the log."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What aiohttp answers by itself quotes what was malformed, and logs a line for each."""
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        response = web.Response(status=status)
        response.force_close()
        return response


class BoundedServer(web.Server):
    """A server for strangers.

    Args:
        answer: of one request; wraps in ``holding`` what happens once the request is whole.
        connections_max: how many; beyond, the oldest that brought no whole request is closed.
        options: as of ``aiohttp.web.Server``.
    """

    def __init__(self, answer: Answering, *, connections_max: int, **options: Any) -> None:
        super().__init__(answer, **(HTTP_OPTIONS | options))
        self._connections_max = connections_max
        self._waiting: dict[web.RequestHandler, None] = {}

    def __call__(self) -> web.RequestHandler:
        """A protocol for a new connection."""
        return _Protocol(self, loop=self._loop, **self._kwargs)

    def connection_made(self, handler: web.RequestHandler, transport: Any) -> None:
        """See ``aiohttp.web.Server``."""
        super().connection_made(handler, transport)
        self._waiting[handler] = None
        if len(self._connections) > self._connections_max:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.force_close()

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        """See ``aiohttp.web.Server``."""
        self._waiting.pop(handler, None)
        super().connection_lost(handler, exc)

    @contextmanager
    def holding(self, request: web.BaseRequest) -> Iterator[None]:
        """While the request, which is whole, is answered: its connection makes room for none."""
        handler = request.protocol
        self._waiting.pop(handler, None)
        try:
            yield
        finally:
            if handler in self._connections:
                self._waiting[handler] = None
