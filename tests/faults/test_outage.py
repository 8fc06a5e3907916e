"""Broker and database both away while the flood goes on."""

import asyncio
import os
import signal
import time

import pytest

from antirelou.commands.demo.run import read_bill
from tests.faults.broken import LONG, Broken
from tests.faults.door import knocking

AWAY_SECONDS = 20.0
"""At this house's speed, three days; longer than the provider tries, 14 s."""
AWAY_LONG_SECONDS = 75.0
"""Once in the long suite."""
WEEKEND_SECONDS = 80 * 3600

pytestmark = pytest.mark.timeout(600)


async def test_broker_and_database_away_while_the_flood_goes_on(broken: Broken, turn: int) -> None:
    """Webhooks get 503; what the provider gave up on comes back by backfill."""
    away_seconds = AWAY_LONG_SECONDS if LONG and turn == 0 else AWAY_SECONDS
    lost_before = read_bill(broken.house).lost
    async with broken.trial("broker and database away", broker=1, database=1, crowd=False) as trial:
        broken.send_crowd(speed=WEEKEND_SECONDS / (away_seconds * 1.3))
        await trial.passed(0.1)
        async with knocking(broken.house) as knocks:
            os.kill(broken.broker_pid(), signal.SIGKILL)
            away_at = time.monotonic()
            await broken.stop_postgres(away_seconds)
            back_at = time.monotonic()
        # Only the request in hand when the broker died was kept waiting.
        assert knocks.statuses(away_at + 1, back_at - 1) == {503}
        await asyncio.to_thread(broken.start_broker)
        trial.healed()
    assert read_bill(broken.house).lost > lost_before, "the provider gave up on some"
