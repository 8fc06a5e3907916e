"""A small Plivo over HTTP whose world is a ``FakeProvider``; misbehaves as it is told to."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from kernel.provider.port import Accepted, LoggedMessage
from tests.fakes.provider import FakeProvider

AUTH_ID = "MA" + "X" * 18
TOKEN = "token"
API = f"/v1/Account/{AUTH_ID}"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class StandIn:
    """The server.

    Attributes:
        world: what it knows.
        script: answers to the next requests; when empty, it behaves.
        bodies: the JSON bodies and queries of the requests, in order.
    """

    world: FakeProvider
    url: str = ""
    script: deque[Answer] = field(default_factory=deque)
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._misbehave])
        app.add_routes([
            web.post(f"{API}/Message/", self.create),
            web.get(f"{API}/Message/", self.list),
            web.get(f"{API}/Message/{{id}}/", self.get),
            web.get(f"{API}/Number/{{number}}/", self.number),
            web.post(f"{API}/Number/{{number}}/", self.update),
            web.get(f"{API}/", self.account),
        ])  # fmt: skip
        return app

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        self.bodies.append(await request.json() if request.can_read_body else dict(request.query))
        if self.script:
            return await self.script.popleft()(request)
        return await handler(request)

    async def create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        result = await self.world.send(
            to="+" + body["dst"], text=body["text"], callback_url=body["url"]
        )
        assert isinstance(result, Accepted)
        answer = {
            "api_id": "a",
            "message": "message(s) queued",
            "message_uuid": [result.message_id],
        }
        return web.json_response(answer, status=202)

    async def get(self, request: web.Request) -> web.StreamResponse:
        found = self.world.logged.get(request.match_info["id"])
        if found is None or request.match_info["id"] in self.world.hidden:
            return web.json_response({"error": "not found"}, status=404)
        return web.json_response(_record(*found))

    async def list(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        limit, offset = int(query["limit"]), int(query["offset"])
        since, until = query["message_time__gte"], query.get("message_time__lte", "9999")
        found = [
            (direction, message)
            for direction, message in self.world.logged.values()
            if direction == query["message_direction"]
            and since <= f"{message.at:%Y-%m-%d %H:%M:%S}" <= until
            and query.get("message_state") in {None, message.state}
            and query.get("to_number") in {None, message.recipient.removeprefix("+")}
            and query.get("from_number") in {None, message.sender.removeprefix("+")}
        ]
        found.sort(key=lambda item: (item[1].at, item[1].message_id), reverse=True)
        more = len(found) > offset + limit
        meta = {"limit": limit, "offset": offset, "next": "/v1/…" if more else None,
                "previous": None, "total_count": len(found)}  # fmt: skip
        page = [_record(*item) for item in found[offset : offset + limit]]
        return web.json_response({"api_id": "a", "meta": meta, "objects": page})

    async def number(self, request: web.Request) -> web.StreamResponse:
        app = f"{API}/Application/{self.world.app_id}/" if self.world.app_id else None
        return web.json_response({"number": request.match_info["number"], "application": app})

    async def update(self, request: web.Request) -> web.StreamResponse:
        await self.world.link((await request.json())["app_id"])
        return web.json_response({"message": "changed"}, status=202)

    async def account(self, _: web.Request) -> web.StreamResponse:
        credit = self.world.account.credit_microunits
        return web.json_response(
            {
                "cash_credits": f"{(credit or 0) / 1e6:.5f}",
                "auto_recharge": self.world.account.auto_recharge,
                "billing_mode": "prepaid",
            }
        )


def _record(direction: str, message: LoggedMessage) -> dict[str, Any]:
    amount = message.amount_microunits
    return {
        "message_uuid": message.message_id,
        "from_number": message.sender.removeprefix("+"),
        "to_number": message.recipient.removeprefix("+"),
        "message_direction": direction,
        "message_state": message.state,
        "message_type": message.message_type,
        "message_time": f"{message.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00:00",
        "units": message.segments,
        "total_rate": "0.0",
        "total_amount": None if amount is None else f"{amount / 1e6:.6f}",
        "error_code": message.error_code,
    }


def status(code: int, body: Any = None, **headers: str) -> Answer:
    """Answers this status, with a JSON body where one is given."""

    async def answer(_: web.Request) -> web.StreamResponse:
        if body is None:
            return web.Response(status=code, headers=headers)
        return web.json_response(body, status=code, headers=headers)

    return answer


def raw(code: int, text: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=text, content_type="application/json")

    return answer


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(1.0)
    return web.Response(status=500)


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def open_stand_in(world: FakeProvider) -> AsyncIterator[StandIn]:
    stand_in = StandIn(world)
    server = TestServer(stand_in.app())
    await server.start_server()
    try:
        stand_in.url = str(server.make_url("")).rstrip("/")
        yield stand_in
    finally:
        await server.close()


def at_second(second: int) -> datetime:
    return datetime(2026, 11, 1, 12, 0, second, tzinfo=UTC)
