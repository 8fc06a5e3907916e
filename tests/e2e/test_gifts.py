"""Gifts through the whole house: they bring the number back, and nothing of who gave is kept."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from antirelou.commands.demo.house import embedded_house
from simulator.helloasso import GIVER, MESSAGE, HelloAsso
from tests.e2e.conftest import SETTINGS
from tests.integration.donations.scene import BELL, helloasso_settings
from tests.support.audit import expect_clean
from tests.support.house import status_when, text_in
from tests.support.scan import find_people

SENDERS = ("+33639980011", "+33639980012")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def platform() -> AsyncIterator[HelloAsso]:
    async with HelloAsso() as running:
        yield running


async def test_a_refund_stops_replies_and_a_gift_brings_the_number_back(
    platform: HelloAsso, tmp_path: Path
) -> None:
    gifts = {name: str(value) for name, value in helloasso_settings(platform).items()}
    with embedded_house(tmp_path, SETTINGS | {"fund_floor": "2.00"} | gifts) as house:
        first = platform.give(1000, tip=100)
        platform.give(900, form=("Membership", "adhesion"))
        # The very door that takes the provider's webhooks.
        bell = f"{house.settings['public_url']}/webhooks/donations/helloasso/{BELL}"
        assert await platform.ring(first, url=bell) == 200
        await status_when(house, lambda now: now["fund"]["raised_microeuros"] == 10_000_000)
        text_in(house, SENDERS[0], "Salut, on se voit quand ?")
        await status_when(house, lambda now: now["replies"]["delivered"] == 1)
        platform.become(first, "Refunded")
        stopped = await status_when(house, lambda now: now["attached"] is False)
        assert (stopped["posture"], stopped["posture_cause"]) == ("suspended", "floor")
        assert stopped["fund"]["available_microeuros"] == -160_000
        platform.give(2500)
        back = await status_when(house, lambda now: now["attached"] is True)
        assert back["fund"]["donated_microeuros"] == back["fund"]["raised_microeuros"] == 25_000_000
        text_in(house, SENDERS[1], "C'est moi, tu te souviens ?")
        await status_when(house, lambda now: now["replies"]["delivered"] == 2)
        assert await find_people(house, [], [*GIVER.values(), MESSAGE]) == []
        await expect_clean(house)
