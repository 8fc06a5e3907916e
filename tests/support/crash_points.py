"""antirelou that dies on purpose: ``python -m tests.support.crash_points AT TRACE ARGUMENT …``.

All that a service does to the world goes through ``Ports`` and the log. ``Points`` stands around
these, just before and just after each call.

- TRACE is a file: the name of each point passed is added to it, a line each.
- AT is ``name#2``: when that point is passed for the second time, SIGKILL. Empty: nowhere.

A name says port, call and side, such as ``log.append:sms.judged:after``, ``provider.send:before``,
``database.billing.save_replies:before``, ``http.LISTEN:200:after``. A transaction that
wrote is named by its first statement, ``database.billing.commit:load_standing:before``; where it
begins is the point before that.
"""

import asyncio
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, cast

from aiohttp import web

from antirelou import compose
from antirelou.commands.main import run
from kernel.database.pool import OpenPool, Pool, open_pool
from kernel.http.server import Listen
from kernel.log.port import Batch, Log, Outgoing, Reader
from kernel.provider.port import Provider
from kernel.service.port import OpenProvider, Ports
from kernel.settings.settings import Settings
from kernel.telemetry.metrics import Telemetry

FLUSH_SECONDS = 0.02
"""What was given to the event loop to send is on its way after this."""


class Points:
    """Counts the points passed, and dies at one.

    Args:
        at: ``name#count``; empty: nowhere.
        trace: the file that the names are added to; empty: none.
    """

    def __init__(self, at: str, trace: str) -> None:
        self._at, _, count = at.rpartition("#") if "#" in at else (at, "", "1")
        self._count = int(count)
        self._trace = os.open(trace, os.O_APPEND | os.O_CREAT | os.O_WRONLY) if trace else None
        self._passed: Counter[str] = Counter()

    def cross(self, name: str) -> None:
        """A point is passed."""
        self._passed[name] += 1
        if self._trace is not None:
            os.write(self._trace, f"{name}\n".encode())
        if name == self._at and self._passed[name] >= self._count:
            os.kill(os.getpid(), signal.SIGKILL)

    def cross_all(self, names: Iterable[str]) -> None:
        """Several at once."""
        for name in names:
            self.cross(name)

    async def around(self, name: str, call: Awaitable[Any]) -> Any:
        """Await a call of a port; what fails has no point after it."""
        self.cross(f"{name}:before")
        result = await call
        self.cross(f"{name}:after")
        return result


def watch_ports(points: Points, ports: Ports) -> Ports:
    """The ports, with the points around them."""
    return replace(
        ports,
        log=cast("Log", WatchedLog(points, ports.log)),
        open_pool=watch_pools(points, ports.open_pool),
        open_provider=partial(_open_watched_provider, points, ports.open_provider),
        listen=partial(_listen_watched, points, ports.listen),
    )


# -- the log --------------------------------------------------------------------------------------


class _Watched:
    """A port all of whose other methods are calls with a point on either side; facts are read."""

    def __init__(self, points: Points, name: str, port: object) -> None:
        self._points, self._name, self._port = points, name, port

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._port, method)
        if not callable(real):
            return real

        async def call(*arguments: Any, **more: Any) -> Any:
            name = f"{self._name}.{method}"
            return await self._points.around(name, real(*arguments, **more))

        return call


class WatchedLog(_Watched):
    """A ``Log``."""

    def __init__(self, points: Points, log: Log) -> None:
        super().__init__(points, "log", log)
        self._log = log
        self.scan = log.scan

    async def append(self, records: Sequence[Outgoing]) -> None:
        """See ``Log``. A point for each topic."""
        topics = sorted({record.topic for record in records})
        self._points.cross_all(f"log.append:{topic}:before" for topic in topics)
        await self._log.append(records)
        self._points.cross_all(f"log.append:{topic}:after" for topic in topics)

    @asynccontextmanager
    async def reader(self, group: str, topics: Sequence[str]) -> AsyncIterator[Reader]:
        """See ``Log``."""
        self._points.cross(f"log.join:{group}:before")
        async with self._log.reader(group, topics) as reader:
            self._points.cross(f"log.join:{group}:after")
            yield _WatchedReader(self._points, group, reader)
            self._points.cross(f"log.leave:{group}:before")
        self._points.cross(f"log.leave:{group}:after")


class _WatchedReader:
    """A ``Reader``. Of its reads only those that gave something have points, after them."""

    def __init__(self, points: Points, group: str, reader: Reader) -> None:
        self._points, self._group, self._reader = points, group, reader

    async def read(self, *, records_max: int, bytes_max: int, wait_seconds: float) -> Batch:
        batch = await self._reader.read(
            records_max=records_max, bytes_max=bytes_max, wait_seconds=wait_seconds
        )
        topics = sorted({record.topic for record in batch.records})
        self._points.cross_all(f"log.read:{self._group}:{topic}:after" for topic in topics)
        return batch

    async def commit(self, batch: Batch) -> None:
        commit = self._reader.commit(batch)
        await self._points.around(f"log.commit:{self._group}", commit)


# -- the database ---------------------------------------------------------------------------------


def watch_pools(points: Points, open_pool: OpenPool) -> OpenPool:
    """What opens pools with points around each statement and each commit."""
    return partial(_open_watched_pool, points, open_pool)


