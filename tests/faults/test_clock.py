"""The wall clock of one replica steps, forth and back, while another's goes right."""

import asyncio
from dataclasses import replace

import pytest

from antirelou.commands.demo.house import Process
from tests.faults.broken import LONG, Broken
from tests.support.stepped import step

TARGETS = ("ingest", "filter", "billing", "responder")
STEPS_SECONDS = (-30.0, 30.0, -90.0, 90.0) if LONG else (-20.0, 20.0)
"""At this house's speed a second is an hour: the smallest of them outlast every delay."""
STEPPED_SECONDS = 8.0

pytestmark = pytest.mark.timeout(400)


async def test_the_clock_of_a_replica_steps(broken: Broken) -> None:
    """A second member of each stage; its clock jumps, stays wrong for a while, and jumps back."""
    path = broken.house.folder / "clock"
    ahead = broken.chance.choice(STEPS_SECONDS)
    step(path, 0)
    replicas = [stepped(broken.another(target), str(path)) for target in TARGETS]
    front = broken.front
    assert front is not None
    try:
        for replica in replicas:
            replica.start()
        for replica in replicas:
            await asyncio.to_thread(replica.wait_ready)
        front.add(replicas[0])
        async with broken.trial("clock of a replica steps") as trial:
            await trial.passed(0.2)
            step(path, ahead)
            broken.report.say(f"a replica of each service is {ahead:+.0f} s wrong")
            await asyncio.sleep(STEPPED_SECONDS)
            step(path, 0)
            trial.healed()
    finally:
        front.remove(replicas[0])
        codes = await asyncio.gather(*(asyncio.to_thread(one.stop) for one in replicas))
        assert set(codes) == {0}, "SIGTERM drains"


def stepped(process: Process, path: str) -> Process:
    """The same process, on a clock that the file moves."""
    return replace(process, program=("-m", "tests.support.stepped", path))
