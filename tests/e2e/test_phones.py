"""A house on two phones: from the text that a phone received to the reply that it sent."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from antirelou.commands.demo.house import Process, free_port
from antirelou.commands.demo.watch import call
from kernel.values.clock import SystemClock
from simulator.phone.server import PhoneSimulator
from simulator.phone.settings import PhoneConfig
from tests.support.eventually import eventually
from tests.support.phones import DEVICE, PATH, SECOND_DEVICE, SIGNING_KEY

CLOCK = SystemClock()
SPEED = 3600
TOKEN = "a-token-of-the-tests-of-phones"


@dataclass
class Built:
    """The house as one process, and the phones beside it."""

    process: Process
    phones: PhoneSimulator
    url: str

    def status(self) -> Any:
        return call(f"{self.url}/v1/status", token=TOKEN)

    def operate(self, path: str, body: Any = None) -> Any:
        return call(f"{self.url}{path}", method="POST", token=TOKEN, body=body or {})

    async def until(self, holds: Any, seconds_max: float = 40) -> Any:
        def look() -> Any:
            self.process.check()
            now = self.status()
            return now if holds(now) else None

        async def asked() -> Any:
            return await asyncio.to_thread(look)

        try:
            return await eventually(asked, seconds_max=seconds_max, every=0.2)
        except AssertionError:
            raise AssertionError(f"not within {seconds_max} s; last: {self.status()}") from None


@pytest.fixture
async def built(tmp_path: Path) -> AsyncIterator[Built]:
    door, ops = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    config = PhoneConfig("us", "word", SIGNING_KEY, (DEVICE, SECOND_DEVICE), speed=SPEED)
    async with PhoneSimulator(config, CLOCK) as phones:
        settings = {
            "provider": "smsgate", "release": "auto",
            "smsgate_url": phones.url, "smsgate_user": "us",
            "smsgate_password": "word", "smsgate_signing_key": SIGNING_KEY,
            "smsgate_devices": f'["{DEVICE}", "{SECOND_DEVICE}"]', "number": "+33639989999",
            "data_dir": str(tmp_path / "data"), "listen": door, "ops_listen": ops,
            "public_url": f"http://{door}", "operator_token": TOKEN, "quiet_hours": "off",
            "clock_speed": str(SPEED),
        }  # fmt: skip
        ready = f"http://{ops}/readyz"
        process = Process("all", ["serve", "all"], settings, tmp_path, ready)
        process.start()
        try:
            await asyncio.to_thread(process.wait_ready)
            yield Built(process, phones, f"http://{ops}")
        finally:
            await asyncio.to_thread(process.stop)


def ended(now: Any, count: int) -> bool:
    return bool(now["replies"]["delivered"] == count)


async def test_a_house_on_phones_answers_for_nothing_and_a_late_day_is_no_flood(
    built: Built,
) -> None:
    # It registers its webhooks by itself.
    await eventually(lambda: len(built.phones.registrations) >= 8, seconds_max=20)
    assert {one.url.endswith(PATH) for one in built.phones.registrations} == {True}

    built.phones.receive("+33639980001", "Coucou c'est Thomas")
    built.phones.receive("+33639980001", "tu es là ?")
    built.phones.receive("+33639980002", "Salut !", device=SECOND_DEVICE)
    now = await built.until(lambda now: ended(now, 2) and now["messages"]["received"] == 3)
    assert now["posture"] == "normal"
    assert now["fund"]["available_microeuros"] == 0
    assert now["fund"]["spent_reply_microeuros"] == now["fund"]["spent_receive_microeuros"] == 0
    assert now["attached"] is True

    # A phone that was dead for a day comes back, and tells of all of it at once.
    built.phones.switch(online=False)
    day = timedelta(days=1)
    for number in range(48):
        at = CLOCK.now() - day + number * day / 48
        built.phones.receive(f"+336399801{number:02}", f"Coucou, ici {number}", at=at)
    built.phones.switch(online=True)
    now = await built.until(lambda now: ended(now, 50))
    judged = {reason: count for reason, count in now["messages"]["judged"].items() if count}
    assert judged == {"reply": 50, "already_deliberating": 1}
    sent = Counter(sms.number for sms in built.phones.sent)
    assert set(sent.values()) == {1}
    assert len(sent) == 50
    assert all(phone.lost == 0 for phone in built.phones.phones.values())
