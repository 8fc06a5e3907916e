"""Write ``deploy/grafana/dashboards/*.json``: the dashboards, as code.

``python scripts/dashboards.py`` writes them; a unit test fails when one is stale. *The number*
speaks the activists' French, with the English under each title; the other two are for operators.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardLink,
    ThresholdsConfig,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    LegendDisplayMode,
    LegendPlacement,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    DynamicConfigValue,
    Threshold,
    ValueMap,
    ValueMappingResult,
)

from kernel.words.gloss import GLOSS, Language, gloss

FOLDER = Path(__file__).resolve().parents[1] / "deploy" / "grafana" / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")

RATE = "$__rate_interval"
DAY = 86_400
ANNOTATION_FORMAT = {
    "titleFormat": "{{alertname}}", "textFormat": "{{service}} {{what}} {{posture}}",
    "tagKeys": "severity",
}  # fmt: skip
"""What Grafana's Prometheus source reads of an annotation beside the foundation SDK's model."""
UP = 'min(up{job=~".*antirelou.*"})'
READY = 'min(antirelou_lacks{what="nothing"})'
SPENT = "sum(max by (on) (antirelou_spent_euros))"
POSTURE = (
    'max(antirelou_posture{posture="guarded"}) + 2 * max(antirelou_posture{posture="suspended"})'
)
"""0 normal, 1 guarded, 2 suspended."""
ALERTS = 'ALERTS{alertname=~"Antirelou.*",alertstate="firing",severity=~"page|ticket"}'

Steps = Sequence[tuple[float | None, str]]
"""From which value on a stat has which colour; None: from the lowest."""
NEUTRAL: Steps = ((None, "text"),)
"""Neither good nor bad."""
NONE_IS_WELL: Steps = ((None, "green"), (1, "red"))
WAITING: Steps = ((None, "green"), (1, "orange"), (100, "red"))
FLOODING: Steps = ((None, "green"), (1000, "orange"), (10_000, "red"))
"""October 2017 had 25,000 messages in three days; a quiet number has a few a day."""
CAUSES = {
    "calm": "green", "operator": "blue", "surge": "orange", "burn": "orange", "daily_cap": "orange",
    "restored": "red", "credit": "red", "floor": "red", "deliveries_failing": "red",
}  # fmt: skip
"""The colour of a cause: what leads to guarded is orange, what suspends is red."""


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: shown; ``says`` is under it.
        queries: each with its legend; ``{{label}}`` is the label's value.
        unit: as Grafana names it.
        kind: ``stat`` or ``graph``.
        words: the gloss' group that the legend's codes are of.
        values: what single values are called, and their colours.
        steps: of a stat: the colours of its other values.
        colours: of a legend's codes.
        width: of 24.
    """

    title: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    kind: str = "graph"
    says: str = ""
    words: str = ""
    values: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    steps: Steps = NEUTRAL
    colours: Mapping[str, str] = field(default_factory=dict)
    none: str = ""
    width: int = 12


def _french(code: str, *queries: tuple[str, str], **more: Any) -> Panel:
    """A panel for the activists, by its word in the gloss."""
    english = gloss("panel", code, Language.EN)
    return Panel(gloss("panel", code, Language.FR), queries, says=english, **more)


def _word(code: str) -> str:
    return gloss("panel", code, Language.FR)


def _postures(language: Language) -> dict[str, tuple[str, str]]:
    """The values of ``POSTURE``: a name and a colour each."""
    colours = {"normal": "green", "guarded": "orange", "suspended": "red"}
    return {
        str(value): (gloss("posture", code, language), colour)
        for value, (code, colour) in enumerate(colours.items())
    }


def _quantiles(metric: str, by: str = "") -> tuple[tuple[str, str], ...]:
    labels = f"le, {by}" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    return tuple(
        (
            f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket[{RATE}])))",
            f"{legend}p{q * 100:.0f}",
        )
        for q in (0.5, 0.95)
    )


