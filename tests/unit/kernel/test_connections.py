"""How many connections strangers may hold, and how long (``kernel.http.connections``)."""

import asyncio
import io
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from kernel.http.connections import (
    CONNECTIONS_MAX,
    FILES_RESERVED,
    FILES_WANTED,
    BoundedServer,
    plan_connections,
    raise_file_limit,
)
from kernel.http.server import listening, split_address
from kernel.telemetry.metrics import configure_logging
from tests.support.eventually import eventually


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure_logging(stream=stream)
    yield stream
    configure_logging()


REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok"


class Served:
    """A server that waits for ``go`` before it answers a whole request."""

    def __init__(self, **options: float) -> None:
        self.go = asyncio.Event()
        self.in_hand = 0
        limit = int(options.pop("connections_max", 4))
        self.server = BoundedServer(self._answer, connections_max=limit, **options)
        self.address = ("", 0)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        with self.server.holding(request):
            self.in_hand += 1
            await self.go.wait()
        return web.Response(text="done")

    async def connect(self, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(sent)
        return reader, writer


@asynccontextmanager
async def serving(**options: float) -> AsyncIterator[Served]:
    served = Served(**options)
    async with listening(served.server, "127.0.0.1:0", name="LISTEN", shutdown_seconds=0.1) as url:
        served.address = split_address(url.removeprefix("http://"))
        yield served


async def test_the_oldest_that_brought_no_request_makes_room() -> None:
    async with serving(connections_max=3) as served:
        first = await served.connect()
        await eventually(lambda: len(served.server.connections) == 1, seconds_max=5)
        others = [await served.connect(b"POST / HTTP/1.1\r\nX-Drip: ") for _ in range(2)]
        await eventually(lambda: len(served.server.connections) == 3, seconds_max=5)
        reader, writer = await served.connect(REQUEST)
        assert await asyncio.wait_for(first[0].read(), 5) == b""  # closed
        served.go.set()
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 200")
        for _, one in (first, *others, (reader, writer)):
            one.close()


async def test_a_request_in_hand_makes_room_for_none() -> None:
    async with serving(connections_max=2) as served:
        worked = await served.connect(REQUEST)
        await eventually(lambda: served.in_hand == 1, seconds_max=5)
        crowd = [await served.connect() for _ in range(6)]
        await eventually(lambda: len(served.server.connections) == 2, seconds_max=5)
        served.go.set()
        assert (await asyncio.wait_for(worked[0].readline(), 5)).startswith(b"HTTP/1.1 200")
        for _, one in (worked, *crowd):
            one.close()


@pytest.mark.parametrize(
    ("sent", "drip"),
    [(b"", b""), (b"POST / HTTP/1.1\r\nX-Drip: ", b"x"), (REQUEST + REQUEST[:9], b"")],
)
async def test_who_brings_no_request_in_time_is_closed(sent: bytes, drip: bytes) -> None:
    async with serving(keepalive_timeout=0.2) as served:
        served.go.set()
        reader, writer = await served.connect(sent)
        dripping = asyncio.create_task(_drip(writer, drip))
        answered = b""
        with suppress(ConnectionResetError):  # a drip that was not read yet
            answered = await asyncio.wait_for(reader.read(), 5)
        assert answered.count(b"HTTP/1.1 200") == sent.count(b"ok")
        dripping.cancel()
        writer.close()


async def _drip(writer: asyncio.StreamWriter, drip: bytes) -> None:
    while True:
        writer.write(drip)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost : +33639981234\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: +33639981234\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + b"X: 1\r\n" * 200 + b"\r\n",
        b"POST / HTTP/1.1\r\nX: " + b"a" * 10_000 + b"\r\n\r\n",
        b"POST /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
async def test_malformed_http_is_answered_bare_and_not_logged(
    sent: bytes, logged: io.StringIO
) -> None:
    async with serving() as served:
        reader, writer = await served.connect(sent)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == b"400"
    assert body == b""
    assert b"3639981234" not in head
    assert logged.getvalue() == ""


def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
        assert plan_connections() == 1024 - FILES_RESERVED
        expected = FILES_WANTED if before[1] < 0 else min(FILES_WANTED, before[1])
        assert raise_file_limit() == expected
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (expected, before[1])
        assert plan_connections() == min(CONNECTIONS_MAX, expected - FILES_RESERVED)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
