"""The dashboards are what their code makes, whole by Grafana's own model, and of our metrics."""

import json
import re
import runpy
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from kernel.telemetry.metrics import METRICS
from kernel.words.gloss import GLOSS
from services.billing.core.posture import Cause
from tests.support.deploy import DASHBOARDS, ROOT, metrics_of, read_alerts, read_panels, read_rules

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
    known = json.loads(text)
    for annotation in known["annotations"]["list"]:
        # Of its Prometheus source the model knows the expression alone.
        for more in ("titleFormat", "textFormat", "tagKeys"):
            del annotation[more]
    read = Dashboard.from_json(known)
    assert json.loads(JSONEncoder().encode(read)) == known
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
        if (overrides := panel["fieldConfig"]["overrides"]) and panel["title"] != "Cause"
    ]
    assert named == [{code: term.fr for code, term in GLOSS["reason"].items()}] * 2


def boards() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(DASHBOARDS.glob("*.json")):
        yield path.stem, json.loads(path.read_text(encoding="utf-8"))


def stats() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, board in boards():
        for panel in board["panels"]:
            if panel["type"] == "stat":
                yield f"{name}: {panel['title']}", panel


COUNTS = {
    "number: Réponses arrivées", "number: Dépensé en tout", "pipeline: Programs that run",
    "flood: Verdicts in the whole time shown, by reason",
}  # fmt: skip
"""Of how many there are, neither is good or bad."""


def test_a_stat_that_says_good_or_bad_has_the_colour_of_it() -> None:
    plain = set()
    for name, panel in stats():
        defaults = panel["fieldConfig"]["defaults"]
        steps = defaults["thresholds"]["steps"]
        values = [step["value"] for step in steps]
        assert values[0] is None
        assert values[1:] == sorted(values[1:])
        mapped = {
            result["color"] for one in defaults["mappings"] for result in one["options"].values()
        } if "mappings" in defaults else set()  # fmt: skip
        fixed = {
            one["value"]["fixedColor"]
            for override in panel["fieldConfig"]["overrides"]
            for one in override["properties"]
            if one["id"] == "color"
        }
        colours = {step["color"] for step in steps} | mapped | fixed
        if not {"green", "red"} <= colours:
            plain.add(name)
        assert panel["options"]["colorMode"] != "none"
    assert plain == COUNTS


@pytest.mark.parametrize("board", ["number", "flood"])
def test_each_posture_and_each_cause_looks_like_itself(board: str) -> None:
    panels = [panel for name, panel in stats() if name.startswith(f"{board}: ")]
    (posture,) = [p for p in panels if "antirelou_posture{" in p["targets"][0]["expr"]]
    (mapping,) = posture["fieldConfig"]["defaults"]["mappings"]
    colours = [mapping["options"][value]["color"] for value in ("0", "1", "2")]
    assert colours == ["green", "orange", "red"]
    assert posture["options"]["colorMode"] == "background"
    (cause,) = [p for p in panels if "antirelou_posture_cause" in p["targets"][0]["expr"]]
    coloured = {
        one["matcher"]["options"]: one["properties"][-1]["value"]["fixedColor"]
        for one in cause["fieldConfig"]["overrides"]
    }
    assert coloured.keys() == {str(one) for one in Cause}
    assert coloured["calm"] == "green"
    assert coloured["floor"] == "red"


def test_each_board_leads_to_the_others_and_shows_the_alerts() -> None:
    severities = {rule["labels"]["severity"] for rule in read_alerts()} - {"info"}
    for _, board in boards():
        (link,) = board["links"]
        assert link["type"] == "dashboards"
        assert set(link["tags"]) <= set(board["tags"])
        assert link["keepTime"]
        (alerts,) = board["annotations"]["list"]
        assert alerts["enable"]
        assert alerts["datasource"]["uid"] == "prometheus"
        assert set(re.findall(r"[a-z]+(?=[|\"])", alerts["expr"])) >= severities
        assert alerts["titleFormat"] == "{{alertname}}"
