"""`docker compose up`, then the weekend through it, while each service is killed once."""

import asyncio
import functools
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from antirelou.commands.demo.house import House
from antirelou.commands.demo.report import check_outcome, print_report
from antirelou.commands.demo.run import begin_weekend, is_at_rest, look, operate, read_bill
from antirelou.commands.demo.watch import call
from tests.deployed.compose import SERVICES, Compose
from tests.support.eventually import eventually
from tests.support.house import with_voided_ended, without_unresolved

SPEED = 3600
REST_SECONDS_MAX = 400

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="compose-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def compose(folder: Path) -> Iterator[Compose]:
    project = Compose(folder)
    try:
        project.up()
        yield project
    finally:
        project.down()


def test_everything_is_healthy(compose: Compose) -> None:
    states = compose.states()
    for service in (*SERVICES, "kafka", "postgres", "provider"):
        assert states[service] == "healthy", states
    assert {states[once] for once in ("migrate", "topics")} == {"exited"}


def test_a_service_has_no_key_that_is_not_its_own(compose: Compose) -> None:
    private = compose.settings["sending_private_key"]
    seen = {service for service in SERVICES if private in compose.run("exec", "-T", service, "env")}
    assert seen == {"responder"}


def test_it_runs_as_nobody_on_a_file_system_that_it_cannot_write(compose: Compose) -> None:
    said = compose.run("exec", "-T", "ingest", "sh", "-c", "id -u; touch /x 2>&1 || true")
    assert said.splitlines()[0] == "10001"
    assert "Read-only file system" in said


async def test_the_weekend_passes_while_each_service_is_killed(
    compose: Compose, folder: Path
) -> None:
    house = compose.house(folder)
    begin_weekend(house, scale=1, speed=SPEED)
    for share, service in zip((0.1, 0.25, 0.4, 0.55, 0.7), SERVICES, strict=True):
        await _passed(house.provider_url, share)
        compose.run("kill", service)
        compose.run("start", service)
        await eventually(functools.partial(_is_healthy, compose, service), seconds_max=90, every=1)

    await eventually(lambda: _rests(house), seconds_max=REST_SECONDS_MAX, every=1)
    voided = 0
    # A reply whose sender was killed in mid-send is a person's to decide (runbook).
    for reply in operate(house, "GET", "/v1/unresolved")["replies"]:
        operate(house, "POST", f"/v1/unresolved/{reply['id']}", {"outcome": "void", "why": ""})
        voided += 1
    await eventually(lambda: is_at_rest(look(house)), seconds_max=60, every=1)
    status, bill = with_voided_ended(look(house).status, voided), read_bill(house)
    # What the provider gave up on while the door was down came by backfill.
    bill = replace(bill, accepted=bill.accepted + bill.lost, lost=0)
    checks = check_outcome(status, bill)
    print_report(Console(highlight=False), status, bill, checks)
    assert [check for check in checks if not check.good] == []


async def test_prometheus_has_scraped_it(compose: Compose) -> None:
    def scraped() -> bool:
        query = "http://127.0.0.1:9090/api/v1/query?query="
        up = call(f"{query}up")["data"]["result"]
        received = call(f"{query}sum(antirelou_webhooks_total)")["data"]["result"]
        assert {one["value"][1] for one in up if one["metric"]["job"] != "prometheus"} == {"1"}
        return bool(float(received[0]["value"][1]) > 0)

    await eventually(scraped, seconds_max=60, every=1)
    assert compose.states()["prometheus"] in {"running", "healthy"}


async def test_sigterm_drains_within_the_grace_period(compose: Compose) -> None:
    began = time.monotonic()
    await asyncio.to_thread(compose.run, "stop", *SERVICES)
    assert time.monotonic() - began < 30
    for service in SERVICES:
        said = compose.run("ps", "--all", "--format", "{{.ExitCode}}", service)
        assert said.strip() == "0", f"{service} ended with {said}"


def _is_healthy(compose: Compose, service: str) -> bool:
    return compose.states()[service] == "healthy"


def _rests(house: House) -> bool:
    try:
        moment = look(house)
    except OSError:
        return False  # it is on its way back
    assert is_at_rest(without_unresolved(moment)), f"does not rest: {moment.status}"
    return True


async def _passed(provider_url: str, share: float) -> None:
    def came() -> bool:
        drive = call(f"{provider_url}/_sim/drive")
        return bool(drive["delivered"] >= share * drive["total"])

    await eventually(came, seconds_max=300, every=0.2)
