"""``/_sim/…``: the simulator's own surface, for tests, the demo and the curious. No credentials."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from json import JSONDecodeError
from typing import Any

from aiohttp import web

from kernel.values.money import parse_micro
from simulator.drive import Drive, Progress
from simulator.message import Message, format_time
from simulator.webhooks import Webhooks
from simulator.weekend import weekend
from simulator.world import World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OPTIONAL = {"text": "text", "to": "recipient", "type": "kind", "intent": "intent",
            "message_uuid": "message_id"}  # fmt: skip
"""Fields of a message in a request, and what they are called inside."""


class Control:
    """The routes.

    Args:
        world: what they show and change.
        webhooks: delivers what is received.
    """

    def __init__(self, world: World, webhooks: Webhooks) -> None:
        self._world = world
        self._webhooks = webhooks
        self._drive: Drive | None = None

    def routes(self) -> list[web.RouteDef]:
        """What is served under ``/_sim/``."""
        return [
            web.post("/_sim/messages", _guard(self._receive)),
            web.get("/_sim/messages", self._messages),
            web.post("/_sim/calls", _guard(self._call)),
            web.get("/_sim/bill", self._bill),
            web.get("/_sim/settled", self._settled),
            web.get("/_sim/links", self._links),
            web.post("/_sim/faults", _guard(self._change_faults)),
            web.get("/_sim/faults", self._faults),
            web.post("/_sim/credit", _guard(self._credit)),
            web.post("/_sim/drive", _guard(self._start_drive)),
            web.get("/_sim/drive", self._progress),
        ]

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        """A message, a list of them, or ``{"messages": […]}``; they are delivered beside."""
        body = await request.json()
        batch = body.get("messages", body) if isinstance(body, dict) else body
        read = [read_message(one) for one in (batch if isinstance(batch, list) else [batch])]
        taken = [self._webhooks.take(**one) for one in read]
        for message in taken:
            if message is not None:
                self._world.spawn(self._webhooks.deliver(message))
        uuids = [message.uuid if message else None for message in taken]
        return web.json_response({"message_uuids": uuids}, status=202)

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        direction = request.query.get("direction")
        found = [
            describe(message)
            for message in self._world.messages.values()
            if direction in {None, message.direction}
        ]
        return web.json_response({"messages": found})

    async def _call(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        status, answer = await self._webhooks.call(_need(body, "from"))
        return web.json_response({"status": status, "answer": answer})

    async def _bill(self, request: web.Request) -> web.StreamResponse:
        """The bill; with ``?by_message=1`` the charge of every message too."""
        bill = asdict(self._world.bill())
        if not request.query.get("by_message"):
            del bill["by_message"]
        bill["cash_credits_microunits"] = self._world.credit_microunits
        return web.json_response(bill)

    async def _settled(self, _: web.Request) -> web.StreamResponse:
        pending = self._world.pending
        return web.json_response({"settled": pending == 0, "pending": pending})

    async def _links(self, _: web.Request) -> web.StreamResponse:
        """Every call that asked to link the number, in order."""
        return web.json_response({"links": [asdict(call) for call in self._world.link_calls]})

    async def _change_faults(self, request: web.Request) -> web.StreamResponse:
        self._world.faults.update(await request.json())
        return await self._faults(request)

    async def _faults(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(asdict(self._world.faults))

    async def _credit(self, request: web.Request) -> web.StreamResponse:
        """Set the prepaid credit: ``{"cash_credits": "12.50"}``."""
        self._world.credit_microunits = parse_micro(_need(await request.json(), "cash_credits"))
        return web.json_response({"cash_credits_microunits": self._world.credit_microunits})

    async def _start_drive(self, request: web.Request) -> web.StreamResponse:
        """Start the weekend: ``{"seed": 2017, "scale": 1.0, "speed": 4800}``, all optional."""
        if self._drive is not None and not self._drive.progress.finished:
            return web.json_response({"error": "a crowd is under way already"}, status=409)
        body = await request.json() if request.can_read_body else {}
        speed, scale = float(body.get("speed", 1)), float(body.get("scale", 1))
        if speed <= 0 or scale <= 0:
            raise ValueError("speed, scale: above 0")
        arrivals = weekend(int(body.get("seed", 2017)), scale, self._world.config.number)
        self._drive = Drive(self._world, self._webhooks, arrivals, speed)
        self._world.spawn(self._drive.run())
        return web.json_response(self._drive.progress.as_json(), status=202)

    async def _progress(self, _: web.Request) -> web.StreamResponse:
        progress = Progress(0) if self._drive is None else self._drive.progress
        return web.json_response(progress.as_json())


def read_message(body: Any) -> dict[str, Any]:
    """Read a message of a request as the arguments of ``Webhooks.take``.

    Raises:
        ValueError: ``from`` is missing, or a field is no text.
    """
    found: dict[str, Any] = {"sender": _need(body, "from"), "text": None}
    for name, inside in OPTIONAL.items():
        value = body.get(name)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{name}: a text")
        if value is not None:
            found[inside] = value
    return found


def describe(message: Message) -> dict[str, Any]:
    """A message for ``GET /_sim/messages``: all of it, its numbers as E.164 where they are."""
    return {
        "message_uuid": message.uuid,
        "direction": message.direction,
        "from": _plus(message.sender),
        "to": _plus(message.recipient),
        "text": message.text,
        "state": message.state,
        "segments": message.segments,
        "amount_microunits": message.amount_microunits if message.charged else 0,
        "error_code": message.error_code,
        "attempts": message.attempts,
        "at": format_time(message.at),
    }


def _plus(number: str) -> str:
    return f"+{number}" if number.isdigit() and len(number) > 6 else number


def _need(body: Any, name: str) -> str:
    value = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: a text is needed")
    return value


def _guard(handler: Handler) -> Handler:
    """Answer 400 to what cannot be read."""

    async def check(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except JSONDecodeError:
            return web.json_response({"error": "the body is no JSON"}, status=400)
        except (ValueError, TypeError, AttributeError) as trouble:
            return web.json_response({"error": str(trouble)}, status=400)

    return check
