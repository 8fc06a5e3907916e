"""The responder and the door over two simulated phones, which do wrong what phones do."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from kernel.facts.records import Posture, PostureChanged, ReplyState
from kernel.provider.table import open_provider
from kernel.service.port import Ports
from kernel.telemetry.metrics import Telemetry
from services.ingest.service import open_ingest
from services.responder.settings import UNLEFT_MAX
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
    QUICK, lease=SECOND * 60, search_first=SECOND / 5, unresolved_after=SECOND * 40,
    settle_after=SECOND, final_after=SECOND * 60, retry_longest=SECOND / 2,
    tells_leaving=True, repeatable=True,
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
    devices = config.pop("devices", (DEVICE, SECOND_DEVICE))
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


async def test_what_goes_wrong_on_the_way_is_sent_once_all_the_same(
    fresh_database: str, log: MemoryLog
) -> None:
    async with open_house(fresh_database, log) as house:
        faults = house.phones.faults
        for fault in ("accept_then_502", "accept_then_reset", "rubbish", "server_error",
                      "proxy_unavailable", "connection_reset"):  # fmt: skip
            getattr(faults, fault).count = 3
        faults.queue_full.count = faults.too_many_requests.count = 2
        faults.query_error.probability = 0.02
        faults.undelivered.count = faults.failed.count = 4
        faults.out_of_order.count = 2
        faults.webhook_duplicate.probability = 0.2
        await house.scene.append(*(authorized(n) for n in range(COUNT)))
        await eventually(house.ended, seconds_max=60)
        sent = Counter(sms.number for sms in house.phones.sent)
        assert set(sent.values()) == {1}
        last = [house.last(number) for number in range(COUNT)]
        states = Counter(one.state for one in last)
        assert states[ReplyState.UNDELIVERED] == states[ReplyState.FAILED] == 4
        failed = {one.reply_id for one in last if one.state is ReplyState.FAILED}
        assert failed == {sms.id for sms in house.phones.messages if not sms.sent}
        assert {one.amount_microunits for one in last} == {0}
        seen = {c.state for n in range(COUNT) for c in house.scene.changes(f"m-{n}")}
        assert ReplyState.UNCERTAIN in seen
        assert ReplyState.UNRESOLVED not in seen


async def test_androids_own_limit_ends_what_it_meets_with_its_reason(
    fresh_database: str, log: MemoryLog
) -> None:
    async with open_house(fresh_database, log, limit=5, limit_window=timedelta(days=30)) as house:
        await house.scene.append(*(authorized(n) for n in range(COUNT)))
        await eventually(house.ended, seconds_max=40)
        reasons = Counter(house.last(number).reason for number in range(COUNT))
        assert reasons == {"": 10, "limit": COUNT - 10}, "five by each phone"


async def test_a_pause_calls_back_what_a_sleeping_phone_has_not_fetched(
    fresh_database: str, log: MemoryLog
) -> None:
    async with open_house(fresh_database, log) as house:
        house.phones.switch(online=False)
        await house.scene.append(*(authorized(n) for n in range(4)))
        await eventually(lambda: len(house.phones.messages) == 4, seconds_max=10)
        await house.scene.append(
            PostureChanged(id="p-1", trace="t", at=CLOCK.now(), sequence=1, attach=True,
                           posture=Posture.SUSPENDED, cause="operator")
        )  # fmt: skip

        def called_back() -> bool:
            return all((last := house.last(n)) and last.reason == "cancelled" for n in range(4))

        await eventually(called_back, seconds_max=30)
        assert all(house.last(n).nothing_charged for n in range(4))
        house.phones.switch(online=True)
        assert await house.phones.settled(5)
        assert house.phones.sent == []


async def test_a_phone_that_sleeps_is_given_no_more_than_it_may_send(
    fresh_database: str, log: MemoryLog
) -> None:
    async with open_house(fresh_database, log, devices=(DEVICE,)) as house:
        house.phones.switch(online=False)
        await house.scene.append(*(authorized(n) for n in range(COUNT)))
        await eventually(lambda: len(house.phones.messages) == UNLEFT_MAX, seconds_max=20)
        with pytest.raises(AssertionError, match="not within"):
            await eventually(lambda: len(house.phones.messages) > UNLEFT_MAX, seconds_max=2)
        house.phones.switch(online=True)
        await eventually(house.ended, seconds_max=60)
        sent = Counter(sms.number for sms in house.phones.sent)
        assert sent == Counter(phone(n) for n in range(COUNT)), "what waited here lost nothing"
