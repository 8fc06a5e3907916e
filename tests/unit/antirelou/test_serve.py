"""What ``antirelou serve`` says of a service that ended by itself."""

import io
import json
from collections.abc import Iterator

import pytest

from antirelou.serve import _say_failure
from kernel.telemetry.metrics import configure_logging
from kernel.values.errors import Fatal


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure_logging(stream=stream)
    yield stream
    configure_logging()


def test_what_a_person_must_mend_is_said_in_full(lines: io.StringIO) -> None:
    end = Fatal("run `antirelou migrate`", code="database_unmigrated")
    _say_failure("filter", ExceptionGroup("tasks", [ExceptionGroup("more", [end])]))
    said = json.loads(lines.getvalue())
    assert (said["event"], said["service"], said["code"], said["error"]) == (
        "service_failed", "filter", "database_unmigrated", "run `antirelou migrate`",
    )  # fmt: skip


def test_of_a_defect_only_what_and_where(lines: io.StringIO) -> None:
    _say_failure("filter", ExceptionGroup("tasks", [RuntimeError("+33639980001")]))
    said = json.loads(lines.getvalue())
    assert said["exception"] == "RuntimeError"
    assert "+336" not in lines.getvalue()
