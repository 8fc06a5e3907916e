"""The console's routes: a row a page. And ``/v1/operators``, for the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from kernel.http.server import RETRY_LATER, RequestHandler, guarded
from kernel.values.clock import Clock
from kernel.values.errors import Transient
from services.console.core.access import Role, is_name
from services.console.entry import Entry
from services.console.gate import Denied, Gate, Handler, Visit
from services.console.live import Live
from services.console.pages import Pages, link_of
from services.console.render import Renderer
from services.console.store import Store

BODY_BYTES_MAX = 65_536
STATIC_LASTS = "public, max-age=31536000, immutable"
CLI = "cli"
"""The actor of the command line, which bears the token and has no name."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row.

    Attributes:
        role: who may come; None: everybody.
    """

    method: str
    path: str
    handler: Handler
    role: Role | None = Role.VIEW


def list_routes(entry: Entry, pages: Pages, live: Live) -> Sequence[Route]:
    """Every route that a browser may ask for, but the static files."""
    return (
        Route("GET", "/sign-in", entry.sign_in, None),
        Route("GET", "/enter/{secret}", entry.ask_enter, None),
        Route("POST", "/enter/{secret}", entry.enter, None),
        Route("POST", "/passkey/ask", entry.ask, None),
        Route("POST", "/passkey/enter", entry.enter_by_passkey, None),
        Route("GET", "/passkey", entry.passkey),
        Route("POST", "/passkey/ask-new", entry.ask_new),
        Route("POST", "/passkey/add", entry.add),
        Route("POST", "/sign-out", entry.sign_out),
        Route("POST", "/language", pages.set_language),
        Route("GET", "/", pages.now),
        Route("GET", "/now/live", live.now),
        Route("GET", "/acts", pages.acts, Role.OPERATE),
        Route("POST", "/acts/{act}", pages.confirm, Role.OPERATE),
        Route("POST", "/acts/{act}/do", pages.do, Role.OPERATE),
        Route("GET", "/money", pages.money),
        Route("GET", "/money.csv", pages.money_csv),
        Route("GET", "/explain", pages.ask_explain, Role.OPERATE),
        Route("POST", "/explain", pages.explain, Role.OPERATE),
        Route("GET", "/events", pages.events),
        Route("GET", "/operators", pages.operators),
        Route("POST", "/operators/add", pages.add_operator, Role.OWNER),
        Route("POST", "/operators/remove", pages.remove_operator, Role.OWNER),
        Route("POST", "/sessions/revoke", pages.revoke),
    )


def make_application(gate: Gate, routes: Sequence[Route], renderer: Renderer) -> web.Application:
    """What ``CONSOLE_LISTEN`` serves."""
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    for route in routes:
        app.router.add_route(route.method, route.path, gate.guard(route.handler, route.role))

    async def static(request: web.Request) -> web.StreamResponse:
        found = renderer.static.get(request.match_info["name"])
        if found is None:
            return web.Response(status=404)
        content, content_type = found
        headers = {"Cache-Control": STATIC_LASTS, "X-Content-Type-Options": "nosniff"}
        return web.Response(body=content, content_type=content_type, headers=headers)

    async def nothing(_: Visit) -> web.StreamResponse:
        raise Denied(404, "not_found")

    app.router.add_get("/static/{name}", static)
    app.router.add_route("*", "/{path:.*}", gate.guard(nothing, None))
    return app


# -- for the command line -----------------------------------------------------------------------


def operator_routes(store: Store, clock: Clock, origin: str, token: str) -> list[web.RouteDef]:
    """The routes for ``OPS_LISTEN``, guarded by the operator's token."""
    api = OperatorsApi(store, clock, origin)
    return [
        web.route(method, path, guarded(token, _answering(answer)))
        for method, path, answer in (
            ("GET", "/v1/operators", api.list),
            ("POST", "/v1/operators", api.add),
            ("DELETE", "/v1/operators/{name}", api.remove),
        )
    ]


class OperatorsApi:
    """``/v1/operators``: who may get into the console."""

    def __init__(self, store: Store, clock: Clock, origin: str) -> None:
        self._store, self._clock, self._origin = store, clock, origin

    async def list(self, _: web.Request) -> web.Response:
        """All, without anything that lets one in."""
        listed = [
            {"name": one.name, "role": one.role, "added_at": one.added_at.isoformat(),
             "passkeys": one.passkeys, "sessions": one.sessions}
            for one in await self._store.list_operators(self._clock.now())
        ]  # fmt: skip
        return web.json_response({"operators": listed})

    async def add(self, request: web.Request) -> web.Response:
        """Add one, or give him another role; answers with a link."""
        asked = _read(await request.read())
        name, role = asked.get("name"), asked.get("role")
        if not isinstance(name, str) or not is_name(name):
            return _refuse(422, "name", "a letter, then up to 39 letters, digits, dots, dashes")
        if not isinstance(role, str) or role not in set(Role):
            return _refuse(422, "role", "view, operate or owner")
        now = self._clock.now()
        secret = await self._store.put_operator(name, Role(role), now)
        await self._store.note(CLI, "operator_added", now, subject=f"{name} {role}")
        body = {"name": name, "role": role, "link": link_of(self._origin, secret)}
        return web.json_response(body, status=201)

    async def remove(self, request: web.Request) -> web.Response:
        """Let one in no more."""
        name = request.match_info["name"]
        if not await self._store.delete_operator(name):
            return _refuse(404, "name", "no such operator; `operator list` lists them")
        await self._store.note(CLI, "operator_removed", self._clock.now(), subject=name)
        return web.json_response({"name": name})


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _refuse(status: int, field: str, fix: str) -> web.Response:
    return web.json_response({"error": f"{field}: {fix}", "field": field}, status=status)


def _answering(answer: RequestHandler) -> RequestHandler:
    async def checked(request: web.Request) -> web.StreamResponse:
        try:
            return await answer(request)
        except Transient as trouble:
            body = {"error": f"{trouble}; nothing is lost, try again"}
            return web.json_response(body, status=503, headers=RETRY_LATER)

    return checked
