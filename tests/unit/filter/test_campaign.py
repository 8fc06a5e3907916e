"""What makes two texts the same, and a text informative."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.filter.core.campaign import (
    CHARACTERS_MIN,
    Span,
    bucket_of,
    fingerprint,
    normalize,
    span_of,
)
from simulator import crowd_texts
from tests.unit.filter.cases import CAMPAIGN, HOUR, KEY, NOW, RAID, SECOND


@pytest.mark.parametrize(
    "text",
    [
        RAID.upper(),
        f"  {RAID}  !!!",
        RAID.replace(" ", "\n"),
        RAID.replace("copiez", "cópiëz"),
        f"{RAID} 😂😂",
        RAID.replace(",", "_-,"),
    ],
)
def test_case_accents_spacing_punctuation_and_emoji_do_not_count(text: str) -> None:
    assert fingerprint(text, KEY) == fingerprint(RAID, KEY) is not None


def test_a_letter_counts_and_so_does_the_key() -> None:
    assert fingerprint(RAID + "s", KEY) != fingerprint(RAID, KEY)
    assert fingerprint(RAID, KEY[::-1]) != fingerprint(RAID, KEY)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "Coucou",
        "Salut ça va ?",
        "ha" * 80,
        "😂" * 70,
        "?!" * 70,
        "a" * 160,
        "0123456789" * 2 + "0123",
        "e\u0301" * 12 + "abcdefghijkl",
        *crowd_texts.STOP,
        *crowd_texts.INSULTS,
        *crowd_texts.TROLL,
    ],
)
def test_what_says_nothing_makes_no_campaign(text: str | None) -> None:
    assert fingerprint(text, KEY) is None


@pytest.mark.parametrize("text", crowd_texts.RAID)
def test_what_was_pasted_is_informative(text: str) -> None:
    assert fingerprint(text, KEY) is not None


def test_how_much_is_informative() -> None:
    assert fingerprint("abcdefgh" * 3 + "i", KEY) is not None
    assert fingerprint("abcdefgh" * 3, KEY) is None  # 24 characters
    assert fingerprint("abcdefg" * 9, KEY) is None  # seven of them different


@given(st.text(max_size=200))
def test_any_text_has_a_normal_form_that_is_its_own(text: str) -> None:
    normal = normalize(text)
    assert all(character.isalnum() for character in normal)
    digest = fingerprint(text, KEY)
    assert digest is None or len(digest) == 16
    assert digest is None or len(normal) >= CHARACTERS_MIN


@given(st.text(st.characters(codec="ascii"), max_size=200))
def test_the_short_cut_for_plain_letters_gives_the_same(text: str) -> None:
    assert normalize(text) == "".join(filter(str.isalnum, text.casefold()))


@given(st.timedeltas(-1000 * HOUR, 1000 * HOUR))
def test_buckets_are_as_long_as_the_window_and_do_not_overlap(by: object) -> None:
    at = NOW + by  # type: ignore[operator]
    bucket = bucket_of(at, HOUR)
    assert bucket_of(at + HOUR, HOUR) == bucket + 1
    assert bucket_of(at - HOUR, HOUR) == bucket - 1


def test_a_span_reaches_from_a_window_before_the_first_text_until_due() -> None:
    digest = fingerprint(RAID, KEY)
    assert digest is not None
    due = NOW + HOUR + SECOND
    assert span_of(digest, NOW, due, CAMPAIGN) == Span(digest, NOW - CAMPAIGN.window, due)
    assert span_of(None, NOW, due, CAMPAIGN) is None
