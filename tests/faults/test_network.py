"""The network between the house's parts is cut, slow, silent: it recovers, and nothing is lost.

CI tries a few; ``make faults``: every way is harmed in every mode.
"""

import asyncio
from collections.abc import Iterator

import pytest

from antirelou.commands.demo.house import answers
from tests.faults.broken import LONG, Broken
from tests.faults.network import DATABASE, KAFKA, MODES, PROVIDER, WEBHOOKS, Network
from tests.support.eventually import eventually

HARM_SECONDS = (5.0, 9.0)
ALL_HARMED_SECONDS = 12.0
UNREADY_SECONDS_MAX = 30.0
"""How long a service may take to notice that what it stands on went silent: the longest time limit
of a statement (``database.COMMAND_SECONDS_MAX``), and a timer's pause before it."""

DEPENDENCIES = (KAFKA, DATABASE, PROVIDER, WEBHOOKS)
SAMPLE = {(KAFKA, "deaf")}
"""What CI tries."""

pytestmark = [pytest.mark.timeout(400), pytest.mark.spread]


def chosen() -> Iterator[tuple[str, str]]:
    for dependency in DEPENDENCIES:
        for mode in MODES:
            if LONG or (dependency, mode) in SAMPLE:
                yield dependency, mode


def network_of(broken: Broken) -> Network:
    assert broken.network is not None
    return broken.network


@pytest.mark.parametrize(("dependency", "mode"), list(chosen()))
async def test_one_service_after_another(networked: Broken, dependency: str, mode: str) -> None:
    """Under flood each service in turn loses its way to one dependency, in random order."""
    network, chance = network_of(networked), networked.chance
    ways = network.to(dependency)
    async with networked.trial(f"network to {dependency}: {mode}") as trial:
        await trial.passed(0.1)
        for way in chance.sample(ways, len(ways)):
            with network.harmed(mode, [way]):
                await asyncio.sleep(chance.uniform(*HARM_SECONDS))
        trial.healed()


@pytest.mark.parametrize("mode", MODES if LONG else ["cut"])
async def test_everything_at_once(networked: Broken, mode: str) -> None:
    network = network_of(networked)
    async with networked.trial(f"network between all: {mode}") as trial:
        await trial.passed(networked.chance.uniform(0.1, 0.5))
        with network.harmed(mode, list(network.links.values())):
            await asyncio.sleep(ALL_HARMED_SECONDS)
        trial.healed()


@pytest.mark.skipif(not LONG, reason="takes longer than CI has: make faults")
@pytest.mark.parametrize("dependency", [KAFKA, DATABASE])
async def test_who_stands_on_what_went_silent_says_so(networked: Broken, dependency: str) -> None:
    network = network_of(networked)
    names = {name for name, what in network.links if what == dependency}
    urls = [networked.service(name).ready_url for name in names]

    def unready() -> bool:
        still = [url for url in urls if answers(url)]
        assert still == []
        return True

    async with networked.trial(f"{dependency} silent until noticed") as trial:
        await trial.passed(0.1)
        with network.harmed("silent", network.to(dependency)):
            await eventually(
                lambda: asyncio.to_thread(unready), seconds_max=UNREADY_SECONDS_MAX, every=0.5
            )
        trial.healed()
