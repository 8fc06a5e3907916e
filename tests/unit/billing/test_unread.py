"""What is unread is never taken for less than anybody knows."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.core.unread import KNOWN_MAX, Unread, heed_unread, sum_lags
from tests.unit.billing.cases import NOW, SECOND

instants = st.integers(-9000, 9000).map(lambda ms: NOW + timedelta(milliseconds=ms))
views = st.none() | st.builds(Unread, st.integers(0, 10**6), instants)


@given(st.lists(st.none() | st.integers(-(10**6), 10**6), max_size=12), instants)
def test_the_sum_is_of_what_is_known_of_each_or_none(lags: list[int | None], at: datetime) -> None:
    found = sum_lags(lags, at, NOW)
    sound = all(lag is not None and lag >= 0 for lag in lags) and abs(NOW - at) <= KNOWN_MAX
    assert found == (Unread(sum(lag or 0 for lag in lags), at) if sound else None)


@given(views, views)
def test_nobody_pays_by_less_than_he_has_read_or_another_has_since(
    own: Unread | None, known: Unread | None
) -> None:
    found = heed_unread(own, known, NOW)
    assert (found is None) == (own is None)
    if own is not None and found is not None:
        assert found.count >= own.count
        assert found.at >= own.at
        newer = known is not None and known.at >= own.at and abs(NOW - known.at) <= KNOWN_MAX
        assert found == own or newer
        if newer and known is not None:
            assert found.count >= known.count


@pytest.mark.parametrize(
    ("own", "known", "expected"),
    [
        (0, 0, 5000),  # as old as ours: what is more counts
        (1, 0, 0),  # ours is later
        (0, 2, 5000),
        (0, 6, 0),  # by a clock that is wrong
        (-4, -6, 0),  # long ago
    ],
)
def test_which_of_two_reads_counts(own: int, known: int, expected: int) -> None:
    mine, others = Unread(0, NOW + own * SECOND), Unread(5000, NOW + known * SECOND)
    found = heed_unread(mine, others, NOW)
    assert found is not None
    assert found.count == expected
