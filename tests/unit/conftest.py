"""Logs as in production: JSON lines, no values of failing code."""

import pytest

from kernel.telemetry.metrics import configure_logging


@pytest.fixture(autouse=True, scope="session")
def _logging() -> None:
    configure_logging()
