"""Metrics and logs. Labels and log lines never carry a number, a text, or (labels) an id.

``METRICS`` is the one list of what is measured; the table in the docs is made from it.
"""

import logging
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.typing import EventDict, WrappedLogger

Kind = Literal["counter", "gauge", "histogram"]

FAST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 8)
LATENESS_SECONDS = (1, 10, 60, 300, 900, 1800, 3600, 7200, 21600, 86400, 259200)


@dataclass(frozen=True, slots=True)
class MetricDef:
    """One metric: its name as Prometheus shows it, its labels, and what it means."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = FAST_SECONDS


METRICS: tuple[MetricDef, ...] = (
    MetricDef(
        "antirelou_lacks", "gauge",
        "1 for what a service lacks to be ready (log_away, database_away …); nothing: it is ready.",
        ("service", "what"),
    ),
    MetricDef(
        "antirelou_build_info", "gauge",
        "1 for the program that runs: its version and, where the build knows it, its commit.",
        ("version", "commit"),
    ),
    MetricDef(
        "antirelou_log_lines_lost_total", "counter",
        "Lines of the log that standard error did not take: it is closed, full or read by nobody.",
    ),
    MetricDef(
        "antirelou_webhooks_total", "counter",
        "Webhooks answered, by kind (message, report, call, donations_…) and outcome (accepted, "
        "the refusal's code, or log_away).", ("kind", "outcome"),
    ),
    MetricDef("antirelou_webhook_seconds", "histogram", "From a webhook's head to its answer."),
    MetricDef(
        "antirelou_verdicts_total", "counter", "Verdicts given.", ("decision", "reason"),
    ),
    MetricDef("antirelou_deliberating", "gauge", "Messages whose verdict is not yet due."),
    MetricDef(
        "antirelou_partitions_absent", "gauge",
        "Partitions of sms.received on which nobody reads on: this member of the filter judges "
        "without what lies in them.",
    ),
    MetricDef(
        "antirelou_fund_euros", "gauge",
        "The ledger: donated, available, reserved, spent_receive, spent_reply, fees, floor, "
        "provider_credit, raised, transferred, held.", ("account",),
    ),
    MetricDef(
        "antirelou_spent_euros", "gauge", "Spent so far; a gauge, adjustments go down.", ("on",),
    ),
    MetricDef(
        "antirelou_fund_pace_euros_per_second", "gauge",
        "The even pace: what was available at the last donation, over FUND_HORIZON.",
    ),
    MetricDef(
        "antirelou_fund_lasts_seconds", "gauge",
        "How long the fund lasts above FUND_FLOOR at what the last day asked of it; +Inf: nothing "
        "was asked.",
    ),
    MetricDef("antirelou_fund_horizon_seconds", "gauge", "FUND_HORIZON: how long it should last."),
    MetricDef("antirelou_posture", "gauge", "1 for the present posture.", ("posture",)),
    MetricDef("antirelou_posture_cause", "gauge", "1 for the posture's present cause.", ("cause",)),
    MetricDef("antirelou_number_attached", "gauge", "1 while the number is attached."),
    MetricDef("antirelou_replies_waiting", "gauge", "Replies in the waiting room."),
    MetricDef(
        "antirelou_replies_uncertain_oldest_seconds", "gauge",
        "How long the oldest send is uncertain; 0: none is.",
    ),
    MetricDef(
        "antirelou_replies_total", "counter", "Replies by the state they reached.", ("outcome",),
    ),
    MetricDef(
        "antirelou_reply_lateness_seconds", "histogram", "Sent minus due.",
        buckets=LATENESS_SECONDS,
    ),
    MetricDef(
        "antirelou_stage_batch_seconds", "histogram", "One batch: handle and append.",
        ("service",),
    ),
    MetricDef(
        "antirelou_stage_records_total", "counter", "Records handled.", ("service", "topic"),
    ),
    MetricDef(
        "antirelou_stage_lag", "gauge",
        "Records still to read on the partitions held; NaN: nobody knows.",
        ("service", "topic"),
    ),
    MetricDef(
        "antirelou_records_gone_total", "counter",
        "Records that went past their retention before the service read them.",
        ("service", "topic"),
    ),
    MetricDef(
        "antirelou_stage_failed_total", "counter",
        "Defects that stopped a stage's reader or timer; it was started again.",
        ("service", "part"),
    ),
    MetricDef(
        "antirelou_upkeep_total", "counter",
        "Goes of housekeeping, by outcome (done, failed); one that failed is tried again.",
        ("service", "chore", "outcome"),
    ),
    MetricDef(
        "antirelou_dead_total", "counter", "Records put on a dead topic.", ("topic", "reason"),
    ),
    MetricDef(
        "antirelou_console_entries_total", "counter",
        "Attempts to get into the console, by outcome (link, passkey, refused, too_many).",
        ("outcome",),
    ),
    MetricDef(
        "antirelou_console_acts_total", "counter",
        "What operators did in the console, by outcome (done, refused).", ("act", "outcome"),
    ),
    MetricDef("antirelou_console_seconds", "histogram", "From a request of a browser to its page."),
    MetricDef("antirelou_console_streams", "gauge", "Browsers that look on."),
    MetricDef(
        "antirelou_provider_requests_total", "counter", "Calls of the provider's API.",
        ("call", "outcome"),
    ),
    MetricDef(
        "antirelou_provider_request_seconds", "histogram", "Calls of the provider's API.",
        ("call",), buckets=(*FAST_SECONDS, 15, 30),
    ),
    MetricDef(
        "antirelou_provider_checked_timestamp_seconds", "gauge",
        "When account or number was last read at the provider.",
    ),
    MetricDef(
        "antirelou_unread_known_timestamp_seconds", "gauge",
        "When what is received and not booked was last known; nobody pays while it is not.",
    ),
    MetricDef(
        "antirelou_price_above_tariff_euros", "gauge",
        "The highest price of a segment asked within a day, where above the tariff; else 0.",
        ("on",),
    ),
    MetricDef(
        "antirelou_webhook_last_timestamp_seconds", "gauge",
        "When the last webhook of a message came.",
    ),
    MetricDef(
        "antirelou_dead_records", "gauge", "Records on the dead topics that were not put back.",
    ),
    MetricDef(
        "antirelou_audit_violations", "gauge",
        "Violations that the last `antirelou audit --tell` found, by invariant.", ("invariant",),
    ),
    MetricDef(
        "antirelou_audit_timestamp_seconds", "gauge", "When the last `antirelou audit --tell` ran.",
    ),
    MetricDef(
        "antirelou_alerts_total", "counter",
        "Messages to ALERT_URL, by outcome (told, refused, away).", ("outcome",),
    ),
    MetricDef(
        "antirelou_amounts_implausible_total", "counter",
        "Amounts beyond three times the tariff, booked at the tariff.", ("on",),
    ),
    MetricDef(
        "antirelou_gifts_uncounted", "gauge",
        "Gifts reported within a day that are not counted: another currency, or an absurd amount.",
    ),
    MetricDef(
        "antirelou_gifts_told_total", "counter", "Facts about gifts that were told.", ("source",),
    ),
    MetricDef(
        "antirelou_gifts_unreadable_total", "counter",
        "Payments or events of a platform that could not be read.", ("source",),
    ),
    MetricDef(
        "antirelou_gifts_difference_euros", "gauge",
        "What a platform's nightly account has, less what was told of it; 0: they agree.",
        ("source",),
    ),
    MetricDef(
        "antirelou_platform_requests_total", "counter",
        "Questions to a platform of gifts, by outcome (done, refused, away, unreadable).",
        ("source", "outcome"),
    ),
    MetricDef(
        "antirelou_platform_read_timestamp_seconds", "gauge",
        "When a platform of gifts was last read to the end.", ("source",),
    ),
    MetricDef(
        "antirelou_reports_ignored_total", "counter",
        "Status reports that are about no reply of ours, by reason (unknown, other_message, "
        "unknown_status).", ("reason",),
    ),
    MetricDef(
        "antirelou_fields_malformed_total", "counter",
        "Webhook fields that could not be read and were taken as missing.", ("field",),
    ),
    MetricDef("antirelou_evidence_leaves", "gauge", "Entries in the evidence log."),
    MetricDef(
        "antirelou_evidence_erased_total", "counter",
        "Entries erased, by why (retention, objection, request).", ("why",),
    ),
    MetricDef(
        "antirelou_evidence_attended_total", "counter",
        "Checkpoints given to the time-stamping authority or the witness, by outcome (done, away, "
        "refused).", ("by", "outcome"),
    ),
    MetricDef(
        "antirelou_evidence_failed_total", "counter",
        "The evidence service stopped on a defect and was started again.",
    ),
)  # fmt: skip


_GAUGES = {metric.name: metric for metric in METRICS if metric.kind == "gauge"}


class Telemetry:
    """The metrics of one process, made once in the composition root.

    Args:
        registry: where they are collected from (``/metrics``).
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        for metric in METRICS:
            labels = list(metric.labels)
            if metric.kind == "counter":
                name = metric.name.removesuffix("_total")
                counter = Counter(name, metric.meaning, labels, registry=registry)
                self._counters[metric.name] = counter
            elif metric.kind == "histogram":
                self._histograms[metric.name] = Histogram(
                    metric.name, metric.meaning, labels, buckets=metric.buckets, registry=registry
                )

    def counter(self, name: str, **labels: str) -> Counter:
        """The counter of that name, for these labels. KeyError: not in ``METRICS``."""
        found = self._counters[name]
        return found.labels(**labels) if labels else found

    def gauge(self, name: str, **labels: str) -> Gauge:
        """As ``counter``, for gauges.

        One is there from its first use on: the zero of a process that knows nothing of it would
        be taken for a fact (a number that is detached, a fund that is empty).
        """
        if name not in self._gauges:
            metric = _GAUGES[name]
            self._gauges[name] = Gauge(
                name, metric.meaning, list(metric.labels), registry=self.registry
            )
        found = self._gauges[name]
        return found.labels(**labels) if labels else found

    def histogram(self, name: str, **labels: str) -> Histogram:
        """As ``counter``, for histograms."""
        found = self._histograms[name]
        return found.labels(**labels) if labels else found


