"""A house for the tests to break, and the report of what they saw.

One house for the session, made anew when a trial failed or left it broken. What the books say
after a trial covers everything that went before.

``ANTIRELOU_FAULTS_SEED`` repeats every draw; ``ANTIRELOU_FAULTS_ROUNDS`` repeats each fault;
``ANTIRELOU_FAULTS_REPORT`` names a file for the report as JSON.
"""

import os
import random
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console

from tests.faults.broken import Broken, open_broken
from tests.faults.trial import Report

SEED = "ANTIRELOU_FAULTS_SEED"
REPORT = "ANTIRELOU_FAULTS_REPORT"
ROUNDS = int(os.environ.get("ANTIRELOU_FAULTS_ROUNDS") or 1)
KEPT = pytest.StashKey[Report]()


def pytest_collection_finish(session: pytest.Session) -> None:
    report = _report(session.config)
    report.planned = sum("houses" in getattr(item, "fixturenames", ()) for item in session.items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    report = _report(terminalreporter.config)
    if report.rows:
        report.draw(Console(width=140))
        if path := os.environ.get(REPORT):
            report.write(Path(path))


def _report(config: pytest.Config) -> Report:
    if KEPT not in config.stash:
        config.stash[KEPT] = Report(os.environ.get(SEED) or str(secrets.randbelow(10**6)))
    return config.stash[KEPT]


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Report:
    """Of the session; its seed is printed, and given back by ``ANTIRELOU_FAULTS_SEED``."""
    found = _report(pytestconfig)
    print(f"\n{SEED}={found.seed}")  # noqa: T201 - a failure repeats from it
    return found


@pytest.fixture
def chance(report: Report, request: pytest.FixtureRequest) -> random.Random:
    """Every random moment of one test, whichever others run."""
    return random.Random(f"{report.seed} {request.node.nodeid}")


class Houses:
    """One house at a time, made anew when it is not whole, or not of the kind wanted."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._stack = ExitStack()
        self._broken: Broken | None = None

    def whole(self, *, network: bool = False) -> Broken:
        """The house as it should be: every process runs.

        Args:
            network: with proxies between its parts.
        """
        found = self._broken
        if found is None or not found.is_whole() or (found.network is not None) is not network:
            self.close()
            found = self._stack.enter_context(open_broken(self._report, network=network))
            self._broken = found
        return found

    def close(self) -> None:
        """Stop what there is."""
        self._broken = None
        self._stack.close()


@pytest.fixture(scope="session")
def houses(report: Report) -> Iterator[Houses]:
    """What keeps the session's house."""
    found = Houses(report)
    yield found
    found.close()


@pytest.fixture(params=range(ROUNDS), ids=lambda number: f"round{number + 1}")
def broken(houses: Houses, chance: random.Random) -> Broken:
    """The house, as it should be, with this test's chance."""
    found = houses.whole()
    found.chance = chance
    return found


@pytest.fixture(params=range(ROUNDS), ids=lambda number: f"round{number + 1}")
def networked(houses: Houses, chance: random.Random) -> Broken:
    """As ``broken``, with proxies between its parts."""
    found = houses.whole(network=True)
    found.chance = chance
    return found
