"""Serving the rows of a table: who may, what was asked, the answer, and what goes wrong.

Every call is answered as JSON. An act or a refusal leaves a line in the log, without what was
asked.
"""

from functools import partial
from typing import Any

import msgspec
import structlog
from aiohttp import web

from kernel.desk.fields import Refused, read_object, read_request
from kernel.desk.openapi import Refusal, describe
from kernel.desk.route import Caller, Nothing, Role, Route, Rows, read_caller
from kernel.http.server import RETRY_LATER, guarded
from kernel.values.errors import Rejected, Transient

LOG = structlog.get_logger("desk")

RETRIED = frozenset({429, 503})
"""Statuses that say when to try again."""


def open_desk(rows: Rows, token: str) -> list[web.RouteDef]:
    """The routes for ``OPS_LISTEN``, guarded by the operator's token."""
    return [web.route(row.method, row.path, guarded(token, partial(_answer, row))) for row in rows]


def describe_rows(rows: Rows, path: str, title: str, description: str) -> Rows:
    """The rows, and one more that serves the description of all of them at a path."""

    async def get_openapi(_: Nothing, __: Caller) -> dict[str, Any]:
        return document

    row = Route(
        "GET", path, get_openapi, Nothing, dict[str, Any], "This document.",
        done={200: "OpenAPI 3.1."},
    )  # fmt: skip
    document = describe(title, description, (*rows, row))
    return (*rows, row)


async def _answer(route: Route[Any, Any], request: web.Request) -> web.Response:
    caller = Caller("", Role.VIEW)
    try:
        caller = read_caller(request.headers)
        response = await _carry_out(route, request, caller)
    except (Refused, Rejected, Transient, web.HTTPRequestEntityTooLarge) as error:
        response = _refuse(error)
    _note(route, caller, response.status)
    return response


async def _carry_out(route: Route[Any, Any], request: web.Request, caller: Caller) -> web.Response:
    if not caller.role.may(route.role):
        raise Refused(403, "", f"only {route.role.value} may do this; you may {caller.role.value}")
    given = dict(request.query) if route.method == "GET" else {}
    if route.has_body:
        given = dict(read_object(await request.read()))
    asked = read_request(route.asks, given | dict(request.match_info), strict=route.has_body)
    answered = await route.function(asked, caller)
    status, answer = answered if isinstance(answered, tuple) else (route.status, answered)
    return _respond(answer, status)


def _refuse(error: Exception) -> web.Response:
    match error:
        case Refused():
            refusal = Refusal(str(error), error.field) if error.field else Refusal(str(error))
            return _respond(refusal, error.status)
        case Rejected():
            return _respond(Refusal("a field holds what cannot be kept"), 422)
        case Transient():
            LOG.warning("operator_api_away", code=error.code)
            return _respond(Refusal(f"{error}; nothing is lost, try again"), 503)
        case _:
            return _respond(Refusal("the body is too large"), 413)


def _respond(answer: Any, status: int) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(answer),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers=RETRY_LATER if status in RETRIED else None,
    )


def _note(route: Route[Any, Any], caller: Caller, status: int) -> None:
    """A line of an act or a refusal; a screen that looks every second leaves none."""
    if route.method != "GET" or status >= 400:
        LOG.info(
            "operator_call",
            method=route.method, path=route.path, status=status, actor=caller.actor,
            role=caller.role.value,
        )  # fmt: skip
