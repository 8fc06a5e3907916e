"""Each service is killed at its crash points, just before and just after it does anything.

The points are those of a traced run. CI takes a sample of them; ``make faults`` takes all.
"""

import asyncio
import random
import tempfile
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import pytest

from antirelou.commands.demo.house import House, Process, embedded_house
from antirelou.commands.demo.run import operate, read_bill
from tests.faults.broken import HOUSE_SETTINGS, Broken
from tests.faults.conftest import ROUNDS, Houses
from tests.faults.crash_points.ordeal import (
    Deaths,
    Point,
    die_in_turn,
    read_points,
    sample,
    start_tracing,
    stop_tracing,
)
from tests.faults.crash_points.stir import Stir
from tests.faults.trial import AGREE_SECONDS_MAX, REST_SECONDS_MAX, Report, Row
from tests.support.audit import expect_clean
from tests.support.eventually import eventually
from tests.support.house import at_rest, status

ALL = ROUNDS > 1
TRACED_SECONDS = 40 if ALL else 12
SAMPLE = {"ingest": 3, "filter": 4, "billing": 5, "responder": 3, "evidence": 3}
"""How many points of each, where not all are taken."""
SAMPLE_EMBEDDED = 4
BATCH = 20
"""Deaths of a service between two audits."""
EMBEDDED_PORTS = ("log.", "database.log.")
"""What one process adds to five: another log."""

pytestmark = pytest.mark.timeout(3600 if ALL else 600)

Batch = Mapping[str, Sequence[Point]]


async def test_each_service_killed_at_its_points(
    houses: Houses, report: Report, chance: random.Random
) -> None:
    broken = houses.whole(turn=0)
    broken.chance = chance
    stir = Stir(broken.house, chance)
    points = await trace(broken.house, stir, chance)
    chosen = points if ALL else {name: sample(points[name], SAMPLE[name]) for name in points}
    died, missed = 0, {name: list[Point]() for name in points}
    for batch in in_batches(chosen):
        deaths = await kill_batch(broken, stir, batch)
        died += sum(len(one.died) for one in deaths.values())
        missed = {name: [*missed[name], *deaths[name].missed] for name in deaths}
    if any(missed.values()):
        report.say(f"not passed in time, tried again: {missed}")
        deaths = await kill_batch(broken, stir, missed)
        died += sum(len(one.died) for one in deaths.values())
        missed = {name: one.missed for name, one in deaths.items()}
    report.say(f"died at {died} points of {sum(map(len, points.values()))}")
    assert not any(missed.values()), missed
    assert died == sum(map(len, chosen.values()))


async def kill_batch(broken: Broken, stir: Stir, batch: Batch) -> dict[str, Deaths]:
    """A trial in which every service dies at its points of the batch."""
    donated = status(broken.house)["fund"]["donated_microeuros"] - stir.donated_microeuros
    row_kills = sum(map(len, batch.values()))
    async with broken.trial("crash point", kills=row_kills, crowd=False) as trial:
        trial.row.tried = row_kills
        async with stir.stirring():
            services = [broken.service(name) for name in batch]
            deaths = await all_die(services, batch, broken.report)
        await broken.passed(1.0)
        trial.row.tried = trial.row.kills = sum(len(one.died) for one in deaths.values())
        trial.healed()
    fund = status(broken.house)["fund"]
    assert fund["donated_microeuros"] == donated + stir.donated_microeuros, "each gift once"
    return deaths


async def test_the_whole_house_in_one_process_killed_at_its_points(
    report: Report, chance: random.Random
) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="antirelou-faults-", ignore_cleanup_errors=True) as at,
        embedded_house(Path(at), HOUSE_SETTINGS) as house,
    ):
        gift = {"id": "faults", "amount_eur": "5000", "note": "for the tests"}
        operate(house, "POST", "/v1/donations", gift)
        await kill_embedded(house, report, chance)


async def kill_embedded(house: House, report: Report, chance: random.Random) -> None:
    """One process dies at its points; then everything is held against everything."""
    broken = Broken(house, house.folder, house.folder, "", report, chance=chance)
    stir = Stir(house, chance)
    points = await trace(house, stir, chance)
    own = [point for point in points["all"] if point.name.startswith(EMBEDDED_PORTS)]
    others = [point for point in points["all"] if point not in own]
    chosen = own + sample(others, BATCH) if ALL else sample(own, SAMPLE_EMBEDDED)
    row = Row("crash point, one process", tried=len(chosen))
    report.say(row.fault)
    async with stir.stirring():
        [deaths] = (await all_die(house.services, {"all": chosen}, report)).values()
    row.kills = len(deaths.died)
    await broken.passed(1.0)
    row.unresolved = await at_rest(house, seconds_max=REST_SECONDS_MAX)
    await eventually(broken.agrees, seconds_max=AGREE_SECONDS_MAX, every=0.5)
    await expect_clean(house)
    bill = read_bill(house)
    row.messages = bill.accepted + bill.lost
    report.rows.append(row)
    assert status(house)["fund"]["donated_microeuros"] == 5_000_000_000 + stir.donated_microeuros
    assert not deaths.missed, deaths.missed


async def trace(house: House, stir: Stir, chance: random.Random) -> dict[str, list[Point]]:
    """A run under which each service notes the points that it passes."""
    await asyncio.to_thread(start_tracing, house)
    async with stir.stirring():
        await asyncio.sleep(TRACED_SECONDS)
    if ALL:
        await at_rest(house, seconds_max=REST_SECONDS_MAX)
    await asyncio.to_thread(stop_tracing, house)
    return {process.name: read_points(process, chance) for process in house.services}


async def all_die(processes: Sequence[Process], batch: Batch, report: Report) -> dict[str, Deaths]:
    """All at once, each by itself and at each of its points in turn."""
    deaths = await asyncio.gather(*(die_in_turn(p, batch[p.name], report.say) for p in processes))
    return dict(zip((p.name for p in processes), deaths, strict=True))


def in_batches(chosen: Batch) -> list[Batch]:
    """So that no service dies more than ``BATCH`` times in one."""
    chunks = [
        [points[at : at + BATCH] for at in range(0, len(points), BATCH)]
        for points in chosen.values()
    ]
    return [dict(zip(chosen, row, strict=True)) for row in zip_longest(*chunks, fillvalue=[])]
