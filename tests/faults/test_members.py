"""Members of the groups come, go, die and freeze under a small flood."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest

from antirelou.commands.demo.house import Process
from kernel.facts.topics import BILLING_GROUP, FILTER_GROUP
from tests.faults.broken import LONG, Broken, freeze
from tests.faults.group import Groups, open_groups
from tests.support.eventually import eventually

FROZEN_SECONDS = 30.0 if LONG else 12.0
"""Longer than a group waits for a member."""
READ_AGAIN_SECONDS_MAX = 10.0
SLOW_CROWD = 8_000
"""The weekend in 36 s: it still texts when the group has noticed."""
GROUPS = {"filter": FILTER_GROUP, "billing": BILLING_GROUP}

pytestmark = pytest.mark.timeout(400)


async def test_members_come_and_go(broken: Broken) -> None:
    """From one to four, to two."""
    more = [broken.another(target, n) for target in GROUPS for n in (2, 3, 4)]
    async with (
        joining(more),
        open_groups(broken.bootstrap) as groups,
        broken.trial("members: 1, 4, 2") as trial,
    ):
        await trial.passed(0.1)
        for one in more:
            one.start()
        for group in GROUPS.values():
            await groups.wait_for(group, 4)
        await trial.passed(0.5)
        leaving = [one for one in more if not one.name.endswith("2")]
        codes = await asyncio.gather(*(asyncio.to_thread(one.stop) for one in leaving))
        assert set(codes) == {0}, "SIGTERM drains"
        for group in GROUPS.values():
            await groups.wait_for(group, 2)
        trial.healed()


async def test_members_frozen_until_expelled_and_thawed(broken: Broken) -> None:
    seconds = [broken.another(target) for target in GROUPS]
    async with joining(seconds), open_groups(broken.bootstrap) as groups:
        for second in seconds:
            second.start()
        before = {group: await groups.wait_for(group, 2) for group in GROUPS.values()}
        async with broken.trial("members frozen, expelled, thawed") as trial:
            await trial.passed(0.2)
            pids = [broken.service(target).pid for target in GROUPS]
            frozen = asyncio.create_task(freeze(pids, FROZEN_SECONDS))
            for group, members in before.items():
                left = await groups.wait_for(group, 1, seconds_max=FROZEN_SECONDS)
                assert left.keys() < members.keys(), "the frozen one was expelled"
            assert not frozen.done(), "while it was frozen"
            await frozen
            for group in GROUPS.values():
                await groups.wait_for(group, 2)
            trial.healed()


async def test_what_a_killed_member_held_is_read_again_within_ten_seconds(broken: Broken) -> None:
    """From the kill, until another has read what came to the dead member's partitions since."""
    seconds = [broken.another(target) for target in GROUPS]
    async with joining(seconds), open_groups(broken.bootstrap) as groups:
        for second in seconds:
            second.start()
        for group in GROUPS.values():
            await groups.wait_for(group, 2)
        async with broken.trial("a member killed for good", kills=2, crowd=False) as trial:
            broken.send_crowd(speed=SLOW_CROWD)
            await trial.passed(0.2)
            targets = [GROUPS[name] for name in GROUPS]
            killed_at = time.monotonic()
            for target in GROUPS:
                broken.service(target).kill()
            took = await asyncio.gather(
                *(read_again(broken, groups, group, killed_at) for group in targets)
            )
            for target in GROUPS:
                broken.service(target).start()
            trial.healed()
        assert max(took) <= READ_AGAIN_SECONDS_MAX, took


async def read_again(broken: Broken, groups: Groups, group: str, killed_at: float) -> float:
    """Seconds from the kill until one member has all, and has read on in what the dead one held."""
    before = await groups.members(group)
    committed = await groups.committed(group)
    (survivor,) = await groups.wait_for(group, 1, seconds_max=30)
    (dead,) = before.keys() - {survivor}

    async def goes_on() -> bool:
        now = await groups.committed(group)
        return any(now.get(place, 0) > committed.get(place, 0) for place in before[dead])

    await eventually(goes_on, seconds_max=30, every=0.1)
    seconds = time.monotonic() - killed_at
    broken.report.say(f"{group}: a dead member's partitions read again after {seconds:.1f} s")
    return seconds


@asynccontextmanager
async def joining(processes: Iterable[Process]) -> AsyncIterator[None]:
    """Processes that a test starts; stopped in order at its end."""
    try:
        yield
    finally:
        codes = await asyncio.gather(*(asyncio.to_thread(one.stop) for one in processes))
        assert set(codes) == {0}, "SIGTERM drains"