class StageTelemetry:
    """The stage's side of the metrics (``stage.StageMetrics``)."""

    def __init__(self, telemetry: Telemetry, service: str) -> None:
        self._telemetry, self._service = telemetry, service
        self._seconds = telemetry.histogram("antirelou_stage_batch_seconds", service=service)
        for part in ("reader", "timer"):  # 0, not absent, while nothing fails
            telemetry.counter("antirelou_stage_failed_total", service=service, part=part)

    def batch(self, seconds: float, counts: Mapping[str, int]) -> None:
        """See ``StageMetrics``."""
        self._seconds.observe(seconds)
        for topic, count in counts.items():
            self._telemetry.counter(
                "antirelou_stage_records_total", service=self._service, topic=topic
            ).inc(count)

    def lag(self, lags: Mapping[str, int | None]) -> None:
        """See ``StageMetrics``."""
        for topic, lag in lags.items():
            self._telemetry.gauge("antirelou_stage_lag", service=self._service, topic=topic).set(
                math.nan if lag is None else lag
            )
            self.gone(topic, 0)

    def dead(self, topic: str, reason: str) -> None:
        """See ``StageMetrics``."""
        self._telemetry.counter("antirelou_dead_total", topic=topic, reason=reason).inc()

    def gone(self, topic: str, count: int) -> None:
        """See ``StageMetrics``."""
        self._telemetry.counter(
            "antirelou_records_gone_total", service=self._service, topic=topic
        ).inc(count)

    def failed(self, part: str) -> None:
        """See ``StageMetrics``."""
        self._telemetry.counter(
            "antirelou_stage_failed_total", service=self._service, part=part
        ).inc()


def configure_logging(
    *, stream: TextIO | None = None, json: bool = True, level: str = "info"
) -> None:
    """Set up structlog for the process; the standard library's loggers go the same way.

    Args:
        stream: where lines go; default standard error.
        json: one JSON object a line; else for a person's eyes: short, by the local clock.
        level: the least that is logged: ``debug``, ``info`` or ``warning``.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if json else "%H:%M:%S", utc=json),
        _name_exceptions_only,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)


def _name_exceptions_only(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace a traceback by the exception's type and where it was raised.

    A traceback's last line quotes what the failing code was given: that may be a number.
    """
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if info and info[0] is not None:
        event["exception"] = info[0].__name__
        frames = []
        trace = info[2]
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
            trace = trace.tb_next
        event["raised_at"] = frames[-3:]
    return event
