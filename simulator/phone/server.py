"""The server that phones hang on, or the phone's own, as a server and in a test as an object."""

import asyncio
import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from random import Random
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from kernel.values.clock import Clock, SystemClock
from simulator.phone.phone import Phone, Registration, Sms, time_to_live
from simulator.phone.settings import PhoneConfig, PhoneFaults
from simulator.webhook_client import WebhookClient

MISSING_KEPT_SECONDS = 300.0
"""How long the server remembers that a message is not there, at speed 1."""
EVENTS = (
    "sms:received", "sms:sent", "sms:delivered", "sms:failed", "sms:cancelled", "mms:received",
    "system:ping", "app:started",
)  # fmt: skip
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PhoneSimulator:
    """Phones and their server, running while the context is open.

    Attributes:
        url: scheme, host, port, and the path before the API's own.
        faults: what goes wrong; change it at any time.
        messages: what it was given, in order.
        registrations: the webhooks.
    """

    def __init__(self, config: PhoneConfig, clock: Clock | None = None) -> None:
        self.config, self.url = config, ""
        self.faults = PhoneFaults()
        self.messages: list[Sms] = []
        self.registrations: list[Registration] = [
            Registration(f"hand-{event}", event, config.webhook_url)
            for event in EVENTS
            if config.webhook_url
        ]
        self._clock = clock or SystemClock()
        self._random = Random(config.seed)
        self._client = WebhookClient(8)
        self._missing: dict[str, float] = {}
        self._runner: web.AppRunner | None = None
        self.phones = {
            device: Phone(
                device, config, self.faults, registrations=self.registrations, clock=self._clock,
                post=self._post,
            )
            for device in config.devices
        }  # fmt: skip

    async def __aenter__(self) -> Self:
        self._client.open()
        app = web.Application(middlewares=[self._guard])
        base = self.config.base
        app.add_routes([
            web.post(f"{base}/messages", self._create),
            web.get(f"{base}/messages", self._list),
            web.get(f"{base}/messages/{{id}}", self._get),
            web.delete(f"{base}/messages/{{id}}", self._cancel),
            web.get(f"{base}/webhooks", self._list_webhooks),
            web.post(f"{base}/webhooks", self._register),
            web.delete(f"{base}/webhooks/{{id}}", self._unregister),
            web.get(f"{base}/devices", self._devices),
            web.get(f"{base}/inbox", self._inbox),
        ])  # fmt: skip
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.config.host, self.config.port).start()
        port = self._runner.addresses[0][1]
        self.url = f"http://{self.config.host}:{port}{self.config.path}"
        for phone in self.phones.values():
            phone.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for phone in self.phones.values():
            await phone.stop()
        await self._client.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # -- what happens to the phones --------------------------------------------------------------

    def receive(
        self,
        sender: str,
        text: str | None = "Bonjour",
        *,
        at: datetime | None = None,
        device: str | None = None,
        kind: str = "sms",
    ) -> list[str]:
        """Somebody texts a phone's number, now or a while ago. Returns the ids of the events."""
        phone = self.phones[device or self.config.devices[0]]
        return phone.receive(sender, text, at or self._clock.now(), kind)

    def switch(self, *, online: bool, device: str | None = None) -> None:
        """Take phones off the net, or back: then all that waited goes at once."""
        for phone in self.phones.values():
            if device in {None, phone.device}:
                phone.online = online
                phone.wake()

    @property
    def sent(self) -> list[Sms]:
        """What left, in no order; what left twice stands in it twice."""
        return [sms for sms in self.messages for _ in range(sms.sent)]

    async def settled(self, seconds_max: float) -> bool:
        """Wait until nothing is under way on phones that are online."""
        ends = self._clock.monotonic() + seconds_max
        while self._clock.monotonic() < ends:
            if all(phone.idle for phone in self.phones.values() if phone.online):
                return True
            await asyncio.sleep(0.02)
        return False

    async def _post(self, url: str, headers: Any, body: bytes) -> int:
        status, _ = await self._client.send("POST", url, headers, body)
        return status

    # -- the API ---------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        login = f"{self.config.user}:{self.config.password}".encode()
        expected = f"Basic {base64.b64encode(login).decode()}"
        if request.headers.get("Authorization") != expected:
            return _say(401, "Unauthorized")
        sending = request.method == "POST" and request.path.endswith("/messages")
        if not sending and self.faults.query_error.strikes(self._random):
            return _say(500, "failed")
        return await handler(request)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        for name, status in (("too_many_requests", 429), ("unauthorized", 401),
                             ("server_error", 500)):  # fmt: skip
            if getattr(self.faults, name).strikes(self._random):
                return _say(status, name)
        if self.faults.proxy_unavailable.strikes(self._random):
            return web.Response(status=503, text="<html>503</html>", content_type="text/html")
        if self.faults.connection_reset.strikes(self._random):
            return _reset(request)
        # The queue is looked at before the duplicate.
        if self.faults.queue_full.strikes(self._random):
            return _say(503, "queue limits exceeded; ensure device is online")
        answer = self._take(await request.json())
        return await self._lose_answer(request, answer) if answer.status == 202 else answer

    async def _lose_answer(
        self, request: web.Request, answer: web.StreamResponse
    ) -> web.StreamResponse:
        if self.faults.accept_then_timeout.strikes(self._random):
            await asyncio.sleep(15)
        if self.faults.accept_then_502.strikes(self._random):
            return web.Response(status=502, text="<html>502</html>", content_type="text/html")
        if self.faults.accept_then_reset.strikes(self._random):
            return _reset(request)
        if self.faults.rubbish.strikes(self._random):
            return web.Response(status=202, text="accepted")
        return answer

    def _take(self, body: dict[str, Any]) -> web.StreamResponse:
        """Take an SMS, or say why not."""
        device, numbers = body.get("deviceId"), body.get("phoneNumbers") or []
        text, ttl = (body.get("textMessage") or {}).get("text"), body.get("ttl")
        message_id = body.get("id") or ""
        if device not in self.phones:
            return _say(400, "failed to select device: not found")
        if not text or len(message_id) > 36 or not isinstance(ttl, int) or ttl < 5:
            return _say(400, "validation failed")
        if len(numbers) != 1 or not re.fullmatch(r"\+[0-9]{8,15}", numbers[0]):
            return _say(400, "can't use phone in row 1: invalid phone number")
        if any(one.id == message_id and one.device == device for one in self.messages):
            return _say(409, "message with the same ID already exists")
        now = self._clock.now()
        sms = Sms(message_id, device, numbers[0], text, time_to_live(now, ttl))
        sms.states["Pending"] = now
        self.messages.append(sms)
        self.phones[device].waiting.append(sms)
        self.phones[device].wake()
        return web.json_response(_describe(sms), status=202)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        message_id = request.match_info["id"]
        now = self._clock.monotonic()
        found = [one for one in self.messages if one.id == message_id]
        if len(found) > 1:
            return _say(500, "failed to get message state")
        if not found or self._missing.get(message_id, now) > now:
            kept = MISSING_KEPT_SECONDS / self.config.speed
            self._missing.setdefault(message_id, now + kept)
            return _say(404, "message not found")
        return web.json_response(_describe(found[0]))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        since, until = _time(request.query["from"]), _time(request.query["to"])
        found = [one for one in self.messages if since <= one.states["Pending"] <= until]
        return _page(request, [_describe(one) for one in reversed(found)])

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        found = [one for one in self.messages if one.id == request.match_info["id"]]
        if not found:
            return _say(404, "message not found")
        sms = found[0]
        if sms.state != "Pending":
            return _say(409 if self.config.mode == "private" else 400, "message is not pending")
        # The phone has not fetched it: it hears of nothing, and raises no event.
        phone = self.phones[sms.device]
        phone.enter(sms, "Cancelling")
        answer = web.json_response(_describe(sms))
        phone.enter(sms, "Cancelled")
        return answer

    async def _list_webhooks(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(
            [{"id": one.id, "event": one.event, "url": one.url} for one in self.registrations]
        )

    async def _register(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if body.get("event") not in EVENTS or not body.get("url"):
            return _say(400, "validation failed")
        registration = Registration(body.get("id") or "made-up", body["event"], body["url"])
        known = [one for one in self.registrations if one.id != registration.id]
        self.registrations[:] = [*known, registration]
        return web.json_response(body, status=201)

    async def _unregister(self, request: web.Request) -> web.StreamResponse:
        known = [one for one in self.registrations if one.id != request.match_info["id"]]
        self.registrations[:] = known
        return web.Response(status=204)

    async def _devices(self, _: web.Request) -> web.StreamResponse:
        return web.json_response([
            {"id": phone.device, "name": "simulated", "lastSeen": phone.last_seen.isoformat()}
            for phone in self.phones.values()
        ])  # fmt: skip

    async def _inbox(self, request: web.Request) -> web.StreamResponse:
        if self.config.mode == "private":
            return _say(501, "not implemented")
        since, until = _time(request.query["from"]), _time(request.query["to"])
        phone = self.phones[self.config.devices[0]]
        found = [one for one in phone.inbox if since <= one.at <= until]
        return _page(request, [
            {"id": one.id, "type": "SMS", "sender": one.sender, "simNumber": 1,
             "contentPreview": one.text, "createdAt": one.at.isoformat(timespec="milliseconds")}
            for one in sorted(found, key=lambda one: one.at, reverse=True)
        ])  # fmt: skip


def _describe(sms: Sms) -> dict[str, Any]:
    """As the server tells it: hashed once the phone has it."""
    number = hashlib.sha256(sms.number.encode()).hexdigest()[:16] if sms.fetched else sms.number
    recipient = {"phoneNumber": number, "state": sms.state}
    if sms.error:
        recipient["error"] = sms.error
    states = {name: at.isoformat(timespec="milliseconds") for name, at in sms.states.items()}
    return {"id": sms.id, "deviceId": sms.device, "state": sms.state, "isHashed": sms.fetched,
            "isEncrypted": False, "recipients": [recipient], "states": states}  # fmt: skip


def _page(request: web.Request, found: Sequence[dict[str, Any]]) -> web.StreamResponse:
    limit, offset = int(request.query.get("limit", 50)), int(request.query.get("offset", 0))
    page = list(found[offset : offset + limit])
    return web.json_response(page, headers={"X-Total-Count": str(len(found))})


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _say(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)


def _reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
