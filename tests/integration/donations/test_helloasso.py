"""Gifts by HelloAsso, from a stand-in of it to the status: every gift once, to the cent."""

from collections.abc import AsyncIterator

import pytest

from simulator.helloasso import HelloAsso
from tests.integration.donations.scene import (
    BELL,
    GiftHouse,
    helloasso_settings,
    make_settings,
    open_house,
)


@pytest.fixture
async def platform() -> AsyncIterator[HelloAsso]:
    async with HelloAsso() as running:
        yield running


@pytest.fixture
async def house(platform: HelloAsso, fresh_database: str) -> AsyncIterator[GiftHouse]:
    settings = make_settings(fresh_database, **helloasso_settings(platform))
    async with open_house(settings) as running:
        yield running


async def test_gifts_refunds_and_contests_come_by_themselves(
    platform: HelloAsso, house: GiftHouse
) -> None:
    first = platform.give(2000, tip=300)
    platform.give(500, form=("Membership", "3"))
    platform.give(700, state="AuthorizedPreprod")
    await house.fund_when(raised=20, donated=20, available=20)
    second = platform.give(5000, tip=500, tip_inside=True)
    assert await house.knock(f"/webhooks/donations/helloasso/{BELL}", b"x" * 200_000) == 200
    await house.fund_when(raised=70, available=70)
    platform.refund(first, 500)
    platform.refund(first, 300, status="Init")
    platform.become(second, "Contested")
    await house.fund_when(raised=15, donated=15, available=15)
    platform.become(second, "Authorized")
    platform.become(first, "Verifying")
    await house.fund_when(raised=65, available=65)
    platform.become(first, "Canceled")
    await house.fund_when(raised=50, available=50)
    assert await house.knock("/webhooks/donations/helloasso/another") == 404


async def test_an_hour_of_503_and_an_expired_token_lose_nothing(
    platform: HelloAsso, house: GiftHouse
) -> None:
    gifts = [platform.give(100 + i) for i in range(250)]
    await house.fund_when(raised=sum(100 + i for i in range(250)) / 100)
    platform.wrongs.status = 503
    platform.refund(gifts[0], 100)
    gifts.append(platform.give(990))
    asked = platform.requests
    while platform.requests < asked + 3:
        await house.fund()
    platform.wrongs.status = 0
    platform._tokens.clear()
    await house.fund_when(raised=(sum(100 + i for i in range(250)) - 100 + 990) / 100)
    assert platform.tokens_given <= 6
