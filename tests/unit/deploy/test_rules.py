"""The rules name what there is, and each alert has its test, its words and its runbook heading."""

import re
import runpy
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from kernel.telemetry.metrics import METRICS
from tests.support.deploy import PROMETHEUS, ROOT, metrics_of, read_alerts, read_rules

ALERTS = read_alerts()
RUNBOOK = runpy.run_path(str(ROOT / "scripts" / "runbook.py"))
RULES = list(read_rules())
ids = [f"{rule['alert']} {rule['labels'].get('window', '')}".strip() for rule in ALERTS]


@pytest.mark.parametrize("rule", ALERTS, ids=ids)
def test_each_alert_says_how_bad_it_is_and_what_is_so(rule: Mapping[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket", "info"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert len(rule["annotations"]["summary"]) < 80
    assert rule["annotations"]["description"].endswith(".")


@pytest.mark.parametrize("rule", ALERTS, ids=ids)
def test_each_alert_has_its_heading_in_the_runbook(rule: Mapping[str, Any]) -> None:
    said = re.fullmatch(
        r'{{ or \$externalLabels.runbook "(.+)" }}#(\w+)', rule["annotations"]["runbook_url"]
    )
    assert said
    path, anchor = said.groups()
    assert anchor == rule["alert"].lower()
    assert f'id="{anchor}"' in RUNBOOK["PATH"].read_text(encoding="utf-8")
    page = (ROOT / path).read_text(encoding="utf-8")
    found = re.search(rf"^#### `{rule['alert']}`\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"{path} has no heading for {rule['alert']}"
    for part in ("**Seen:**", "**Why:**", "**Do:**", "**Not:**"):
        assert part in found[1]


def test_the_page_that_the_links_lead_to_is_fresh() -> None:
    assert RUNBOOK["PATH"].read_text(encoding="utf-8") == RUNBOOK["render"](), (
        "the runbook's page is stale: python scripts/runbook.py"
    )


def test_every_metric_of_the_rules_is_one_of_ours() -> None:
    known = {metric.name for metric in METRICS}
    named = set().union(*(metrics_of(rule["expr"]) for rule in RULES))
    assert len(named) > 15
    assert named <= known


def test_every_recorded_series_that_is_asked_for_is_recorded() -> None:
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    asked = {name for rule in RULES for name in re.findall(r"antirelou:[\w:]+", rule["expr"])}
    assert asked <= recorded
    assert len(recorded) > 20


def test_each_alert_is_seen_to_fire_and_to_be_quiet() -> None:
    fires, quiet = set(), set()
    for path in sorted((PROMETHEUS / "tests").glob("*.yml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for check in case["promql_expr_test"]:
                name = re.search(r'alertname="(\w+)"', check["expr"])
                assert name
                if not check["exp_samples"]:
                    quiet.add(name[1])
                for sample in check["exp_samples"]:
                    window = re.search(r'window="(\w+)"', sample["labels"])
                    fires.add(f"{name[1]} {window[1] if window else ''}".strip())
    assert fires == set(ids)
    assert quiet == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("name", ["alerts.yml", "slow.yml"])
def test_promtool_is_told_the_order_of_every_group(name: str) -> None:
    # One that is not named is put anywhere: an alert then looks before its rule is recorded.
    test = yaml.safe_load((PROMETHEUS / "tests" / name).read_text(encoding="utf-8"))
    groups = [
        group["name"]
        for path in ("recording.yml", "alerts.yml")
        for group in yaml.safe_load((PROMETHEUS / "rules" / path).read_text("utf-8"))["groups"]
    ]
    assert test["group_eval_order"] == groups
    assert len(set(groups)) == len(groups)
