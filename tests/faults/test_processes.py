"""Services killed with SIGKILL under a small flood."""

import asyncio

import pytest

from antirelou.cli.demo.house import SERVICES
from tests.faults.broken import Broken

pytestmark = pytest.mark.timeout(400)


async def test_every_service_killed_at_a_random_moment(broken: Broken) -> None:
    async with broken.trial("each service killed", kills=4) as trial:
        names = broken.chance.sample(SERVICES, len(SERVICES))
        moments = sorted(broken.chance.uniform(0.05, 0.9) for _ in names)
        for name, moment in zip(names, moments, strict=True):
            await trial.passed(moment)
            broken.service(name).kill()
            broken.service(name).start()
            await asyncio.to_thread(broken.service(name).wait_ready)
        trial.healed()
