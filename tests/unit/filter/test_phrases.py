"""Phrases: found wherever they stand, held against what people write, bounded, no texts."""

import random
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.filter.core.phrases import (
    PLACES,
    RUN,
    RUNS_MAX,
    SENDERS_MIN,
    WINDOW,
    Phrases,
    find_runs,
)

SEED = 7
letters = st.text("abcdefghijklmnopqrstuvwxyzé", max_size=200)
phrases = st.text("abcdefghij", min_size=RUN + WINDOW - 1, max_size=30)


def read(text: str) -> list[int]:
    return sorted(find_runs(text, SEED))


def phrases_of(contacts: list[str], people: list[str]) -> Phrases:
    counted = Phrases()
    for text in contacts:
        counted.count_contact(read(text))
    for text in people:
        counted.count_person(read(text))
    return counted


def writings(count: int) -> list[str]:
    """So many texts of which no two are alike."""
    draw = random.Random(3)
    return ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=30)) for _ in range(count)]


@given(letters, phrases, letters)
def test_a_phrase_is_found_in_whatever_it_stands(before: str, phrase: str, after: str) -> None:
    whole = find_runs((before + phrase + after)[:90], SEED)
    inside = len(before) + len(phrase) <= 60 and len(before) + len(phrase) + len(after) <= 90
    assert not inside or len(whole) == RUNS_MAX or find_runs(phrase, SEED) & whole


@given(letters, st.integers(0, 2**32 - 1))
def test_runs_are_few_and_say_no_text(text: str, seed: int) -> None:
    runs = find_runs(text, seed)
    assert len(runs) <= RUNS_MAX
    assert all(0 <= place < PLACES for place in runs)
    assert bool(runs) is bool(text)


def test_short_texts_are_phrases_too() -> None:
    assert len(find_runs("coucou", SEED)) == 1
    assert find_runs("coucou", SEED) != find_runs("bonjour", SEED)
    assert find_runs("coucou", SEED) != find_runs("coucou", SEED + 1)


def test_what_far_more_write_than_people_do_is_told() -> None:
    said = "cestlelivreurdupaquet"
    counted = phrases_of([*writings(400), *[said] * 100], writings(30))
    assert counted.excess(read(said)) == pytest.approx(log(100 / SENDERS_MIN), abs=0.3)
    assert counted.excess(read(writings(1)[0])) == pytest.approx(0.0, abs=0.1)
    # Half of it said by others, it is half as much.
    mixed = phrases_of([*writings(400), *[said] * 100], writings(30))
    assert 0 < mixed.excess(read(said + writings(1)[0])) < mixed.excess(read(said))


def test_what_people_write_as_often_is_usual() -> None:
    counted = phrases_of([*writings(400), *["salut"] * 100], [*writings(32), *["salut"] * 8])
    assert counted.excess(read("salut")) == pytest.approx(log(100 / (500 * 8.12 / 80)), abs=0.1)
    known = phrases_of([*writings(400), *["salut"] * 100], [*writings(32), *["salut"] * 32])
    assert known.excess(read("salut")) < 0.1


@settings(deadline=None)
@given(st.lists(letters, max_size=12), st.lists(letters, max_size=12), letters, phrases)
def test_rarity_earns_nothing(contacts: list[str], people: list[str], own: str, said: str) -> None:
    counted = phrases_of(contacts, people)
    assert counted.excess(read(own)) >= 0.0
    more = phrases_of([*contacts, said], people)
    fewer = phrases_of(contacts, [*people, said])
    assert fewer.excess(read(said)) <= more.excess(read(said)) + 1e-9


@settings(deadline=None)
@given(st.lists(letters, max_size=9), st.lists(letters, max_size=9), st.integers(0, 9))
def test_it_is_a_sum_and_is_kept(contacts: list[str], people: list[str], cut: int) -> None:
    whole = phrases_of(contacts, people)
    one = phrases_of(contacts[:cut], people[cut:])
    other = phrases_of(contacts[cut:], people[:cut])
    assert one.plus(other) == other.plus(one) == whole
    assert Phrases.from_bytes(whole.to_bytes()) == whole
    assert len(whole.to_bytes()) == 24 + 8 * PLACES
    whole.halve(31)
    assert whole == Phrases()


def test_a_million_senders_take_no_more_room() -> None:
    """Counts are of places, and of so many runs a text: memory does not grow with who writes."""
    counted = phrases_of(writings(500), writings(50))
    assert len(counted.to_bytes()) == len(Phrases().to_bytes())
    assert max(counted.lately) < 20, "they spread over all places"
