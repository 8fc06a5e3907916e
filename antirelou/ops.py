"""The operators' surface: health, readiness, metrics, and what the services add."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from kernel.http.server import BODY_BYTES_MAX, RETRY_LATER, Listen, listening
from kernel.service.port import Service
from kernel.telemetry.metrics import Telemetry
from kernel.telemetry.streams import count_lost_lines


@asynccontextmanager
async def serve_ops(
    address: str,
    services: Sequence[Service],
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

    def __init__(self, services: Sequence[Service], telemetry: Telemetry) -> None:
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
