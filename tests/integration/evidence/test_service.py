"""The service by itself: it takes nobody along, and needs little to start."""

import asyncio
import secrets
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from antirelou.commands.demo.house import free_port
from kernel.database.migrations import Schema, migrate
from kernel.facts.topics import outgoing
from kernel.sealing.keys import new_keys
from kernel.service.port import Ports
from kernel.settings.settings import Settings, load_settings
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal
from services.evidence import service
from services.evidence.core.verifier import read_key
from services.evidence.memory import MemoryStore
from services.evidence.service import open_evidence
from tests.fakes.log import MemoryLog
from tests.support.eventually import eventually
from tests.unit.evidence.cases import NOBODY, NOW, SIGNER, batch, handler, received

SCHEMA = Schema("evidence", Path("services/evidence/sql").resolve())
LOG_SCHEMA = Schema("log", Path("kernel/log/embedded/sql").resolve())


def settings(**more: str) -> Settings:
    given = {n: v for n, v in new_keys().settings.items() if not n.startswith("sending_private")}
    return load_settings(**{**given, "clock_speed": "60", **more})


def ports(log: MemoryLog, url: str, registry: CollectorRegistry) -> Ports:
    return Ports(log, SystemClock(), Telemetry(registry), url)


async def test_it_keeps_what_it_reads_and_drains(log: MemoryLog, fresh_database: str) -> None:
    registry = CollectorRegistry()
    await migrate(fresh_database, [SCHEMA])
    await log.append([outgoing(received(n, n)) for n in range(50)])
    async with open_evidence(settings(), ports(log, fresh_database, registry)) as evidence:
        running = asyncio.create_task(evidence.run())
        await eventually(
            lambda: registry.get_sample_value("antirelou_evidence_leaves") == 51, seconds_max=20
        )
        assert evidence.missing() == []
        evidence.drain()
        await asyncio.wait_for(running, 10)
    assert sum((await log.group_lag("antirelou-evidence", "sms.received")).values()) == 0


async def test_a_defect_of_its_own_ends_neither_it_nor_the_others(
    log: MemoryLog, fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "RESTART_SECONDS", 0.1)
    registry = CollectorRegistry()
    await migrate(fresh_database, [LOG_SCHEMA])
    await log.append([outgoing(received(1))])
    async with open_evidence(settings(), ports(log, fresh_database, registry)) as evidence:
        running = asyncio.create_task(evidence.run())  # its schema is not there: Fatal
        count = "antirelou_evidence_failed_total"
        await eventually(lambda: (registry.get_sample_value(count) or 0) >= 1, seconds_max=20)
        assert not running.done()
        assert evidence.missing() == []
        await migrate(fresh_database, [SCHEMA])
        await eventually(
            lambda: registry.get_sample_value("antirelou_evidence_leaves") == 2, seconds_max=20
        )
        await eventually(lambda: evidence.missing() == [], seconds_max=20)
        # It goes again: what keeps it from going is told again.
        monkeypatch.setattr(evidence, "_stage", SimpleNamespace(trouble="log_away", drain=None))
        assert evidence.missing() == ["log_away"]
        monkeypatch.undo()
        evidence.drain()
        await asyncio.wait_for(running, 10)


@pytest.mark.parametrize(
    "wrong",
    [
        {"evidence_log_key": ""},
        {"pseudonym_key": ""},
        {"witness_url": "http://w.example.org"},
        {"witness_key": f"w+00000000+{'A' * 44}", "witness_url": "http://w.example.org"},
        {"witness_key": str(SIGNER.key), "witness_url": "http://w.example.org"},
    ],
)
async def test_a_wrong_setting_stops_the_start(log: MemoryLog, wrong: dict[str, str]) -> None:
    with pytest.raises(Fatal, match="ANTIRELOU_"):
        async with open_evidence(
            settings(**wrong), ports(log, "postgresql://x@127.0.0.1:1/x", CollectorRegistry())
        ):
            pass


async def test_the_witness_s_own_process_cosigns_and_remembers(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    arguments = [
        sys.executable, "-m", "antirelou", "witness", "--log", str(SIGNER.key), "--name",
        "witness.example.org", "--folder", str(tmp_path / "w"), "--listen", url[7:],
    ]  # fmt: skip
    store, keys = MemoryStore(), set()
    for message in range(2):
        process = await asyncio.create_subprocess_exec(
            *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        key = read_key(line.strip().removeprefix("ANTIRELOU_WITNESS_KEY="))
        keys.add(str(key))
        await asyncio.wait_for(process.stdout.readline(), 20)
        kept = handler(store, replace(NOBODY, witness_url=url, witness_key=key))
        await kept.handle(batch([received(message)]), NOW)
        signed = await kept.attest(NOW)
        assert signed is not None
        assert signed.witnessed_at is not None
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0
    assert len(keys) == 1
    assert (tmp_path / "w" / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--log", "x", "--name", "w"], "--log"),
        (["--log", str(SIGNER.key), "--name", "a b"], "--name"),
        (["--log", str(SIGNER.key), "--name", "w", "--listen", "nowhere"], "--listen"),
    ],
)
def test_a_witness_started_wrongly_says_the_fix(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from antirelou.commands.main import main

    folder = str(tmp_path / secrets.token_hex(4))
    assert main(["witness", "--folder", folder, *arguments]) == 2
    assert said in capsys.readouterr().err
