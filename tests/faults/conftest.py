"""A house for the tests to break, and the report of what they saw.

One house a round, made anew when a trial failed or left it broken. What the books say
after a trial covers everything that went before.

``ANTIRELOU_FAULTS_SEED`` repeats every draw; ``ANTIRELOU_FAULTS_ROUNDS`` repeats each fault;
``ANTIRELOU_FAULTS_REPORT`` names a file for the report as JSON; ``ANTIRELOU_FAULTS_LONG`` makes
harms last long and demands what ``trial.LEAST`` says.
"""

import os
import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.faults.broken import LONG, Broken, open_broken
from tests.faults.trial import Report

SEED = "ANTIRELOU_FAULTS_SEED"
REPORT = "ANTIRELOU_FAULTS_REPORT"
ROUNDS = int(os.environ.get("ANTIRELOU_FAULTS_ROUNDS") or 1)
KEPT = pytest.StashKey[Report]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "spread: each variant is tried in one of the rounds")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Round by round, so that a run that is cut short has tried every fault.

    Of a test that is marked ``spread`` each variant is tried in one of the rounds.
    """
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    ours.sort(key=lambda item: (_params(item).get("turn", 0), "networked" in _fixtures(item)))
    known = set(ours)
    items[:] = [*(item for item in items if item not in known), *ours]
    later, places = set(), dict[Any, int]()
    for item in ours:
        params = _params(item)
        if "turn" in params and item.get_closest_marker("spread"):
            turn = params.pop("turn")
            variant = (item.nodeid.partition("[")[0], *sorted(params.items()))
            if places.setdefault(variant, len(places)) % ROUNDS != turn:
                later.add(item)
    if later:
        config.hook.pytest_deselected(items=list(later))
        items[:] = [item for item in items if item not in later]


def _params(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return dict(callspec.params) if callspec else {}


def _fixtures(item: pytest.Item) -> Sequence[str]:
    return getattr(item, "fixturenames", ())


def pytest_collection_finish(session: pytest.Session) -> None:
    report = _report(session.config)
    report.planned = sum("turn" in _fixtures(item) for item in session.items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if LONG and not session.config.option.collectonly and _report(session.config).missing():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    report = _report(terminalreporter.config)
    if report.rows:
        report.draw(Console(width=140))
        if LONG and (missing := report.missing()):
            terminalreporter.write_line(f"too few: {missing}", red=True)
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
    print(f"\n{SEED}={found.seed}")
    return found


@pytest.fixture
def chance(report: Report, request: pytest.FixtureRequest) -> random.Random:
    """Every random moment of one test, whichever others run."""
    return random.Random(f"{report.seed} {request.node.nodeid}")


class Houses:
    """One house at a time, made anew each round, when it is not whole, or of another kind."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._stack = ExitStack()
        self._broken: Broken | None = None
        self._turn = 0

    def whole(self, turn: int, *, network: bool = False) -> Broken:
        """The house as it should be: every process runs.

        Args:
            network: with proxies between its parts.
        """
        found = self._broken
        fits = found is not None and (turn, network) == (self._turn, found.network is not None)
        if found is None or not fits or not found.is_whole():
            self.close()
            self._turn = turn
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
def turn(request: pytest.FixtureRequest) -> int:
    """Which round it is, from 0."""
    number: int = request.param
    return number


@pytest.fixture
def broken(houses: Houses, chance: random.Random, turn: int) -> Broken:
    """The house, as it should be, with this test's chance."""
    found = houses.whole(turn)
    found.chance = chance
    return found


@pytest.fixture
def networked(houses: Houses, chance: random.Random, turn: int) -> Broken:
    """As ``broken``, with proxies between its parts."""
    found = houses.whole(turn, network=True)
    found.chance = chance
    return found
