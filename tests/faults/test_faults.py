"""The house under a small flood while something breaks: it recovers, and nothing is lost.

CI runs each once; ``ANTIRELOU_FAULTS_ROUNDS`` repeats each so many times.
"""

import asyncio
import os
import signal

import pytest

from antirelou.cli.demo.house import SERVICES
from tests.faults.conftest import Broken

BROKER_FROZEN_SECONDS = 10.0
MEMBER_FROZEN_SECONDS = 14.0
"""Longer than a group waits for a member."""
PROVIDER_HARM_SECONDS = 8.0

pytestmark = pytest.mark.timeout(400)


async def test_every_service_killed_at_a_random_moment(broken: Broken) -> None:
    broken.send_crowd()
    names = broken.chance.sample(SERVICES, len(SERVICES))
    moments = sorted(broken.chance.uniform(0.05, 0.9) for _ in names)
    for name, moment in zip(names, moments, strict=True):
        await broken.passed(moment)
        broken.service(name).kill()
        broken.service(name).start()
        await asyncio.to_thread(broken.service(name).wait_ready)
    await broken.recovers()


async def test_the_broker_killed_and_started_again(broken: Broken) -> None:
    broken.send_crowd()
    await broken.passed(broken.chance.uniform(0.1, 0.6))
    os.kill(broken.broker_pid(), signal.SIGKILL)
    await asyncio.sleep(broken.chance.uniform(0.5, 3))
    await asyncio.to_thread(broken.start_broker)
    await broken.recovers()


async def test_the_broker_frozen_for_a_while(broken: Broken) -> None:
    broken.send_crowd()
    await broken.passed(broken.chance.uniform(0.1, 0.6))
    await freeze(broken.broker_pid(), BROKER_FROZEN_SECONDS)
    await broken.recovers()


async def test_the_database_killed_and_started_again(broken: Broken) -> None:
    broken.send_crowd()
    for share in sorted(broken.chance.uniform(0.1, 0.8) for _ in range(2)):
        await broken.passed(share)
        os.kill(broken.postgres_pid(), signal.SIGKILL)  # its keeper starts it again
        await asyncio.sleep(2)
    await broken.recovers()


async def test_members_frozen_until_expelled_and_thawed(broken: Broken) -> None:
    seconds = [broken.second("filter"), broken.second("billing")]
    try:
        for second in seconds:
            second.start()
        for second in seconds:
            await asyncio.to_thread(second.wait_ready)
        broken.send_crowd()
        await broken.passed(0.2)
        pids = [broken.service("filter").pid, broken.service("billing").pid]
        await asyncio.gather(*(freeze(pid, MEMBER_FROZEN_SECONDS) for pid in pids))
        await broken.recovers()
    finally:
        codes = [second.stop() for second in seconds]
    assert codes == [0, 0], "SIGTERM drains"


async def test_a_provider_that_accepts_and_says_it_did_not(broken: Broken) -> None:
    harms = {
        "accept_then_502": 0.3, "too_many_requests": 0.3, "connection_reset": 0.1,
        "accept_then_reset": 0.1, "rubbish": 0.1,
        "report_lost": 0.3, "report_duplicate": 0.3, "report_out_of_order": 0.3,
        "webhook_duplicate": 0.3, "query_error": 0.1,
    }  # fmt: skip
    broken.harm_provider(**harms)
    try:
        broken.send_crowd()
        await broken.passed(0.5)
        await asyncio.sleep(PROVIDER_HARM_SECONDS)
    finally:
        broken.harm_provider(**dict.fromkeys(harms, 0))
    await broken.recovers()
    assert await broken.count_steps("uncertain") > 0, "it was harmed"


async def freeze(pid: int, seconds: float) -> None:
    """Stop a process for a while, as a machine that swaps does."""
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)
