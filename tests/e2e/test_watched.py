"""Every query of every panel and rule gives data, by a real Prometheus over a real weekend."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from rich.console import Console

from antirelou.commands.demo.house import embedded_house, run_once
from antirelou.commands.demo.run import operate, pass_weekend
from kernel.telemetry.metrics import METRICS
from tests.support.deploy import metrics_of, read_panels, read_rules
from tests.support.eventually import eventually
from tests.support.prometheus import Prometheus, open_prometheus

SPEED = 9600
SCALE = 0.03
VARIABLES = {"$__rate_interval": "10s", "$__range": "60s"}
"""What Grafana puts for them, at a scrape a second."""

PAUSED = "antirelou: aucune réponse n'est plus payée (mise en pause à la main)"

WAITS_FOR_HOURS = "offset"
"""A rule that compares with hours ago has nothing to say after a minute."""


@pytest.mark.timeout(300)
async def test_every_panel_and_every_rule_has_data(tmp_path: Path) -> None:
    folder = tmp_path / "prometheus"
    folder.mkdir()
    began = time.time()
    with phone() as (url, heard), embedded_house(tmp_path, settings_with(url)) as house:
        target = house.operator_url.removeprefix("http://")
        with open_prometheus(folder, [target]) as prometheus:
            pass_weekend(house, Console(quiet=True), scale=SCALE, speed=SPEED)
            run_once(["audit", "--no-provider", "--tell"], house.settings, tmp_path)

            def silent(queries: dict[str, str]) -> list[str]:
                now = time.time()
                return [w for w, q in queries.items() if not prometheus.values(q, began, now)]

            def has_seen_the_end() -> bool:
                return not silent({"": "antirelou_audit_timestamp_seconds"})

            await eventually(has_seen_the_end, seconds_max=30)

            assert silent(panels()) == []
            assert silent(recorded()) == []
            assert silent({name: name for name in named_by_rules()}) == []
            assert unhealthy(prometheus) == []
        await eventually(lambda: "GET /beat" in heard, seconds_max=30)
        operate(house, "POST", "/v1/pause", {"reason": "test"})
        told = f"POST /topic {PAUSED}"
        await eventually(lambda: any(one.startswith(told) for one in heard), seconds_max=60)


@contextmanager
def phone() -> Iterator[tuple[str, list[str]]]:
    """Whoever is told: its URL, and what it heard."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"GET {self.path}")
            self.answer()

        def do_POST(self) -> None:
            title = str(make_header(decode_header(self.headers["Title"])))
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            heard.append(f"POST {self.path} {title}\n{body}")
            self.answer()

        def answer(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", heard
        finally:
            server.shutdown()
            thread.join()


def settings_with(url: str) -> dict[str, str]:
    """Of a fast house whose people are told at this URL."""
    return {
        "clock_speed": str(SPEED),
        "quiet_hours": "off",
        "alert_url": f"{url}/topic",
        "heartbeat_url": f"{url}/beat",
        "language": "fr",
    }


def panels() -> dict[str, str]:
    """Each panel's queries as Grafana sends them."""
    queries = {}
    for dashboard, title, query in read_panels():
        for variable, value in VARIABLES.items():
            query = query.replace(variable, value)  # noqa: PLW2901
        assert "$" not in query
        queries[f"{dashboard}: {title}: {query}"] = query
    assert len(queries) > 30
    return queries


def recorded() -> dict[str, str]:
    """What is recorded, but for what takes hours."""
    rules = [rule for rule in read_rules() if "record" in rule]
    soon = {rule["record"] for rule in rules if WAITS_FOR_HOURS not in rule["expr"]}
    assert len(soon) > 15
    return {name: name for name in soon}


def named_by_rules() -> set[str]:
    """The series that rules and alerts are made of: an alert itself is rightly empty.

    Left out: those of a platform of gifts, by ``source``. This house is at none.
    """
    kinds = {metric.name: metric.kind for metric in METRICS}
    platforms = {metric.name for metric in METRICS if metric.labels[:1] == ("source",)}
    named = set().union(*(metrics_of(rule["expr"]) for rule in read_rules())) - platforms
    return {f"{name}_count" if kinds[name] == "histogram" else name for name in named}


def unhealthy(prometheus: Prometheus) -> list[str]:
    """Rules that Prometheus could not evaluate."""
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(list(read_rules()))
    return [f"{rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] != "ok"]
