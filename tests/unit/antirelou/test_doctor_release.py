"""Who releases replies, as the doctor finds it."""

from typing import Any

import pytest

from antirelou.commands.doctor import _release
from kernel.settings.settings import load_settings

WORDS = "no person releases, and I know what the law says"
PHONE = {"provider": "smsgate"}
MOBILE = {"number": "+33639980000"}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, None),
        ({"number": "+33937000000"}, None),
        (PHONE, True),
        (PHONE | {"release": "auto"}, False),
        (PHONE | {"release": "auto", "number": "+33937000000"}, False),
        (PHONE | {"release": "auto", "release_auto_words": WORDS}, True),
        (MOBILE, False),
        (MOBILE | {"release": "person"}, True),
        (MOBILE | {"release_auto_words": WORDS}, True),
    ],
)
def test_no_automaton_on_a_phone_or_a_mobile_number_unless_it_is_said(
    *, chosen: dict[str, Any], expected: bool | None
) -> None:
    found = _release(load_settings(**chosen))
    assert [finding.good for finding in found] == ([] if expected is None else [expected])
