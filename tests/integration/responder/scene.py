"""A responder on a real database, a log in memory and a provider in memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from kernel.database.migrations import Schema, migrate
from kernel.database.pool import open_pool
from kernel.facts.records import (
    Record,
    ReplyAuthorized,
    ReplyChanged,
    ReplyKind,
    SignatureMode,
    SmsReported,
    decode,
    derive_id,
    derive_trace,
)
from kernel.facts.topics import outgoing
from kernel.provider.port import Provider
from kernel.sealing.privacy import Pseudonymizer, Sealer, new_keypair
from kernel.service.port import Ports
from kernel.settings.settings import Settings, load_settings
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import SystemClock
from services.responder.core.outbox import OutboxRules
from services.responder.service import Responder
from services.responder.settings import read_settings
from services.responder.store import PostgresStore
from tests.fakes.log import MemoryLog
from tests.fakes.provider import NUMBER, FakeProvider

SCHEMA = Schema("responder", Path("services/responder/sql").resolve())
CLOCK = SystemClock()
PRIVATE, PUBLIC = new_keypair()
PSEUDONYM_KEY = bytes(32)
SEALER = Sealer(PUBLIC, CLOCK)
PSEUDONYMIZER = Pseudonymizer(PSEUDONYM_KEY)

SECOND = timedelta(seconds=1)
QUICK = OutboxRules(
    lease=SECOND / 2,
    search_first=SECOND / 10,
    unresolved_after=SECOND,
    settle_after=SECOND / 5,
    final_after=SECOND * 3,
    retry_first=SECOND / 10,
    retry_longest=SECOND / 5,
    give_up_after=SECOND * 30,
    amount_max_microunits=450_000,
)
CALM = replace(QUICK, lease=SECOND * 30, settle_after=SECOND * 30, final_after=SECOND * 60)
"""Nothing lapses and nothing is looked up by itself."""


def make_settings(**overrides: Any) -> Settings:
    """The settings of a responder, far quicker than in life."""
    values: dict[str, Any] = {
        "number": NUMBER,
        "plivo_auth_id": "MA" + "X" * 18,
        "plivo_auth_token": "token",
        "plivo_app_id": "app",
        "pseudonym_key": PSEUDONYM_KEY.hex(),
        "sending_public_key": PUBLIC.hex(),
        "sending_private_key": PRIVATE.hex(),
        "quiet_hours": "off",
        "clock_speed": 2000,
    }
    return load_settings(**values | overrides)


def phone(number: int) -> str:
    return f"+3363998{number:04}"


def authorized(number: int, *, kind: ReplyKind = ReplyKind.REPLY, name: str = "m") -> Record:
    """An authorisation of a reply to the phone of that number."""
    now = CLOCK.now()
    reply_id = f"{name}-{number}"
    return ReplyAuthorized(
        id=reply_id,
        trace=derive_trace(reply_id),
        at=now,
        sender=PSEUDONYMIZER.pseudonym(phone(number)),
        kind=kind,
        due_at=now - timedelta(seconds=1),
        price_microeuros=150_000,
        sender_sealed=SEALER.seal(phone(number).encode()),
    )


def reported(
    number: int,
    message_id: str,
    status: str,
    sequence: int | None,
    *,
    amount: int | None = 65_000,
    ref: str | None = "",
) -> SmsReported:
    """A report on the reply to the phone of that number."""
    ref = f"m-{number}" if ref == "" else ref
    return SmsReported(
        id=derive_id(message_id, status, str(sequence), str(amount)),
        trace=derive_trace(ref or message_id),
        at=CLOCK.now(),
        sender=PSEUDONYMIZER.pseudonym(phone(number)),
        message_id=message_id,
        ref=ref,
        status=status,
        sequence=sequence,
        amount_microunits=amount,
        segments=1,
        signature=SignatureMode.V3,
    )


@dataclass
class Scene:
    """What a test holds."""

    responder: Responder
    store: PostgresStore
    provider: Any
    log: MemoryLog
    telemetry: Telemetry
    database_url: str
    running: "asyncio.Task[None] | None" = None

    async def append(self, *records: Record) -> None:
        await self.log.append([outgoing(record) for record in records])

    def told(self, topic: str) -> list[Any]:
        """What the topic holds, decoded."""
        return [decode(topic, record.value) for record in self.log.read_all(topic)]

    def changes(self, reply_id: str) -> list[ReplyChanged]:
        """What was told of a reply, each change once, in order."""
        found = {
            change.sequence: change
            for change in self.told(ReplyChanged.TOPIC)
            if change.reply_id == reply_id
        }
        return [found[sequence] for sequence in sorted(found)]

    def states(self, reply_id: str) -> list[str]:
        return [change.state.value for change in self.changes(reply_id)]

    def amount(self, reply_id: str) -> int | None:
        """What it cost, as last told."""
        changes = self.changes(reply_id)
        return changes[-1].amount_microunits if changes else None

    def start(self) -> None:
        self.running = asyncio.create_task(self.responder.run())

    async def stop(self) -> None:
        if self.running is not None:
            self.responder.drain()
            await asyncio.wait_for(self.running, 20)
            self.running = None

    async def kill(self) -> None:
        """As far as a test can: nothing is drained."""
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)
            self.running = None

    async def rows(self, query: str) -> Sequence[Any]:
        async with open_pool(
            self.database_url, role="antirelou_responder", schema="responder", size_max=1
        ) as pool:
            return await pool.fetch(query)


@asynccontextmanager
async def open_scene(
    database_url: str,
    log: MemoryLog,
    *,
    provider: Provider | None = None,
    started: bool = True,
    rules: OutboxRules | None = None,
    chosen: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Scene]:
    """A responder, working unless told otherwise; killed at the end.

    Args:
        chosen: settings beside the others, which choose another provider than Plivo.
    """
    await migrate(database_url, [SCHEMA])
    own = replace(read_settings(make_settings(**settings, **(chosen or {}))), outbox=rules or QUICK)
    telemetry = Telemetry(CollectorRegistry())
    ports = Ports(log, CLOCK, telemetry, database_url)
    provider = provider or FakeProvider(CLOCK)
    async with open_pool(
        database_url, role="antirelou_responder", schema="responder", size_max=6
    ) as pool:
        store = PostgresStore(pool)
        scene = Scene(
            Responder(own, ports, store, provider), store, provider, log, telemetry, database_url
        )
        if started:
            scene.start()
        try:
            yield scene
        finally:
            await scene.kill()
