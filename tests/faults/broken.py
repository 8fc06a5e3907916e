"""A house of five processes over a broker and a database of its own, for tests to break."""

import asyncio
import fcntl
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psutil

from antirelou.commands.demo.house import House, Process, answers, clustered_house
from antirelou.commands.demo.run import look, operate, read_bill
from antirelou.commands.demo.watch import call
from kernel.database.host import socket_folder
from kernel.database.postgres import DATABASE, open_postgres
from kernel.values.errors import Fatal
from tests.faults.front import Front, open_front
from tests.faults.lag import EmbeddedEye, KafkaEye
from tests.faults.network import Network, open_network
from tests.faults.trial import Report, Row, Trial
from tests.support import kafka
from tests.support.eventually import eventually
from tests.support.house import another_member
from tests.support.postgres import SETTINGS as POSTGRES_SETTINGS
from tests.support.postgres import LoopThread

SPEED = 3600
"""The house's: an hour a second."""
LONG = bool(os.environ.get("ANTIRELOU_FAULTS_LONG"))
"""``make faults``: crowds are larger and harms last longer; else as long as shows something."""
CROWD_SPEED = 20_000 if LONG else 28_000
"""The weekend of a small crowd in some ten seconds."""
SCALE = 0.016 if LONG else 0.012
CROWD_MIN = 150
HOUSE_SETTINGS = {"clock_speed": str(SPEED), "quiet_hours": "off", "reply_window": "730d"}
"""The window outlasts the longest session, so that whoever has an SMS must not get another."""


@dataclass
class Broken:
    """A house, and what it stands on.

    Attributes:
        broker: the broker's folder; ``postgres``: the database's.
        bootstrap: the broker's address; empty: the log is embedded.
        front: what the provider calls; passes on to whichever door is open.
        network: the proxies between all of it; None: there are none.
        chance: every random moment of the present test.
        crowds: how many were sent.
        spoiled: it is not whole, or a trial failed: the next test gets another.
    """

    house: House
    broker: Path
    postgres: Path
    bootstrap: str
    report: Report
    front: Front | None = None
    network: Network | None = None
    chance: random.Random = field(default_factory=random.Random)
    crowds: int = 0
    spoiled: bool = False

    def trial(
        self, fault: str, *, kills: int = 0, broker: int = 0, database: int = 0, crowd: bool = True
    ) -> Trial:
        """A trial of a fault; says how many kills and faults of broker and database it holds."""
        return Trial(self, Row(fault, kills=kills, broker=broker, database=database), crowd=crowd)

    # -- the processes ------------------------------------------------------------------------

    def service(self, name: str) -> Process:
        """One of the five."""
        return next(one for one in self.house.services if one.name == name)

    def another(self, target: str, number: int = 2) -> Process:
        """Another member of a service's group, not started."""
        return another_member(self.house, target, number)

    def all_ready(self) -> bool:
        """Whether the five say that they are."""
        return all(answers(one.ready_url) for one in self.house.services)

    def is_whole(self) -> bool:
        """Whether every process runs, and nothing failed here."""
        try:
            self.house.check()
        except Fatal:
            return False
        return not self.spoiled

    # -- the broker ---------------------------------------------------------------------------

    def broker_pid(self) -> int:
        """Of the broker."""
        return int((self.broker / "pid").read_text())

    def start_broker(self) -> None:
        """Start it again, where it was."""
        port = self.bootstrap.rpartition(":")[2]
        kafka.run_script("start", "--port", port, "--dir", str(self.broker))

    async def stop_broker(self, seconds: float) -> None:
        """Kill it, and start it again after a while."""
        os.kill(self.broker_pid(), signal.SIGKILL)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.start_broker)

    def eye(self) -> KafkaEye | EmbeddedEye:
        """What sees the lag."""
        if self.bootstrap:
            return KafkaEye(self.bootstrap)
        socket = quote(str(socket_folder(self.postgres / "postgres")), safe="")
        return EmbeddedEye(f"postgresql://antirelou@/{DATABASE}?host={socket}")

    # -- the database -------------------------------------------------------------------------

    def postgres_pid(self) -> int:
        """Of the database's first process."""
        return int((self.postgres / "postgres" / "postmaster.pid").read_text().split()[0])

    def postgres_pids(self) -> list[int]:
        """Of all the database's processes, the first one first."""
        first = psutil.Process(self.postgres_pid())
        return [first.pid, *(child.pid for child in first.children(recursive=True))]

    async def stop_postgres(self, seconds: float) -> None:
        """Shut the database down in order; it stays away for a while, and is started again.

        Its keeper, in this process, starts it only when it has the gate; we hold it.
        """
        with (self.postgres / "postgres.gate").open("ab") as gate:
            await asyncio.to_thread(fcntl.flock, gate, fcntl.LOCK_EX)
            first = psutil.Process(self.postgres_pid())
            first.send_signal(signal.SIGINT)
            await eventually(lambda: not _runs(first), seconds_max=30)
            await asyncio.sleep(seconds)

    # -- the crowd ----------------------------------------------------------------------------

    def send_crowd(self, *, scale: float = SCALE, speed: float = CROWD_SPEED) -> None:
        """A small weekend begins."""
        self.crowds += 1
        crowd = {"seed": self.chance.randrange(10**6), "scale": scale, "speed": speed}
        call(f"{self.house.provider_url}/_sim/drive", method="POST", body=crowd)

    async def passed(self, share: float) -> None:
        """Wait until so much of the crowd has texted."""

        def came() -> bool:
            drive = call(f"{self.house.provider_url}/_sim/drive")
            return bool(drive["delivered"] >= share * drive["total"])

        await eventually(came, seconds_max=90, every=0.1)

    def harm_provider(self, **faults: object) -> None:
        """The provider misbehaves from now on."""
        call(f"{self.house.provider_url}/_sim/faults", method="POST", body=faults)

    # -- the books ----------------------------------------------------------------------------

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

    def agrees(self) -> bool:
        """Whether ledger and bill agree at rest. Raises ``AssertionError`` with what does not."""
        status, bill = look(self.house).status, read_bill(self.house)
        fund = status["fund"]
        assert fund["spent_receive_microeuros"] == bill.received_microunits
        assert fund["spent_reply_microeuros"] == bill.sent_microunits
        assert fund["reserved_microeuros"] == 0 <= fund["available_microeuros"]
        assert bill.most_to_one <= 1
        assert status["messages"]["received"] == bill.accepted + bill.lost
        assert status["replies"]["unresolved"] == 0
        assert status["dead"] == 0
        assert status["posture"] in {"normal", "guarded"}, status["posture_cause"]
        assert status["attached"]
        assert bill.accepted + bill.lost >= CROWD_MIN * self.crowds
        return True


