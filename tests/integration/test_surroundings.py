"""A real house in strange surroundings: a log that nobody takes, another database's shell."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from antirelou.commands.demo.house import House, embedded_house
from tests.security.webhooks import Caller
from tests.support.eventually import eventually
from tests.support.webhooks import message_form

BEGIN = """
import os, sys
{before}
os.execv(sys.executable, [sys.executable, "-m", "antirelou", *sys.argv[1:]])
"""
FULL = "os.dup2(os.open('/dev/full', os.O_WRONLY), 2)"
CLOSED = "os.close(0), os.close(1), os.close(2)"
GONE = "ends = os.pipe(); os.dup2(ends[1], 2); os.close(ends[0])"
UNREAD = "ends = os.pipe(); os.dup2(ends[1], 2); os.set_inheritable(ends[0], True)"
NOHUP = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"

STRANGE = {
    "PGPORT": "1", "PGHOST": "nowhere.invalid", "PGSSLMODE": "verify-full", "PGSERVICE": "other",
    "PGSSLNEGOTIATION": "direct", "PGGSSLIB": "none", "PGTARGETSESSIONATTRS": "standby",
    "PGOPTIONS": "-c search_path=nowhere -c default_transaction_read_only=on", "PGUSER": "other",
    "PGDATABASE": "other", "PGPASSWORD": "other", "PGPASSFILE": "/nowhere", "PGTZ": "Nowhere/City",
    "PGCLIENTENCODING": "SQL_ASCII", "PGKRBSRVNAME": "other", "PGSSLROOTCERT": "/nowhere",
    "PGDATA": "/nowhere", "PGSERVICEFILE": "/nowhere", "PGCONNECT_TIMEOUT": "x", "PGAPPNAME": "é",
    "LC_ALL": "xx_YY.UTF-8", "LC_MESSAGES": "fr_FR", "LANG": "nowhere", "TZ": "Nowhere/City",
}  # fmt: skip


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    prefix = "antirelou-house-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        # Each record at each stage is a line: many more than a pipe holds.
        settings = {"clock_speed": "3600", "quiet_hours": "off", "log_level": "debug"}
        with embedded_house(Path(name), settings) as opened:
            yield opened


@contextmanager
def begun_with(house: House, before: str) -> Iterator[None]:
    """The house, started again by a Python that does something first."""
    (service,) = house.services
    service.stop()
    own, service.program = service.program, ("-c", BEGIN.format(before=before))
    try:
        service.start()
        service.wait_ready()
        yield
    finally:
        service.program = own
        service.stop()
        service.start()
        service.wait_ready()


async def takes(house: House, name: str, count: int = 1) -> None:
    async with aiohttp.ClientSession() as session:
        caller = Caller(house, session)
        for number in range(count):
            form = message_form(f"{name}-{number}", From="33639981" + f"{number:03d}")
            headers = caller.sign("message", form, nonce=f"{name}-{number}")
            async with asyncio.timeout(5):
                assert await caller.post("message", form, headers) == 200


async def metric(house: House, name: str) -> float:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{house.operator_url}/metrics") as answer,
    ):
        lines = (await answer.text()).splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


@pytest.mark.parametrize(
    ("name", "before"),
    [("full", FULL), ("closed", CLOSED), ("gone", GONE), ("unread", UNREAD)],
)
async def test_a_log_that_nobody_takes_ends_no_house(house: House, name: str, before: str) -> None:
    with begun_with(house, before):
        await takes(house, f"before-{name}", 150)

        async def lost() -> bool:
            return await metric(house, "antirelou_log_lines_lost_total") > 0 or before == CLOSED

        await eventually(lost, seconds_max=30)
        await takes(house, f"after-{name}")
        house.check()
        (service,) = house.services
        os.kill(service.pid, signal.SIGTERM)
        await eventually(lambda: service.exit_code is not None, seconds_max=40)
        assert service.exit_code == 0


async def test_a_terminal_that_closes_lets_the_house_drain(house: House) -> None:
    with begun_with(house, "pass"):
        (service,) = house.services
        os.kill(service.pid, signal.SIGHUP)
        await eventually(lambda: service.exit_code is not None, seconds_max=40)
        assert service.exit_code == 0
    with begun_with(house, NOHUP):
        os.kill(house.services[0].pid, signal.SIGHUP)
        await asyncio.sleep(1)
        await takes(house, "nohup")


def run(house: House, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """A command beside the house, with its settings and the shell's environment."""
    ours = {f"ANTIRELOU_{name.upper()}": value for name, value in house.settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "antirelou", *arguments],
        env={**os.environ, **ours},
        capture_output=True,
        check=False,
        timeout=120,
    )


async def test_the_shell_of_another_database_leads_no_house_astray(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in STRANGE.items():
        monkeypatch.setenv(name, value)
    with begun_with(house, "pass"):
        await takes(house, "astray")
        backup = run(house, ["backup", str(tmp_path / "b")])
        assert (backup.returncode, backup.stderr.strip()) == (0, b"")
        assert run(house, ["status"]).returncode == 0
        # The provider knows nothing of our webhooks, which breaks I4; but all is read.
        assert b"holds  I2" in run(house, ["audit"]).stdout
