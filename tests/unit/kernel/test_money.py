"""Micro-euros: read, written, converted, never rounded twice."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.values.money import convert_microunits, format_euros, parse_micro, read_typed_amount


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


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("12,50", ("12.50",)), ("12.50", ("12.50",)), ("12,5 €", ("12.5",)), ("€12", ("12",)),
        ("1.500", ("1.5", "1500")), ("1,500", ("1.5", "1500")), ("12.500", ("12.5", "12500")),
        ("1 500", ("1500",)), ("1\u202f500,00", ("1500",)), ("1\u00a0500", ("1500",)),
        ("1'500.50", ("1500.5",)), ("1.500,00", ("1500",)), ("1,500.00", ("1500",)),
        ("1.500.000", ("1500000",)), ("0.500", ("0.5",)), ("1500.500", ("1500.5",)),
        ("0", ("0",)), ("0,000001", ("0.000001",)),
    ],
)  # fmt: skip
def test_what_a_typed_amount_may_mean(typed: str, means: tuple[str, ...]) -> None:
    assert read_typed_amount(typed) == tuple(map(parse_micro, means))


@pytest.mark.parametrize(
    "typed",
    ["", "€", "ten", "-5", "+5", "1e3", "1,50,0", "1.500.00", "1 50", "1 500 00", ".5", "5,",
     "1,5.0", "12,50 $", "١٢", "1" * 10, "1.000.000.000.000", "0,0000001", "nan", "1500 000"],
)  # fmt: skip
def test_what_is_no_typed_amount(typed: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        read_typed_amount(typed)
