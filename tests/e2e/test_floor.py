"""The floor under attack: a flood at full speed, a small fund, and what is left of it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from antirelou.commands.demo.house import House, Process
from antirelou.commands.demo.run import SEED, look, read_bill
from antirelou.commands.demo.watch import call
from kernel.database.pool import Connection
from kernel.facts.topics import BILLING_GROUP, FILTER_GROUP
from services.billing.core.floor import DETACHING_SECONDS, sink_microeuros
from tests.e2e.conftest import SETTINGS, Built, build
from tests.faults.group import open_groups
from tests.support.audit import expect_clean
from tests.support.eventually import eventually
from tests.support.house import NUMBER, another_member, at_rest, donate

FLOOR_MICROEUROS = 2_000_000
FUND_MICROEUROS = 5_000_000
PRICE_MICROEUROS = 10_000
AT_ONCE = 1e9
"""The speed of the crowd: as fast as it is taken."""

WHILE_OFF = 50
"""Messages that the provider logs and charges while the number is off."""

CROSSED = """
SELECT min(at) FROM (
    SELECT at, sum(CASE credit WHEN 'fund' THEN amount_microeuros ELSE -amount_microeuros END)
        OVER (ORDER BY at) AS fund
    FROM billing.transfers WHERE 'fund' IN (debit, credit)
) booked WHERE fund <= $1
"""
"""When the books were first down at the floor."""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def attacked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Built]:
    """A house with a small fund, over the log that the test names."""
    settings = SETTINGS | {"fund_floor": f"{FLOOR_MICROEUROS / 1e6:.2f}"}
    with build(request.param, request, tmp_path, settings) as built:
        donate(built.house, f"{FUND_MICROEUROS / 1e6:.2f}")
        yield built


@pytest.mark.parametrize("attacked", ["embedded"], indirect=True)
async def test_a_flood_ends_at_the_floor_and_a_donation_brings_the_number_back(
    attacked: Built,
) -> None:
    house = attacked.house
    spoil(house, detached="rejected")
    flood(house, scale=0.2)
    off = await linked(house, attached=False)
    await expect_held(attacked, off)
    await expect_back(house)
    assert read_bill(house).accepted < call(f"{house.provider_url}/_sim/drive")["total"]


@pytest.mark.parametrize("attacked", ["kafka"], indirect=True)
async def test_two_members_of_each_end_at_the_same_floor(attacked: Built) -> None:
    """Filter and billing twice: whoever pays, the floor holds, and all is booked as billed."""
    house = attacked.house
    seconds = [another_member(house, target) for target in ("filter", "billing")]
    try:
        async with open_groups(house.settings["kafka_bootstrap"]) as groups:
            for second in seconds:
                second.start()
            for group in (FILTER_GROUP, BILLING_GROUP):
                await groups.wait_for(group, 2)
        spoil(house, detached="rejected")
        flood(house, scale=0.05)
        await expect_held(attacked, await linked(house, attached=False))
        await expect_back(house)
    finally:
        codes = [await asyncio.to_thread(second.stop) for second in seconds]
    assert codes == [0, 0], "SIGTERM drains"


@pytest.mark.parametrize("attacked", ["embedded", "kafka"], indirect=True)
async def test_the_wish_outlives_an_api_that_is_away_and_the_death_of_who_has_it(
    attacked: Built,
) -> None:
    """And what is charged while the number is off comes by backfill; it changes no link."""
    house = attacked.house
    spoil(house, detached="charged", query_error=1)
    flood(house, scale=0.02)
    await eventually(lambda: is_wished_off(attacked), seconds_max=60, every=0.1)
    for process in house.services:
        if process.name in {"all", "responder", "billing"}:
            await kill(process)
    assert calls(house) == []

    returned_at = time.time()
    spoil(house, query_error=0)
    off = await linked(house, attached=False)
    assert off["at"] - returned_at <= DETACHING_SECONDS
    text_while_off(house)
    await expect_back(house)
    bill = call(f"{house.provider_url}/_sim/bill")
    assert bill["received"] == bill["accepted"] + bill["lost"] + WHILE_OFF
    assert look(house).status["messages"]["received"] == bill["received"]


# -- what must hold ------------------------------------------------------------------------------


async def expect_held(attacked: Built, off: dict[str, Any]) -> None:
    """It was off in time, no reply took from the floor, and it sank no deeper than computed."""
    async with books(attacked) as connection:
        crossed_at: datetime = await connection.fetchval(CROSSED, FLOOR_MICROEUROS)
        suspended_at = await connection.fetchval(
            "SELECT min(at) FROM billing.postures WHERE cause = 'floor'"
        )
        reserves = await connection.fetch(
            "SELECT at, amount_microeuros FROM billing.transfers WHERE kind = 'reserve'"
        )
    seconds = off["at"] - crossed_at.timestamp()
    assert seconds <= DETACHING_SECONDS
    assert [row for row in reserves if row["at"] > suspended_at] == []
    replies = sum(row["amount_microeuros"] for row in reserves)
    assert replies <= FUND_MICROEUROS - FLOOR_MICROEUROS
    sunk = FLOOR_MICROEUROS - (FUND_MICROEUROS - replies - off["received_microunits"])
    rate = fastest_second(attacked.house)
    bound = sink_microeuros(rate, PRICE_MICROEUROS)
    print(f"\noff {seconds:.2f} s after the books were at the floor; at most {rate} segments/s; "
          f"sank by {sunk / 1e6:.2f} EUR, computed at most {bound / 1e6:.2f}")  # fmt: skip
    assert 0 <= sunk <= bound


async def expect_back(house: House) -> None:
    """A donation brings it back in time; then all is at rest, booked as billed, and clean."""
    given_at = time.time()
    donate(house, "100.00", id_="rescue")
    on = await linked(house, attached=True)
    assert on["at"] - given_at <= DETACHING_SECONDS
    await at_rest(house, seconds_max=90)

    def booked_as_billed() -> bool:
        fund, bill = look(house).status["fund"], read_bill(house)
        assert fund["spent_receive_microeuros"] == bill.received_microunits
        assert fund["spent_reply_microeuros"] == bill.sent_microunits
        return True

    await eventually(booked_as_billed, seconds_max=90, every=0.5)
    await at_rest(house, seconds_max=60)
    await expect_clean(house)
    assert [one["attached"] for one in calls(house)] == [False, True], "no flapping"
    assert look(house).status["posture"] != "suspended"


# -- helpers -------------------------------------------------------------------------------------


def flood(house: House, *, scale: float) -> None:
    """The weekend's crowd, or a share of it, all at once."""
    crowd = {"seed": SEED, "scale": scale, "speed": AT_ONCE}
    call(f"{house.provider_url}/_sim/drive", method="POST", body=crowd)


