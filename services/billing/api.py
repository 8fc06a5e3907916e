"""The operator API (docs/contract.md §3): its routes, guarded, and what goes wrong as JSON.

``openapi.json`` describes it; the answers are in ``operator_api``.
"""

import structlog
from aiohttp import web

from kernel.http.server import RETRY_LATER, guarded
from kernel.log.port import Log
from kernel.values.clock import Clock
from kernel.values.errors import Rejected, Transient
from services.billing.operator import OperatorStore
from services.billing.operator_api import (
    Answer,
    OperatorApi,
    Wake,
    read_openapi,
    refuse,
)
from services.billing.operator_requests import BadRequest
from services.billing.settings import OperatorSettings

__all__ = ["operator_routes", "read_openapi"]

LOG = structlog.get_logger("billing")


def operator_routes(
    store: OperatorStore, log: Log, clock: Clock, settings: OperatorSettings, wake: Wake
) -> list[web.RouteDef]:
    """The routes for ``OPS_LISTEN``, guarded.

    Args:
        wake: makes billing look at once at what an action changed (``Stage.wake``).
    """
    api = OperatorApi(store, log, clock, settings, wake)
    return [
        web.route(method, path, guarded(settings.token, _answering(answer)))
        for method, path, answer in api.routes()
    ]


def _answering(answer: Answer) -> Answer:
    """What goes wrong, as JSON: 400, 413, 422 for the request, 503 while something is away."""

    async def checked(request: web.Request) -> web.Response:
        try:
            return await answer(request)
        except BadRequest as error:
            return refuse(error.status, error.field, str(error).removeprefix(f"{error.field}: "))
        except web.HTTPRequestEntityTooLarge:
            return refuse(413, "", "the body is too large")
        except Rejected:
            return refuse(422, "", "a field holds what cannot be kept")
        except Transient as trouble:
            LOG.warning("operator_api_away", code=trouble.code)
            refusal = refuse(503, "", f"{trouble}; nothing is lost, try again")
            refusal.headers.update(RETRY_LATER)
            return refusal

    return checked
