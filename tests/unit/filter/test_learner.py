"""What the attack teaches: two vocabularies told apart, fading, bounded, without the texts."""

import random
from array import array
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.filter.core.habits import PEOPLE, Habits
from services.filter.core.learner import (
    KNOWN_FULLY,
    LIMIT,
    LINKED,
    TOKENS,
    TOKENS_TEXT_MAX,
    WEIGHT,
    Learnt,
    Lesson,
    find_tokens,
    merge,
    read_tokens,
    teach_contact,
    teach_silenced,
)
from services.filter.core.phrases import PLACES, Phrases
from tests.unit.filter.cases import KEY, RAID

texts = st.none() | st.text(max_size=300)
lessons = st.builds(
    Lesson,
    texts.map(lambda text: find_tokens(text, KEY)),
    st.integers(0, 4),
    st.integers(0, 4),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(0, len(PEOPLE) - 1),
)


@dataclass(frozen=True)
class Vocabulary:
    """Writes in words of its own making."""

    seed: int

    def write(self, draw: random.Random) -> str:
        own = random.Random(self.seed)
        words = ["".join(own.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(40)]
        return " ".join(draw.choices(words, k=8))


def learnt_from(attack: Vocabulary, calm: Vocabulary, count: int = 150) -> Learnt:
    learnt, draw = Learnt(), random.Random(1)
    for _ in range(count):
        learnt.learn([teach_silenced(find_tokens(attack.write(draw), KEY))])
        learnt.learn([teach_contact(find_tokens(calm.write(draw), KEY), 0.0)])
    return learnt


@given(st.integers(0, 999), st.integers(1000, 1999))
def test_two_ways_of_writing_are_told_apart_whatever_their_words(one: int, other: int) -> None:
    attack, calm = Vocabulary(one), Vocabulary(other)
    learnt, draw = learnt_from(attack, calm), random.Random(2)
    for _ in range(5):
        assert learnt.log_odds(find_tokens(attack.write(draw), KEY)) < -1.0
        assert learnt.log_odds(find_tokens(calm.write(draw), KEY)) > 1.0


def test_who_writes_in_other_words_is_not_judged_by_them() -> None:
    learnt, draw = learnt_from(Vocabulary(1), Vocabulary(2)), random.Random(2)
    texts = [Vocabulary(3 + number).write(draw) for number in range(200)]
    told = [learnt.log_odds(find_tokens(text, KEY)) for text in texts]
    assert abs(sum(told) / len(told)) < 0.5  # places are shared by chance, with either side


@given(texts, st.lists(st.tuples(texts, st.booleans()), max_size=5))
def test_of_a_word_that_both_use_it_has_no_opinion(
    text: str | None, others: list[tuple[str | None, bool]]
) -> None:
    learnt, tokens = Learnt(), find_tokens(text, KEY)
    for other, attacks in others:
        other_tokens = find_tokens(other, KEY)
        learnt.learn([Lesson(other_tokens, WEIGHT * attacks, WEIGHT * (not attacks))])
    learnt.learn([Lesson(tokens, KNOWN_FULLY, KNOWN_FULLY)] * 50)
    assert abs(learnt.log_odds(tokens)) < 0.5


@given(texts, st.lists(lessons, max_size=20))
def test_without_both_sides_it_has_no_opinion(text: str | None, taught: list[Lesson]) -> None:
    tokens = find_tokens(text, KEY)
    assert Learnt().log_odds(tokens) == 0.0
    for side in (Lesson(tokens, WEIGHT, 0), Lesson(tokens, 0, WEIGHT)):
        learnt = Learnt()
        learnt.learn([side] * 200)
        assert learnt.log_odds(tokens) == 0.0
    learnt = Learnt()
    learnt.learn(taught)
    assert -LIMIT <= learnt.log_odds(tokens) <= LIMIT
    assert learnt.log_odds(b"") == 0.0


def test_what_little_is_known_says_little() -> None:
    told = []
    for count in (1, 10, 60, 200):
        learnt = learnt_from(Vocabulary(1), Vocabulary(2), count)
        text = Vocabulary(2).write(random.Random(9))
        told.append(learnt.log_odds(find_tokens(text, KEY)))
    assert told == sorted(told)
    assert 0 < told[0] < 0.2
    assert told[-1] > 1


@given(st.lists(lessons, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_what_is_taught_does_not_matter(
    taught: list[Lesson], draw: random.Random
) -> None:
    one, other, parts = Learnt(), Learnt(), Learnt()
    one.learn(taught)
    for lesson in taught:
        parts.learn([lesson])
    draw.shuffle(taught)
    other.learn(taught)
    assert one == other == parts


@given(st.lists(st.lists(lessons, max_size=9), max_size=4), st.integers(0, 10**6))
def test_shards_know_together_what_one_would(taught: list[list[Lesson]], faded: int) -> None:
    shards, whole = [Learnt(faded=faded) for _ in taught], Learnt(faded=faded * bool(taught))
    for shard, some in zip(shards, taught, strict=True):
        shard.learn(some)
        whole.learn(some)
    assert merge(shards) == whole


def test_a_shard_that_teaches_no_more_fades_as_the_others_do() -> None:
    old, new = Learnt(), Learnt(faded=3)
    old.learn([teach_silenced(find_tokens("Coucou", KEY))] * 8)
    new.learn([teach_silenced(find_tokens("Coucou", KEY))])
    assert merge([old, new]).attack_texts == 2 * WEIGHT


@given(st.lists(lessons, max_size=30), st.integers(0, 10**6))
def test_what_is_kept_comes_back(taught: list[Lesson], faded: int) -> None:
    learnt = Learnt()
    learnt.fade(faded)
    learnt.learn(taught)
    kept = learnt.to_bytes()
    assert Learnt.from_bytes(kept) == learnt
    size = 2 * 24 + 2 * 4 * (TOKENS + PLACES)
    assert len(kept) == size + 4 * len(PEOPLE)  # however much was taught
    assert Learnt.from_bytes(b"") == Learnt()
    # What was kept before phrases were counted is read as well.
    earlier = Learnt.from_bytes(kept[: 24 + 2 * 4 * TOKENS])
    assert earlier == replace(learnt, phrases=Phrases(), habits=Habits())
    assert Learnt.from_bytes(kept[:size]) == replace(learnt, habits=Habits())


@given(st.lists(lessons, min_size=1, max_size=30), st.integers(1, 40), st.integers(0, 3))
def test_fading_halves_and_does_so_once(taught: list[Lesson], first: int, more: int) -> None:
    learnt = Learnt()
    learnt.fade(first)
    learnt.learn(taught)
    before = Learnt.from_bytes(learnt.to_bytes())
    learnt.fade(first)
    learnt.fade(first - 1)
    assert learnt == before
    learnt.fade(first + more)
    assert learnt.attack == array("I", [count >> more for count in before.attack])
    assert learnt.calm == array("I", [count >> more for count in before.calm])
    assert (learnt.attack_texts, learnt.calm_texts) == (
        before.attack_texts >> more,
        before.calm_texts >> more,
    )


def test_after_long_it_is_all_forgotten() -> None:
    learnt = learnt_from(Vocabulary(1), Vocabulary(2))
    learnt.fade(10**9)
    assert (sum(learnt.attack), sum(learnt.calm)) == (0, 0)
    assert learnt.log_odds(find_tokens(RAID, KEY)) == 0.0


@given(texts)
def test_tokens_are_few_distinct_and_ascending(text: str | None) -> None:
    tokens = find_tokens(text, KEY)
    places = list(read_tokens(tokens))
    assert places == sorted(set(places))
    assert all(0 <= place < TOKENS for place in places)
    # Words of the first 160 characters may be more than the runs are allowed to be.
    assert len(places) <= TOKENS_TEXT_MAX + 80
    assert (text or "").strip() != "" or len(places) == 1


def test_tokens_are_keyed() -> None:
    one, other = (set(read_tokens(find_tokens(RAID, key))) for key in (KEY, KEY[::-1]))
    assert len(one & other) < 8


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("", "a"),
        ("oui", "oui oui oui oui"),
        ("TU VIENS", "tu viens"),
        ("http://x", "ttp://x"),
        ("www.a.fr", "ww.a.fr"),
        ("a " * 39, "a " * 40),
    ],
)
def test_the_shape_of_a_text_counts_as_well(one: str, other: str) -> None:
    assert find_tokens(one, KEY) != find_tokens(other, KEY)
    assert LINKED


def test_case_and_accents_do_not_make_another_word() -> None:
    assert find_tokens("Répondez vite", KEY) == find_tokens("repondez VITE", KEY)


@given(st.binary(max_size=60), st.floats(0, 1))
def test_a_contact_teaches_both_sides_by_its_share(tokens: bytes, share: float) -> None:
    lesson = teach_contact(tokens, share)
    assert lesson.attack + lesson.calm == WEIGHT
    assert abs(lesson.attack - WEIGHT * share) <= 0.5
    assert teach_silenced(tokens) == Lesson(tokens, WEIGHT, 0)
