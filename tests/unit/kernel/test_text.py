"""Segments as docs/plivo.md §4 and 3GPP TS 23.038 count them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.settings.settings import REPLY_TEXTS
from kernel.values.text import (
    GSM7_BASIC,
    GSM7_EXTENDED,
    SUBSTITUTES,
    Encoding,
    characters_outside_gsm7,
    segment_text,
)


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", Encoding.GSM7, 0, 1),
        ("a" * 160, Encoding.GSM7, 160, 1),
        ("a" * 161, Encoding.GSM7, 161, 2),
        ("a" * 306, Encoding.GSM7, 306, 2),
        ("a" * 307, Encoding.GSM7, 307, 3),
        ("éèàù" * 40, Encoding.GSM7, 160, 1),
        ("€" * 80, Encoding.GSM7, 160, 1),
        ("€" * 81, Encoding.GSM7, 162, 2),
        # 152 + an escape pair that must not be split: it moves to the second segment.
        ("a" * 152 + "€" + "a" * 152, Encoding.GSM7, 306, 3),
        ("ê", Encoding.UCS2, 1, 1),
        ("ê" * 70, Encoding.UCS2, 70, 1),
        ("ê" * 71, Encoding.UCS2, 71, 2),
        ("😀" * 35, Encoding.UCS2, 70, 1),
        ("😀" * 36, Encoding.UCS2, 72, 2),
        # 66 units + a surrogate pair that must not be split.
        ("ê" * 66 + "😀" + "ê" * 66, Encoding.UCS2, 134, 3),
        ("a" * 1600, Encoding.GSM7, 1600, 11),
    ],
)
def test_segments(text: str, encoding: Encoding, units: int, segments: int) -> None:
    found = segment_text(text)
    assert (found.encoding, found.units, found.segments) == (encoding, units, segments)


@given(st.text(max_size=400))
def test_every_text_fits_its_segments(text: str) -> None:
    found = segment_text(text)
    lone, joined = (160, 153) if found.encoding is Encoding.GSM7 else (70, 67)
    room = lone if found.segments == 1 else joined * found.segments
    assert found.units <= room
    # A segment wastes at most the one unit before a pair that must not be split.
    if found.segments > 1:
        assert found.units > (found.segments - 1) * (joined - 1) or found.units > lone


@given(st.text(st.sampled_from(sorted(GSM7_BASIC | GSM7_EXTENDED)), max_size=400))
def test_the_gsm7_alphabet_stays_gsm7(text: str) -> None:
    assert segment_text(text).encoding is Encoding.GSM7
    assert characters_outside_gsm7(text) == []


def test_one_foreign_character_is_named_once_in_order() -> None:
    assert characters_outside_gsm7("être où l’on être") == ["ê", "’"]


def test_substitutes_are_needed_and_fit() -> None:
    for char, substitute in SUBSTITUTES.items():
        assert characters_outside_gsm7(char) == [char]
        assert characters_outside_gsm7(substitute) == []


@pytest.mark.parametrize("text", REPLY_TEXTS)
def test_the_default_replies_are_one_gsm7_segment(text: str) -> None:
    found = segment_text(text)
    assert (found.encoding, found.segments) == (Encoding.GSM7, 1)
