"""Every documented way to deploy starts: each service with what its document gives it, to ready.

The documents themselves are read: the runbook's logins, docker-compose.yml, deploy/k8s, and what
`antirelou init` writes. Only addresses are put in place of those of the document's own network.
"""

import asyncio
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import yaml

from antirelou.commands.demo.house import Process, free_port, run_once
from antirelou.commands.init import write_settings_file
from antirelou.compose import SERVICES, schemas
from kernel.database.migrations import migrate
from kernel.sealing.keys import new_keys
from kernel.settings.sources import PREFIX, parse_env_file
from tests.e2e.conftest import forget_house

ROOT = Path(__file__).parents[3]
RUNBOOK = (ROOT / "docs" / "operations" / "runbook.md").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
K8S = ROOT / "deploy" / "k8s"

GIVEN = {
    **new_keys().settings,
    "number": "+33937000000",
    "plivo_auth_id": "MA" + "X" * 18,
    "plivo_auth_token": "0" * 40,
    "plivo_api_url": "http://127.0.0.1:1",
}  # fmt: skip


def start(folder: Path, given: Mapping[str, Mapping[str, str]]) -> None:
    """Start the services, each with its own settings; all must become ready."""
    with ExitStack() as stack:
        processes = []
        for name, settings in given.items():
            ops = f"127.0.0.1:{free_port()}"
            here = {"listen": f"127.0.0.1:{free_port()}", "ops_listen": ops,
                    "data_dir": str(folder / "data")}  # fmt: skip
            ready = f"http://{ops}/readyz"
            process = Process(name, ["serve", name], {**settings, **here}, folder, ready)
            process.start()
            stack.callback(process.stop)
            processes.append(process)
        for process in processes:
            process.wait_ready()


def sql_of_runbook() -> list[str]:
    """The statements under "A login for each service", block by block."""
    section = RUNBOOK.split("## A login for each service")[1].split("\n## ")[0]
    return re.findall(r"```sql\n(.*?)```", section, re.DOTALL)


@contextmanager
def logins(url: str, blocks: list[str]) -> Iterator[dict[str, str]]:
    """Make the runbook's logins, under names of this test. Gives each one's URL by service."""
    mark, password = secrets.token_hex(4), secrets.token_hex(8)
    text = re.sub(r"\b(\w+_login)\b", rf"\1_{mark}", "\n".join(blocks)).replace("…", password)
    names = re.findall(r"CREATE ROLE (\w+)", text)
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    asyncio.run(execute(url, text))
    try:
        yield {
            name.partition("_")[0]: urlunsplit(parts._replace(netloc=f"{name}:{password}@{host}"))
            for name in names
        }
    finally:
        asyncio.run(execute(url, "".join(f"DROP ROLE {name};" for name in names)))


