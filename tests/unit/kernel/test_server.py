"""The operators' surface."""

import re
import socket
from collections.abc import Sequence

import pytest
from aiohttp import ClientSession, web
from prometheus_client import CollectorRegistry

from antirelou.ops import serve_ops
from kernel.http.server import guarded, listening, split_address
from kernel.telemetry.metrics import Telemetry
from kernel.values.errors import Fatal

TOKEN = "an-operators-token"


class IdleService:
    """A service that does nothing, and lacks what it is told to."""

    def __init__(self, name: str, *lacks: str) -> None:
        self.name, self.lacks = name, list(lacks)

    async def run(self) -> None:
        return

    def drain(self) -> None:
        return

    def missing(self) -> Sequence[str]:
        return self.lacks

    def ops_routes(self) -> Sequence[web.AbstractRouteDef]:
        async def hello(_: web.Request) -> web.Response:
            return web.Response(text=f"hello from {self.name}")

        return [web.get(f"/v1/{self.name}", guarded(TOKEN, hello))]


async def get(url: str, **headers: str) -> tuple[int, str]:
    async with ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_alive_always_and_ready_when_every_service_is() -> None:
    filter_, billing = IdleService("filter"), IdleService("billing", "database_away")
    async with serve_ops("127.0.0.1:0", [filter_, billing], Telemetry(CollectorRegistry())) as url:
        assert (await get(f"{url}/healthz"))[0] == 200
        status, said = await get(f"{url}/readyz")
        assert status == 503
        assert "database_away" in said
        assert "filter" not in said
        billing.lacks.clear()
        assert (await get(f"{url}/readyz"))[0] == 200


async def test_whoever_asks_too_early_is_told_when_to_ask_again() -> None:
    lacking = [IdleService("billing", "draining")]
    async with (
        serve_ops("127.0.0.1:0", lacking, Telemetry(CollectorRegistry())) as url,
        ClientSession() as session,
        session.get(f"{url}/readyz") as answer,
    ):
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


async def test_lines_of_the_log_that_nobody_took_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    telemetry, lost = Telemetry(CollectorRegistry()), 2
    monkeypatch.setattr("antirelou.ops.count_lost_lines", lambda: lost)
    async with serve_ops("127.0.0.1:0", [], telemetry) as url:
        assert "antirelou_log_lines_lost_total 2.0" in (await get(f"{url}/metrics"))[1]
        lost = 5
        assert "antirelou_log_lines_lost_total 5.0" in (await get(f"{url}/metrics"))[1]


async def test_what_a_service_lacks_is_a_metric_that_ends_with_it() -> None:
    billing = IdleService("billing", "log_away")
    telemetry = Telemetry(CollectorRegistry())
    async with serve_ops("127.0.0.1:0", [billing], telemetry) as url:
        assert shown_lacks(await get(f"{url}/metrics")) == {"log_away": 1}
        billing.lacks.clear()
        assert shown_lacks(await get(f"{url}/metrics")) == {"log_away": 0, "nothing": 1}


def shown_lacks(answer: tuple[int, str]) -> dict[str, float]:
    found = re.findall(r'antirelou_lacks{service="billing",what="(\w+)"} (\S+)', answer[1])
    return {what: float(value) for what, value in found}


async def test_metrics_are_those_of_the_registry() -> None:
    telemetry = Telemetry(CollectorRegistry())
    telemetry.gauge("antirelou_deliberating").set(7)
    async with serve_ops("127.0.0.1:0", [], telemetry) as url:
        status, shown = await get(f"{url}/metrics")
    assert status == 200
    assert "antirelou_deliberating 7.0" in shown


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("", 401),
        (f"Bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        (f"bearer {TOKEN}", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        ("Bearer été", 401),
    ],
)
async def test_routes_of_services_want_the_operators_token(header: str | None, status: int) -> None:
    async with serve_ops(
        "127.0.0.1:0", [IdleService("filter")], Telemetry(CollectorRegistry())
    ) as url:
        headers = {} if header is None else {"Authorization": header}
        found, said = await get(f"{url}/v1/filter", **headers)
    assert found == status
    assert TOKEN not in said


async def test_without_a_token_nobody_is_let_in() -> None:
    async def open_to_all(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/", guarded("", open_to_all))
    async with listening(app, "127.0.0.1:0", name="OPS_LISTEN") as url:
        assert (await get(url, Authorization="Bearer "))[0] == 401


async def test_an_oversized_body_is_refused() -> None:
    async def take(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    class Taking(IdleService):
        def ops_routes(self) -> Sequence[web.AbstractRouteDef]:
            return [web.post("/v1/take", take)]

    async with (
        serve_ops("127.0.0.1:0", [Taking("x")], Telemetry(CollectorRegistry())) as url,
        ClientSession() as session,
    ):
        async with session.post(f"{url}/v1/take", data=b"x" * 70_000) as answer:
            assert answer.status == 413
        async with session.post(f"{url}/v1/take", data=b"x" * 60_000) as answer:
            assert await answer.text() == "60000"


async def test_an_address_that_is_taken_names_the_setting() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        with pytest.raises(Fatal, match=f"ANTIRELOU_OPS_LISTEN.*{address}") as caught:
            async with serve_ops(address, [], Telemetry(CollectorRegistry())):
                pytest.fail("it listens")
    assert caught.value.code == "listen"


async def test_the_address_is_free_again_afterwards() -> None:
    async with serve_ops("127.0.0.1:0", [], Telemetry(CollectorRegistry())) as url:
        address = url.removeprefix("http://")
    async with serve_ops(address, [], Telemetry(CollectorRegistry())) as again:
        assert again == url


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:9100", ("127.0.0.1", 9100)),
        ("[::1]:80", ("::1", 80)),
        ("ops.example.org:0", ("ops.example.org", 0)),
    ],
)
def test_addresses_are_split(address: str, parts: tuple[str, int]) -> None:
    assert split_address(address) == parts
