"""A real Prometheus, Debian's, over a house that runs: our own configuration, faster."""

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from antirelou.commands.demo.house import answers, free_port
from tests.support.deploy import PROMETHEUS, ROOT

SCRAPE_SECONDS = 1
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Its HTTP API."""

    url: str

    def get(self, path: str, **parameters: object) -> Any:
        """The data of an answer."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=30) as answer:
            found = json.load(answer)
        assert found["status"] == "success", found
        return found["data"]

    def values(self, expression: str, since: float, until: float) -> list[float]:
        """What a query gave, at any time between; without those that are no number."""
        found = self.get(
            "query_range", query=expression, start=since, end=until, step=SCRAPE_SECONDS
        )
        values = (float(value) for series in found["result"] for _, value in series["values"])
        return [value for value in values if value == value]  # noqa: PLR0124 - NaN is not itself


@contextmanager
def open_prometheus(folder: Path, targets: Sequence[str]) -> Iterator[Prometheus]:
    """Scrape these (HOST:PORT) by ``deploy/prometheus``, its intervals apart."""
    settings = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    settings["global"] = dict.fromkeys(
        ("scrape_interval", "evaluation_interval"), f"{SCRAPE_SECONDS}s"
    )
    settings["rule_files"] = [str(PROMETHEUS / pattern) for pattern in settings["rule_files"]]
    settings["scrape_configs"][0]["static_configs"] = [{"targets": list(targets)}]
    address = f"127.0.0.1:{free_port()}"
    settings["global"]["external_labels"] = {"runbook": f"http://{address}/consoles/runbook.html"}
    settings["alerting"]["alertmanagers"] = []
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    programs = subprocess.run(
        [ROOT / "scripts" / "prometheus.sh", "path"], capture_output=True, text=True, check=True
    ).stdout.strip()
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                f"{programs}/prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address={address}",
                f"--web.console.templates={PROMETHEUS / 'consoles'}",
                "--log.level=warn",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_ready(process, f"http://{address}/-/ready", folder)
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_ready(process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not answers(url):
        said = (folder / "prometheus.log").read_text(errors="replace")
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
