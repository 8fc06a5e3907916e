"""Metrics are one list; log lines never quote what failing code was given."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client import CollectorRegistry, generate_latest

from kernel.telemetry.metrics import METRICS, StageTelemetry, Telemetry, configure_logging

NUMBER = "+33639980000"


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry(CollectorRegistry())


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure_logging(stream=stream)
    yield stream
    configure_logging()


def test_names_and_labels_keep_the_house_rules() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert metric.name.startswith("antirelou_")
        assert metric.meaning.endswith(".")
        assert (metric.kind == "counter") == metric.name.endswith("_total")
        assert metric.kind != "histogram" or metric.name.endswith("_seconds")
        # Nothing that could be a person, or grow with the number of senders.
        assert not set(metric.labels) & {"id", "sender", "from", "number", "pseudonym", "trace"}


def test_every_metric_is_exposed_under_its_name(telemetry: Telemetry) -> None:
    for metric in METRICS:
        labels = dict.fromkeys(metric.labels, "x")
        match metric.kind:
            case "counter":
                telemetry.counter(metric.name, **labels).inc()
            case "gauge":
                telemetry.gauge(metric.name, **labels).set(1)
            case "histogram":
                telemetry.histogram(metric.name, **labels).observe(1)
    shown = generate_latest(telemetry.registry).decode()
    for metric in METRICS:
        assert f"# HELP {metric.name} " in shown
        assert f"# TYPE {metric.name} {metric.kind}" in shown


def test_a_gauge_is_not_there_before_its_process_knows_it(telemetry: Telemetry) -> None:
    assert "antirelou_number_attached" not in generate_latest(telemetry.registry).decode()
    telemetry.gauge("antirelou_number_attached").set(0)
    telemetry.gauge("antirelou_number_attached").set(1)
    assert "antirelou_number_attached 1.0" in generate_latest(telemetry.registry).decode()


def test_a_metric_not_on_the_list_is_a_defect(telemetry: Telemetry) -> None:
    for make in (telemetry.counter, telemetry.gauge, telemetry.histogram):
        with pytest.raises(KeyError):
            make("antirelou_unheard_of")


def test_two_processes_in_one_keep_their_own_registries() -> None:
    one, two = Telemetry(CollectorRegistry()), Telemetry(CollectorRegistry())
    one.gauge("antirelou_deliberating").set(3)
    assert two.registry.get_sample_value("antirelou_deliberating") is None


def test_a_stage_is_counted_by_service_and_topic(telemetry: Telemetry) -> None:
    stage = StageTelemetry(telemetry, "filter")
    stage.batch(0.5, {"sms.received": 3, "replies.changed": 1})
    stage.batch(0.5, {"sms.received": 2})
    stage.lag({"sms.received": 7})
    stage.dead("sms.received", "unparsable")
    sample = telemetry.registry.get_sample_value
    labels = {"service": "filter", "topic": "sms.received"}
    assert sample("antirelou_stage_records_total", labels) == 5
    assert sample("antirelou_stage_lag", labels) == 7
    assert sample("antirelou_stage_batch_seconds_count", {"service": "filter"}) == 2
    dead = {"topic": "sms.received", "reason": "unparsable"}
    assert sample("antirelou_dead_total", dead) == 1


def test_a_log_line_is_one_json_object(lines: io.StringIO) -> None:
    structlog.get_logger("x").info("started", service="filter", text="été\nencore")
    logging.getLogger("library").warning("said %s", "this")
    ours, theirs = (json.loads(line) for line in lines.getvalue().splitlines())
    assert (ours["event"], ours["service"], ours["level"]) == ("started", "filter", "info")
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"]) == ("said this", "warning")


def test_what_failing_code_was_given_is_not_logged(lines: io.StringIO) -> None:
    def fail(number: str) -> None:
        raise ValueError(f"cannot read {number}")

    try:
        fail(NUMBER)
    except ValueError as error:
        structlog.get_logger("x").exception("failed")
        structlog.get_logger("x").warning("failed", exc_info=error)
        logging.getLogger("library").exception("failed")
    for line in lines.getvalue().splitlines():
        assert NUMBER not in line
        logged = json.loads(line)
        assert logged["exception"] == "ValueError"
        assert logged["raised_at"][-1].startswith("test_telemetry.py:")
    assert len(lines.getvalue().splitlines()) == 3


def test_libraries_are_heard_from_warnings_on(lines: io.StringIO) -> None:
    logging.getLogger("asyncio").info("chatter")
    structlog.get_logger("x").debug("chatter")
    assert lines.getvalue() == ""


def test_for_a_person_lines_are_no_json() -> None:
    stream = io.StringIO()
    try:
        configure_logging(stream=stream, json=False)
        structlog.get_logger("x").info("started", service="filter")
    finally:
        configure_logging()
    assert "started" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
