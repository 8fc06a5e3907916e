"""The proxy of the tests does to a connection what it says, and no more."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tests.support.kafka import free_port_pair
from tests.support.proxy import Proxy, Way

SILENCE_SECONDS = 0.3
"""A loopback that says nothing for so long says nothing."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy(free_port_pair()) as opened:
        yield opened


@asynccontextmanager
async def echo(port: int | Path) -> AsyncIterator[list[bytes]]:
    """A server that says what it hears, and what it heard."""
    heard: list[bytes] = []
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            while said := await reader.read(1024):
                heard.append(said)
                writer.write(said)
            heard.append(b"")
        except ConnectionError:
            heard.append(b"reset")

    server = await asyncio.start_server(serve, "127.0.0.1", str(port))
    try:
        yield heard
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


class Client:
    """A connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, said: bytes) -> bytes:
        self.writer.write(said)
        return await self.reader.readexactly(len(said))

    async def hears_nothing(self) -> bool:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def connected(proxy: Proxy) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def test_it_carries_what_is_said_and_that_one_leaves(proxy: Proxy) -> None:
    async with echo(proxy.target) as heard, connected(proxy) as client:
        assert await client.ask(b"x" * 200_000) == b"x" * 200_000
        client.writer.write_eof()
        await eventually(lambda: heard[-1] == b"", seconds_max=5)
    assert proxy.accepted == 1
    assert proxy.carried == {Way.OUT: 200_000, Way.BACK: 200_000}


async def test_a_cut_resets_both_sides_and_refuses(proxy: Proxy) -> None:
    async with echo(proxy.target) as heard, connected(proxy) as client:
        await client.ask(b"one")
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            await client.reader.read(1)
        await eventually(lambda: heard[-1] == b"reset", seconds_max=5)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.heal()
        async with connected(proxy) as again:
            assert await again.ask(b"two") == b"two"


async def test_slow_is_late_and_little_at_a_time(proxy: Proxy) -> None:
    loop = asyncio.get_running_loop()
    async with echo(proxy.target), connected(proxy) as client:
        await client.ask(b"warm")
        proxy.slow(delay_seconds=0.1, bytes_per_second=10_000)
        began = loop.time()
        await client.ask(b"x" * 2000)  # there and back, 0.2 s each, and two delays
        assert loop.time() - began >= 0.6
        proxy.heal()
        began = loop.time()
        await client.ask(b"x" * 2000)
        assert loop.time() - began < 0.3


async def test_silent_takes_connections_and_says_nothing_for_ever(proxy: Proxy) -> None:
    async with echo(proxy.target) as heard, connected(proxy) as old, connected(proxy) as idle:
        await old.ask(b"one")
        await idle.ask(b"idle")
        proxy.silence()
        old.writer.write(b"lost")
        assert await old.hears_nothing()
        async with connected(proxy) as new:
            new.writer.write(b"lost too")
            assert await new.hears_nothing()
            proxy.heal()
            new.writer.write(b"too late")
            assert await new.hears_nothing()
        old.writer.write(b"too late")
        assert await old.hears_nothing()
        assert await idle.ask(b"well") == b"well"
        async with connected(proxy) as fresh:
            assert await fresh.ask(b"fresh") == b"fresh"
        assert set(heard) <= {b"one", b"idle", b"well", b"fresh", b"", b"reset"}


async def test_deaf_loses_the_answer_alone(proxy: Proxy) -> None:
    async with echo(proxy.target) as heard, connected(proxy) as client:
        await client.ask(b"one")
        with proxy.harmed("deaf"):
            client.writer.write(b"done all the same")
            assert await client.hears_nothing()
        assert b"done all the same" in heard


async def test_who_leaves_in_silence_is_not_heard_of(proxy: Proxy) -> None:
    async with echo(proxy.target) as heard:
        async with connected(proxy) as client:
            await client.ask(b"one")
            proxy.silence()
        await asyncio.sleep(SILENCE_SECONDS)
        assert heard == [b"one"], "no end of it, no reset"


async def test_a_server_that_is_away_resets(proxy: Proxy) -> None:
    with pytest.raises(ConnectionResetError):
        async with connected(proxy) as client:
            await client.reader.read(1)