NUMBER = (
    _french("is_it_up", (f"min(antirelou_number_attached) * {UP} * {READY}", ""), kind="stat",
            width=4, values={"1": (_word("up"), "green"), "0": (_word("down"), "red")},
            none=_word("down")),
    _french("posture", (POSTURE, ""), kind="stat", values=_postures(Language.FR), width=4),
    _french("cause", ("max by (cause) (antirelou_posture_cause) == 1", "{{cause}}"), kind="stat",
            words="cause", colours=CAUSES, width=8),
    _french("lasts", ("min(antirelou_fund_lasts_seconds) < Inf", ""), unit="s", kind="stat",
            steps=((None, "red"), (DAY, "orange"), (7 * DAY, "green")), none=_word("for_ever"),
            width=4),
    _french("left", ('max(antirelou_fund_euros{account="available"})', ""), unit="currencyEUR",
            kind="stat", steps=((None, "red"), (20, "orange"), (100, "green")), width=4),
    _french("wrote", ('sum(increase(antirelou_webhooks_total{kind="message",outcome="accepted"}'
                      "[$__range]))", ""), kind="stat", steps=FLOODING, width=6),
    _french("answered", ('sum(increase(antirelou_replies_total{outcome="delivered"}[$__range]))',
                         ""), kind="stat", width=6),
    _french("waiting", ("max(antirelou_replies_waiting)", ""), kind="stat", steps=WAITING,
            width=6),
    _french("cost", (SPENT, ""), unit="currencyEUR", kind="stat", width=6),
    _french("traffic",
            ('60 * sum(rate(antirelou_webhooks_total{kind="message",outcome="accepted"}'
             f"[{RATE}]))", _word("received")),
            (f'60 * sum(rate(antirelou_replies_total{{outcome="delivered"}}[{RATE}]))',
             _word("delivered"))),
    _french("fund", ('max(antirelou_fund_euros{account="available"})', _word("available")),
            ('max(antirelou_fund_euros{account="floor"})', _word("floor")),
            (SPENT, _word("spent")), unit="currencyEUR"),
)  # fmt: skip

PIPELINE = (
    Panel("Processes that do not answer", [('sum(1 - up{job=~".*antirelou.*"})', "")],
          kind="stat", steps=NONE_IS_WELL, width=6, says="AntirelouDown in the runbook"),
    Panel("What each service lacks (nothing: it is ready)",
          [("max by (service, what) (antirelou_lacks) == 1", "{{service}}: {{what}}")],
          says="AntirelouNotReady in the runbook"),
    Panel("Dead records", [("max(antirelou_dead_records)", "")], kind="stat", width=6,
          steps=NONE_IS_WELL,
          says="AntirelouDeadRecords in the runbook"),
    Panel("Oldest uncertain send", [("max(antirelou_replies_uncertain_oldest_seconds)", "")],
          unit="s", kind="stat", steps=((None, "green"), (300, "orange"), (600, "red")), width=6,
          says="AntirelouUncertainSends in the runbook"),
    Panel("Provider last read", [
        ("time() - max(antirelou_provider_checked_timestamp_seconds)", "ago")],
          unit="s", kind="stat", steps=((None, "green"), (900, "orange"), (1800, "red")), width=6,
          says="AntirelouProviderAway in the runbook"),
    Panel("Programs that run", [
        ("count by (version, commit) (antirelou_build_info)", "{{version}} {{commit}}")],
          kind="stat", width=12, says="More than one: they are being replaced"),
    Panel("Webhooks a second, by outcome",
          [(f"sum by (outcome) (rate(antirelou_webhooks_total[{RATE}]))", "{{outcome}}")],
          unit="reqps"),
    Panel("Webhooks: seconds to the answer", _quantiles("antirelou_webhook_seconds"), unit="s"),
    Panel("Records a second, by stage", [(
        f"sum by (service, topic) (rate(antirelou_stage_records_total[{RATE}]))",
        "{{service}} {{topic}}")]),
    Panel("Records still to read, by stage",
          [("sum by (service, topic) (antirelou_stage_lag)", "{{service}} {{topic}}")]),
    Panel("Seconds a batch, by stage", _quantiles("antirelou_stage_batch_seconds", "service"),
          unit="s"),
    Panel("Replies a second, by the state they reach",
          [(f"sum by (outcome) (rate(antirelou_replies_total[{RATE}]))", "{{outcome}}")]),
    Panel("Provider: calls a second, by outcome", [(
        f"sum by (call, outcome) (rate(antirelou_provider_requests_total[{RATE}]))",
        "{{call}} {{outcome}}")], unit="reqps"),
    Panel("Provider: seconds a call", _quantiles("antirelou_provider_request_seconds", "call"),
          unit="s"),
    Panel("Replies: sent minus due", _quantiles("antirelou_reply_lateness_seconds"), unit="s"),
    Panel("Entries in the evidence log", [("max(antirelou_evidence_leaves)", "entries")]),
)  # fmt: skip

