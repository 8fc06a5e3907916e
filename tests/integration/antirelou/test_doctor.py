"""``antirelou doctor``: each thing that is wrong gets its line and its fix, none a traceback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from antirelou.commands.main import main
from antirelou.compose import apply_topics, schemas
from kernel.database.migrations import migrate
from kernel.facts.records import SmsReceived
from kernel.facts.topics import FILTER_GROUP, READS
from kernel.log.kafka.log import open_kafka_log
from kernel.log.port import Outgoing
from kernel.sealing.keys import BACKUP_PRIVATE_FILE, EVIDENCE_PRIVATE_FILE
from kernel.service.port import Ports
from kernel.settings.settings import load_settings
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import SystemClock
from services.ingest.service import open_ingest
from simulator.server import Simulator, SimulatorConfig
from tests.fakes.log import MemoryLog
from tests.support.kafka import free_port_pair, own_broker
from tests.support.webhooks import OWN, TOKEN, ingest_settings

AUTH_ID = "MA" + "X" * 18
APP_ID = "1000000000000000"

Examine = Callable[..., Awaitable[tuple[int, dict[str, str]]]]


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(SimulatorConfig(AUTH_ID, TOKEN, OWN, app_id=APP_ID)) as opened:
        yield opened


@pytest.fixture
async def door(log: MemoryLog) -> AsyncIterator[str]:
    """The real door on a public address of its own."""
    address = f"127.0.0.1:{free_port_pair()}"
    settings = ingest_settings(listen=address, public_url=f"http://{address}")
    ports = Ports(log, SystemClock(), Telemetry(CollectorRegistry()), "")
    async with open_ingest(settings, ports) as service:
        working = asyncio.create_task(service.run())
        yield f"http://{address}"
        service.drain()
        await working


@pytest.fixture
def installation(
    simulator: Simulator, door: str, fresh_database: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> pytest.MonkeyPatch:  # fmt: skip
    """An installation in which only https and the running system are missing."""
    for name, value in {
        "NUMBER": OWN, "PLIVO_AUTH_ID": AUTH_ID, "PLIVO_AUTH_TOKEN": TOKEN, "PLIVO_APP_ID": APP_ID,
        "PLIVO_API_URL": simulator.url, "PUBLIC_URL": door, "DATABASE_URL": fresh_database,
        "DATA_DIR": str(tmp_path), "OPS_LISTEN": "127.0.0.1:1", "LANGUAGE": "en",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"ANTIRELOU_{name}", value)
    return monkeypatch


@pytest.fixture
def examine(capsys: pytest.CaptureFixture[str]) -> Examine:
    """Runs the doctor; gives the exit code, and of each finding its line and fix."""

    async def run(*arguments: str) -> tuple[int, dict[str, str]]:
        capsys.readouterr()
        code = await asyncio.to_thread(main, ["doctor", *arguments])
        said = capsys.readouterr()
        assert said.err == ""
        found: dict[str, str] = {}
        for line in said.out.replace("\n     -> ", " -> ").splitlines()[:-1]:
            found[line[5:].split(":")[0].strip()] = line
        return code, found

    return run


def right(found: dict[str, str]) -> set[str]:
    return {what for what, line in found.items() if line.startswith("ok")}


@pytest.mark.usefixtures("installation")
async def test_what_is_right_and_what_is_to_mend(examine: Examine) -> None:
    code, found = await examine("--live")
    assert code == 1
    assert right(found) == {
        "settings", "number", "countries answered", "reply texts", "detaching", "fund floor",
        "evidence key", "backup key", "open files", "database", "log", "signed webhook",
        "forged webhook",
        "provider credit", "auto-recharge", "number attached",
    }  # fmt: skip
    assert "FR; not overseas" in found["countries answered"]
    assert "not https -> " in found["public URL"]
    assert "antirelou serve" in found["running system"]


@pytest.mark.parametrize(
    ("name", "value", "what", "said"),
    [
        ("NUMBER", "+33639980000", "number", "06/07 number -> these are closed to platforms"),
        ("NUMBER", "+99912345678", "number", "no valid number -> set ANTIRELOU_NUMBER"),
        ("PLIVO_APP_ID", "", "detaching", "set ANTIRELOU_PLIVO_APP_ID"),
        ("FUND_FLOOR", "1.00", "fund floor", "1.00 EUR outlast 14 messages a second"),
        ("REPLY_TEXTS", '["' + "ê" * 71 + '"]', "reply texts", "over the cap"),
        (
            "DATABASE_URL",
            "postgresql://nobody@127.0.0.1:1/none",
            "database",
            "is PostgreSQL",
        ),
        ("KAFKA_BOOTSTRAP", "127.0.0.1:1", "log", "is the broker running"),
    ],
)
async def test_each_trouble_is_named_with_its_fix(
    installation: pytest.MonkeyPatch,
    examine: Examine,
    *,
    name: str,
    value: str,
    what: str,
    said: str,
) -> None:
    installation.setenv(f"ANTIRELOU_{name}", value)
    code, found = await examine()
    assert code == 1
    assert found[what].startswith("MEND")
    assert said in found[what]


@pytest.mark.usefixtures("installation")
async def test_it_speaks_french_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ANTIRELOU_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert await asyncio.to_thread(main, ["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "À RÉGLER adresse publique : http, pas https" in lines
    assert "ok       réserve : " in "\n".join(lines)
    assert lines[-1] == "1 à régler."


@pytest.mark.parametrize("place", ["data", "beside the settings", "here"])
@pytest.mark.parametrize(
    ("name", "what"),
    [(EVIDENCE_PRIVATE_FILE, "evidence key"), (BACKUP_PRIVATE_FILE, "backup key")],
)
async def test_a_key_that_is_not_offline_is_named(
    installation: pytest.MonkeyPatch,
    examine: Examine,
    tmp_path: Path,
    *,
    place: str,
    name: str,
    what: str,
) -> None:
    for folder in ("data", "beside the settings", "here"):
        (tmp_path / folder).mkdir()
    settings = tmp_path / "beside the settings" / "antirelou.env"
    settings.write_text("# none\n")
    installation.setenv("ANTIRELOU_DATA_DIR", str(tmp_path / "data"))
    installation.setenv("SETTINGS_FILE", str(settings))
    installation.chdir(tmp_path / "here")
    (tmp_path / place / name).write_text("key")
    _, found = await examine()
    assert found[what].startswith("MEND")
    assert f"give {tmp_path / place / name} to another person" in found[what]
    assert len({"evidence key", "backup key"} & right(found)) == 1


async def test_with_a_service_s_own_login_the_schemas_are_not_called_missing(
    installation: pytest.MonkeyPatch, examine: Examine, fresh_database: str, kafka_bootstrap: str
) -> None:
    await migrate(fresh_database, schemas())
    connection = await asyncpg.connect(fresh_database)
    try:
        await connection.execute(
            "CREATE ROLE doctor_login LOGIN NOINHERIT PASSWORD 'x' IN ROLE antirelou_filter"
        )
        parts = urlsplit(fresh_database)
        host = parts.netloc.rpartition("@")[2]
        url = urlunsplit(parts._replace(netloc=f"doctor_login:x@{host}"))
        installation.setenv("ANTIRELOU_DATABASE_URL", url)
        installation.setenv("ANTIRELOU_KAFKA_BOOTSTRAP", kafka_bootstrap)
        _, found = await examine()
        assert "not looked at" in found["schemas"]
        assert {"schemas", "database"} <= right(found)
    finally:
        await connection.execute("DROP ROLE doctor_login")
        await connection.close()


async def test_each_trouble_outside_is_named_with_its_fix(
    installation: pytest.MonkeyPatch, examine: Examine, simulator: Simulator
) -> None:
    installation.setenv("ANTIRELOU_PUBLIC_URL", "http://127.0.0.1:1")
    simulator.credit_microunits = 1_000_000
    installation.setenv("ANTIRELOU_PLIVO_APP_ID", "2000000000000000")
    _, found = await examine("--live")
    assert "ClientConnectorError -> the public URL must reach LISTEN" in found["signed webhook"]
    assert "1.00 EUR -> prepay" in found["provider credit"]
    assert "to another application -> link" in found["number attached"]
    installation.setenv("ANTIRELOU_PLIVO_AUTH_ID", "MA" + "Y" * 18)
    _, found = await examine("--live")
    assert "no answer (401) -> 401: check ANTIRELOU_PLIVO_AUTH_ID" in found["provider"]


async def test_without_credentials_nothing_is_asked(
    installation: pytest.MonkeyPatch, examine: Examine
) -> None:
    installation.delenv("ANTIRELOU_PLIVO_AUTH_TOKEN")
    code, found = await examine("--live")
    assert code == 1
    assert "ANTIRELOU_PLIVO_AUTH_TOKEN: required" in found["settings"]
    assert "signed webhook" not in found


async def test_a_cluster_without_schemas_topics_and_members(
    installation: pytest.MonkeyPatch, examine: Examine, fresh_database: str
) -> None:
    with own_broker() as bootstrap:  # what others left unread is not this house's
        installation.setenv("ANTIRELOU_KAFKA_BOOTSTRAP", bootstrap)
        _, found = await examine()
        assert "run `antirelou migrate`; first missing: log/0001" in found["schemas"]
        assert "run `antirelou topics apply`" in found["topics"]
        await migrate(fresh_database, schemas())
        async with open_kafka_log(load_settings()) as log:
            await apply_topics(log, load_settings())
            _, found = await examine()
            assert {"schemas", "topics", *READS} <= right(found)
            await log.append([Outgoing(SmsReceived.TOPIC, b"k", b"{}")])
        _, found = await examine()
        assert "1 unread, and 1 partitions do not move" in found[FILTER_GROUP]
        assert "is `antirelou serve filter` running" in found[FILTER_GROUP]
