"""The responder and the door over two simulated phones, which do wrong what phones do."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from prometheus_client import CollectorRegistry

from kernel.facts.records import ReplyState
from kernel.provider.table import open_provider
from kernel.service.port import Ports
from kernel.telemetry.metrics import Telemetry
from services.ingest.service import open_ingest
from simulator.phone.phone import Registration
from simulator.phone.server import EVENTS, PhoneSimulator
from simulator.phone.settings import PhoneConfig
from tests.fakes.log import MemoryLog
from tests.integration.responder.scene import (
    CLOCK,
    QUICK,
    SECOND,
    Scene,
    authorized,
    make_settings,
    open_scene,
    phone,
)
from tests.support.eventually import eventually
from tests.support.phones import DEVICE, PATH, SECOND_DEVICE, SIGNING_KEY, phone_settings

COUNT = 60
RULES = replace(
    QUICK, lease=SECOND * 60, search_first=SECOND / 5, unresolved_after=SECOND * 10,
    settle_after=SECOND, final_after=SECOND * 60, retry_longest=SECOND / 2, tells_leaving=True,
    amount_min_microunits=0, amount_max_microunits=0,
)  # fmt: skip


@dataclass
class House:
    scene: Scene
    phones: PhoneSimulator

    def last(self, number: int) -> Any:
        changes = self.scene.changes(f"m-{number}")
        return changes[-1] if changes else None

    def ended(self) -> bool:
        return all((last := self.last(n)) is not None and last.final for n in range(COUNT))


@asynccontextmanager
async def open_house(database: str, log: MemoryLog, **config: Any) -> AsyncIterator[House]:
    """Door, responder and phones, wired as in life, on a log in memory."""
    devices = (DEVICE, SECOND_DEVICE)
    door = phone_settings(smsgate_devices=list(devices))
    given = PhoneConfig("us", "word", SIGNING_KEY, devices, speed=500.0, **config)
    ports = Ports(log, CLOCK, Telemetry(CollectorRegistry()), "")
    async with PhoneSimulator(given, CLOCK) as phones, open_ingest(door, ports) as service:
        url = service.url + PATH
        phones.registrations += [Registration(f"r-{event}", event, url) for event in EVENTS]
        own: dict[str, Any] = {
            "provider": "smsgate", "smsgate_url": phones.url, "smsgate_user": "us",
            "smsgate_password": "word", "smsgate_devices": list(devices),
        }  # fmt: skip
        async with (
            open_provider(make_settings(**own)) as provider,
            open_scene(database, log, provider=provider, rules=RULES, chosen=own) as scene,
        ):
            yield House(scene, phones)


async def test_each_is_sent_once_by_two_phones_for_nothing(
    fresh_database: str, log: MemoryLog
) -> None:
    async with open_house(fresh_database, log) as house:
        await house.scene.append(*(authorized(n) for n in range(COUNT)))
        await eventually(house.ended, seconds_max=40)
        sent = Counter(sms.number for sms in house.phones.sent)
        assert sent == Counter(phone(n) for n in range(COUNT))
        assert {sms.device for sms in house.phones.sent} == {DEVICE, SECOND_DEVICE}
        for number in range(COUNT):
            last = house.last(number)
            assert (last.state, last.amount_microunits) == (ReplyState.DELIVERED, 0)
            assert last.message_id == f"m-{number}"