@asynccontextmanager
async def _open_watched_pool(
    points: Points, open_pool: OpenPool, url: str, **arguments: Any
) -> AsyncIterator[Pool]:
    async with open_pool(url, **arguments) as pool:
        yield cast("Pool", _WatchedPool(points, f"database.{arguments['schema']}", pool))


class _Statements:
    """What a pool and a connection have in common."""

    def __init__(self, points: Points, name: str, real: Any) -> None:
        self._points, self._name, self._real = points, name, real

    def _noted(self, query: str) -> str:
        return f"{self._name}.{statement_name(query)}"

    async def fetch(self, query: str, *arguments: Any, **more: Any) -> Any:
        call = self._real.fetch(query, *arguments, **more)
        return await self._points.around(self._noted(query), call)

    async def fetchrow(self, query: str, *arguments: Any, **more: Any) -> Any:
        call = self._real.fetchrow(query, *arguments, **more)
        return await self._points.around(self._noted(query), call)

    async def fetchval(self, query: str, *arguments: Any, **more: Any) -> Any:
        call = self._real.fetchval(query, *arguments, **more)
        return await self._points.around(self._noted(query), call)

    async def execute(self, query: str, *arguments: Any, **more: Any) -> Any:
        call = self._real.execute(query, *arguments, **more)
        return await self._points.around(self._noted(query), call)


class _WatchedPool(_Statements):
    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["_WatchedConnection"]:
        async with self._real.acquire() as connection:
            yield _WatchedConnection(self._points, self._name, connection)


class _WatchedConnection(_Statements):
    def __init__(self, points: Points, name: str, real: Any) -> None:
        super().__init__(points, name, real)
        self._first = ""
        self._wrote = False

    def _noted(self, query: str) -> str:
        self._first = self._first or statement_name(query)
        self._wrote = self._wrote or _WRITES.search(query) is not None
        return super()._noted(query)

    async def copy_records_to_table(self, table: str, **more: Any) -> Any:
        call = self._real.copy_records_to_table(table, **more)
        return await self._points.around(self._noted(f"-- copy_{table}\nINSERT INTO"), call)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        async with self._real.transaction():
            yield
            self._cross_commit("before")
        self._cross_commit("after")

    def _cross_commit(self, side: str) -> None:
        if self._wrote:
            self._points.cross(f"{self._name}.commit:{self._first}:{side}")


_WRITES = re.compile(r"\b(?:INSERT INTO|DELETE FROM|UPDATE [a-z_]+(?: AS)?(?: [a-z]+)?\s+SET)\b")
_NAMED = re.compile(r"-- ([a-z_]+)\n")
_CALLED = re.compile(r"\bSELECT (?:\S+ FROM )?([a-z_]+)\(")
_TABLE = re.compile(r"\b(?:FROM|UPDATE|INTO) ([a-z_]+)")


def statement_name(query: str) -> str:
    """What a statement is called: by its file, else by the function or table that it uses first."""
    match = _NAMED.match(query) or _CALLED.search(query) or _TABLE.search(query)
    return match[1] if match else "statement"


# -- the provider, and whoever calls us -----------------------------------------------------------


@asynccontextmanager
async def _open_watched_provider(
    points: Points,
    open_provider: OpenProvider,
    settings: Settings,
    telemetry: Telemetry,
) -> AsyncIterator[Provider]:
    async with open_provider(settings, telemetry) as provider:
        yield cast("Provider", _Watched(points, "provider", provider))


@asynccontextmanager
async def _listen_watched(
    points: Points, listen: Listen, app: web.Application | web.Server, address: str, **more: Any
) -> AsyncIterator[str]:
    """Serve; each answer has a point before and after it, health and metrics have none."""
    surface = f"http.{more['name']}"
    if isinstance(app, web.Application):
        app.middlewares.append(_watch_answers(points, surface))
    else:
        app.request_handler = _watch_handler(points, surface, app.request_handler)
    async with listen(app, address, **more) as url:
        yield url


def _watch_answers(points: Points, surface: str) -> Any:
    @web.middleware
    async def watch(request: web.Request, handler: Any) -> web.StreamResponse:
        resource = request.match_info.route.resource
        path = resource.canonical if resource else ""
        if not path.startswith("/v1/"):
            return cast("web.StreamResponse", await handler(request))
        name = f"{surface}:{request.method} {path}"
        answer: web.StreamResponse = await _watch_handler(points, name, handler)(request)
        return answer

    return watch


def _watch_handler(points: Points, surface: str, handler: Any) -> Any:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        name = f"{surface}:{response.status}"
        points.cross(f"{name}:before")
        await response.prepare(request)
        await response.write_eof()
        await asyncio.sleep(FLUSH_SECONDS)
        points.cross(f"{name}:after")
        return response

    return answer


# -- the program ----------------------------------------------------------------------------------


def _install(points: Points) -> None:
    open_ports = compose.open_ports
    # The embedded log's; to replace it is what this module is for.
    compose.open_pool = watch_pools(points, open_pool)  # type: ignore[attr-defined, assignment]

    @asynccontextmanager
    async def open_watched(
        settings: Settings, telemetry: Telemetry, database_url: str
    ) -> AsyncIterator[Ports]:
        async with open_ports(settings, telemetry, database_url) as ports:
            yield watch_ports(points, ports)

    compose.open_ports = open_watched


if __name__ == "__main__":
    at, trace = sys.argv.pop(1), sys.argv.pop(1)
    _install(Points(at, trace))
    run()
