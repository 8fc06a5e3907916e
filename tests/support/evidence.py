"""The evidence API over a store in memory, and a case exported from it by the CLI's own code."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from antirelou.commands.client import Operator
from antirelou.commands.evidence import gather
from kernel.facts.records import Record
from kernel.http.server import listening
from kernel.settings.settings import load_settings
from kernel.telemetry.metrics import Telemetry
from services.evidence.api import evidence_routes
from services.evidence.eraser import Eraser
from services.evidence.handler import EvidenceHandler
from services.evidence.memory import MemoryStore
from services.evidence.metrics import Metrics
from services.evidence.settings import EvidenceSettings, NotarySettings
from services.evidence.store import Store
from tests.fakes.clock import ManualClock
from tests.fakes.log import MemoryLog, house_log
from tests.unit.evidence.cases import (
    NOBODY,
    OWN,
    PRIVATE_KEY,
    RULES,
    SIGNER,
    TERMS,
    batch,
    handler,
)

TOKEN = "operator-token-of-the-tests"
CASE: Mapping[str, Any] = {
    "id": "essai",
    "reason": "plainte",
    "hold_until": "2099-01-01T00:00:00+00:00",
    "since": "2017-01-01T00:00:00+00:00",
    "until": "2018-01-01T00:00:00+00:00",
    "author": "Association d'essai",
}


@dataclass
class Desk:
    """A running evidence API.

    Attributes:
        api: the CLI's client of it.
    """

    url: str
    store: Store
    handler: EvidenceHandler
    api: Operator
    clock: ManualClock
    log: MemoryLog = field(default_factory=house_log)

    async def keep(self, records: Sequence[Record]) -> None:
        """As the stage does with a batch."""
        await self.handler.handle(batch(records), self.clock.now())

    async def export(self, case: Mapping[str, Any] = CASE) -> dict[str, bytes]:
        """The files of a case."""
        return await asyncio.to_thread(gather, self.api, case, PRIVATE_KEY)

    async def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Call the API as the CLI does. Raises ``Fatal`` as it does."""
        return await asyncio.to_thread(self.api.post, path, dict(body))

    async def get(self, path: str) -> Any:
        """As ``post``."""
        return await asyncio.to_thread(self.api.get, path)


@asynccontextmanager
async def open_desk(
    store: Store | None = None,
    notary: NotarySettings = NOBODY,
    *,
    database_url: str = "",
    pseudonym_key: bytes = b"P" * 32,
) -> AsyncIterator[Desk]:
    """Serve the evidence API."""
    store, clock, log = store or MemoryStore(), ManualClock(), house_log()
    kept = handler(store, notary)
    settings = EvidenceSettings(
        TOKEN, OWN, pseudonym_key, TERMS, SIGNER, RULES, notary, kafka=False
    )
    eraser = Eraser(store, log, database_url, Metrics(Telemetry(CollectorRegistry())))
    app = web.Application()
    app.router.add_routes(evidence_routes(store, kept, eraser, settings, clock))
    async with listening(app, "127.0.0.1:0", name="OPS_LISTEN") as url:
        api = Operator(load_settings(operator_url=url, operator_token=TOKEN))
        yield Desk(url, store, kept, api, clock, log)
