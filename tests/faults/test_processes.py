"""Services killed with SIGKILL, and stopped in order, under a small flood."""

import asyncio

import pytest

from antirelou.commands.demo.house import SERVICES, Process
from antirelou.commands.demo.watch import call
from tests.faults.broken import LONG, Broken
from tests.faults.door import knocking

VOLLEYS = 5 if LONG else 2
VOLLEY_MIN = 3 if LONG else 2

pytestmark = pytest.mark.timeout(400)


async def test_every_service_killed_at_a_random_moment(broken: Broken) -> None:
    async with broken.trial("each service killed", kills=len(SERVICES)) as trial:
        names = broken.chance.sample(SERVICES, len(SERVICES))
        moments = sorted(broken.chance.uniform(0.05, 0.9) for _ in names)
        for name, moment in zip(names, moments, strict=True):
            await trial.passed(moment)
            await kill(broken.service(name))
        trial.healed()


async def test_several_services_killed_at_once(broken: Broken) -> None:
    async with broken.trial("several services killed at once") as trial:
        for moment in sorted(broken.chance.uniform(0.1, 0.8) for _ in range(VOLLEYS)):
            await trial.passed(moment)
            names = broken.chance.sample(SERVICES, broken.chance.randint(VOLLEY_MIN, len(SERVICES)))
            await kill(*(broken.service(name) for name in names))
            trial.row.kills += len(names)
        trial.healed()


async def test_everything_restarted_in_turn(broken: Broken) -> None:
    """With two doors behind the provider no webhook is refused: it takes each at the first try."""
    second, front = broken.another("ingest"), broken.front
    assert front is not None
    second.start()
    try:
        await asyncio.to_thread(second.wait_ready)
        front.add(second)
        known = set(received(broken))
        async with (
            broken.trial("everything restarted in turn") as trial,
            knocking(broken.house, front.url) as knocks,
        ):
            await trial.passed(0.1)
            for process in (broken.service("ingest"), second, *map(broken.service, SERVICES[:-1])):
                code = await asyncio.to_thread(process.stop)
                assert code == 0, f"{process.name} ended with {code}"
                process.start()
                await asyncio.to_thread(process.wait_ready)
            trial.healed()
        assert {knock.status for knock in knocks.all} == {200}
        new = {uuid: tries for uuid, tries in received(broken).items() if uuid not in known}
        assert len(new) >= trial.row.messages > 0
        assert {uuid: tries for uuid, tries in new.items() if tries != 1} == {}
    finally:
        front.remove(second)
        assert second.stop() == 0


def received(broken: Broken) -> dict[str, int]:
    """By message, how often the provider has tried to tell us."""
    url = f"{broken.house.provider_url}/_sim/messages?direction=inbound"
    return {message["message_uuid"]: message["attempts"] for message in call(url)["messages"]}


async def kill(*processes: Process) -> None:
    """Kill them all at once, and start them again."""
    for process in processes:
        process.kill()
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.wait_ready)
