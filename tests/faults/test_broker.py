"""The broker killed and frozen under a small flood."""

import asyncio
import os
import signal
import time

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from tests.faults.broken import LONG, Broken, freeze
from tests.faults.door import Knocks, first_accepted_append, knocking

FROZEN_SECONDS = (10.0, 30.0) if LONG else (8.0, 12.0)
AWAY_SECONDS = (0.5, 10.0) if LONG else (0.5, 3.0)
FIRST_ACCEPTED_SECONDS_MAX = 2.0
START_SECONDS_MAX = 120.0
"""Of a broker on a machine that does much else."""

PROBES = "tests.probes"

pytestmark = pytest.mark.timeout(400)


async def test_the_broker_killed_and_started_again(broken: Broken) -> None:
    async with broken.trial("broker killed", broker=1) as trial:
        await trial.passed(broken.chance.uniform(0.1, 0.6))
        await broken.stop_broker(broken.chance.uniform(*AWAY_SECONDS))
        trial.healed()


async def test_the_broker_frozen_for_a_while(broken: Broken) -> None:
    async with broken.trial("broker frozen", broker=1) as trial:
        await trial.passed(broken.chance.uniform(0.1, 0.6))
        await freeze(broken.broker_pid(), broken.chance.uniform(*FROZEN_SECONDS))
        trial.healed()


async def test_no_200_while_the_log_is_killed_and_one_soon_after(broken: Broken) -> None:
    await make_topic(broken.bootstrap)
    async with (
        broken.trial("log killed: first 200", broker=1) as trial,
        knocking(broken.house) as knocks,
    ):
        await trial.passed(0.2)
        os.kill(broken.broker_pid(), signal.SIGKILL)
        away_at = time.monotonic()
        await asyncio.sleep(broken.chance.uniform(2, 6))
        back_at = time.monotonic()
        starting = asyncio.create_task(asyncio.to_thread(broken.start_broker))
        await expect_door_follows(broken, knocks, away_at, back_at)
        await starting
        trial.healed()


async def test_no_200_while_the_log_is_frozen_and_one_soon_after(broken: Broken) -> None:
    await make_topic(broken.bootstrap)
    async with (
        broken.trial("log frozen: first 200", broker=1) as trial,
        knocking(broken.house) as knocks,
    ):
        await trial.passed(0.2)
        os.kill(broken.broker_pid(), signal.SIGSTOP)
        try:
            away_at = time.monotonic()
            await asyncio.sleep(broken.chance.uniform(*FROZEN_SECONDS))
            back_at = time.monotonic()
        finally:
            os.kill(broken.broker_pid(), signal.SIGCONT)
        await expect_door_follows(broken, knocks, away_at, back_at)
        trial.healed()


async def expect_door_follows(
    broken: Broken, knocks: Knocks, away_at: float, back_at: float
) -> None:
    """While the log was away nothing was taken; then the door is no later than a plain producer."""
    took_at = await first_accepted_append(broken.bootstrap, PROBES, seconds_max=START_SECONDS_MAX)
    while not knocks.accepted(back_at):
        assert time.monotonic() - took_at < START_SECONDS_MAX, "the door stays shut"
        await asyncio.sleep(0.05)
    first = min(knock.answered_at for knock in knocks.accepted(back_at))
    broken.report.say(f"first 200 {first - took_at:+.2f} s after a producer's probe")
    # A knock that waits at the door when the log comes back may be the first to be taken.
    patience = 8.0
    assert knocks.accepted(away_at, back_at - patience) == []
    assert [k for k in knocks.accepted(away_at, back_at) if k.answered_at < back_at] == []
    assert 503 in knocks.statuses(away_at, back_at)
    assert first - took_at <= FIRST_ACCEPTED_SECONDS_MAX


async def make_topic(bootstrap: str) -> None:
    """Where the plain producer writes."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(PROBES, 1, 1)])
        assert {code for _, code, *_ in answer.topic_errors} <= {0, TopicAlreadyExistsError.errno}
    finally:
        await admin.close()
