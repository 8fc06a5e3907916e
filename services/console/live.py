"""*Now*, live: who looks on is sent the picture again when it has changed (server-sent events)."""

import asyncio
import hashlib

from aiohttp import web

from services.console.gate import Denied, Gate, Parts, Visit
from services.console.pages import Pages

STREAMS_MAX = 20
HEARTBEAT_SECONDS = 15.0
"""A stream in which nothing happens says so, and its session is looked at again."""
LAST_EVENT = "Last-Event-ID"


class Live:
    """The streams."""

    def __init__(self, gate: Gate, pages: Pages, parts: Parts) -> None:
        self._gate, self._pages = gate, pages
        self._store, self._clock, self._metrics = parts.store, parts.clock, parts.metrics
        self._poll_seconds = parts.settings.poll_every.total_seconds()
        self._closing = asyncio.Event()
        self._streams = 0

    def close(self) -> None:
        """End them all; browsers come back by themselves."""
        self._closing.set()

    async def now(self, visit: Visit) -> web.StreamResponse:
        """The stream of *Now*."""
        if self._streams >= STREAMS_MAX or self._closing.is_set():
            raise Denied(503, "away")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        self._gate.dress(response, visit.nonce)
        self._streams += 1
        self._metrics.looking(self._streams)
        try:
            await response.prepare(visit.request)
            await self._send(visit, response)
        except ConnectionError:
            pass  # he looks elsewhere
        finally:
            self._streams -= 1
            self._metrics.looking(self._streams)
        return response

    async def _send(self, visit: Visit, response: web.StreamResponse) -> None:
        last = visit.request.headers.get(LAST_EVENT, "")
        quiet = 0.0
        while not self._closing.is_set() and _is_open(visit.request):
            part = await self._pages.render_now(visit)
            mark = hashlib.sha256(part.encode()).hexdigest()[:16]
            if mark != last:
                lines = "".join(f"data: {line}\n" for line in part.splitlines())
                await response.write(f"id: {mark}\n{lines}\n".encode())
                last, quiet = mark, 0.0
            elif quiet >= HEARTBEAT_SECONDS:
                await response.write(b": still\n\n")
                if await self._store.load_session(visit.secret, self._clock.now()) is None:
                    return
                quiet = 0.0
            await self._pause()
            quiet += self._poll_seconds

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), self._poll_seconds)
        except TimeoutError:
            return


def _is_open(request: web.Request) -> bool:
    """Whether he still looks on; aiohttp says so by the connection alone."""
    return request.transport is not None and not request.transport.is_closing()
