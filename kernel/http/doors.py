"""What `LISTEN` serves: paths of several services, behind one listener where they share a process.

A service adds its door; whoever listens asks here for each path that is not its own.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from aiohttp import HttpVersion11, web

from kernel.http.connections import BoundedServer, plan_connections

_ABSOLUTE = re.compile(r"^https?://[^/?#]*", re.IGNORECASE)
"""What stands before the path where the whole URL is sent."""
BODY_SECONDS_MAX = 5.0
"""How long a body may take to arrive once its head is here."""

Knocked: TypeAlias = Callable[[Mapping[str, str], bytes], Awaitable[web.Response]]
"""Answers a POST, by its headers and its body."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What answers on a path.

    Attributes:
        bytes_max: bound of the body.
        cut: of a larger body its beginning is enough.
    """

    answer: Knocked
    bytes_max: int
    cut: bool = False


Find: TypeAlias = Callable[[str], Entry | None]
"""What answers on a path; None: nothing of this service does."""


class TooLarge(Exception):
    """A body beyond its bound."""


class TooSlow(Exception):
    """A body that did not arrive in time."""


@dataclass(slots=True)
class Doors:
    """The doors of a process.

    Attributes:
        shared: another service of this process listens, and asks here.
    """

    shared: bool = False
    found: list[Find] = field(default_factory=list)

    def add(self, find: Find) -> None:
        """Open a service's door."""
        self.found.append(find)

    def remove(self, find: Find) -> None:
        """Shut it."""
        self.found.remove(find)

    def find(self, path: str) -> Entry | None:
        """What answers on a path."""
        return next((entry for find in self.found if (entry := find(path))), None)


async def read_body(request: web.BaseRequest, bytes_max: int, *, cut: bool = False) -> bytes:
    """The body of a request.

    Args:
        bytes_max: bound of it.
        cut: of a larger one its beginning is enough.

    Raises:
        TooLarge, TooSlow: it is not worth waiting for.
    """
    if not cut and (request.content_length or 0) > bytes_max:
        raise TooLarge
    found = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            await invite_body(request)
            async for part in request.content.iter_any():
                found += part
                if len(found) > bytes_max:
                    if cut:
                        break
                    raise TooLarge
    except TimeoutError:
        if not cut:
            raise TooSlow from None
    return bytes(found[:bytes_max])


async def invite_body(request: web.BaseRequest) -> None:
    """Say that the body may come, to a client that waits for it (`Expect: 100-continue`)."""
    expected = request.headers.get("Expect", "").strip().lower()
    if expected == "100-continue" and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # What was written is no part of the answer.
        request.writer.output_size = 0


async def answer_door(
    entry: Entry | None, request: web.BaseRequest, server: BoundedServer
) -> web.Response:
    """Answer at a door: 404, 405, 408 and 413 where nobody is asked."""
    if entry is None:
        return web.Response(status=404)
    if request.method != "POST":
        return web.Response(status=405, headers={"Allow": "POST"})
    try:
        body = await read_body(request, entry.bytes_max, cut=entry.cut)
    except (TooLarge, TooSlow) as refused:
        response = web.Response(status=413 if isinstance(refused, TooLarge) else 408)
        response.force_close()  # the rest of the body is not worth reading
        return response
    with server.holding(request):
        return await entry.answer(request.headers, body)


def make_door(find: Find) -> BoundedServer:
    """A server of one service's door, where nobody else listens."""

    async def answer(request: web.BaseRequest) -> web.Response:
        return await answer_door(find(path_of(request)), request, server)

    server = BoundedServer(
        answer,
        connections_max=plan_connections(),
        request_factory=partial(web.BaseRequest, loop=asyncio.get_running_loop()),
        access_log=None,
        # What is compressed could swell.
        auto_decompress=False,
    )
    return server


def path_of(request: web.BaseRequest) -> str:
    """The path as it was sent, without its query; signatures do not hang on what stands before."""
    return _ABSOLUTE.sub("", request.raw_path, count=1).partition("?")[0]
