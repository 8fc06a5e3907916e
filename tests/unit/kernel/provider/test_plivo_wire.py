"""Plivo's answers, and rubbish instead of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.provider.plivo.client import describe_status
from kernel.provider.plivo.wire import (
    read_account,
    read_app_id,
    read_message,
    read_message_id,
    read_microunits,
    read_page,
)

rubbish = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NAMES = ["message_uuid", "message_time", "message_state", "units", "total_amount", "error_code",
         "objects", "meta", "application", "cash_credits", "auto_recharge"]  # fmt: skip


@given(rubbish | st.dictionaries(st.sampled_from(NAMES), rubbish))
def test_nothing_raises(body: Any) -> None:
    read_message_id(body)
    read_message(body)
    read_page(body, 0)
    read_app_id(body)
    read_account(body)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.00650", 6_500), (0, 0), ("4.88860", 4_888_600), (0.1, 100_000), ("1e-6", 1),
        ("-1", None), ("", None), ("NaN", None), ("Infinity", None), (True, None), (None, None),
        ("9" * 30, None), ([], None),
    ],
)  # fmt: skip
def test_amounts_are_exact_to_the_millionth(value: Any, expected: int | None) -> None:
    assert read_microunits(value) == expected


def test_a_credit_may_be_negative() -> None:
    assert read_account({"cash_credits": "-1.5"}).credit_microunits == -1_500_000


@pytest.mark.parametrize(
    ("application", "expected"),
    [
        ("/v1/Account/MA/Application/123/", (True, "123")), (None, (True, None)),
        ("", (True, None)), ("123", (True, "123")), ("///", (False, None)),
    ],
)  # fmt: skip
def test_the_application_is_the_end_of_its_path(
    application: Any, expected: tuple[bool, str | None]
) -> None:
    assert read_app_id({"application": application}) == expected


@given(st.integers(100, 599))
def test_only_a_definite_4xx_proves_anything(code: int) -> None:
    failed = describe_status(code)
    assert failed.untaken == (400 <= code < 500 and code not in {408, 499})
