"""Crash points: names and counts."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from prometheus_client import CollectorRegistry

from kernel.database.store import read_queries
from kernel.log.port import Log, Outgoing
from kernel.service.port import Ports
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import SystemClock
from tests.fakes.log import house_log
from tests.support.crash_points import Points, statement_name, watch_ports

TOPIC = "sms.judged"


async def test_each_call_of_the_log_has_a_point_on_either_side(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    log = house_log()
    ports = watch_ports(Points("", str(trace)), make_ports(log))
    await ports.log.append([Outgoing(TOPIC, b"k", b"v")])
    async with ports.log.reader("filter", [TOPIC]) as reader:
        batch = await reader.read(records_max=10, bytes_max=1000, wait_seconds=0)
        await reader.commit(batch)
    await ports.log.group_lag("filter", TOPIC)
    assert trace.read_text().split() == [
        f"log.append:{TOPIC}:before",
        f"log.append:{TOPIC}:after",
        "log.join:filter:before",
        "log.join:filter:after",
        f"log.read:filter:{TOPIC}:after",
        "log.commit:filter:before",
        "log.commit:filter:after",
        "log.leave:filter:before",
        "log.leave:filter:after",
        "log.group_lag:before",
        "log.group_lag:after",
    ]


async def test_what_fails_has_no_point_after_it(tmp_path: Path) -> None:
    trace = tmp_path / "trace"

    async def fail() -> None:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - any
        await Points("", str(trace)).around("x", fail())
    assert trace.read_text().split() == ["x:before"]


def test_it_dies_there_and_nowhere_else(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    code = (
        "from tests.support.crash_points import Points\n"
        f"points = Points('b#2', {str(trace)!r})\n"
        "for name in 'abcabc': points.cross(name)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert trace.read_text().split() == list("abcab")


@pytest.mark.parametrize("service", ["filter", "billing", "responder", "evidence", "donations"])
def test_a_statement_is_called_as_its_file(service: str) -> None:
    queries = read_queries(f"services.{service}")
    assert {name: statement_name(query) for name, query in queries.items()} == {
        name: name for name in queries
    }


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("SELECT append($1, $2)", "append"),
        ("SELECT generation FROM look($1, $2)", "look"),
        ("\nUPDATE records r SET value = u.value", "records"),
    ],
)
def test_another_statement_is_called_by_what_it_uses(query: str, name: str) -> None:
    assert statement_name(query) == name


def make_ports(log: Log) -> Ports:
    return Ports(log, SystemClock(), Telemetry(CollectorRegistry()), "")


def test_an_answer_is_sent_between_its_points(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    asyncio.run(ask_twice(watch_ports(Points("", str(trace)), make_ports(house_log()))))
    assert trace.read_text().splitlines() == [
        "http.OPS_LISTEN:GET /v1/status:200:before",
        "http.OPS_LISTEN:GET /v1/status:200:after",
    ]


async def ask_twice(ports: Ports) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="done")

    app = web.Application()
    app.router.add_get("/v1/status", answer)
    app.router.add_get("/healthz", answer)
    async with (
        ports.listen(app, "127.0.0.1:0", name="OPS_LISTEN") as url,
        ClientSession() as session,
    ):
        for path in ("/healthz", "/v1/status"):
            async with session.get(url + path) as given:
                assert await given.text() == "done"
