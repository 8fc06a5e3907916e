"""HTTP: the operators' surface (health, readiness, metrics, what services add), and plain calls."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from kernel.http.connections import HTTP_OPTIONS
from kernel.telemetry.metrics import Telemetry
from kernel.telemetry.streams import count_lost_lines
from kernel.values.errors import Fatal, Transient

if TYPE_CHECKING:
    from kernel.service.port import Service

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
async def serve_ops(
    address: str,
    services: "Sequence[Service]",
    telemetry: Telemetry,
    *,
    listen: Listen | None = None,
) -> AsyncIterator[str]:
    """Serve ``/healthz``, ``/readyz``, ``/metrics`` and the services' own routes.

    Args:
        address: HOST:PORT; port 0 takes a free one.
        listen: instead of ``listening``.

    Yields:
        the URL it answers on.

    Raises:
        Fatal: ``listen``: the address cannot be had.
    """
    lacks, lost = _Lacks(services, telemetry), _LostLines(telemetry)

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        missing = {s.name: list(s.missing()) for s in services if s.missing()}
        if missing:
            return web.json_response(
                {"status": "not ready", "missing": missing}, status=503, headers=RETRY_LATER
            )
        return web.json_response({"status": "ready"})

    async def metrics(_: web.Request) -> web.Response:
        lacks.show()
        lost.show()
        return web.Response(
            body=generate_latest(telemetry.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    for service in services:
        app.router.add_routes(service.ops_routes())
    async with (listen or listening)(app, address, name="OPS_LISTEN") as url:
        yield url


class _Lacks:
    """What ``/readyz`` says, as a metric: looked up whenever it is asked for."""

    def __init__(self, services: "Sequence[Service]", telemetry: Telemetry) -> None:
        self._services, self._telemetry = services, telemetry
        self._shown: set[tuple[str, str]] = set()

    def show(self) -> None:
        now = {(s.name, what) for s in self._services for what in s.missing() or ["nothing"]}
        # What is lacked no more falls to 0 rather than vanish: an alert's end is seen at once.
        self._shown |= now
        for service, what in self._shown:
            self._telemetry.gauge("antirelou_lacks", service=service, what=what).set(
                (service, what) in now
            )


class _LostLines:
    """How many lines of the log could not be written, as a metric."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._counter, self._shown = telemetry.counter("antirelou_log_lines_lost_total"), 0

    def show(self) -> None:
        lost = count_lost_lines()
        self._counter.inc(lost - self._shown)
        self._shown = lost


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
