"""HTTP: a server until its context is left, the operator's token, and plain calls."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from yarl import URL

from kernel.http.connections import HTTP_OPTIONS
from kernel.values.errors import Fatal, Transient

BODY_BYTES_MAX = 65_536
SHUTDOWN_SECONDS = 2.0
RETRY_LATER = {"Retry-After": "5"}
"""The header of each 503, in seconds."""

RequestHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Listen(Protocol):
    """Serves an application, as ``listening`` does."""

    def __call__(
        self,
        app: web.Application | web.Server,
        address: str,
        *,
        name: str,
        shutdown_seconds: float = SHUTDOWN_SECONDS,
    ) -> AbstractAsyncContextManager[str]:
        """See ``listening``."""
        ...


def split_address(address: str) -> tuple[str, int]:
    """``"127.0.0.1:9100"`` as host and port; an IPv6 host may stand in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def guarded(token: str, handler: RequestHandler) -> RequestHandler:
    """A handler that answers 401 unless the request bears the operator's token.

    Args:
        token: the operator's; when empty, nobody is let in.
    """
    expected = f"Bearer {token}".encode()

    async def check(request: web.Request) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not token or not hmac.compare_digest(given, expected):
            return web.json_response(
                {"error": "send the operator's token: Authorization: Bearer …"},
                status=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        return await handler(request)

    return check


@asynccontextmanager
async def listening(
    app: web.Application | web.Server,
    address: str,
    *,
    name: str,
    shutdown_seconds: float = SHUTDOWN_SECONDS,
) -> AsyncIterator[str]:
    """Serve an application, or a bare server, until the context is left.

    Args:
        name: the setting that holds the address, for the error.
        shutdown_seconds: how long requests in hand may take to finish once it is left.

    Raises:
        Fatal: ``listen``: the address cannot be had.
    """
    runner: web.BaseRunner
    if isinstance(app, web.Application):
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=shutdown_seconds, **HTTP_OPTIONS
        )
    else:
        runner = web.ServerRunner(app, shutdown_timeout=shutdown_seconds)
    await runner.setup()
    try:
        host, port = split_address(address)
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise Fatal(
                f"ANTIRELOU_{name}: cannot listen on {address} ({error.strerror}); "
                "stop what holds it or choose another",
                code="listen",
            ) from None
        bound = runner.addresses[0]
        yield f"http://{host}:{bound[1]}"
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody answered.

    Attributes:
        body: at most as much as was asked for.
        whole: that was all of it.
        retry_after: as the header says, or None.
    """

    status: int
    body: bytes
    whole: bool = True
    retry_after: str | None = None


class Unanswered(Transient):
    """Whoever was called did not answer."""


async def post(
    url: str, body: bytes, headers: Mapping[str, str], *, seconds_max: float, bytes_max: int
) -> tuple[int, bytes]:
    """Call somebody once, following no redirect. Returns the status and at most so many bytes.

    Raises:
        Unanswered: there was no answer in time.
    """
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=seconds_max)) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status, await answer.content.read(bytes_max)
    except (ClientError, TimeoutError, OSError):
        raise Unanswered("there was no answer", code="unanswered") from None


async def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    seconds_max: float,
    bytes_max: int,
) -> Reply:
    """Call somebody once, following no redirect.

    Raises:
        Unanswered: there was no answer in time.
    """
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=seconds_max)) as session,
            session.request(
                method, URL(url, encoded=True), data=body, headers=headers, allow_redirects=False
            ) as answer,
        ):
            found = bytearray()
            async for part in answer.content.iter_any():
                found += part
                if len(found) > bytes_max:
                    break
            retry_after = answer.headers.get("Retry-After")
            return Reply(
                answer.status, bytes(found[:bytes_max]), len(found) <= bytes_max, retry_after
            )
    except (ClientError, TimeoutError, OSError):
        raise Unanswered("there was no answer", code="unanswered") from None
