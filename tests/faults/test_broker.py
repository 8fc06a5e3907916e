"""The broker killed and frozen under a small flood."""

import asyncio
import os
import signal

import pytest

from tests.faults.broken import Broken, freeze

FROZEN_SECONDS = 10.0

pytestmark = pytest.mark.timeout(400)


async def test_the_broker_killed_and_started_again(broken: Broken) -> None:
    async with broken.trial("broker killed", broker=1) as trial:
        await trial.passed(broken.chance.uniform(0.1, 0.6))
        os.kill(broken.broker_pid(), signal.SIGKILL)
        await asyncio.sleep(broken.chance.uniform(0.5, 3))
        await asyncio.to_thread(broken.start_broker)
        trial.healed()


async def test_the_broker_frozen_for_a_while(broken: Broken) -> None:
    async with broken.trial("broker frozen", broker=1) as trial:
        await trial.passed(broken.chance.uniform(0.1, 0.6))
        await freeze(broken.broker_pid(), FROZEN_SECONDS)
        trial.healed()
