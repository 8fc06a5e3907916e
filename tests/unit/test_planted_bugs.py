"""The table of planted bugs has not rotted, and a catch is told from what is none.

That each bug is caught is shown by ``make planted-bugs``; here nothing is planted.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.planted.bugs import Bug, Stale, check_row, find_place, load_bugs, plant
from tests.planted.verdict import Case, Verdict, judge_run, read_cases

ROOT = Path(__file__).resolve().parents[2]
BUGS = load_bugs()
INVARIANTS = {"I1", "I2", "I3", "I4", "I5", "I6"}
TEST = "tests/unit/test_a.py::TestA::test_it"
FAILED = Case("tests.unit.test_a.TestA::test_it[1]", "AssertionError: assert 1 == 2", error=False)


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_every_row_still_fits_the_code(bug: Bug) -> None:
    check_row(bug, ROOT)
    assert set(bug.breaks.split()) <= INVARIANTS | {"§1", "§5", "evidence"}


def test_the_rows_are_many_distinct_and_of_every_invariant() -> None:
    assert len(BUGS) >= 25
    assert [name for name, count in Counter(bug.name for bug in BUGS).items() if count > 1] == []
    assert {invariant for bug in BUGS for invariant in bug.breaks.split()} >= INVARIANTS


BUG = Bug("b", "harm", "I1", "A.f", "x = 1", "x = 2", (TEST,))
A = "class A:\n    def f(self):\n        {body}\n\n    y = 1\n"


@pytest.mark.parametrize(
    ("bug", "body", "said"),
    [
        (BUG, "y = 1", "in 0 of 1"),
        (msgspec.structs.replace(BUG, where="A.g"), "x = 1", "in 0 of 0"),
        (BUG, "x = 1; x = 1", "2 times"),
        (msgspec.structs.replace(BUG, wrong="x = 1"), "x = 1", "changes nothing"),
        (msgspec.structs.replace(BUG, wrong="x ="), "x = 1", "no Python"),
    ],
)
def test_a_row_that_does_not_fit_is_stale(bug: Bug, body: str, said: str, tmp_path: Path) -> None:
    write(tmp_path, "kernel/a.py", A.format(body=body))
    with pytest.raises(Stale, match=said):
        check_row(bug, tmp_path)


def test_a_row_follows_its_function_wherever_it_moves(tmp_path: Path) -> None:
    write(tmp_path, "services/b/c.py", "x = 1\n\n" + A.format(body="x = 1"))
    planted = plant(BUG, find_place(BUG, tmp_path))
    assert planted == "x = 1\n\n" + A.format(body="x = 2")


def test_a_query_has_a_place_as_a_function_has(tmp_path: Path) -> None:
    write(tmp_path, "services/b/sql/queries.sql", "-- one --\nSELECT 1\n-- two --\nSELECT 1\n")
    bug = msgspec.structs.replace(BUG, where="two", right="SELECT 1", wrong="SELECT 2")
    planted = plant(bug, find_place(bug, tmp_path))
    assert planted == "-- one --\nSELECT 1\n-- two --\nSELECT 2\n"


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True)
    (root / name).write_text(text, "utf-8")


@pytest.mark.parametrize(
    "node", ["tests/gone.py::test_it", "tests/unit/test_planted_bugs.py::test_gone", "tests/unit"]
)
def test_a_test_that_is_nowhere_is_missing(node: str) -> None:
    row = msgspec.structs.replace(BUGS[0], tests=(node,))
    with pytest.raises(Stale, match="no such test"):
        check_row(row, ROOT)


@pytest.mark.parametrize(
    ("code", "cases", "verdict"),
    [
        (1, [FAILED, replace(FAILED, test="tests.unit.test_a.TestA::test_it[2]", failed=None)],
         Verdict.CAUGHT),
        (0, [replace(FAILED, failed=None)], Verdict.SURVIVED),
        # Another test's failure is not the named one's.
        (1, [replace(FAILED, failed=None), replace(FAILED, test="tests.unit.test_a::test_it")],
         Verdict.SURVIVED),
        (1, [replace(FAILED, failed=None, error=True)], Verdict.BROKEN),
        (1, [replace(FAILED, failed="NameError: name 'x' is not defined")], Verdict.BROKEN),
        (1, [replace(FAILED, failed="asyncpg.exceptions.PostgresSyntaxError: at")], Verdict.BROKEN),
        (1, [replace(FAILED, failed="Failed: Timeout (>60.0s) from pytest-timeout.")],
         Verdict.BROKEN),
        (1, [], Verdict.BROKEN),
        (2, [FAILED], Verdict.BROKEN),
        (-1, [], Verdict.BROKEN),
    ],
)  # fmt: skip
def test_only_a_failure_of_each_named_test_is_a_catch(
    code: int, cases: list[Case], verdict: Verdict
) -> None:
    assert judge_run((TEST,), code, cases)[0] is verdict


def test_of_two_named_tests_both_must_fail() -> None:
    other = "tests/unit/test_a.py::test_other"
    passed = Case("tests.unit.test_a::test_other", None, error=False)
    assert judge_run((TEST, other), 1, [FAILED, passed])[0] is Verdict.SURVIVED


def test_a_report_is_read() -> None:
    report = """<testsuites><testsuite>
        <testcase classname="tests.unit.test_a.TestA" name="test_it[1]">
            <failure message="AssertionError: assert 1 == 2">trace</failure></testcase>
        <testcase classname="tests.unit.test_a" name="test_other"/>
        <testcase classname="tests.unit.test_a" name="test_third"><error message="x"/></testcase>
    </testsuite></testsuites>"""
    assert read_cases(report) == [
        FAILED,
        Case("tests.unit.test_a::test_other", None, error=False),
        Case("tests.unit.test_a::test_third", None, error=True),
    ]
    assert read_cases("") == []
