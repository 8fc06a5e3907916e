"""The real SDK against the simulated provider: each call, each form of error.

docs/plivo.md §4, §5, §9.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from plivo import exceptions

from simulator.faults import Fault
from simulator.server import Simulator
from tests.integration.simulator.conftest import (
    APP_ID,
    NUMBER,
    SENDER,
    Door,
    Sdk,
    config,
    open_sdk,
)
from tests.support.eventually import eventually


async def test_a_send_is_answered_queued_sent_and_delivered(sdk: Sdk, simulator: Simulator) -> None:
    answer = await sdk.send(text="Bonjour é")
    assert answer.message == "message(s) queued"
    [uuid] = answer.message_uuid
    assert await simulator.settled(2)
    record = await sdk.ask(lambda client: client.messages.get(uuid))
    assert (record.message_state, record.units) == ("delivered", 1)
    assert (record.total_amount, record.error_code) == ("0.15000", "000")
    assert (record.from_number, record.to_number) == (NUMBER[1:], SENDER[1:])
    assert simulator.bill().by_message == {uuid: 150_000}


async def test_a_send_to_many_names_those_that_are_no_number(sdk: Sdk) -> None:
    answer = await sdk.send(dst="33639980001<33639980002<12")
    assert len(answer.message_uuid) == 2
    assert answer.invalid_number == ["12"]


@pytest.mark.parametrize(
    "changes",
    [{"dst": "12"}, {"text": None}, {"text": "e" * 1601}, {"text": "ê" * 738},
     {"message_expiry": 4}, {"message_expiry": 10_800}, {"log": "maybe"}],
)  # fmt: skip
async def test_a_wrong_send_is_a_validation_error(
    sdk: Sdk, simulator: Simulator, changes: dict[str, Any]
) -> None:
    with pytest.raises(exceptions.ValidationError):
        await sdk.send(**changes)
    assert simulator.messages("outbound") == []


async def test_a_wrong_token_is_an_authentication_error(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for sdk in open_sdk(simulator.url, monkeypatch, token="wrong"):
        with pytest.raises(exceptions.AuthenticationError):
            await sdk.send()
        with pytest.raises(TypeError):  # the SDK's own trap, docs/plivo.md §5
            await sdk.ask(lambda client: client.messages.list())


async def test_a_country_that_is_not_permitted_is_refused(sdk: Sdk) -> None:
    with pytest.raises(exceptions.GeoPermissionError):
        await sdk.send(dst="+447700900123")


async def test_an_unknown_message_is_not_found(sdk: Sdk) -> None:
    with pytest.raises(exceptions.ResourceNotFoundError):
        await sdk.ask(lambda client: client.messages.get("nobody"))


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        ("too_many_requests", exceptions.PlivoRestError, "429"),
        ("no_credit", exceptions.PlivoRestError, "402"),
        ("server_error", exceptions.PlivoServerError, None),
        ("bad_gateway", exceptions.PlivoRestError, "502"),
        ("unavailable", exceptions.PlivoRestError, "503"),
        ("connection_reset", requests.exceptions.ConnectionError, None),
    ],
)
async def test_a_failure_before_acceptance_accepts_nothing(
    sdk: Sdk, simulator: Simulator, fault: str, error: type[Exception], said: str | None
) -> None:
    setattr(simulator.faults, fault, Fault(count=1))
    with pytest.raises(error, match=said):
        await sdk.send()
    assert simulator.messages("outbound") == []
    await sdk.send()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("accept_then_timeout", requests.exceptions.Timeout),
        ("accept_then_502", exceptions.PlivoRestError),
        ("accept_then_reset", requests.exceptions.ConnectionError),
        ("rubbish", None),
    ],
)
async def test_a_failure_after_acceptance_sends_all_the_same(
    sdk: Sdk, simulator: Simulator, fault: str, error: type[Exception] | None
) -> None:
    setattr(simulator.faults, fault, Fault(count=1))
    if error is None:
        assert await sdk.send() is None
    else:
        with pytest.raises(error):
            await sdk.send()
    assert await simulator.settled(2)
    assert [message.state for message in simulator.messages("outbound")] == ["delivered"]


async def test_a_query_that_fails(sdk: Sdk, simulator: Simulator) -> None:
    simulator.faults.query_error = Fault(count=1)
    with pytest.raises(exceptions.PlivoServerError):
        await sdk.ask(lambda client: client.account.get())


async def test_without_credit_nothing_is_accepted(sdk: Sdk, simulator: Simulator) -> None:
    simulator.credit_microunits = 149_999
    with pytest.raises(exceptions.PlivoRestError, match="402"):
        await sdk.send()


async def test_the_log_is_paged_the_newest_first(sdk: Sdk, simulator: Simulator) -> None:
    simulator.faults.list_lag_seconds = 0
    uuids = [
        (await simulator.receive_message(f"+336399800{number:02d}", "Bonjour")) or ""
        for number in range(25)
    ]
    first = await sdk.ask(lambda client: client.messages.list(message_direction="inbound"))
    assert [one.message_uuid for one in first.objects] == uuids[:4:-1]
    assert first.meta.total_count == 25
    assert "offset=20" in first.meta.next
    rest = await sdk.ask(lambda client: client.messages.list(offset=20, limit=20))
    assert [one.message_uuid for one in rest.objects] == uuids[4::-1]
    assert rest.meta.next is None


async def test_the_log_is_filtered(sdk: Sdk, simulator: Simulator) -> None:
    simulator.faults.list_lag_seconds = 0
    await simulator.receive_message(SENDER, "Bonjour")
    await sdk.send()
    await sdk.send(dst="+33639980009")
    assert await simulator.settled(2)

    async def count(**query: Any) -> int:
        answer = await sdk.ask(lambda client: client.messages.list(**query))
        return len(answer.objects)

    soon = datetime.now(UTC) + timedelta(minutes=1)  # noqa: TID251 - what the SDK is asked for
    assert await count() == 3
    assert await count(message_direction="outbound") == 2
    assert await count(message_direction="outbound", to_number=SENDER[1:]) == 1
    assert await count(from_number=SENDER[1:]) == 1
    assert await count(message_state="undelivered") == 0
    assert await count(message_time__gte=f"{soon:%Y-%m-%d %H:%M:%S}") == 0
    assert await count(message_time__lte=f"{soon:%Y-%m-%d %H:%M:%S}") == 3


async def test_the_log_lags(sdk: Sdk, simulator: Simulator) -> None:
    simulator.faults.list_lag_seconds = 3_600_000
    await simulator.receive_message(SENDER, "Bonjour")
    assert (await sdk.ask(lambda client: client.messages.list())).objects == []


async def test_the_log_answers_twenty_times_a_minute(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Simulator(config(door, speed=60.0)) as simulator:
        for sdk in open_sdk(simulator.url, monkeypatch):
            for _ in range(20):
                await sdk.ask(lambda client: client.messages.list())
            with pytest.raises(TypeError):
                await sdk.ask(lambda client: client.messages.list())
            await asyncio.sleep(1.01)  # the minute itself, sixty times as fast
            await sdk.ask(lambda client: client.messages.list())


async def test_number_account_and_prices(sdk: Sdk, simulator: Simulator) -> None:
    number = await sdk.ask(lambda client: client.numbers.get(NUMBER[1:]))
    assert number.application.endswith(f"/Application/{APP_ID}/")
    account = await sdk.ask(lambda client: client.account.get())
    assert (account.cash_credits, account.auto_recharge) == ("5000.00000", False)
    price = await sdk.ask(lambda client: client.pricing.get("FR"))
    assert price.message.outbound.rate == "0.15000"
    simulator.credit_microunits = 1_234_567
    account = await sdk.ask(lambda client: client.account.get())
    assert account.cash_credits == "1.234567"


@pytest.mark.parametrize(
    ("unlink_by", "app_id", "detached"),
    [("any", "", True), ("any", "other", True), ("empty", "", True), ("empty", "other", False),
     ("other", "", False), ("other", "other", True)],
)  # fmt: skip
async def test_unlinking_works_only_in_its_way(
    sdk: Sdk, simulator: Simulator, *, unlink_by: Any, app_id: str, detached: bool
) -> None:
    simulator.faults.unlink_by = unlink_by
    await sdk.ask(lambda client: client.numbers.update(NUMBER[1:], app_id=app_id))
    assert simulator.attached is not detached
    number = await sdk.ask(lambda client: client.numbers.get(NUMBER[1:]))
    if detached:
        shown = f"/v1/Account/{simulator.config.auth_id}/Application/other/" if app_id else None
        assert number.application == shown
    await sdk.ask(lambda client: client.numbers.update(NUMBER[1:], app_id=APP_ID))
    assert simulator.attached


async def test_one_hundred_requests_at_a_time(simulator: Simulator) -> None:
    simulator.faults.accept_then_timeout = Fault(count=100)
    url = f"{simulator.url}/v1/Account/{simulator.config.auth_id}/Message/"
    body = b'{"src":"33937000000","dst":"33639980001","text":"Bonjour"}'
    import base64

    import aiohttp

    basic = base64.b64encode(f"{simulator.config.auth_id}:token-of-the-tests".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        held = [asyncio.create_task(session.post(url, data=body)) for _ in range(100)]
        await eventually(lambda: len(simulator.messages("outbound")) == 100, seconds_max=20)
        async with session.get(url) as answer:
            assert answer.status == 429
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
