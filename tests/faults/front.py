"""A load balancer of the tests: the provider calls it, and it passes on to a door that is ready.

It does what the one in front of Kubernetes pods does, no more: connections go round robin to the
doors whose ``/readyz`` answered 200 when it last looked. One that a door refuses is not tried at
another.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from antirelou.commands.demo.house import Process, free_port

LOOK_EVERY_SECONDS = 0.2
PIECE_BYTES_MAX = 65_536


@dataclass
class Front:
    """The running balancer.

    Attributes:
        url: what the provider calls.
    """

    url: str = ""
    _doors: list[Process] = field(default_factory=list)
    _ready: list[Process] = field(default_factory=list)
    _turn: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def add(self, door: Process) -> None:
        """Pass on to this ingest as well, when it is ready."""
        self._doors = [*self._doors, door]

    def remove(self, door: Process) -> None:
        """No more."""
        self._doors = [other for other in self._doors if other is not door]

    async def open(self) -> None:
        """Listen, and look who is ready."""
        port = free_port()
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{port}"
        self._look_task = asyncio.create_task(self._look())

    async def close(self) -> None:
        """Stop, and cut what is open."""
        self._server.close()
        for task in (self._look_task, *self._tasks):
            task.cancel()
        await asyncio.gather(self._look_task, *self._tasks, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            doors = self._doors
            ready = await asyncio.gather(*(_is_ready(door) for door in doors))
            self._ready = [door for door, yes in zip(doors, ready, strict=True) if yes]
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            # One that is not ready is asked all the same when nobody is: its 503 says more.
            doors = self._ready or self._doors
            self._turn += 1
            theirs = await asyncio.open_connection(*_address(doors[self._turn % len(doors)]))
            await _join(reader, writer, *theirs)
        writer.transport.abort() if writer.transport.is_closing() else writer.close()
        self._tasks.discard(task)


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    their_reader: asyncio.StreamReader,
    their_writer: asyncio.StreamWriter,
) -> None:
    """Copy both ways until one side has closed; then close the other."""
    ways = [
        asyncio.create_task(_copy(reader, their_writer)),
        asyncio.create_task(_copy(their_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        their_writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while piece := await source.read(PIECE_BYTES_MAX):
        target.write(piece)
        await target.drain()


def _address(door: Process) -> tuple[str, int]:
    host, _, port = door.settings["listen"].rpartition(":")
    return host, int(port)


async def _is_ready(door: Process) -> bool:
    """Whether its ``/readyz`` answers 200; never raises."""
    found = urlsplit(door.ready_url)
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(found.hostname, found.port)
            writer.write(f"GET {found.path} HTTP/1.0\r\n\r\n".encode())
            return b" 200 " in await reader.readline()
    except (OSError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.close()


async def open_front() -> Front:
    """A front that listens."""
    front = Front()
    await front.open()
    return front
