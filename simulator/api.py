"""The REST API as the ``plivo`` SDK calls it (docs/plivo.md §4, §5, §9)."""

import asyncio
import base64
import re
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from simulator.faults import Fault
from simulator.message import Message, format_amount, is_too_long, log_record
from simulator.sending import Send, Sending
from simulator.world import World

PAGE_MAX = 20
REQUESTS_MAX = 100
"""API requests at a time (docs/plivo.md §4)."""

DESTINATIONS_MAX = 1000
EXPIRY_SECONDS = (5, 10_799)
LISTED_SECONDS = 86_400
"""The default window of the log. No speed divides it: it is no wait."""

HANG_SECONDS = 30.0
"""How long a request is held whose answer is to come too late for any client. Network time."""

LOGS = frozenset({"true", "false", "number_only", "content_only"})
_ADDRESS = re.compile(r"\+?\d{3,15}|[A-Za-z0-9 ]{1,11}")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PlivoApi:
    """The routes.

    Args:
        world: what they show and change.
        sending: takes what is sent.
    """

    def __init__(self, world: World, sending: Sending) -> None:
        self._world = world
        self._sending = sending
        self._open = 0
        self._lists: deque[float] = deque()
        config = world.config
        credentials = base64.b64encode(f"{config.auth_id}:{config.auth_token}".encode()).decode()
        self._authorization = f"Basic {credentials}"
        self._number = config.number.removeprefix("+")

    def routes(self) -> list[web.RouteDef]:
        """What is served under ``/v1/Account/{auth_id}/``."""
        root = f"/v1/Account/{self._world.config.auth_id}"
        return [
            web.post(f"{root}/Message/", self._guard(self._create)),
            web.get(f"{root}/Message/", self._guard(self._query(self._list))),
            web.get(f"{root}/Message/{{uuid}}/", self._guard(self._query(self._get))),
            web.get(f"{root}/Number/{{number}}/", self._guard(self._query(self._number_record))),
            web.post(f"{root}/Number/{{number}}/", self._guard(self._query(self._link))),
            web.get(f"{root}/Pricing/", self._guard(self._query(self._pricing))),
            web.get(f"{root}/", self._guard(self._query(self._account))),
            web.route("*", "/v1/{rest:.*}", self._guard(_not_found)),
        ]

    def _guard(self, handler: Handler) -> Handler:
        """Check the credentials and the number of open requests."""

        async def check(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != self._authorization:
                return _error(401, "authentication failed")
            if self._open >= REQUESTS_MAX:
                return _error(429, "too many concurrent requests")
            self._open += 1
            try:
                if self._strikes(self._world.faults.slow):
                    await asyncio.sleep(self._world.faults.slow_seconds)
                return await handler(request)
            finally:
                self._open -= 1

        return check

    def _query(self, handler: Handler) -> Handler:
        """Fail where a query is to fail."""

        async def check(request: web.Request) -> web.StreamResponse:
            if self._strikes(self._world.faults.query_error):
                return _error(500, "internal error")
            if self._strikes(self._world.faults.query_rubbish):
                return web.Response(text="<html>later?</html>")
            return await handler(request)

        return check

    def _strikes(self, fault: Fault) -> bool:
        return fault.strikes(self._world.random)

    # --- sending

    async def _create(self, request: web.Request) -> web.StreamResponse:
        refused = self._refuse(request)
        if refused is not None:
            return refused
        try:
            body = await request.json()
        except ValueError:
            return _error(400, "the body is no JSON")
        sends, invalid, trouble = read_sends(body)
        if trouble:
            return _error(400, trouble)
        if not all(self._may_reach(send.recipient) for send in sends):
            return _error(403, "sending to this country is not permitted")
        cost = sum(self._sending.price(send) for send in sends)
        if self._world.credit_microunits < cost:
            return _error(402, "Insufficient Credit")
        taken = [self._sending.take(send) for send in sends]
        answer = {
            "api_id": self._world.new_id(),
            "message": "message(s) queued",
            "message_uuid": [message.uuid for message in taken],
        }
        if invalid:
            answer["invalid_number"] = invalid
        return await self._spoil(request) or web.json_response(answer, status=202)

    def _refuse(self, request: web.Request) -> web.StreamResponse | None:
        """The failures that accept nothing."""
        faults = self._world.faults
        for fault, status, error in (
            (faults.too_many_requests, 429, "too many requests"),
            (faults.no_credit, 402, "Insufficient Credit"),
            (faults.server_error, 500, "internal error"),
            (faults.bad_gateway, 502, "bad gateway"),
            (faults.unavailable, 503, "service unavailable"),
        ):
            if self._strikes(fault):
                return _error(status, error)
        return _reset(request) if self._strikes(faults.connection_reset) else None

    async def _spoil(self, request: web.Request) -> web.StreamResponse | None:
        """The failures after the SMS was accepted."""
        faults = self._world.faults
        if self._strikes(faults.accept_then_timeout):
            await asyncio.sleep(HANG_SECONDS)
            return _reset(request)
        if self._strikes(faults.accept_then_502):
            return web.Response(status=502, text="<html>502 Bad Gateway</html>")
        if self._strikes(faults.accept_then_reset):
            return _reset(request)
        if self._strikes(faults.rubbish):
            return web.Response(status=202, text="<html>accepted?</html>")
        return None

    def _may_reach(self, recipient: str) -> bool:
        return recipient.startswith(self._world.config.country_codes)

    # --- the message log

    async def _get(self, request: web.Request) -> web.StreamResponse:
        message = self._world.messages.get(request.match_info["uuid"])
        if message is None:
            return _error(404, "not found")
        record = log_record(message, self._world.config.auth_id)
        return web.json_response({"api_id": self._world.new_id(), **record})

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if not self._may_list():
            return _error(429, "too many requests")
        query = dict(request.query)
        try:
            limit, offset = int(query.get("limit", PAGE_MAX)), int(query.get("offset", 0))
            found = self._find(query)
        except ValueError as trouble:
            return _error(400, str(trouble))
        if not 0 < limit <= PAGE_MAX or offset < 0:
            return _error(400, f"limit: 1 to {PAGE_MAX}; offset: from 0")
        path, total = request.path, len(found)
        following, before = offset + limit, max(offset - limit, 0)
        meta = {
            "limit": limit,
            "offset": offset,
            "next": f"{path}?limit={limit}&offset={following}" if following < total else None,
            "previous": f"{path}?limit={limit}&offset={before}" if offset else None,
            "total_count": total,
        }
        page = [log_record(m, self._world.config.auth_id) for m in found[offset:following]]
        body = {"api_id": self._world.new_id(), "meta": meta, "objects": page}
        return web.json_response(body)

    def _may_list(self) -> bool:
        """Whether the minute still has a request of the log in it."""
        now = asyncio.get_running_loop().time()
        while self._lists and self._lists[0] <= now - 60 / self._world.config.speed:
            self._lists.popleft()
        if len(self._lists) >= self._world.config.list_requests_per_minute:
            return False
        self._lists.append(now)
        return True

    def _find(self, query: dict[str, str]) -> list[Message]:
        """What the log shows for this query, the newest first.

        Raises:
            ValueError: a time that cannot be read.
        """
        now = self._world.now()
        since, until = read_window(query, now)
        until = min(until, now - self._world.faults.list_lag_seconds / self._world.config.speed)
        direction = query.get("message_direction")
        wanted = {
            name: query[key].removeprefix("+")
            for key, name in (
                ("message_state", "state"),
                ("from_number", "sender"),
                ("to_number", "recipient"),
                ("message_type", "kind"),
                ("error_code", "error_code"),
            )
            if key in query
        }
        found = [
            message
            for way, listed in self._world.listed.items()
            if direction in {None, way}
            for message in reversed(listed)
            if since <= message.at <= until
            and all(getattr(message, name) == value for name, value in wanted.items())
        ]
        return found if direction else sorted(found, key=lambda message: -message.at)

    # --- number, account, prices

    async def _number_record(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["number"].removeprefix("+") != self._number:
            return _error(404, "not found")
        auth_id, app_id = self._world.config.auth_id, self._world.app_id
        return web.json_response({
            "api_id": self._world.new_id(),
            "number": self._number,
            "application": f"/v1/Account/{auth_id}/Application/{app_id}/" if app_id else None,
            "active": True,
            "sms_enabled": True,
            "voice_enabled": True,
            "number_type": "local",
            "monthly_rental_rate": "0.80000",
            "sms_rate": format_amount(self._world.config.price_receive_microunits),
            "resource_uri": f"/v1/Account/{auth_id}/Number/{self._number}/",
        })  # fmt: skip

    async def _link(self, request: web.Request) -> web.StreamResponse:
        """Link the number; what does not work is answered 202 as well (docs/plivo.md §9: [U])."""
        if request.match_info["number"].removeprefix("+") != self._number:
            return _error(404, "not found")
        try:
            body = await request.json()
        except ValueError:
            return _error(400, "the body is no JSON")
        app_id = body.get("app_id")
        if isinstance(app_id, str):
            self._world.link(app_id, works=self._works(app_id))
        return web.json_response({"api_id": self._world.new_id(), "message": "changed"}, status=202)

    def _works(self, app_id: str) -> bool:
        """Whether linking to this application does anything."""
        if app_id == self._world.config.app_id or self._world.faults.unlink_by == "any":
            return True
        return self._world.faults.unlink_by == ("other" if app_id else "empty")

    async def _account(self, _: web.Request) -> web.StreamResponse:
        auth_id = self._world.config.auth_id
        return web.json_response({
            "api_id": self._world.new_id(),
            "auth_id": auth_id,
            "account_type": "standard",
            "name": "antirelou",
            "cash_credits": format_amount(self._world.credit_microunits),
            "auto_recharge": self._world.config.auto_recharge,
            "billing_mode": "prepaid",
            "resource_uri": f"/v1/Account/{auth_id}/",
        })  # fmt: skip

    async def _pricing(self, request: web.Request) -> web.StreamResponse:
        config = self._world.config
        return web.json_response({
            "api_id": self._world.new_id(),
            "country_iso": request.query.get("country_iso", "FR"),
            "country_code": 33,
            "message": {
                "inbound": {"rate": format_amount(config.price_receive_microunits)},
                "outbound": {"rate": format_amount(config.price_reply_microunits)},
            },
        })  # fmt: skip


def read_sends(body: Any) -> tuple[list[Send], list[str], str]:
    """Read the body of a send.

    Returns:
        the sends, the destinations that are no number, and what is wrong (empty: nothing).
    """
    if not isinstance(body, dict):
        return [], [], "the body is no JSON object"
    source, destinations = body.get("src"), str(body.get("dst") or "").split("<")
    text, trouble = body.get("text"), find_trouble(body)
    if trouble or not isinstance(text, str):
        return [], [], trouble or "text parameter not present"
    valid = [one.strip().removeprefix("+") for one in destinations]
    invalid = [one for one in valid if not re.fullmatch(r"\d{7,15}", one)]
    if len(invalid) == len(valid):
        return [], invalid, "dst is invalid"
    expiry = body.get("message_expiry")
    sends = [
        Send(
            sender=str(source).removeprefix("+"),
            recipient=one,
            text=text,
            url=body.get("url") or "",
            method=str(body.get("method") or "POST").upper(),
            log=str(body.get("log", "true")),
            kind=str(body.get("type") or "sms"),
            expiry_seconds=EXPIRY_SECONDS[1] if expiry is None else expiry,
        )
        for one in valid
        if one not in invalid
    ]
    return sends, invalid, ""


def find_trouble(body: dict[str, Any]) -> str:
    """What is wrong with the parameters of a send; empty: nothing."""
    destinations, text = str(body.get("dst") or "").split("<"), body.get("text")
    source, expiry = body.get("src"), body.get("message_expiry")
    least, most = EXPIRY_SECONDS
    checks = (
        (bool(destinations[0]), "dst parameter not present"),
        (len(destinations) <= DESTINATIONS_MAX, f"more than {DESTINATIONS_MAX} destinations"),
        (isinstance(source, str) and bool(_ADDRESS.fullmatch(source)), "src is invalid"),
        (source not in destinations, "src and dst cannot be the same"),
        (isinstance(text, str) and bool(text), "text parameter not present"),
        (not isinstance(text, str) or not is_too_long(text), "text is too long"),
        (expiry is None or (isinstance(expiry, int) and least <= expiry <= most),
         f"message_expiry: {least} to {most}"),
        (body.get("log", "true") in LOGS, f"log: {', '.join(sorted(LOGS))}"),
    )  # fmt: skip
    return next((trouble for good, trouble in checks if not good), "")


def read_window(query: dict[str, str], now: float) -> tuple[float, float]:
    """The stretch of time a query of the log asks for, in Unix seconds, both included.

    Times have whole seconds: ``lte`` includes all of its second. Without any bound below, the last
    24 hours.

    Raises:
        ValueError: a time that cannot be read.
    """
    since, until = now - LISTED_SECONDS, float("inf")
    for name, first, last in (
        ("message_time", 0.0, 0.999_999),
        ("message_time__gte", 0.0, None),
        ("message_time__gt", 1.0, None),
        ("message_time__lte", None, 0.999_999),
        ("message_time__lt", None, -0.000_001),
    ):
        if name in query:
            at = _read_time(query[name])
            since = since if first is None else at + first
            until = until if last is None else at + last
    return since, until


def _read_time(value: str) -> float:
    at = datetime.fromisoformat(value)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


async def _not_found(_: web.Request) -> web.StreamResponse:
    return _error(404, "not found")


def _reset(request: web.Request) -> web.StreamResponse:
    """Break the connection; the response is for the framework, nobody gets it."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _error(status: int, error: str) -> web.Response:
    return web.json_response({"api_id": "simulated", "error": error}, status=status)
