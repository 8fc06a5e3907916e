"""Connections that only hold on, or drip, do not delay the provider's webhooks."""

import asyncio
import contextlib
import resource
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from antirelou.commands.demo.house import House
from kernel.http.connections import FILES_WANTED
from kernel.http.server import split_address
from tests.security.conftest import FILES_SOFT
from tests.security.webhooks import Caller
from tests.support.eventually import eventually
from tests.support.webhooks import message_form

IDLE = 1000
DRIPPING = 200
WEBHOOKS = 300
SECONDS_P99_MAX = 1.0

HEAD = b"POST /webhooks/plivo/message HTTP/1.1\r\nHost: sms.example.org\r\n"
DRIPS = (HEAD + b"X-Drip: ", HEAD + b"Content-Length: 9000\r\n\r\n")


async def test_a_thousand_idle_and_two_hundred_dripping_delay_nobody(house: House) -> None:
    async with aiohttp.ClientSession() as session:
        caller = Caller(house, session)
        before = await _p99_seconds(caller, "calm")
        async with _slow_clients(house) as slow:
            during = await _p99_seconds(caller, "slow")
            assert slow.open >= IDLE
            assert _sockets_of(house) >= IDLE
    print(f"p99 of a webhook: {before * 1e3:.0f} ms calm, {during * 1e3:.0f} ms beside them")
    assert before < SECONDS_P99_MAX
    assert during < SECONDS_P99_MAX


def test_a_house_started_with_few_files_takes_more(house: House) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    soft, _ = resource.prlimit(house.services[0].pid, resource.RLIMIT_NOFILE)
    assert soft > FILES_SOFT
    assert soft == (FILES_WANTED if hard < 0 else min(FILES_WANTED, hard))


class _Slow:
    def __init__(self) -> None:
        self.open = 0


@contextlib.asynccontextmanager
async def _slow_clients(house: House) -> AsyncIterator[_Slow]:
    """Keeps them up: who is closed comes again."""
    host, port = split_address(house.settings["listen"])
    slow = _Slow()

    async def hold(sent: bytes) -> None:
        while True:
            reader, writer = await asyncio.open_connection(host, port)
            slow.open += 1
            try:
                writer.write(sent)
                while not reader.at_eof():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(reader.read(1), 0.5)
                    if sent:
                        writer.write(b"x")
            except ConnectionError:
                pass
            finally:
                slow.open -= 1
                writer.close()

    sends = [b""] * IDLE + [DRIPS[n % 2] for n in range(DRIPPING)]
    tasks = [asyncio.create_task(hold(sent)) for sent in sends]
    try:
        await eventually(lambda: slow.open >= len(sends) - DRIPPING // 4, seconds_max=30)
        yield slow
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _p99_seconds(caller: Caller, name: str) -> float:
    """Of signed webhooks, four at a time, from connecting to the answer; each must be taken."""
    gate = asyncio.Semaphore(4)

    async def one(number: int) -> float:
        form = message_form(f"{name}-{number}", From="33639981" + f"{number:03d}")
        headers = caller.sign("message", form, nonce=f"{name}-{number}") | {"Connection": "close"}
        async with gate:
            began = time.monotonic()
            assert await caller.post("message", form, headers) == 200
            return time.monotonic() - began

    taken = sorted(await asyncio.gather(*(one(number) for number in range(WEBHOOKS))))
    return taken[int(len(taken) * 0.99)]


def _sockets_of(house: House) -> int:
    folder = Path(f"/proc/{house.services[0].pid}/fd")
    if not folder.exists():
        pytest.skip("no /proc here")
    found = 0
    for link in folder.iterdir():
        with contextlib.suppress(OSError):
            found += str(link.readlink()).startswith("socket:")
    return found
