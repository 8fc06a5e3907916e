"""The routes of ``LISTEN``: bytes in, status out. Refusals never quote a value.

docs/contract.md §3.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import partial

from aiohttp import web
from multidict import istr

from kernel.http.connections import BoundedServer, plan_connections
from kernel.http.doors import Doors, TooLarge, TooSlow, answer_door, path_of, read_body
from kernel.http.server import RETRY_LATER
from kernel.settings.settings import ProviderName
from kernel.values.clock import Clock
from services.ingest.core.call import CONTENT_TYPE
from services.ingest.core.form import BODY_BYTES_MAX
from services.ingest.core.webhook import (
    PATHS,
    SIGNATURE_HEADERS,
    Refusal,
    RefusalCode,
    SignatureHeaders,
    Webhook,
    WebhookKind,
)
from services.ingest.handler import Answer, WebhookHandler
from services.ingest.metrics import ACCEPTED, IGNORED, IngestMetrics

_ABSOLUTE = re.compile(r"^https?://[^/?#]*", re.IGNORECASE)
"""What stands before the path where the whole URL is sent; signatures hold for ``public_url``."""
STATUSES = {
    RefusalCode.SIGNATURE_MISSING: 403,
    RefusalCode.SIGNATURE_WRONG: 403,
    RefusalCode.SIGNATURE_STALE: 403,
    RefusalCode.REPLAYED: 403,
    RefusalCode.FORM_UNREADABLE: 400,
    RefusalCode.FIELD_MISSING: 400,
    RefusalCode.FIELD_MALFORMED: 400,
    RefusalCode.TOO_LARGE: 413,
    RefusalCode.TOO_SLOW: 408,
}


_SIGNATURE_HEADERS = tuple(istr(name) for name in SIGNATURE_HEADERS)


def make_server(
    public_url: str,
    handler: WebhookHandler,
    clock: Clock,
    metrics: IngestMetrics,
    *,
    paths: Mapping[str, WebhookKind] = PATHS[ProviderName.PLIVO],
    is_draining: Callable[[], bool] = lambda: False,
    doors: Doors | None = None,
) -> BoundedServer:
    """What ``LISTEN`` serves: few paths, and the doors of services in the same process.

    Args:
        public_url: what the provider calls; signatures are checked against it.
        paths: where it calls.
        doors: of services in the same process; asked for every other path.
        is_draining: whether each answer is to be its connection's last.
    """
    routes = {path: (kind, f"{public_url}{path}") for path, kind in paths.items()}

    async def answer(request: web.BaseRequest) -> web.Response:
        path, _, query = _ABSOLUTE.sub("", request.raw_path, count=1).partition("?")
        route = routes.get(path)
        if route is None:
            return await pass_on(request)
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        began = clock.monotonic()
        kind, url = route
        body = await _read_body(request)
        if isinstance(body, Refusal):
            answered = Answer(body.code, body)
        else:
            headers = _signature_headers(request)
            webhook = Webhook(kind, url, query, headers, body, clock.now())
            with server.holding(request):
                answered = await handler.handle(webhook)
        metrics.answered(kind, answered.outcome, clock.monotonic() - began)
        response = _respond(answered)
        if is_draining():
            response.force_close()
        return response

    async def pass_on(request: web.BaseRequest) -> web.Response:
        entry = None if doors is None else doors.find(path_of(request))
        response = await answer_door(entry, request, server)
        if is_draining():
            response.force_close()
        return response

    server = BoundedServer(
        answer,
        connections_max=plan_connections(),
        request_factory=partial(
            web.BaseRequest, loop=asyncio.get_running_loop(), client_max_size=BODY_BYTES_MAX
        ),
        access_log=None,
        # What is compressed could swell; the provider does not compress.
        auto_decompress=False,
    )
    return server


async def _read_body(request: web.BaseRequest) -> bytes | Refusal:
    if (request.content_length or 0) > BODY_BYTES_MAX:
        return Refusal(RefusalCode.TOO_LARGE)
    try:
        if request.content.is_eof():  # it is all here, as a rule
            body = request.content.read_nowait()
            return body if len(body) <= BODY_BYTES_MAX else Refusal(RefusalCode.TOO_LARGE)
        return await read_body(request, BODY_BYTES_MAX)
    except TooLarge:
        return Refusal(RefusalCode.TOO_LARGE)
    except TooSlow:
        return Refusal(RefusalCode.TOO_SLOW)


def _signature_headers(request: web.BaseRequest) -> SignatureHeaders:
    get = request.headers.get
    return SignatureHeaders(*[get(name) for name in _SIGNATURE_HEADERS])


def _respond(answer: Answer) -> web.Response:
    if answer.document is not None:
        return web.Response(body=answer.document, content_type=CONTENT_TYPE)
    if answer.refusal is not None:
        return _refuse(answer.refusal)
    if answer.outcome in {ACCEPTED, IGNORED}:
        return web.Response()
    return web.json_response({"error": answer.outcome}, status=503, headers=RETRY_LATER)


def _refuse(refusal: Refusal) -> web.Response:
    said = {"error": refusal.code.value}
    if refusal.field:
        said["field"] = refusal.field
    response = web.json_response(said, status=STATUSES[refusal.code])
    if refusal.code in {RefusalCode.TOO_LARGE, RefusalCode.TOO_SLOW}:
        response.force_close()  # the rest of the body is not worth reading
    return response