@contextmanager
def open_broken(
    report: Report, settings: Mapping[str, str] | None = None, *, network: bool = False
) -> Iterator[Broken]:
    """A broker, a database and a house on them, all of its own.

    Args:
        settings: beyond ``HOUSE_SETTINGS``.
        network: with proxies between them.
    """
    folder = Path(tempfile.mkdtemp(prefix="antirelou-faults-"))
    broker, postgres, thread = folder / "kafka", folder / "postgres", LoopThread()
    opened = open_postgres(postgres, overrides=POSTGRES_SETTINGS)
    front = thread.run(open_front())
    broken: Broken | None = None
    try:
        url = thread.run(opened.__aenter__())
        with ExitStack() as stack:
            ways = stack.enter_context(open_network(url)) if network else None
            port, also = str(kafka.free_port_pair()), ways.also if ways else ()
            bootstrap = kafka.run_script("start", "--port", port, "--dir", str(broker), *also)
            house = stack.enter_context(
                clustered_house(
                    folder,
                    {
                        **HOUSE_SETTINGS,
                        "public_url": front.url,
                        **(ways.settings if ways else {}),
                        **(settings or {}),
                    },
                    kafka_bootstrap=bootstrap,
                    database_url=url,
                    own=ways.own if ways else None,
                    provider_port=ways.provider_port if ways else None,
                )
            )
            donation = {"id": "faults", "amount_eur": "5000", "note": "for the tests"}
            operate(house, "POST", "/v1/donations", donation)
            broken = Broken(house, broker, postgres, bootstrap, report, front, ways)
            front.add(broken.service("ingest"))
            yield broken
    finally:
        kafka.run_script("stop", "--dir", str(broker))
        thread.run(opened.__aexit__(None, None, None))
        thread.run(front.close())
        thread.close()
        if broken is None or broken.spoiled:
            report.say(f"what the processes said is kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


async def freeze(pids: int | list[int], seconds: float) -> None:
    """Stop processes for a while, as a machine that swaps does."""
    frozen = [pids] if isinstance(pids, int) else pids
    try:
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
    finally:
        for pid in reversed(frozen):
            if psutil.pid_exists(pid):
                os.kill(pid, signal.SIGCONT)
