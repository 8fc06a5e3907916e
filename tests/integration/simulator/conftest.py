"""A running simulator, the SDK against it, and a house that takes its webhooks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import plivo.rest.client
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from simulator.server import Simulator, SimulatorConfig

AUTH_ID = "MA" + "X" * 18
TOKEN = "token-of-the-tests"
NUMBER = "+33937000000"
SENDER = "+33639981234"
APP_ID = "1000000000000000"


@dataclass
class Hook:
    """A webhook as it came."""

    path: str
    url: str
    fields: dict[str, str]
    headers: dict[str, str]
    at: float


@dataclass
class Door:
    """Takes webhooks; answers the next ones by ``statuses``, then 200."""

    base: str = ""
    statuses: list[int] = field(default_factory=list)
    seen: list[Hook] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        fields = {name: str(value) for name, value in (await request.post()).items()}
        at = asyncio.get_running_loop().time()
        url = f"{self.base}{request.path_qs}"
        self.seen.append(Hook(request.path, url, fields, dict(request.headers), at))
        status = self.statuses.pop(0) if self.statuses else 200
        text = "<Response><Hangup/></Response>" if request.path == "/call" else ""
        return web.Response(status=status, text=text)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    app = web.Application()
    app.router.add_route("*", "/{path}", door.take)
    async with TestServer(app) as server:
        door.base = f"http://127.0.0.1:{server.port}"
        yield door


def config(door: Door, **changes: Any) -> SimulatorConfig:
    given: dict[str, Any] = {
        "auth_id": AUTH_ID, "auth_token": TOKEN, "number": NUMBER, "app_id": APP_ID,
        "message_url": f"{door.base}/message", "answer_url": f"{door.base}/call", "speed": 1000.0,
    }  # fmt: skip
    return SimulatorConfig(**(given | changes))


@pytest.fixture
async def simulator(door: Door) -> AsyncIterator[Simulator]:
    async with Simulator(config(door)) as simulator:
        yield simulator


@dataclass
class Sdk:
    """The real SDK, in a thread."""

    client: Any

    async def ask(self, question: Callable[[Any], Any]) -> Any:
        return await asyncio.to_thread(question, self.client)

    async def send(self, **changes: Any) -> Any:
        given = {"dst": SENDER, "src": NUMBER, "text": "Bonjour"} | changes
        return await self.ask(lambda client: client.messages.create(**given))


@pytest.fixture
def sdk(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sdk]:
    yield from open_sdk(simulator.url, monkeypatch)


def open_sdk(url: str, monkeypatch: pytest.MonkeyPatch, token: str = TOKEN) -> Iterator[Sdk]:
    monkeypatch.setattr(plivo.rest.client, "PLIVO_API_BASE_URI", f"{url}/v1/Account")
    client = plivo.RestClient(AUTH_ID, token, timeout=1)
    client.session.trust_env = False
    try:
        yield Sdk(client)
    finally:
        client.session.close()
        client.multipart_session.close()
