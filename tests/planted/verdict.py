"""What pytest's report says of a bug: caught by every test it names, or by which not. Pure."""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

TESTS_FAILED = 1
"""Pytest's exit code where all was collected and run, and something failed."""

CANNOT_RUN = re.compile(
    r"^(\w+\.)*(NameError|UnboundLocalError|ImportError|ModuleNotFoundError|SyntaxError|"
    r"IndentationError|PostgresSyntaxError|UndefinedColumnError|UndefinedTableError|"
    r"UndefinedFunctionError|InvalidColumnReferenceError)\b|Timeout \(>"
)
"""Failures that show that the bug cannot even run, or that a test only waited: none is a catch."""


class Verdict(enum.Enum):
    """What became of a planted bug."""

    CAUGHT = "caught"
    SURVIVED = "survived"
    """A test that it names passes."""
    BROKEN = "broken"
    """No test could judge it: what was planted does not run, or nothing was collected."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test that was run.

    Attributes:
        test: as a node id, its parameters included.
        failed: what it failed with when it was called; None: it did not.
        error: it could not be set up or torn down.
    """

    test: str
    failed: str | None
    error: bool


def read_cases(report: str) -> list[Case]:
    """The cases of a JUnit report; empty: none."""
    if not report:
        return []
    cases = []
    for found in ET.fromstring(report).iter("testcase"):
        failure = found.find("failure")
        cases.append(
            Case(
                test=f"{found.get('classname')}::{found.get('name')}",
                failed=None if failure is None else failure.get("message") or "",
                error=found.find("error") is not None,
            )
        )
    return cases


def judge_run(tests: Sequence[str], code: int, cases: Sequence[Case]) -> tuple[Verdict, str]:
    """Whether each of these tests failed, in one of its cases at least, and by the bug.

    Args:
        code: pytest's.

    Returns:
        the verdict, and, where it is not caught, why.
    """
    if code not in {0, TESTS_FAILED}:
        return Verdict.BROKEN, ""
    for test in tests:
        mine = [case for case in cases if _is_of(case, test)]
        failures = [case.failed for case in mine if case.failed is not None]
        if any(not CANNOT_RUN.search(failure) for failure in failures):
            continue
        if failures or any(case.error for case in mine) or not mine:
            return Verdict.BROKEN, f"{test}: {failures or 'could not be set up'}"
        return Verdict.SURVIVED, f"{test} passes"
    return Verdict.CAUGHT, ""


def _is_of(case: Case, test: str) -> bool:
    file, *names = test.split("::")
    wanted = "::".join(
        [".".join([file.removesuffix(".py").replace("/", "."), *names[:-1]]), names[-1]]
    )
    return case.test == wanted or case.test.startswith(f"{wanted}[")