FLOOD = (
    Panel("Posture", [(POSTURE, "")], kind="stat", values=_postures(Language.EN), width=6),
    Panel("Cause", [("max by (cause) (antirelou_posture_cause) == 1", "{{cause}}")], kind="stat",
          colours=CAUSES, width=6),
    Panel("Deliberated", [("sum(antirelou_deliberating)", "")], kind="stat", steps=FLOODING,
          width=6),
    Panel("Wait to be paid for", [("max(antirelou_replies_waiting)", "")], kind="stat",
          steps=WAITING, width=6),
    Panel("Verdicts a minute, by reason", [(
        f"60 * sum by (reason) (rate(antirelou_verdicts_total[{RATE}]))", "{{reason}}")],
          words="reason", width=16),
    Panel("Verdicts in the whole time shown, by reason",
          [("sum by (reason) (increase(antirelou_verdicts_total[$__range]))", "{{reason}}")],
          kind="stat", words="reason", width=8),
    Panel("First contacts that deserve a reply, a minute (a surge makes guarded)", [(
        f'60 * sum(rate(antirelou_verdicts_total{{decision="reply"}}[{RATE}]))', "deserved"),
        ('max(antirelou_posture_cause{cause="surge"})', "surge (0 or 1)")]),
    Panel("Posture over time", [("max by (posture) (antirelou_posture)", "{{posture}}")]),
    Panel("Euros spent an hour, and the even pace", [
        (f"3600 * max by (on) (deriv(antirelou_spent_euros[{RATE}]))", "{{on}}"),
        ("3600 * max(antirelou_fund_pace_euros_per_second)", "even pace")],
          unit="currencyEUR"),
    Panel("The fund, by account", [("max by (account) (antirelou_fund_euros)", "{{account}}")],
          unit="currencyEUR"),
)  # fmt: skip

DASHBOARDS: Mapping[str, tuple[str, Sequence[Panel]]] = {
    "number": ("antirelou · Le numéro", NUMBER),
    "pipeline": ("antirelou · The pipeline", PIPELINE),
    "flood": ("antirelou · The flood", FLOOD),
}


def render(name: str) -> str:
    """A dashboard's JSON, as Grafana reads it."""
    title, panels = DASHBOARDS[name]
    board = (
        Dashboard(title)
        .uid(f"antirelou-{name}")
        .tags(["antirelou"])
        .readonly()
        .refresh("30s")
        .time("now-24h", "now")
        .timezone("browser")
        .link(_link_others())
        .annotation(
            AnnotationQuery().name("Alerts").datasource(SOURCE).expr(ALERTS).icon_color("red")
        )
    )
    for panel in panels:
        board = board.with_panel(_build(panel))
    made = json.loads(JSONEncoder().encode(board.build()))
    for annotation in made["annotations"]["list"]:
        annotation.update(ANNOTATION_FORMAT)
    return json.dumps(made, sort_keys=True, indent=2) + "\n"


def _link_others() -> DashboardLink:
    """To each other dashboard of ours, for the same time."""
    link = DashboardLink("antirelou").type(DashboardLinkType.DASHBOARDS).tags(["antirelou"])
    return link.icon("external link").keep_time(True)


def _build(panel: Panel) -> Any:
    built = _build_stat(panel) if panel.kind == "stat" else _build_graph()
    built = built.title(panel.title).description(panel.says).datasource(SOURCE).unit(panel.unit)
    built = built.span(panel.width).height(4 if panel.kind == "stat" else 8)
    for number, (expression, legend) in enumerate(panel.queries):
        query = prometheus.Dataquery().expr(expression).ref_id(chr(ord("A") + number))
        query = query.datasource(SOURCE).legend_format(legend or "__auto")
        built = built.with_target(query.instant() if panel.kind == "stat" else query.range())
    for code in GLOSS.get(panel.words, panel.colours):
        built = built.override_by_name(code, list(_overrides(panel, code)))
    return built


def _overrides(panel: Panel, code: str) -> Iterator[DynamicConfigValue]:
    """How a code of the legend is shown."""
    if panel.words:
        words = gloss(panel.words, code, Language.FR)
        yield DynamicConfigValue(id_val="displayName", value=words)
    if colour := panel.colours.get(code):
        fixed = {"mode": "fixed", "fixedColor": colour}
        yield DynamicConfigValue(id_val="color", value=fixed)


def _build_stat(panel: Panel) -> stat.Panel:
    named = any(legend.startswith("{{") for _, legend in panel.queries)
    only_name = named and panel.queries[0][0].endswith("== 1")
    shown = BigValueTextMode.NAME if only_name else BigValueTextMode.AUTO
    built = stat.Panel().text_mode(shown).graph_mode(BigValueGraphMode.NONE)
    # A posture or a cause is to be seen from across the room.
    coloured = panel.values or panel.colours
    built = built.color_mode(BigValueColorMode.BACKGROUND if coloured else BigValueColorMode.VALUE)
    steps = [Threshold(value=value, color=colour) for value, colour in panel.steps]
    built = built.thresholds(ThresholdsConfig().steps(steps))
    built = built.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if panel.values:
        results = {
            value: ValueMappingResult(text=text, color=colour)
            for value, (text, colour) in panel.values.items()
        }
        built = built.mappings([ValueMap(options=results)])
    return built.no_value(panel.none) if panel.none else built


def _build_graph() -> timeseries.Panel:
    built = timeseries.Panel().fill_opacity(10).min(0)
    legend = common.VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST)
    return built.legend(legend.placement(LegendPlacement.BOTTOM))


if __name__ == "__main__":
    for dashboard in DASHBOARDS:
        (FOLDER / f"{dashboard}.json").write_text(render(dashboard), encoding="utf-8")
