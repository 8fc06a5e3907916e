"""Each fault of the simulated provider does what it is named after, and no more."""

import asyncio

import pytest

from kernel.values.money import parse_micro
from simulator.faults import Fault
from simulator.server import Simulator
from tests.integration.simulator.conftest import NUMBER, SENDER, Door, Sdk
from tests.support.eventually import eventually

TARIFF_RECEIVE, TARIFF_REPLY = 10_000, 150_000


async def test_slow_is_late_and_right(sdk: Sdk, simulator: Simulator) -> None:
    simulator.faults.slow, simulator.faults.slow_seconds = Fault(count=1), 0.3
    loop = asyncio.get_running_loop()
    began = loop.time()
    answer = await sdk.send()
    assert loop.time() - began >= 0.3
    assert answer.message_uuid == [simulator.messages("outbound")[0].uuid]
    began = loop.time()
    await sdk.send()
    assert loop.time() - began < 0.3


async def test_rubbish_answers_to_questions_alone(sdk: Sdk, simulator: Simulator) -> None:
    simulator.faults.query_rubbish = Fault(count=1)
    assert (await sdk.send()).message_uuid
    assert await sdk.ask(lambda client: client.account.get()) is None
    assert (await sdk.ask(lambda client: client.account.get())).cash_credits


async def test_a_late_webhook_is_overtaken(simulator: Simulator, door: Door) -> None:
    simulator.faults.webhook_late = Fault(count=1)
    simulator.faults.webhook_late_seconds = 300.0
    late = asyncio.create_task(simulator.receive_message(SENDER, "first"))
    await eventually(lambda: len(simulator.messages("inbound")) == 1, seconds_max=2, every=0.005)
    await simulator.receive_message(SENDER, "second")
    await late
    assert [hook.fields["Text"] for hook in door.seen] == ["second", "first"]


async def test_a_lost_webhook_is_tried_again_and_given_up_after_four(
    simulator: Simulator, door: Door
) -> None:
    simulator.faults.webhook_lost = Fault(count=5)
    await simulator.receive_message(SENDER, "never")
    assert await simulator.settled(5)
    assert door.seen == []
    await simulator.receive_message(SENDER, "at the second attempt")
    assert await simulator.settled(5)
    assert [hook.fields["Text"] for hook in door.seen] == ["at the second attempt"]
    states = [(message.state, message.attempts) for message in simulator.messages("inbound")]
    assert states == [("undelivered", 4), ("delivered", 2)]
    assert simulator.bill().lost == 1


@pytest.mark.parametrize("late", [False, True])
async def test_another_price_is_on_report_log_and_bill(
    sdk: Sdk, simulator: Simulator, door: Door, *, late: bool
) -> None:
    if late:
        simulator.faults.repriced_late = Fault(count=1)
    else:
        simulator.faults.repriced = Fault(count=1)
    credit = simulator.credit_microunits
    [uuid] = (await sdk.send(url=f"{door.base}/report")).message_uuid
    assert await simulator.settled(5)
    told = [parse_micro(hook.fields["TotalAmount"]) for hook in door.seen]
    real = TARIFF_REPLY * 3 // 2
    assert told == [TARIFF_REPLY if late else real, real]
    record = await sdk.ask(lambda client: client.messages.get(uuid))
    assert parse_micro(record.total_amount) == real
    assert simulator.bill().sent_microunits == real == credit - simulator.credit_microunits


async def test_receiving_has_another_price_too(simulator: Simulator, door: Door) -> None:
    simulator.faults.repriced = Fault(count=1)
    await simulator.receive_message(SENDER, "dear")
    assert parse_micro(door.seen[0].fields["TotalAmount"]) == TARIFF_RECEIVE * 3 // 2
    assert simulator.bill().received_microunits == TARIFF_RECEIVE * 3 // 2
    assert NUMBER[1:] == door.seen[0].fields["To"]
