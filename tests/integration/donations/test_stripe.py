"""Gifts by Stripe, from a stand-in of it to the status: every gift once, to the cent."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kernel.facts.records import DonationReported
from kernel.values.clock import SystemClock
from simulator.stripe import API_KEY, SECRET, Stripe
from tests.integration.donations.scene import GiftHouse, make_settings, open_house

PATH = "/webhooks/donations/stripe"
NIGHT_SPEED = 20_000
"""A night comes every four seconds."""
FEES = (2000 * 15 // 1000 + 25) + (500 * 15 // 1000 + 25) + 35 + 1500


@pytest.fixture
async def platform() -> AsyncIterator[Stripe]:
    async with Stripe() as running:
        yield running


@pytest.fixture
async def house(platform: Stripe, fresh_database: str) -> AsyncIterator[GiftHouse]:
    settings = make_settings(
        fresh_database, stripe_webhook_secrets=json.dumps(["whsec_of_before", SECRET]),
        stripe_api_key=API_KEY, stripe_api_url=platform.url, clock_speed=NIGHT_SPEED,
    )  # fmt: skip
    async with open_house(settings) as running:
        platform.webhook_url = running.door + PATH
        yield running


async def test_repeats_reorders_and_losses_come_to_the_cent(
    platform: Stripe, house: GiftHouse
) -> None:
    once = platform.give(2000)
    platform.give(500, monthly=True)
    later = platform.give(1200, paid=False)
    platform.give(700, currency="usd")
    assert await platform.deliver() == 0
    await house.fund_when(raised=25)
    platform.arrive(later, 1200)
    platform.refund(once, 1, 300, "pending", total=300)
    platform.refund(once, 1, 300, "failed")
    platform.refund(once, 2, 800, "pending", total=1100)
    platform.refund(once, 2, 800, "succeeded", total=800)
    assert await platform.deliver(lost=3) == 3
    await house.fund_when(raised=29)
    platform.dispute(later, 1200)
    assert await platform.deliver() == 0
    # 29 less 12 €, and the fees of Stripe: by the webhook those of the dispute, at night all.
    fund = await house.fund_when(raised=17, fees=FEES / 100, available=17 - FEES / 100)
    assert fund["donated_microeuros"] == fund["raised_microeuros"]
    platform.dispute(later, 1200, reinstated=True)
    assert await platform.deliver() == 0
    await house.fund_when(raised=29)
    _, shown = await house.ask("GET", "/v1/fund")
    assert [part["uncounted"] for part in shown["uncounted"]] == ["currency"]


async def test_the_door_takes_what_is_signed_lately_and_tells_nothing_of_tests(
    platform: Stripe, house: GiftHouse
) -> None:
    platform.give(2000)
    body = json.dumps(platform.events[0]).encode()
    platform._undelivered.clear()
    platform.events.clear()
    platform.balance.clear()
    now = SystemClock().now()
    assert await platform.send(body, secrets=["whsec_another_one"]) == 400
    assert await platform.send(body, at=now - timedelta(seconds=310)) == 400
    assert await house.knock(PATH, body) == 400
    assert await platform.send(b"rubbish") == 400
    assert await platform.send(body.replace(b'"livemode": true', b'"livemode": false')) == 200
    assert (await house.fund())["raised_microeuros"] == 0
    assert await platform.send(body, secrets=["whsec_of_before"]) == 200
    await house.fund_when(raised=20)
    told = [record async for record in house.log.scan(DonationReported.TOPIC)]
    assert len(told) == 1


async def test_a_transfer_of_more_than_is_left_is_refused(
    platform: Stripe, house: GiftHouse
) -> None:
    platform.give(2000)
    await platform.deliver()
    await house.fund_when(raised=20)
    body = {"id": "t1", "amount_eur": "15.00", "note": "by bank"}
    assert (await house.ask("POST", "/v1/transfers", body))[0] == 201
    assert (await house.ask("POST", "/v1/transfers", body))[0] == 200
    assert (await house.ask("POST", "/v1/transfers", body | {"amount_eur": "14"}))[0] == 409
    status, refusal = await house.ask("POST", "/v1/transfers", body | {"id": "t2"})
    assert (status, refusal["field"]) == (409, "amount_eur")
    assert (await house.fund())["transferred_microeuros"] == 15_000_000
    await house.ask("POST", "/v1/fund/corrections", {"entry": "t1", "why": "typed wrong"})
    assert (await house.ask("POST", "/v1/transfers", body | {"id": "t2"}))[0] == 201
