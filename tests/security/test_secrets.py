"""No secret in what the house says: logs, metrics, errors, process arguments, ``repr``."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from antirelou.commands.demo.house import House
from antirelou.commands.demo.watch import call
from kernel.sealing.keys import new_keys
from kernel.settings.settings import Settings, load_settings
from services.billing.settings import read_settings as read_billing
from services.console.settings import read_settings as read_console
from services.evidence.settings import read_settings as read_evidence
from services.ingest.settings import IngestSettings
from services.responder.settings import read_settings as read_responder
from tests.support.house import donate
from tests.support.scan import secrets_in

PUBLIC = {"sending_public_key", "evidence_public_key"}
PASSWORD = "canary-5up3r-s3cret"


def secret(values: Mapping[str, str]) -> list[str]:
    return [value for name, value in values.items() if name not in PUBLIC]


def run(settings: Mapping[str, str], *arguments: str, seconds_max: float = 60) -> str:
    """All that a command says. It must fail, or be ended, and with no traceback."""
    ours = {f"ANTIRELOU_{name.upper()}": value for name, value in settings.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANTIRELOU_")}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "antirelou", *arguments],
            env=kept | ours, capture_output=True, timeout=seconds_max, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        said = done.stdout + done.stderr
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"") + (late.stderr or b"")
    assert b"Traceback" not in said
    return said.decode()


def test_a_running_house_says_none(house: House, canaries: dict[str, str]) -> None:
    donate(house, "3.00", id_="secrets")
    ops = house.services[0].ready_url.removesuffix("/readyz")
    with pytest.raises(OSError, match="401"):
        call(f"{ops}/v1/status", token=canaries["operator_token"] + "x")
    places = {
        "log": (house.folder / "all.log").read_bytes(),
        "provider's log": (house.folder / "provider.log").read_bytes(),
    }
    for path in ("/metrics", "/healthz", "/readyz", "/v1/status", "/v1/openapi.json"):
        told = subprocess.run(
            ["curl", "-s", "-H", f"Authorization: Bearer {house.operator_token}", ops + path],
            capture_output=True, check=True,
        )  # fmt: skip
        assert told.stdout
        places[path] = told.stdout
    for process in _tree(house.services[0].pid):
        places[f"arguments of {process.name()}"] = "\0".join(process.cmdline()).encode()
    assert len(places["log"]) > 100
    assert len(places) > 8, "PostgreSQL's processes are among them"
    assert secrets_in(places, secret(canaries)) == []
    # The search finds what is there: the house was given them in its environment.
    environment = {"environment": Path(f"/proc/{house.services[0].pid}/environ").read_bytes()}
    assert len(secrets_in(environment, secret(canaries))) == len(secret(canaries))


def _tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


@pytest.mark.parametrize("name", [
    "pseudonym_key", "sending_private_key", "sending_private_keys_older", "evidence_log_key",
    "database_url", "number",
])  # fmt: skip
def test_a_wrong_secret_is_not_quoted(name: str, tmp_path: Path) -> None:
    said = run({"data_dir": str(tmp_path), name: PASSWORD}, "serve")
    assert f"ANTIRELOU_{name.upper()}" in said
    assert PASSWORD not in said


def test_a_short_token_is_not_quoted(tmp_path: Path) -> None:
    said = run({"data_dir": str(tmp_path), "operator_token": "canary"}, "serve")
    assert "ANTIRELOU_OPERATOR_TOKEN" in said
    assert "canary" not in said


DATABASES = (
    f"postgresql://us:{PASSWORD}@127.0.0.1:1/db",
    f"postgresql://us:{PASSWORD}@127.0.0.1:notaport/db",
    f"postgresql://us:{PASSWORD}/more@127.0.0.1:1/db",
    f"postgresql://us:{PASSWORD}#more@127.0.0.1:1/db",
    f"postgresql://us@127.0.0.1:1/db?password={PASSWORD}&sslmode=nonsense",
    f"postgresql://us:{PASSWORD}@no.such.host.invalid/db?connect_timeout=x",
)


@pytest.mark.parametrize(
    ("url", "arguments"),
    [
        *((url, ("migrate",)) for url in DATABASES),
        *((url, ("serve", "filter")) for url in DATABASES[:2]),
    ],
)
def test_a_database_that_refuses_tells_no_password(
    url: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    settings = {
        "data_dir": str(tmp_path), "database_url": url, "number": "+33937000000",
        "ops_listen": "127.0.0.1:0", "listen": "127.0.0.1:0", "kafka_bootstrap": "127.0.0.1:1",
    }  # fmt: skip
    said = run(settings, *arguments, seconds_max=8)
    assert PASSWORD not in said
    assert "s3cret" not in said


async def test_a_login_that_is_refused_tells_no_password(postgres_url: str, tmp_path: Path) -> None:
    url = postgres_url.replace("://antirelou", f"://nobody:{PASSWORD}", 1)
    said = run({"data_dir": str(tmp_path), "database_url": url}, "migrate")
    assert PASSWORD not in said
    assert said.strip()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_a_broker_that_refuses_tells_no_password(
    kafka_bootstrap: str, mechanism: str, tmp_path: Path
) -> None:
    settings = {
        "data_dir": str(tmp_path), "kafka_bootstrap": kafka_bootstrap,
        "kafka_security_protocol": "SASL_PLAINTEXT", "kafka_security_sasl_mechanism": mechanism,
        "kafka_security_username": "us", "kafka_security_password": PASSWORD,
    }  # fmt: skip
    said = run(settings, "topics", "apply", seconds_max=20)
    assert PASSWORD not in said


def test_a_provider_that_refuses_tells_no_token(house: House, tmp_path: Path) -> None:
    settings = {**house.settings, "plivo_auth_token": PASSWORD, "data_dir": str(tmp_path)}
    settings |= {"database_url": "postgresql://127.0.0.1:1/x"}
    said = run(settings, "doctor", "--live")
    assert "401" in said
    assert PASSWORD not in said


def complete(tmp_path: Path) -> tuple[Settings, list[str]]:
    keys = dict(new_keys().settings)
    given = {
        **keys, "plivo_auth_token": "canary-of-the-provider",
        "plivo_auth_token_older": "canary-old",
        "sending_private_keys_older": new_keys().settings["sending_private_key"],
        "kafka_security_password": "canary-of-the-broker",
        "database_url": "postgresql://us:canary-of-the-base@h/d",
    }  # fmt: skip
    more = {"number": "+33937000000", "plivo_auth_id": "MA" + "A" * 18, "data_dir": tmp_path}
    return load_settings(**given, **more), secret(given)


def test_no_settings_show_a_secret(tmp_path: Path) -> None:
    settings, values = complete(tmp_path)
    values += [repr(bytes.fromhex(value)) for value in values if len(value) == 64]
    shown = {
        "all": f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}",
        "ingest": repr(IngestSettings.of(settings)),
        "billing": repr(read_billing(settings)),
        "responder": repr(read_responder(settings)),
        "evidence": repr(read_evidence(settings)),
        "console": repr(read_console(settings)),
    }
    found = [(place, value) for place, text in shown.items() for value in values if value in text]
    assert found == []
