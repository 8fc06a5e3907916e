"""What makes two texts nearly the same, and a text informative."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.settings.settings import REPLY_TEXTS
from services.filter.core.signature import (
    BINS,
    CHARACTERS_MIN,
    MARK_BYTES,
    count_alike,
    normalize,
    sign_text,
)
from simulator import crowd_texts
from simulator.floods.first_words import PEOPLE
from tests.unit.filter.cases import KEY, RAID

LONG = f"{RAID}, ce soir on les ruine toutes ensemble, plus on est nombreux plus ça leur coûte"
letters = st.text("abcdefghijklmnopqrstuvwxyz ", min_size=60, max_size=300)


def shared(one: str, other: str) -> int:
    """How many marks two texts have in common."""
    return len({*sign_text(one, KEY)} & {*sign_text(other, KEY)})


@pytest.mark.parametrize(
    "text",
    [
        RAID.upper(),
        f"  {RAID}  !!!",
        RAID.replace(" ", "\n"),
        RAID.replace("copiez", "cópiëz"),
        f"{RAID} 😂😂",
        RAID.replace(" ", " 🔥 "),
        RAID.replace(",", "_-,"),
        "".join(chr(ord(c) + 0x1D400 - ord("A")) if c.isupper() else c for c in RAID),  # bold
        unicodedata.normalize("NFD", RAID.replace("e", "é")),
    ],
)
def test_case_accents_spacing_punctuation_and_emoji_do_not_count(text: str) -> None:
    assert sign_text(text, KEY) == sign_text(RAID, KEY) != ()


@pytest.mark.parametrize(
    "text",
    [
        LONG + " vite",
        "Salut, " + LONG,
        LONG.replace("minuit", "minui"),
        LONG.replace("minuit", "23h"),
        LONG.replace("copiez", "copiezz"),
    ],
)
def test_a_changed_word_leaves_most_marks(text: str) -> None:
    assert shared(text, LONG) < BINS or sign_text(text, KEY) == sign_text(LONG, KEY)
    assert shared(text, LONG) >= BINS // 2 + 1


def test_a_typo_leaves_most_marks_nearly_wherever_it_is() -> None:
    """Five runs hold a letter, of 120 that the text has; how many of them are marks is chance."""
    kept = [
        shared(typo, LONG)
        for place in range(len(LONG))
        for typo in (
            LONG[:place] + LONG[place + 1 :],
            LONG[:place] + "k" + LONG[place:],
            LONG[:place] + "w" + LONG[place + 1 :],
        )
    ]
    assert sum(kept) / len(kept) > BINS - 1
    assert sum(shared > BINS // 2 for shared in kept) / len(kept) > 0.95


def test_different_texts_share_few_marks() -> None:
    sentences = [line for lines in PEOPLE.values() for line in lines if "<" not in line]
    texts = [*crowd_texts.RAID, *crowd_texts.ADVERTS, *REPLY_TEXTS, *sentences]
    texts = [text for text in texts if sign_text(text, KEY)]
    pairs = [(a, b) for number, a in enumerate(texts) for b in texts[:number]]
    assert len(pairs) > 50
    assert max(shared(*pair) for pair in pairs) < BINS // 2
    assert sum(shared(*pair) for pair in pairs) < len(pairs) / 4


@given(letters, letters)
def test_texts_that_have_nothing_in_common_share_no_mark(one: str, other: str) -> None:
    runs = [{n[i : i + 5] for i in range(len(n) - 4)} for n in map(normalize, (one, other))]
    if not runs[0] & runs[1]:
        assert shared(one, other) == 0


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
def test_what_says_nothing_has_no_marks(text: str | None) -> None:
    assert sign_text(text, KEY) == ()


@pytest.mark.parametrize("text", crowd_texts.RAID)
def test_what_was_pasted_is_informative(text: str) -> None:
    assert len(sign_text(text, KEY)) >= BINS - 1


def test_how_much_is_informative() -> None:
    assert sign_text("abcdefgh" * 3 + "i", KEY)
    assert not sign_text("abcdefgh" * 3, KEY)  # 24 characters
    assert not sign_text("abcdefg" * 9, KEY)  # seven of them different


def test_the_marks_are_keyed_so_nobody_can_try_texts() -> None:
    assert not {*sign_text(RAID, KEY)} & {*sign_text(RAID, KEY[::-1])}
    # The checksum that picks them is keyed as well, and what is kept of it.
    late = KEY[:4] + KEY[:3:-1]
    assert not {*sign_text(RAID, KEY)} & {*sign_text(RAID, late)}
    assert not any(mark in RAID.encode() for mark in sign_text(RAID, KEY))


def test_marks_of_one_place_and_another_never_look_the_same() -> None:
    """They are counted in one table."""
    for text in (RAID, LONG, *crowd_texts.RAID):
        assert len({*sign_text(text, KEY)}) == len(sign_text(text, KEY))


def test_of_a_very_long_text_the_beginning_counts() -> None:
    assert sign_text(LONG * 50, KEY) == sign_text(LONG * 500, KEY)


@given(st.text(max_size=200))
def test_any_text_has_a_normal_form_that_is_its_own(text: str) -> None:
    normal = normalize(text)
    assert all(character.isalnum() for character in normal)
    assert normalize(text.swapcase().swapcase()) == normalize(text.swapcase().swapcase() + " ")
    marks = sign_text(text, KEY)
    assert len(marks) <= BINS
    assert all(len(mark) == MARK_BYTES for mark in marks)
    assert not marks or len(normal) >= CHARACTERS_MIN


@given(st.text(st.characters(codec="ascii"), max_size=200))
def test_the_short_cut_for_plain_letters_gives_the_same(text: str) -> None:
    folded = unicodedata.normalize("NFKD", text).casefold()
    assert normalize(text) == "".join(filter(str.isalnum, folded))


@given(letters)
def test_the_same_text_has_always_the_same_marks(text: str) -> None:
    assert sign_text(text, KEY) == sign_text(text, bytes(KEY))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8))
def test_alike_are_as_many_as_left_the_median_mark(counts: list[int]) -> None:
    alike = count_alike(counts)
    assert sum(count >= alike for count in counts) * 2 >= len(counts)
    assert sum(count <= alike for count in counts) * 2 >= len(counts)
    assert count_alike([]) == 0