async def execute(url: str, text: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(text)
    finally:
        await connection.close()


@pytest.fixture(params=["kafka", "embedded"])
def log_settings(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "embedded":
        return {}
    bootstrap: str = request.getfixturevalue("kafka_bootstrap")
    asyncio.run(forget_house(bootstrap))
    return {"kafka_bootstrap": bootstrap}


def prepare(folder: Path, url: str, log: Mapping[str, str]) -> None:
    asyncio.run(migrate(url, schemas()))
    run_once(["topics", "apply"], {"database_url": url, **log}, folder)


def test_a_login_for_each_service_is_enough(
    fresh_database: str, tmp_path: Path, log_settings: dict[str, str]
) -> None:
    prepare(tmp_path, fresh_database, log_settings)
    own, with_log = sql_of_runbook()
    blocks = [own] if log_settings else [own, with_log]
    with logins(fresh_database, blocks) as urls:
        assert len(urls) == (6 if log_settings else 7)
        given = {
            name: {**GIVEN, **log_settings, "database_url": urls.get(name, "")} for name in SERVICES
        }
        start(tmp_path, given)


def test_compose_starts(kafka_bootstrap: str, fresh_database: str, tmp_path: Path) -> None:
    asyncio.run(forget_house(kafka_bootstrap))
    write_settings_file(tmp_path / ".env", simulated=True)
    env = read_env(tmp_path / ".env")

    def filled(name: str, value: str | None) -> str:
        value = env.get(name, "") if value is None else value
        value = re.sub(r"\$\{(\w+)(?::[?-][^}]*)?\}", lambda found: env[found[1]], value)
        if name == "ANTIRELOU_DATABASE_URL":
            assert value == f"postgresql://antirelou:{env['POSTGRES_PASSWORD']}@postgres/antirelou"
            return fresh_database
        return value.replace("kafka:9092", kafka_bootstrap).replace("provider:8090", "127.0.0.1:1")

    def settings(service: str) -> dict[str, str]:
        environment: dict[str, str | None] = COMPOSE["services"][service]["environment"]
        return {
            name.removeprefix(PREFIX).lower(): filled(name, value)
            for name, value in environment.items()
        }

    for service in ("migrate", "topics"):
        run_once(COMPOSE["services"][service]["command"], settings(service), tmp_path)
    start(tmp_path, {name: settings(name) for name in SERVICES})


def test_kubernetes_starts(kafka_bootstrap: str, fresh_database: str, tmp_path: Path) -> None:
    asyncio.run(forget_house(kafka_bootstrap))
    write_settings_file(tmp_path / ".env", simulated=True)
    secret = read_env(tmp_path / ".env")
    overlay = {
        "ANTIRELOU_NUMBER": secret["ANTIRELOU_NUMBER"],
        "ANTIRELOU_KAFKA_BOOTSTRAP": kafka_bootstrap,
        "ANTIRELOU_PLIVO_API_URL": "http://127.0.0.1:1",
    }
    documents = [
        document
        for path in sorted((K8S / "base").glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        if isinstance(document, dict)
    ]
    maps = {one["metadata"]["name"]: one["data"] for one in documents if one["kind"] == "ConfigMap"}
    containers = {
        document["metadata"]["name"]: document["spec"]["template"]["spec"]["containers"][0]
        for document in documents
        if document["kind"] in {"Deployment", "Job"}
    }
    given = {
        name: {
            name.removeprefix(PREFIX).lower(): value
            for name, value in (
                overlay | environment_of(container, maps, secret, fresh_database)
            ).items()
        }
        for name, container in containers.items()
    }
    for command in (["migrate"], ["topics", "apply"]):
        assert json.dumps(["antirelou", *command]) in containers["migrate"]["args"][0]
        run_once(command, given["migrate"], tmp_path)
    for name in SERVICES:
        assert containers[name]["args"] == ["serve", name]
    start(tmp_path, {name: given[name] for name in SERVICES})


def environment_of(
    container: Mapping[str, Any],
    maps: Mapping[str, Mapping[str, str]],
    secret: Mapping[str, str],
    database_url: str,
) -> dict[str, str]:
    """What a container is given; the secret is made from the file of ``init``."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= maps[source["configMapRef"]["name"]]
    for one in container["env"]:
        key = one.get("valueFrom", {}).get("secretKeyRef")
        if key is None:
            found[one["name"]] = one["value"]
        elif key["name"] == "antirelou-database-app":
            found[one["name"]] = database_url
        elif key["key"] in secret or not key.get("optional"):
            found[one["name"]] = secret[key["key"]]
    return found


def read_env(path: Path) -> dict[str, str]:
    lines, troubles = parse_env_file(path.read_bytes())
    assert troubles == []
    return {line.name: line.value for line in lines}


def test_one_machine_starts_with_the_file_of_init_filled_in(tmp_path: Path) -> None:
    file = tmp_path / "antirelou.env"
    write_settings_file(file)
    text = file.read_text(encoding="utf-8")
    for name in ("number", "plivo_auth_id", "plivo_auth_token"):
        line = f"{PREFIX}{name.upper()}="
        assert f"\n{line}\n" in text
        text = text.replace(f"\n{line}\n", f"\n{line}{GIVEN[name]}\n")
    file.write_text(text, encoding="utf-8")
    start(tmp_path, {"all": {"settings_file": str(file), "plivo_api_url": GIVEN["plivo_api_url"]}})
