"""Micro-euros: read, written, converted, never rounded twice."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.values.money import convert_microunits, format_euros, parse_micro


@pytest.mark.parametrize(
    ("text", "micro"),
    [
        ("0.16", 160_000),
        ("0.0065", 6_500),
        ("0.00000049", 0),
        ("0.0000005", 1),
        (" 12 ", 12_000_000),
        ("-1.5", -1_500_000),
        ("1e-3", 1_000),
    ],
)
def test_amounts_are_read_half_up(text: str, micro: int) -> None:
    assert parse_micro(text) == micro


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1,5", "0x10", "1e99", "٣x"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        parse_micro(text)


@given(st.integers(-(10**14), 10**14))
def test_written_and_read_again_is_the_same(micro: int) -> None:
    assert parse_micro(format_euros(micro, decimals=6)) == micro


@given(st.integers(0, 10**12), st.integers(1, 10**8))
def test_conversion_is_exact_to_half_a_micro_euro(amount: int, rate: int) -> None:
    exact = Decimal(amount) * rate / 1_000_000
    assert abs(convert_microunits(amount, rate) - exact) <= Decimal("0.5")


def test_a_rate_of_one_changes_nothing() -> None:
    assert convert_microunits(6_543, 1_000_000) == 6_543
