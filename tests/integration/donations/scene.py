"""A house for gifts: donations and billing on a real database and the embedded log, over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession
from prometheus_client import CollectorRegistry

from antirelou.compose import SERVICES, apply_topics, open_ports, schemas
from antirelou.ops import serve_ops
from kernel.database.migrations import migrate
from kernel.log.port import Log
from kernel.service.port import Ports, Service
from kernel.settings.settings import Settings, load_settings
from kernel.telemetry.metrics import Telemetry
from services.billing.service import open_billing
from services.donations.service import Donations, open_donations
from simulator.helloasso import CLIENT_ID, CLIENT_SECRET, ORGANIZATION, HelloAsso
from tests.support.eventually import eventually
from tests.support.operator_api import OWN_NUMBER, TOKEN
from tests.unit.billing.cases import EURO

assert "donations" in SERVICES
KEY = "01" * 32
BELL = "a-bell-that-nobody-guesses"
SPEED = 300
"""Ten minutes are two seconds."""


def make_settings(url: str, **more: Any) -> Settings:
    values: dict[str, Any] = {
        "database_url": url, "operator_token": TOKEN, "number": OWN_NUMBER, "pseudonym_key": KEY,
        "sending_public_key": KEY, "listen": "127.0.0.1:0", "clock_speed": SPEED,
        "gifts_since": "2017-01-01",
    }  # fmt: skip
    return load_settings(**values | more)


def helloasso_settings(platform: HelloAsso) -> dict[str, Any]:
    return {
        "helloasso_organization": ORGANIZATION, "helloasso_client_id": CLIENT_ID,
        "helloasso_client_secret": CLIENT_SECRET, "helloasso_api_url": platform.url,
        "helloasso_bell": BELL,
    }  # fmt: skip


@dataclass(slots=True)
class GiftHouse:
    """Attributes: url: of the operator API. door: of LISTEN."""

    url: str
    door: str
    log: Log
    donations: Donations

    async def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            ClientSession() as session,
            session.request(method, self.url + path, json=body, headers=headers) as answer,
        ):
            return answer.status, await answer.json()

    async def fund(self) -> dict[str, int]:
        _, status = await self.ask("GET", "/v1/status")
        fund: dict[str, int] = status["fund"]
        return fund

    async def fund_when(self, **euros: float) -> dict[str, int]:
        """The fund once these of its accounts are so many euros."""
        wanted = {f"{name}_microeuros": round(amount * EURO) for name, amount in euros.items()}
        last: dict[str, int] = {}

        async def look() -> bool:
            last.update(await self.fund())
            return wanted.items() <= last.items()

        try:
            await eventually(look, seconds_max=20, every=0.1)
        except AssertionError:
            raise AssertionError(f"wanted {wanted}, last {last}") from None
        return last

    async def knock(self, path: str, body: bytes = b"{}", **headers: str) -> int:
        async with (
            ClientSession() as session,
            session.post(self.door + path, data=body, headers=headers) as answer,
        ):
            return answer.status


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[GiftHouse]:
    """The two towers at work until the context is left."""
    url = settings.database_url.get_secret_value()
    await migrate(url, schemas())
    telemetry = Telemetry(CollectorRegistry())
    async with AsyncExitStack() as stack:
        ports = await stack.enter_async_context(open_ports(settings, telemetry, url))
        await apply_topics(ports.log, settings)
        doors: list[str] = []

        @asynccontextmanager
        async def listen(*arguments: Any, **more: Any) -> AsyncIterator[str]:
            async with ports.listen(*arguments, **more) as found:
                doors.append(found)
                yield found

        own = Ports(ports.log, ports.clock, telemetry, url, listen=listen)
        billing = await stack.enter_async_context(open_billing(settings, ports))
        donations = await stack.enter_async_context(open_donations(settings, own))
        services: list[Service] = [billing, donations]
        ops = await stack.enter_async_context(serve_ops("127.0.0.1:0", services, telemetry))
        works = [asyncio.create_task(service.run()) for service in services]
        try:
            yield GiftHouse(ops, doors[0], ports.log, donations)
        finally:
            for service in services:
                service.drain()
            await asyncio.gather(*works)
