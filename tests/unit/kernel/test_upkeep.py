"""Housekeeping: planned before it is tried, alone when it fails, and never in the way."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from kernel.telemetry.metrics import Telemetry
from kernel.upkeep.upkeep import REST_FACTOR, Upkeep
from kernel.values.errors import Transient

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
EVERY = timedelta(minutes=10)
LATER = NOW + 2 * EVERY


class Chores:
    """An upkeep, and what its chores did."""

    def __init__(self) -> None:
        self.telemetry = Telemetry(CollectorRegistry())
        self.upkeep = Upkeep("filter", self.telemetry)
        self.done: list[str] = []
        self.parts_left = 0
        self.errors: list[Exception] = []
        self.released = asyncio.Event()
        self.released.set()

    async def work(self) -> bool:
        self.done.append("part")
        await self.released.wait()
        if self.errors:
            raise self.errors.pop()
        self.parts_left -= 1
        return self.parts_left <= 0

    def begin(self, now: datetime = NOW, name: str = "prune") -> datetime:
        return self.upkeep.begin(name, EVERY, self.work, now)

    def counted(self, outcome: str) -> float:
        labels = {"service": "filter", "chore": "prune", "outcome": outcome}
        registry = self.telemetry.registry
        return registry.get_sample_value("antirelou_upkeep_total", labels) or 0.0


@pytest.fixture
async def chores() -> Chores:
    return Chores()


async def test_it_is_begun_at_its_time_and_not_before(chores: Chores) -> None:
    assert chores.begin() == NOW + EVERY
    await chores.upkeep.settle()
    assert NOW + EVERY <= chores.begin(NOW + EVERY / 2) < NOW + 2 * EVERY
    await chores.upkeep.settle()
    assert chores.done == ["part"]
    chores.begin(LATER)
    await chores.upkeep.settle()
    assert (len(chores.done), chores.counted("done")) == (2, 2)


@pytest.mark.parametrize("error", [Transient("slow", code="database_slow"), ZeroDivisionError()])
async def test_what_fails_is_told_and_tried_again_at_its_next_time(
    chores: Chores, error: Exception
) -> None:
    chores.errors = [error]
    with capture_logs() as lines:
        assert chores.begin() == NOW + EVERY  # planned before it is tried
        await chores.upkeep.settle()
    [line] = lines
    assert (line["event"], line["chore"]) == ("upkeep_failed", "prune")
    assert (chores.counted("failed"), chores.counted("done")) == (1, 0)
    chores.begin(NOW + EVERY / 2)
    await chores.upkeep.settle()
    assert len(chores.done) == 1
    chores.begin(LATER)
    await chores.upkeep.settle()
    assert chores.counted("done") == 1


async def test_what_hangs_is_not_begun_twice_and_can_be_given_up(chores: Chores) -> None:
    chores.released.clear()
    chores.begin()
    await asyncio.sleep(0)
    for n in range(1, 5):
        assert chores.begin(NOW + n * EVERY) == NOW + (n + 1) * EVERY
        await asyncio.sleep(0)
    assert chores.done == ["part"]
    await chores.upkeep.stop()
    chores.released.set()
    chores.begin(NOW + 9 * EVERY)
    await chores.upkeep.settle()
    assert chores.counted("done") == 1


async def test_parts_follow_each_other_with_a_rest(chores: Chores) -> None:
    chores.parts_left = 3
    chores.released.clear()
    loop = asyncio.get_running_loop()
    began = loop.time()
    chores.begin()
    await asyncio.sleep(0.02)
    chores.released.set()
    await chores.upkeep.settle()
    assert len(chores.done) == 3
    assert loop.time() - began >= 0.02 * REST_FACTOR
    assert chores.begin(NOW + timedelta(seconds=0.1)) >= NOW + EVERY


async def test_of_all_chores_one_works_at_a_time(chores: Chores) -> None:
    chores.released.clear()
    chores.begin()
    chores.begin(name="count")
    for _ in range(5):
        await asyncio.sleep(0)
    assert chores.done == ["part"]
    chores.released.set()
    await chores.upkeep.settle()
    assert len(chores.done) == 2
