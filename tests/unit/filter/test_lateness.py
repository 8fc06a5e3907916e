"""A flood that is read late, after an outage say, is judged as it would have been in time."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from msgspec.structs import replace

from antirelou.privacy import Pseudonymizer
from antirelou.records import Reason
from antirelou.stage import Received
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


@pytest.mark.parametrize(
    ("kind", "seed"), [("mixture", 1), ("copy_paste", 2), ("gateway", 3), ("raid", 4)]
)
def test_a_flood_is_judged_the_same_however_late_it_is_read(kind: str, seed: int) -> None:
    """What calm hours bring is learnt of verdicts, a bucket at a time: there a few may differ."""
    log = list(read_flood(kind, seed, 0.2))
    in_time = asyncio.run(judge(log, 20, looking=True))
    assert set(in_time) == {each.record.id for each in log}
    told = Counter(in_time.values())
    assert told[Reason.DESERVED] > 100
    assert kind == "raid" or told[Reason.CAMPAIGN] + told[Reason.RANGE] > 50
    for size in (5, 1000):
        assert asyncio.run(judge(log, size, looking=True)) == in_time
    late = asyncio.run(judge(log, len(log), looking=False))
    assert late.keys() == in_time.keys()
    differing = [message_id for message_id in late if late[message_id] is not in_time[message_id]]
    assert len(differing) <= len(log) // 200
