"""An operator API on loopback for a test, over any store and log."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, web
from structlog.testing import capture_logs
from structlog.typing import EventDict

from kernel.http.server import listening
from kernel.log.port import Log
from kernel.sealing.privacy import new_keypair
from kernel.values.clock import Clock, SystemClock
from services.billing.api import operator_routes
from services.billing.operator import OperatorStore
from services.billing.settings import OperatorSettings

TOKEN = "an-operators-token"
OWN_NUMBER = "+33937000000"
PRIVATE_KEY, PUBLIC_KEY = new_keypair()
SETTINGS = OperatorSettings(
    token=TOKEN,
    number=OWN_NUMBER,
    send_rate=0.5,
    pseudonym_key=bytes(range(32)),
    sending_public_key=PUBLIC_KEY,
)


@dataclass(slots=True)
class Api:
    """A client of it.

    Attributes:
        woken: how often billing was told to look at once.
        lines: of the log, meanwhile.
    """

    url: str
    session: ClientSession
    woken: list[None] = field(default_factory=list)
    lines: list[EventDict] = field(default_factory=list)

    async def call(
        self, method: str, path: str, body: Any = None, *, token: str = TOKEN
    ) -> tuple[int, Any]:
        """Status and JSON answer."""
        raw: Mapping[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.request(method, self.url + path, headers=headers, **raw) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str) -> Any:
        """The answer to a GET that succeeds."""
        status, answer = await self.call("GET", path)
        assert status == 200, answer
        return answer

    async def post(self, path: str, **body: Any) -> tuple[int, Any]:
        """Status and JSON answer to a POST."""
        return await self.call("POST", path, body)


@asynccontextmanager
async def open_api(
    store: OperatorStore,
    log: Log,
    clock: Clock | None = None,
    settings: OperatorSettings = SETTINGS,
) -> AsyncIterator[Api]:
    """Serve the operator API, and give a client of it."""
    woken: list[None] = []
    app = web.Application(client_max_size=65_536)
    routes = operator_routes(
        store, log, clock or SystemClock(), settings, lambda: woken.append(None)
    )
    app.router.add_routes(routes)
    with capture_logs() as lines:
        async with (
            listening(app, "127.0.0.1:0", name="OPS_LISTEN", shutdown_seconds=0.1) as url,
            ClientSession() as session,
        ):
            yield Api(url, session, woken, lines)
