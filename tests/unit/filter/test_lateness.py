"""A flood that is read late, after an outage say, is judged as it would have been in time."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from msgspec.structs import replace

from kernel.facts.records import Reason
from kernel.sealing.privacy import Pseudonymizer
from kernel.stage.stage import Received
from simulator.floods.first import flood
from tests.unit.filter.cases import DAY, KEY, SETTINGS, received
from tests.unit.filter.test_docket import Run, read

PSEUDONYMIZER = Pseudonymizer(KEY)


def read_flood(kind: str, seed: int, scale: float) -> Iterator[Received]:
    """Its texts from French mobiles, as they come."""
    for arrival in flood(kind, seed, scale):
        if arrival.sender.startswith("+336"):
            record = received(
                arrival.id,
                at=arrival.at,
                text=arrival.text,
                blocks=PSEUDONYMIZER.blocks(arrival.sender),
            )
            pseudonym = PSEUDONYMIZER.pseudonym(arrival.sender)
            yield read(replace(record, sender=pseudonym), arrival.at)


async def judge(log: Sequence[Received], size: int, *, looking: bool) -> dict[str, Reason]:
    """In batches of a size, the timer looking after each, or only when all is read."""
    run = Run(SETTINGS)
    for place in range(0, len(log), size):
        batch = log[place : place + size]
        await run.take(batch)
        if looking:
            await run.look(batch[-1].appended_at)
    await run.look(log[-1].appended_at + 5 * DAY)
    return {verdict.id: verdict.reason for verdict in run.told.values()}


LATE = [(5, True), (1000, True), (10**6, False)]
"""How many are read at once, and whether the timer looks in between."""


@pytest.mark.parametrize(("kind", "seed"), [("mixture", 1), ("copy_paste", 2), ("raid", 4)])
def test_a_flood_is_judged_the_same_however_late_it_is_read(kind: str, seed: int) -> None:
    log = list(read_flood(kind, seed, 0.2))
    in_time = asyncio.run(judge(log, 20, looking=True))
    assert set(in_time) == {each.record.id for each in log}
    told = Counter(in_time.values())
    assert told[Reason.DESERVED] > 100
    assert kind == "raid" or told[Reason.CAMPAIGN] > 50
    for size, looking in LATE:
        assert asyncio.run(judge(log, size, looking=looking)) == in_time


def test_of_how_calm_hours_are_a_little_less_is_known_by_who_reads_late() -> None:
    """It is learnt of verdicts: at the edge where it begins to be known a few may differ."""
    log = list(read_flood("gateway", 3, 0.2))
    in_time = asyncio.run(judge(log, 20, looking=True))
    assert Counter(in_time.values())[Reason.RANGE] > 50
    for size, looking in LATE:
        late = asyncio.run(judge(log, size, looking=looking))
        differing = [
            message_id
            for message_id, reason in late.items()
            if (reason is Reason.DESERVED) != (in_time[message_id] is Reason.DESERVED)
        ]
        assert len(differing) <= len(log) // 200
