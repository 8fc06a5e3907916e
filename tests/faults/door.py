"""Signed webhooks at the door without end, and when each was answered."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiokafka import AIOKafkaProducer

from antirelou.commands.demo.house import House
from services.ingest.core.signature import sign_v2
from tests.support.webhooks import encode_form, report_form

KNOCK_EVERY_SECONDS = 0.05
ANSWER_SECONDS_MAX = 8.0
"""The provider's patience."""
PROBE_SECONDS_MAX = 1.0
PROBE_EVERY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Knock:
    """One webhook: when it was sent and answered (monotonic seconds); status 0: not answered."""

    sent_at: float
    answered_at: float
    status: int


@dataclass
class Knocks:
    """All so far."""

    all: list[Knock] = field(default_factory=list)

    def accepted(self, since: float, until: float = float("inf")) -> list[Knock]:
        """Those answered 200 and sent in that time."""
        return [k for k in self.all if k.status == 200 and since <= k.sent_at < until]

    def statuses(self, since: float, until: float) -> set[int]:
        """What those sent in that time were told."""
        return {k.status for k in self.all if since <= k.sent_at < until}


@asynccontextmanager
async def knocking(house: House, url: str | None = None) -> AsyncIterator[Knocks]:
    """Send status reports about no SMS of ours, one every 50 ms, each on a connection of its own.

    They are signed and made durable like any webhook, and change no books.

    Args:
        url: where to; by default straight to the door.
    """
    url = url or f"http://{house.settings['listen']}"
    knocks, limit = Knocks(), aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(timeout=limit, connector=connector) as client:
        knocker = asyncio.create_task(_knock_on(house, url, client, knocks))
        try:
            yield knocks
        finally:
            knocker.cancel()
            await asyncio.gather(knocker, return_exceptions=True)


async def _knock_on(house: House, url: str, client: aiohttp.ClientSession, knocks: Knocks) -> None:
    async with asyncio.TaskGroup() as tasks:
        while True:
            tasks.create_task(_knock(house, url, client, knocks))
            await asyncio.sleep(KNOCK_EVERY_SECONDS)


async def _knock(house: House, url: str, client: aiohttp.ClientSession, knocks: Knocks) -> None:
    path = "/webhooks/plivo/report"
    token, nonce = house.settings["plivo_auth_token"].encode(), uuid.uuid4().hex
    signature = sign_v2(token, f"{house.settings['public_url']}{path}".encode(), nonce.encode())
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Plivo-Signature-V2": signature.decode(),
        "X-Plivo-Signature-V2-Nonce": nonce,
    }
    body = encode_form(report_form(f"knock-{nonce}"))
    sent_at, status = time.monotonic(), 0
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with client.post(url + path, data=body, headers=headers) as answer:
            status = answer.status
    knocks.all.append(Knock(sent_at, time.monotonic(), status))


async def first_accepted_append(bootstrap: str, topic: str, *, seconds_max: float) -> float:
    """When (monotonic seconds) a plain producer's record was first acknowledged again."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", request_timeout_ms=int(PROBE_SECONDS_MAX * 1e3)
        )
        try:
            async with asyncio.timeout(PROBE_SECONDS_MAX):
                await producer.start()
                await producer.send_and_wait(topic, b"probe")
                return time.monotonic()
        except Exception:  # noqa: BLE001 - not yet, whatever the client calls it
            await asyncio.sleep(PROBE_EVERY_SECONDS)
        finally:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(PROBE_SECONDS_MAX):
                    await producer.stop()
    raise AssertionError(f"the broker took no record within {seconds_max} s")
