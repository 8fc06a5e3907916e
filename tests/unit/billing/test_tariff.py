"""What is booked for a message and for a reply, and what is not believed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.core.tariff import (
    IMPLAUSIBLE_FACTOR,
    SEGMENTS_MAX,
    Basis,
    Cost,
    Tariff,
    is_over_cap,
    price_received,
    price_reply,
    price_sent,
)
from tests.unit.billing.cases import TARIFF

DOLLARS = replace(TARIFF, rate_micro=920_000)
FREE = replace(TARIFF, receive_microeuros=0)

AMOUNTS = st.integers(0, 10**12)
SEGMENTS = st.integers(0, 300)
TARIFFS = st.builds(
    Tariff,
    receive_microeuros=st.integers(0, 10**6),
    reply_microeuros=st.integers(0, 10**6),
    reply_segments=st.integers(1, 4),
    cap_microeuros=st.integers(0, 10**7),
    rate_micro=st.integers(1, 10**7),
)


@pytest.mark.parametrize(
    ("amount", "segments", "tariff", "confirmed", "expected"),
    [
        # not told: the tariff, whoever does not tell
        (None, 1, TARIFF, False, Cost(10_000, Basis.TARIFF)),
        (None, 3, TARIFF, True, Cost(30_000, Basis.TARIFF)),
        (None, 0, TARIFF, False, Cost(0, Basis.TARIFF)),
        # the provider's log is believed, whatever it says
        (9_999_999, 1, TARIFF, True, Cost(9_999_999, Basis.CONFIRMED)),
        (0, 1, TARIFF, True, Cost(0, Basis.CONFIRMED)),
        # a webhook up to three times the tariff
        (0, 1, TARIFF, False, Cost(0, Basis.TOLD)),
        (30_000, 1, TARIFF, False, Cost(30_000, Basis.TOLD)),
        (30_001, 1, TARIFF, False, Cost(10_000, Basis.DOUBTED)),
        (60_000, 2, TARIFF, False, Cost(60_000, Basis.TOLD)),
        (60_001, 2, TARIFF, False, Cost(20_000, Basis.DOUBTED)),
        # a call has no tariff
        (30_000, 0, TARIFF, False, Cost(30_000, Basis.TOLD)),
        (30_001, 0, TARIFF, False, Cost(0, Basis.DOUBTED)),
        (1, 1, FREE, False, Cost(0, Basis.DOUBTED)),
        # in euros, half up, before it is doubted
        (32_608, 1, DOLLARS, False, Cost(29_999, Basis.TOLD)),
        (32_700, 1, DOLLARS, False, Cost(10_000, Basis.DOUBTED)),
        # a body may be unsigned: nobody pays for a thousand segments on its word
        (5_000_000, 1_000, TARIFF, False, Cost(10_000 * SEGMENTS_MAX, Basis.DOUBTED)),
        (None, 1_000, TARIFF, False, Cost(10_000 * SEGMENTS_MAX, Basis.TARIFF)),
    ],
)  # fmt: skip
def test_what_receiving_cost(
    *, amount: int | None, segments: int, tariff: Tariff, confirmed: bool, expected: Cost
) -> None:
    assert price_received(amount, segments, tariff, confirmed=confirmed) == expected


@pytest.mark.parametrize(
    ("amount", "segments", "confirmed", "expected"),
    [
        (None, None, False, Cost(300_000, Basis.TARIFF)),
        (None, 1, False, Cost(150_000, Basis.TARIFF)),
        (70_000, None, False, Cost(70_000, Basis.TOLD)),
        (900_000, None, False, Cost(900_000, Basis.TOLD)),
        (900_001, None, False, Cost(300_000, Basis.DOUBTED)),
        (450_001, 1, False, Cost(150_000, Basis.DOUBTED)),
        (450_001, 1, True, Cost(450_001, Basis.CONFIRMED)),
    ],
)
def test_what_a_reply_cost(
    *, amount: int | None, segments: int | None, confirmed: bool, expected: Cost
) -> None:
    tariff = replace(TARIFF, reply_segments=2)
    assert price_sent(amount, segments, tariff, confirmed=confirmed) == expected


@pytest.mark.parametrize(
    ("price", "over"), [(149_999, False), (150_000, False), (150_001, True), (0, False)]
)
def test_the_cap_is_for_the_reply_and_one_segment_received(*, price: int, over: bool) -> None:
    assert is_over_cap(price, TARIFF) is over


def test_a_reservation_covers_the_longest_text() -> None:
    assert price_reply(replace(TARIFF, reply_segments=3)) == 450_000


@given(amount=AMOUNTS | st.none(), segments=SEGMENTS, tariff=TARIFFS, confirmed=st.booleans())
def test_what_is_not_confirmed_never_books_more_than_the_factor_allows(
    *, amount: int | None, segments: int, tariff: Tariff, confirmed: bool
) -> None:
    for cost, price in (
        (price_received(amount, segments, tariff, confirmed=confirmed), tariff.receive_microeuros),
        (price_sent(amount, segments, tariff, confirmed=confirmed), tariff.reply_microeuros),
    ):
        assert cost.amount_microeuros >= 0
        assert (cost.basis is Basis.TARIFF) is (amount is None)
        assert (cost.basis is Basis.CONFIRMED) is (amount is not None and confirmed)
        if cost.basis is not Basis.CONFIRMED and not confirmed:
            most = max(min(segments, SEGMENTS_MAX), tariff.reply_segments)
            unit = price or tariff.receive_microeuros
            assert cost.amount_microeuros <= IMPLAUSIBLE_FACTOR * unit * most
