"""A lean HTTP/1.1 client for webhooks: keep-alive, one request at a time on each connection.

The demo sends tens of thousands of webhooks beside the system under load, on the same two cores;
a general client spends more on each than the system does.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 8.0
"""How long the provider waits for an answer (PLIVO.md §1). Network time: no speed divides it."""

NO_ANSWER = (0, b"")
_HEAD_END = b"\r\n\r\n"


@lru_cache(maxsize=64)
def _origin(scheme: str, netloc: str) -> tuple[str, int, bool]:
    found = urlsplit(f"{scheme}://{netloc}")
    secure = scheme == "https"
    return found.hostname or "127.0.0.1", found.port or (443 if secure else 80), secure


class _Connection(asyncio.Protocol):
    """One connection; reads one answer at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.reusable = True
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP gives no other
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        found = self._read_answer(closed=False)
        if found is not None:
            self._finish(found)

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        if self.answer is None or self.answer.done():
            return
        found = self._read_answer(closed=True)
        if found is None:
            self.answer.set_exception(exc or ConnectionResetError("closed before the answer"))
        else:
            self._finish(found)

    @property
    def open(self) -> bool:
        """Whether another request may go over it."""
        return self.reusable and self.transport is not None and not self.transport.is_closing()

    def _finish(self, found: tuple[int, bytes]) -> None:
        self._buffer = b""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(found)

    def _read_answer(self, *, closed: bool) -> tuple[int, bytes] | None:
        """The answer, once it is whole."""
        end = self._buffer.find(_HEAD_END)
        if end < 0:
            return None
        head, body = self._buffer[:end].lower(), self._buffer[end + 4 :]
        try:
            status = int(head[9:12])
            length = _content_length(head)
        except ValueError:
            self.reusable = False
            return NO_ANSWER
        if b"\r\nconnection: close" in head:
            self.reusable = False
        if length is not None:
            return (status, body[:length]) if len(body) >= length else None
        if b"\r\ntransfer-encoding: chunked" in head:
            return (status, _join_chunks(body)) if body.endswith(b"0\r\n\r\n") else None
        if status == 204:  # noqa: PLR2004 - no content, no length
            return status, b""
        return (status, body) if closed else None


def _content_length(head: bytes) -> int | None:
    start = head.find(b"\r\ncontent-length:")
    if start < 0:
        return None
    end = head.find(b"\r\n", start + 2)
    return int(head[start + 17 : end if end >= 0 else len(head)])


def _join_chunks(body: bytes) -> bytes:
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            break
        parts.append(body[:length])
        body = body[length + 2 :]
    return b"".join(parts)


class WebhookClient:
    """Sends requests; waits where too many are open.

    Args:
        open_max: connections at a time.
    """

    def __init__(self, open_max: int) -> None:
        self._idle: dict[tuple[str, int, bool], deque[_Connection]] = {}
        self._slots = asyncio.Semaphore(open_max)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, bytes]:
        """Send one request.

        Returns:
            status and body; status 0 where no answer came within ``TIMEOUT_SECONDS``.
        """
        found = urlsplit(url)
        target = f"{found.path or '/'}?{found.query}" if found.query else found.path or "/"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{method} {target} HTTP/1.1\r\nHost: {found.netloc}\r\n{lines}"
        request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        origin = _origin(found.scheme, found.netloc)
        async with self._slots:
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    return await self._exchange(origin, request)
            except (OSError, TimeoutError):
                return NO_ANSWER

    async def _exchange(self, origin: tuple[str, int, bool], request: bytes) -> tuple[int, bytes]:
        idle = self._idle.setdefault(origin, deque())
        while idle:
            connection = idle.pop()
            if connection.open:
                try:
                    return await self._ask(connection, idle, request)
                except ConnectionError:
                    break  # closed while it idled: once more, on a fresh one
        host, port, secure = origin
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            _Connection, host, port, ssl=True if secure else None
        )
        return await self._ask(connection, idle, request)

    async def _ask(
        self, connection: _Connection, idle: deque[_Connection], request: bytes
    ) -> tuple[int, bytes]:
        assert connection.transport is not None  # noqa: S101 - it is connected
        connection.answer = asyncio.get_running_loop().create_future()
        try:
            connection.transport.write(request)
            answer = await connection.answer
        except BaseException:
            connection.transport.abort()
            raise
        connection.answer = None
        if connection.open:
            idle.append(connection)
        else:
            connection.transport.close()
        return answer

    def close(self) -> None:
        """Close what is idle."""
        for idle in self._idle.values():
            for connection in idle:
                if connection.transport is not None:
                    connection.transport.close()
        self._idle.clear()
