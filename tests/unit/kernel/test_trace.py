"""A message can be followed, a flood fills no disk, and no line tells who or what."""

import io
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.facts.records import Record, SignatureMode, SmsReported, derive_trace
from kernel.stage.trace import LINES_A_SECOND, LINES_AT_ONCE, Follower, LineBudget, facts_of
from kernel.telemetry.metrics import configure_logging
from tests.unit.billing.cases import NOW, judged, received


@settings(deadline=None)  # a loaded machine is slow
@given(st.lists(st.tuples(st.integers(0, 5000), st.floats(0, 100)), max_size=50))
def test_never_more_lines_than_the_budget_and_every_other_is_counted(
    batches: list[tuple[int, float]],
) -> None:
    budget, now, asked, given_ = LineBudget(), 0.0, 0, 0
    for count, pause in batches:
        now += pause
        given_ += budget.take(count, now)
        asked += count
        assert given_ <= LINES_AT_ONCE + now * LINES_A_SECOND + 1e-6
    assert budget.settle() == asked - given_
    assert budget.settle() == 0


def test_what_comes_slowly_is_told_every_time() -> None:
    budget = LineBudget()
    assert all(budget.take(1, second / LINES_A_SECOND) for second in range(1000))


@pytest.mark.parametrize(
    ("record", "facts"),
    [
        (received("m-1"), {"kind": "message", "source": "webhook"}),
        (judged("m-1"), {"decision": "reply", "reason": "deserved"}),
    ],
)
def test_a_line_says_codes_alone(record: Record, facts: dict[str, str]) -> None:
    assert facts_of(record) == facts


@pytest.mark.parametrize(
    ("level", "handled", "left_out"), [("info", 6, [4, 1]), ("debug", 11, []), ("warning", 0, [])]
)
def test_a_flood_is_cut_short_and_says_so(level: str, handled: int, left_out: list[int]) -> None:
    stream = io.StringIO()
    follower = Follower("filter", LineBudget(at_once=5))
    try:
        configure_logging(stream=stream, level=level)
        follower.follow([received(f"m-{n}", text="secret words") for n in range(9)], 0.0)
        follower.follow([received("m-9")], 0.0)
        follower.follow([received("m-last")], 1.0)
    finally:
        configure_logging()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["count"] for line in lines if line["event"] == "lines_left_out"] == left_out
    told = [line for line in lines if line["event"] == "handled"]
    assert len(told) == handled
    assert "secret" not in stream.getvalue()
    if told:
        assert told[-1]["trace"] == derive_trace("m-last")
        assert told[-1]["service"] == "filter"


def test_a_status_that_is_no_word_is_not_said() -> None:
    report = SmsReported(
        id="r", trace="t", at=NOW, sender="ab" * 16, message_id="m", ref=None,
        status="+33639980000", signature=SignatureMode.V3,
    )  # fmt: skip
    assert facts_of(report) == {"status": "other"}
    assert facts_of(msgspec.structs.replace(report, status="delivered")) == {"status": "delivered"}
