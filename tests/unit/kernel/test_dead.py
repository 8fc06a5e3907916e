"""When so many die that the records are not to blame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import SenderBlocked, encode
from kernel.log.port import LogRecord
from kernel.stage.dead import (
    DEAD_RUN_MAX,
    DEAD_SHARE_MAX,
    DEAD_SHARE_MIN,
    TOLL_RECORDS_MAX,
    Death,
    Toll,
    is_foreign,
)
from kernel.values.errors import Rejected
from tests.unit.responder.cases import NOW

OURS = encode(SenderBlocked(id="m", trace="t", at=NOW, sender="f" * 32, blocked=True))


@pytest.mark.parametrize(
    ("value", "foreign"),
    [
        (OURS, False),
        (b'{"v": 99}', False),  # of a version to come: it waits for it, on its topic
        (b'{"v": 1, "id": 7}', False),  # a version of ours that reads or writes it wrongly
        (b"", True),
        (b"\xff\xfe rubbish", True),
        (b"17", True),
        (b"[1]", True),
        (b"{}", True),
        (b'{"v": "1"}', True),
        (b'{"v": 1', True),
        (b"[" * 100_000, True),
    ],
)
def test_who_bears_our_version_is_ours(value: bytes, *, foreign: bool) -> None:
    record = LogRecord("topic", 0, 0, b"k", value, NOW)
    assert is_foreign(Death(record, Rejected("no", code="unreadable"))) is foreign


def test_a_run_is_ended_by_one_that_lives() -> None:
    toll = Toll().after(died=DEAD_RUN_MAX)
    assert not toll.is_too_high
    assert toll.after(died=1).is_too_high
    assert not toll.after(lived=1).after(died=1).is_too_high


def test_a_share_is_too_high_though_some_live() -> None:
    toll = Toll()
    for turn in range(TOLL_RECORDS_MAX):
        toll = toll.after(died=1).after(lived=4)
        if toll.is_too_high:
            assert turn == DEAD_SHARE_MIN
            return
    raise AssertionError("a fifth of all was buried for ever")


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=100))
def test_the_toll_never_forgets_how_it_stands(batches: list[tuple[int, int]]) -> None:
    """A rare death is never too many, however long it goes on; all dead always is."""
    toll, rare = Toll(), Toll()
    for lived, died in batches:
        before, toll = toll, toll.after(lived=lived, died=died)
        assert toll.lived >= 0
        assert toll.died >= 0
        assert toll.lived + toll.died <= TOLL_RECORDS_MAX + 600
        assert toll.run == (0 if lived else before.run + died)
        few = int(DEAD_SHARE_MAX * lived / 2)
        rare = rare.after(died=few).after(lived=lived)
        assert not rare.is_too_high
    assert toll.after(died=DEAD_RUN_MAX + 1).is_too_high
