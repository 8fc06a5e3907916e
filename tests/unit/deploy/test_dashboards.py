"""The dashboards are what their code makes, whole by Grafana's own model, and of our metrics."""

import json
import re
import runpy
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from kernel.telemetry.metrics import METRICS
from kernel.words.gloss import GLOSS
from tests.support.deploy import DASHBOARDS, ROOT, metrics_of, read_panels, read_rules

MADE = runpy.run_path(str(ROOT / "scripts" / "dashboards.py"))


@pytest.mark.parametrize("name", list(MADE["DASHBOARDS"]))
def test_the_dashboard_is_fresh(name: str) -> None:
    path = DASHBOARDS / f"{name}.json"
    assert path.read_text(encoding="utf-8") == MADE["render"](name), (
        f"{path.name} is stale: python scripts/dashboards.py"
    )


def test_no_other_dashboard_lies_there() -> None:
    assert {path.stem for path in DASHBOARDS.iterdir()} == set(MADE["DASHBOARDS"])


@pytest.mark.parametrize("name", list(MADE["DASHBOARDS"]))
def test_grafanas_model_reads_it_and_writes_the_same(name: str) -> None:
    text = (DASHBOARDS / f"{name}.json").read_text(encoding="utf-8")
    read = Dashboard.from_json(json.loads(text))
    assert JSONEncoder(sort_keys=True, indent=2).encode(read) + "\n" == text
    assert read.uid == f"antirelou-{name}"


def test_panels_lie_side_by_side_and_none_over_another() -> None:
    for path in DASHBOARDS.glob("*.json"):
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            at: dict[str, Any] = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            assert at["x"] + at["w"] <= 24
            assert not cells & taken, panel["title"]
            taken |= cells


def test_every_metric_of_the_panels_is_one_of_ours() -> None:
    named = set().union(*(metrics_of(query) for _, _, query in read_panels()))
    assert len(named) > 15
    assert named <= {metric.name for metric in METRICS}
    recorded = {rule["record"] for rule in read_rules() if "record" in rule}
    asked = {
        name for _, _, query in read_panels() for name in re.findall(r"antirelou:[\w:]+", query)
    }
    assert asked <= recorded


def test_every_verdicts_reason_has_its_french_name_on_the_flood() -> None:
    panels = json.loads((DASHBOARDS / "flood.json").read_text(encoding="utf-8"))["panels"]
    named = [
        {one["matcher"]["options"]: one["properties"][0]["value"] for one in overrides}
        for panel in panels
        if (overrides := panel["fieldConfig"]["overrides"])
    ]
    assert named == [{code: term.fr for code, term in GLOSS["reason"].items()}] * 2
