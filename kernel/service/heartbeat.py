"""A sign of life to somebody outside, who notices when it ceases: the laptop is off, or stuck.

A GET of ``HEARTBEAT_URL`` every minute while every service of the process is ready, and none
while one is not: services such as healthchecks.io then write to whoever is in charge.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import structlog

from kernel.service.port import Service

LOG = structlog.get_logger("heartbeat")

BEAT_SECONDS = 60.0
ANSWER_SECONDS_MAX = 10.0


@asynccontextmanager
async def beating(
    url: str, services: Sequence[Service], *, every_seconds: float = BEAT_SECONDS
) -> AsyncIterator[None]:
    """Beat until the context is left.

    Args:
        url: ``HEARTBEAT_URL``; empty: no heart beats.
    """
    if not url:
        yield
        return
    task = asyncio.create_task(_beat(url, services, every_seconds))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _beat(url: str, services: Sequence[Service], every_seconds: float) -> None:
    heard = True
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            if not any(service.missing() for service in services):
                before, heard = heard, await _call(session, url)
                if before and not heard:
                    LOG.warning("heartbeat_unheard")
            await asyncio.sleep(every_seconds)


async def _call(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.ok
    except Exception:  # noqa: BLE001 - whatever it is, the next minute comes
        return False
