"""How many replies a second the responder hands over: PostgreSQL, embedded log, HTTP and the SDK.

    .venv/bin/python bench/responder.py [COUNT] [LATENCY_MS]

The provider is a process of its own that answers after so many milliseconds. Figures: sends a
second from the first claim to the last ``sent`` told, and the share of a core at rest. Exit 1
below ``PER_SECOND_MIN``.
"""

import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from kernel.database.migrations import Schema, migrate
from kernel.database.postgres import open_postgres
from kernel.facts.records import ReplyAuthorized, ReplyChanged, ReplyState, decode_as, derive_trace
from kernel.facts.topics import outgoing, topic_specs
from kernel.log.embedded.log import open_embedded_log
from kernel.sealing.privacy import Pseudonymizer, Sealer, new_keypair
from kernel.service.port import Ports
from kernel.settings.settings import load_settings
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import SystemClock
from services.responder.service import open_responder

PRIVATE, PUBLIC = new_keypair()
REST_SECONDS = 20.0
PER_SECOND_MIN = 150


def serve_provider(ready: Connection, latency: float) -> None:
    """A provider that takes everything."""
    asyncio.run(_serve_provider(ready, latency))


async def _serve_provider(ready: Connection, latency: float) -> None:
    taken = 0

    async def create(_: web.Request) -> web.StreamResponse:
        nonlocal taken
        await asyncio.sleep(latency)
        taken += 1
        return web.json_response({"message_uuid": [f"p-{taken}"]}, status=202)

    async def other(request: web.Request) -> web.StreamResponse:
        if "Number" in request.path:
            return web.json_response({"application": "/v1/Account/x/Application/app/"})
        listed: dict[str, Any] = {"meta": {"total_count": 0, "next": None}, "objects": []}
        return web.json_response(listed | {"cash_credits": "25.0", "auto_recharge": False})

    app = web.Application()
    app.add_routes([web.post("/{any:.*}/Message/", create), web.get("/{any:.*}", other)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    ready.send(runner.addresses[0][1])
    await asyncio.Event().wait()


def make_replies(count: int) -> list[ReplyAuthorized]:
    """So many authorisations, each for another phone of the fiction range and beyond it."""
    clock = SystemClock()
    sealer, pseudonymizer = Sealer(PUBLIC, clock), Pseudonymizer(bytes(32))
    now = datetime.fromtimestamp(time.time(), UTC)
    replies = []
    for number in range(count):
        phone = f"+3363998{number % 10_000:04}"
        replies.append(
            ReplyAuthorized(
                id=f"m-{number}",
                trace=derive_trace(f"m-{number}"),
                at=now,
                sender=pseudonymizer.pseudonym(phone),
                due_at=now,
                price_microeuros=150_000,
                sender_sealed=sealer.seal(phone.encode()),
            )
        )
    return replies


async def measure(count: int, url: str) -> float:
    """Send ``count`` replies, then rest. Returns the sends a second."""
    settings = load_settings(
        number="+33937000000", plivo_auth_id="MA" + "X" * 18, plivo_auth_token="t",
        plivo_app_id="app", plivo_api_url=url, pseudonym_key="00" * 32, quiet_hours="off",
        sending_public_key=PUBLIC.hex(), sending_private_key=PRIVATE.hex(), send_rate=1000,
    )  # fmt: skip
    folder = tempfile.TemporaryDirectory(prefix="antirelou-bench-")
    with folder as name:
        async with open_postgres(Path(name)) as database_url:
            root = Path(__file__).parent.parent
            await migrate(
                database_url,
                [
                    Schema("log", root / "kernel/log/embedded/sql"),
                    Schema("responder", root / "services/responder/sql"),
                ],
            )
            async with open_embedded_log(database_url) as log:
                await log.apply_topics(
                    topic_specs(retain_text=timedelta(days=1), wait_longest=timedelta(days=1))
                )
                ports = Ports(log, SystemClock(), Telemetry(CollectorRegistry()), database_url)
                async with open_responder(settings, ports) as responder:
                    await log.append([outgoing(reply) for reply in make_replies(count)])
                    working = asyncio.create_task(responder.run())
                    per_second = await _until_sent(log, count)
                    used = time.process_time()
                    await asyncio.sleep(REST_SECONDS)
                    share = (time.process_time() - used) / REST_SECONDS
                    print(f"at rest: {share:.2%} of a core (the process, without PostgreSQL)")
                    responder.drain()
                    await working
    return per_second


async def _until_sent(log: Any, count: int) -> float:
    async with log.reader("bench", [ReplyChanged.TOPIC]) as reader:
        sent, started, cpu = 0, 0.0, 0.0
        while sent < count:
            batch = await reader.read(records_max=5000, bytes_max=10**7, wait_seconds=1)
            for record in batch.records:
                if not started:
                    started, cpu = time.perf_counter(), time.process_time()
                sent += decode_as(ReplyChanged, record.value).state is ReplyState.SENT
        seconds, busy = time.perf_counter() - started, time.process_time() - cpu
        print(
            f"{count} replies sent in {seconds:.1f} s: {count / seconds:.0f} a second, "
            f"{busy / count * 1000:.2f} ms of this process's CPU each"
        )
        return count / seconds


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    latency = float(sys.argv[2]) / 1000 if len(sys.argv) > 2 else 0.02
    here, there = multiprocessing.Pipe()
    provider = multiprocessing.get_context("spawn").Process(
        target=serve_provider, args=(there, latency), daemon=True
    )
    provider.start()
    url = f"http://127.0.0.1:{here.recv()}"
    print(f"provider answers after {latency * 1000:.0f} ms; {os.cpu_count()} cores")
    try:
        per_second = asyncio.run(measure(count, url))
    finally:
        provider.terminate()
    if per_second < PER_SECOND_MIN:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
