"""A TCP proxy between two of ours, which a test cuts, slows or silences while they talk.

It runs in a thread of its own, so that neither a busy test nor a frozen one holds it up. What is
changed counts for every chunk from then on, in each direction by itself.
"""

import asyncio
import contextlib
import enum
import socket
import struct
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from tests.support.kafka import free_port_pair
from tests.support.postgres import LoopThread

CHUNK_BYTES = 65_536
TURN_SECONDS = 0.1
"""A slow direction carries what its rate gives in so long at a time."""
FORGET_SECONDS = 25.0
"""A server hears so long nothing of a client that left unheard, and gives it up: what the
keepalive of ``database.session_settings`` takes."""
_LINGER_NOT = struct.pack("ii", 1, 0)


class Way(enum.Enum):
    """A direction, as seen from the client that connected."""

    OUT = "to the server"
    BACK = "to the client"


BOTH = (Way.OUT, Way.BACK)


@dataclass(frozen=True, slots=True)
class Condition:
    """How a direction fares.

    Attributes:
        delay_seconds: so much later each chunk comes.
        bytes_per_second: None: as fast as it can.
        silent: what is sent vanishes, and nobody is told; neither is a leave.
    """

    delay_seconds: float = 0.0
    bytes_per_second: float | None = None
    silent: bool = False


WELL = Condition()


@dataclass(eq=False)
class _Link:
    """One connection, and whether it lost something: then it never works again."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    lost: set[Way] = field(default_factory=set)

    def reset(self) -> None:
        for writer in (self.client, self.server):
            _reset(writer)


class Proxy:
    """A loopback port in front of another or of a Unix socket, while the context is open.

    Args:
        target: the port or path that answers; nothing needs to listen there yet.
        port: ours; 0 takes a free one. It is below those that outgoing connections take, so that
            it can be closed and opened again.
    """

    def __init__(self, target: int | Path, port: int = 0) -> None:
        self.target, self.port = target, port or free_port_pair()
        self.accepted = 0
        self.carried = dict.fromkeys(Way, 0)
        self._conditions = dict.fromkeys(Way, WELL)
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._thread: LoopThread | None = None

    @property
    def address(self) -> str:
        """Where to connect to."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread = LoopThread()
        self._run(self._listen())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._thread is not None
        self._run(self._close())
        self._thread.close()

    # -- what a test changes ----------------------------------------------------------------------

    def heal(self) -> None:
        """New connections are well again, and old ones that lost nothing."""
        self._conditions = dict.fromkeys(Way, WELL)
        self._run(self._listen())

    def cut(self) -> None:
        """Connections are reset; new ones are refused."""
        self._run(self._cut())

    def slow(
        self, *, delay_seconds: float, bytes_per_second: float | None = None,
        ways: Collection[Way] = BOTH,
    ) -> None:  # fmt: skip
        """Everything comes late, and little at a time."""
        self._change(Condition(delay_seconds, bytes_per_second), ways)

    def silence(self, ways: Collection[Way] = BOTH) -> None:
        """Half-open: connections stay and are taken, and what is sent vanishes without a word.

        A connection that lost bytes stays silent for ever, as one whose state a router forgot.
        """
        self._change(Condition(silent=True), ways)

    def forget(self) -> None:
        """The connections that are open go silent for ever; new ones are well."""
        for link in list(self._links):
            link.lost.update(Way)

    @contextmanager
    def harmed(self, mode: str) -> Iterator[None]:
        """Cut, slow, silent, or silent in one direction (``mute``, ``deaf``); healed at the end."""
        match mode:
            case "cut":
                self.cut()
            case "slow":
                self.slow(delay_seconds=0.1, bytes_per_second=50_000)
            case "silent":
                self.silence()
            case "mute":
                self.silence([Way.OUT])
            case "deaf":
                self.silence([Way.BACK])
            case _:
                raise ValueError(mode)
        try:
            yield
        finally:
            self.heal()

    def _change(self, condition: Condition, ways: Collection[Way]) -> None:
        self._conditions = self._conditions | dict.fromkeys(ways, condition)

    # -- in the thread ----------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._thread is not None
        self._thread.run(work)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(
                self._accept, "127.0.0.1", self.port, limit=CHUNK_BYTES
            )

    async def _cut(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        for link in self._links:
            link.reset()

    async def _close(self) -> None:
        await self._cut()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            back, server = await self._connect()
        except OSError:
            _reset(client)
            return
        link = _Link(client, server)
        if self._listener is None:  # cut meanwhile
            link.reset()
            return
        self._links.add(link)
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(link, Way.OUT, reader, server))
                pumps.create_task(self._pump(link, Way.BACK, back, client))
            for writer in (client, server):
                writer.close()
        except* OSError:
            link.reset()
        finally:
            self._links.discard(link)
            link.reset()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(self.target, limit=CHUNK_BYTES)
        return await asyncio.open_connection("127.0.0.1", self.target, limit=CHUNK_BYTES)

    async def _pump(
        self, link: _Link, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry one direction until its sender leaves; tell the other side, if it is to know."""
        left = False
        with contextlib.suppress(ConnectionError):
            await self._carry(link, way, reader, writer)
            left = True
        if self._conditions[way].silent:
            link.lost.add(way)
        if way in link.lost:
            # A server gives an unheard client up; a client is told nothing, for ever.
            await asyncio.sleep(FORGET_SECONDS if way is Way.OUT else float("inf"))
        if not left or link.lost:
            raise ConnectionResetError
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _carry(
        self, link: _Link, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while chunk := await reader.read(self._turn(way)):
            await asyncio.sleep(self._seconds(way, len(chunk)))
            if self._conditions[way].silent:
                link.lost.add(way)
            if way not in link.lost:
                writer.write(chunk)
                await writer.drain()
                self.carried[way] += len(chunk)

    def _seconds(self, way: Way, size: int) -> float:
        """How long so much is under way."""
        condition = self._conditions[way]
        if condition.bytes_per_second is None:
            return condition.delay_seconds
        return condition.delay_seconds + size / condition.bytes_per_second

    def _turn(self, way: Way) -> int:
        """How much is carried at once."""
        rate = self._conditions[way].bytes_per_second
        return CHUNK_BYTES if rate is None else max(int(rate * TURN_SECONDS), 1)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection with RST, as a router that refuses does."""
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError, ValueError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    writer.transport.abort()


def database_proxy(url: str) -> tuple[Proxy, str]:
    """A proxy in front of the server of a database, not open yet, and the URL that leads by it."""
    parts = urlsplit(url)
    folder = dict(parse_qsl(parts.query)).get("host")
    target = Path(folder) / f".s.PGSQL.{parts.port or 5432}" if folder else parts.port or 5432
    proxy = Proxy(target)
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return proxy, urlunsplit(parts._replace(netloc=f"{login}{proxy.address}", query=""))
