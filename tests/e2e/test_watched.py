"""Every query of every panel and rule gives data, by a real Prometheus over a real weekend."""

import time
from pathlib import Path

import pytest
from rich.console import Console

from antirelou.cli.demo.house import embedded_house, run_once
from antirelou.cli.demo.run import pass_weekend
from antirelou.telemetry import METRICS
from tests.support.deploy import metrics_of, read_panels, read_rules
from tests.support.eventually import eventually
from tests.support.prometheus import Prometheus, open_prometheus

SPEED = 7200
SCALE = 0.03
VARIABLES = {"$__rate_interval": "10s", "$__range": "60s"}
"""What Grafana puts for them, at a scrape a second."""

WAITS_FOR_HOURS = "offset"
"""A rule that compares with hours ago has nothing to say after a minute."""


@pytest.mark.timeout(300)
async def test_every_panel_and_every_rule_has_data(tmp_path: Path) -> None:
    folder = tmp_path / "prometheus"
    folder.mkdir()
    began = time.time()
    settings = {"clock_speed": str(SPEED), "quiet_hours": "off"}
    with embedded_house(tmp_path, settings) as house:
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
    """The series that rules and alerts are made of: an alert itself is rightly empty."""
    kinds = {metric.name: metric.kind for metric in METRICS}
    named = set().union(*(metrics_of(rule["expr"]) for rule in read_rules()))
    return {f"{name}_count" if kinds[name] == "histogram" else name for name in named}


def unhealthy(prometheus: Prometheus) -> list[str]:
    """Rules that Prometheus could not evaluate."""
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(list(read_rules()))
    return [f"{rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] != "ok"]
