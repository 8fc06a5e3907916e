"""A house of four processes over a broker and a database of its own, for tests to break.

One house for a whole module: each test sends a small crowd, breaks something under way, and
waits until all is at rest. What the books then say covers everything that went before.
"""

import os
import random
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from antirelou.cli.demo.house import House, Process, clustered_house, free_port
from antirelou.cli.demo.run import look, operate, read_bill
from antirelou.cli.demo.watch import call
from antirelou.errors import Fatal
from antirelou.postgres import open_postgres
from tests.support import kafka
from tests.support.audit import expect_clean
from tests.support.eventually import eventually
from tests.support.house import at_rest
from tests.support.postgres import SETTINGS as POSTGRES_SETTINGS
from tests.support.postgres import LoopThread

SPEED = 3600
"""The house's: an hour a second."""
CROWD_SPEED = 20_000
"""The weekend of a small crowd in a quarter of a minute."""
SCALE = 0.006
CROWD_MIN = 50
HOUSE_SETTINGS = {"clock_speed": str(SPEED), "quiet_hours": "off"}
REST_SECONDS_MAX = 150
"""A send that died with its process is given up by its lease, 90 s, and then looked for."""
SEED = "ANTIRELOU_FAULTS_SEED"
ROUNDS = int(os.environ.get("ANTIRELOU_FAULTS_ROUNDS") or 1)


@pytest.fixture(scope="session")
def chance() -> random.Random:
    """Every random moment; the seed is printed, and given back by ``ANTIRELOU_FAULTS_SEED``."""
    seed = os.environ.get(SEED) or str(secrets.randbelow(10**6))
    print(f"\n{SEED}={seed}")  # noqa: T201 - a failure repeats from it
    return random.Random(seed)


@dataclass
class Broken:
    """A house, and what it stands on.

    Attributes:
        broker: the broker's folder; ``postgres``: the database's.
        crowds: how many were sent.
    """

    house: House
    broker: Path
    postgres: Path
    bootstrap: str
    chance: random.Random
    crowds: int = field(default=0)

    def service(self, name: str) -> Process:
        """One of the four."""
        return next(one for one in self.house.services if one.name == name)

    def second(self, target: str) -> Process:
        """Another member of a service's group, not started."""
        first, ops = self.service(target), f"127.0.0.1:{free_port()}"
        own = {**first.settings, "ops_listen": ops, "listen": f"127.0.0.1:{free_port()}"}
        return Process(
            f"{target}2", ["serve", target], own, self.house.folder, f"http://{ops}/readyz"
        )

    def broker_pid(self) -> int:
        """Of the broker."""
        return int((self.broker / "pid").read_text())

    def postgres_pid(self) -> int:
        """Of the database's first process."""
        return int((self.postgres / "postgres" / "postmaster.pid").read_text().split()[0])

    def start_broker(self) -> None:
        """Start it again, where it was."""
        port = self.bootstrap.rpartition(":")[2]
        kafka.run_script("start", "--port", port, "--dir", str(self.broker))

    def send_crowd(self) -> None:
        """A small weekend begins."""
        self.crowds += 1
        seed = self.chance.randrange(10**6)
        crowd = {"seed": seed, "scale": SCALE, "speed": CROWD_SPEED}
        call(f"{self.house.provider_url}/_sim/drive", method="POST", body=crowd)

    def harm_provider(self, **faults: object) -> None:
        """The provider misbehaves from now on."""
        call(f"{self.house.provider_url}/_sim/faults", method="POST", body=faults)

    async def count_steps(self, state: str) -> int:
        """How often a reply came into a state, by the books."""
        connection = await asyncpg.connect(self.house.settings["database_url"])
        try:
            count: int = await connection.fetchval(
                "SELECT count(*) FROM billing.steps WHERE state = $1", state
            )
        finally:
            await connection.close()
        return count

    async def passed(self, share: float) -> None:
        """Wait until so much of the crowd has texted."""

        def came() -> bool:
            drive = call(f"{self.house.provider_url}/_sim/drive")
            return bool(drive["delivered"] >= share * drive["total"])

        await eventually(came, seconds_max=90, every=0.1)

    async def recovers(self) -> None:
        """All comes to rest; then nothing is lost, doubled or overspent, and the bill agrees."""
        await at_rest(self.house, seconds_max=REST_SECONDS_MAX)
        # What the provider gave up on comes by backfill, after the rest.
        await eventually(self._agrees, seconds_max=60, every=0.5)
        await expect_clean(self.house)

    def _agrees(self) -> bool:
        status, bill = look(self.house).status, read_bill(self.house)
        fund = status["fund"]
        assert fund["spent_receive_microeuros"] == bill.received_microunits
        assert fund["spent_reply_microeuros"] == bill.sent_microunits
        assert fund["reserved_microeuros"] == 0 <= fund["available_microeuros"]
        assert bill.most_to_one <= 1
        assert status["messages"]["received"] == bill.accepted + bill.lost
        assert status["replies"]["unresolved"] == 0
        assert status["dead"] == 0
        assert bill.accepted >= CROWD_MIN * self.crowds
        return True


@pytest.fixture(scope="module")
def shared(chance: random.Random) -> Iterator[Broken]:
    """The module's house."""
    folder = Path(tempfile.mkdtemp(prefix="antirelou-faults-"))
    broker, postgres, thread = folder / "kafka", folder / "postgres", LoopThread()
    opened = open_postgres(postgres, overrides=POSTGRES_SETTINGS)
    try:
        url = thread.run(opened.__aenter__())
        port = str(kafka.free_port_pair())
        bootstrap = kafka.run_script("start", "--port", port, "--dir", str(broker))
        with clustered_house(
            folder, HOUSE_SETTINGS, kafka_bootstrap=bootstrap, database_url=url
        ) as house:
            donation = {"id": "faults", "amount_eur": "1500", "note": "for the tests"}
            operate(house, "POST", "/v1/donations", donation)
            yield Broken(house, broker, postgres, bootstrap, chance)
    finally:
        kafka.run_script("stop", "--dir", str(broker))
        thread.run(opened.__aexit__(None, None, None))
        thread.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=range(ROUNDS), ids=lambda number: f"round{number + 1}")
def broken(shared: Broken) -> Broken:
    """The house, as it should be: every process runs."""
    for process in (shared.house.provider, *shared.house.services):
        try:
            process.check()
        except Fatal as ended:
            pytest.fail(f"an earlier test left it broken: {ended}")
    return shared
