"""What ``deploy/`` says of metrics, read for the tests that hold it to the code."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"

_METRIC = re.compile(r"\bantirelou_[a-z_]+")
_PARTS = ("_bucket", "_count", "_sum")


def read_rules() -> Iterator[Mapping[str, Any]]:
    """Every recording and alerting rule."""
    for path in sorted((PROMETHEUS / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def read_alerts() -> list[Mapping[str, Any]]:
    """Every alerting rule; several windows of one alert are several."""
    return [rule for rule in read_rules() if "alert" in rule]


def metrics_of(expression: str) -> set[str]:
    """The house's metrics that a query names, as ``telemetry.METRICS`` names them."""
    found = set()
    for name in _METRIC.findall(expression):
        base = next((name.removesuffix(part) for part in _PARTS if name.endswith(part)), name)
        found.add(base if base.endswith("_seconds") else name)
    return found


def read_panels() -> Iterator[tuple[str, str, str]]:
    """Every query of every dashboard: dashboard, panel, query."""
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                yield path.stem, panel["title"], target["expr"]
