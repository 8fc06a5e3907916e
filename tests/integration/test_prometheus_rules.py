"""Debian's own programs take the configuration, pass its tests, and lead to the runbook."""

import asyncio
import subprocess
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.support.deploy import ROOT
from tests.support.eventually import eventually
from tests.support.prometheus import open_prometheus


def test_promtool_passes_the_rules() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "prometheus.sh", "check"],
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") >= 5
    assert "FAILED" not in done.stdout


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


async def test_an_alert_links_to_its_heading_of_the_runbook(tmp_path: Path) -> None:
    with open_prometheus(tmp_path, ["127.0.0.1:1"]) as prometheus:

        def links() -> list[str]:
            alerts = prometheus.get("alerts")["alerts"]
            return [alert["annotations"]["runbook_url"] for alert in alerts]

        (link,) = await eventually(links, seconds_max=30, every=0.2)
        page, _, anchor = link.partition("#")
        said = await asyncio.to_thread(read, page)
    assert page.startswith(prometheus.url)
    assert anchor == "antireloudown"
    assert f'<h4 id="{anchor}">' in said


@pytest.fixture
def alertmanager(tmp_path: Path) -> Path:
    """Its configuration, as Compose gives it to it."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    text: str = compose["configs"]["alertmanager"]["content"]
    begin, _, rest = text.partition("${ANTIRELOU_ALERT_URL:-")
    path = tmp_path / "alertmanager.yml"
    path.write_text(f"{begin}https://ntfy.example.org/topic{rest.partition('}')[2]}", "utf-8")
    return path


def amtool(*arguments: str | Path) -> str:
    done = subprocess.run(
        [ROOT / "scripts" / "prometheus.sh", "amtool", *arguments],
        capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_alertmanager_tells_what_the_house_cannot(alertmanager: Path) -> None:
    assert "SUCCESS" in amtool("check-config", alertmanager)
    told = {
        ("AntirelouDown", "page"): "alert_url",
        ("AntirelouNotReady", "page"): "alert_url",
        ("AntirelouWebhooksFailing", "page"): "alert_url",
        ("AntirelouBooksApart", "ticket"): "alert_url",
        ("AntirelouSuspended", "page"): "nobody",
        ("AntirelouDeadRecords", "ticket"): "nobody",
        ("AntirelouPostureChanged", "info"): "nobody",
    }
    route = ("config", "routes", "test", f"--config.file={alertmanager}")
    for (alert, severity), receiver in told.items():
        assert amtool(*route, f"alertname={alert}", f"severity={severity}") == receiver
