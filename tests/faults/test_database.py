"""The database killed, stopped for a while, and frozen under a small flood."""

import asyncio
import os
import signal

import pytest

from tests.faults.broken import LONG, Broken, freeze

FROZEN_SECONDS = 30.0 if LONG else 10.0
AWAY_SECONDS = (2.0, 15.0) if LONG else (2.0, 5.0)

pytestmark = pytest.mark.timeout(400)


async def test_the_database_killed_and_started_again(broken: Broken) -> None:
    async with broken.trial("database killed", database=2) as trial:
        for share in sorted(broken.chance.uniform(0.1, 0.8) for _ in range(2)):
            await trial.passed(share)
            os.kill(broken.postgres_pid(), signal.SIGKILL)  # its keeper starts it again
            await asyncio.sleep(2)
        trial.healed()


async def test_the_database_stopped_for_a_while(broken: Broken) -> None:
    async with broken.trial("database stopped and started", database=1) as trial:
        await trial.passed(broken.chance.uniform(0.1, 0.6))
        await broken.stop_postgres(broken.chance.uniform(*AWAY_SECONDS))
        trial.healed()


async def test_the_database_frozen_for_a_while(broken: Broken) -> None:
    async with broken.trial("database frozen", database=1) as trial:
        await trial.passed(broken.chance.uniform(0.1, 0.6))
        await freeze(broken.postgres_pids(), FROZEN_SECONDS)
        trial.healed()