def text_while_off(house: House) -> None:
    """Others text a number that is off."""
    messages = [
        {"from": f"+336399855{number:02d}", "to": NUMBER, "text": f"tu es là ? {number}"}
        for number in range(WHILE_OFF)
    ]
    call(f"{house.provider_url}/_sim/messages", method="POST", body={"messages": messages})


def spoil(house: House, **faults: object) -> None:
    """The provider behaves so from now on."""
    call(f"{house.provider_url}/_sim/faults", method="POST", body=faults)


def calls(house: House) -> list[dict[str, Any]]:
    """Every call that linked the number, in order."""
    found: list[dict[str, Any]] = call(f"{house.provider_url}/_sim/links")["links"]
    return found


async def linked(house: House, *, attached: bool) -> dict[str, Any]:
    """The call after which the number was on, or off."""

    def found() -> dict[str, Any] | None:
        changes = [one for one in calls(house) if one["changed"]]
        return changes[-1] if changes and changes[-1]["attached"] is attached else None

    change: dict[str, Any] = await eventually(found, seconds_max=60, every=0.05)
    return change


async def is_wished_off(attacked: Built) -> bool:
    """Whether billing wants the number off."""
    async with books(attacked) as connection:
        attach: bool = await connection.fetchval("SELECT attach FROM billing.standing")
    return not attach


async def kill(process: Process) -> None:
    """A crash, and the start after it."""
    process.kill()
    process.start()
    await asyncio.to_thread(process.wait_ready)


def fastest_second(house: House) -> int:
    """The most segments that arrived at the provider in one second."""
    arrived = call(f"{house.provider_url}/_sim/messages?direction=inbound")["messages"]
    seconds: Counter[str] = Counter()
    for message in arrived:
        seconds[message["at"]] += message["segments"]
    return max(seconds.values())


@asynccontextmanager
async def books(attacked: Built) -> AsyncIterator[Connection]:
    """A connection to the house's database."""
    async with attacked.reading() as (_, url):
        connection = await asyncpg.connect(url)
        try:
            yield connection
        finally:
            await connection.close()
