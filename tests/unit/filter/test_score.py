"""The score is the sum of what a table says; it orders, and silences nobody."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.settings.settings import FEATURES as NAMES
from services.filter.core.campaign import Alike
from services.filter.core.neighbours import NONE, Neighbours
from services.filter.core.score import (
    FEATURES,
    INSISTENT_MAX,
    Evidence,
    weigh_alike,
    weigh_evidence,
    weigh_habit,
    weigh_neighbours,
    weigh_phrases,
    weigh_surge,
    weigh_text,
    weigh_texts,
)
from services.filter.core.surge import USUAL_MIN, Surge

counts = st.integers(0, 10**6)
evidences = st.builds(
    Evidence,
    st.integers(1, 1000),
    st.builds(Alike, counts, counts, counts, counts),
    st.builds(Neighbours, counts, st.floats(0, 10**6)),
    st.builds(Surge, st.floats(0, 10**6), st.floats(USUAL_MIN, 10**6)),
    st.floats(-4, 4),
    st.floats(0, 20),
    st.floats(0, 20),
    st.floats(0, 10**6),
)
BOUNDS = {
    "surge": (-1.5, 0.0),
    "text": (-2.8, 0.0),
    "phrases": (-3.0, 0.0),
    "alike": (-3.0, 0.0),
    "neighbours": (-3.0, 0.0),
    "texts": (-3.0, 0.9),
    "habit": (-2.5, 0.0),
}


def test_the_table_names_what_the_settings_know() -> None:
    assert tuple(feature.name for feature in FEATURES) == NAMES == tuple(BOUNDS)
    assert all(feature.log_odds.__doc__ for feature in FEATURES)


@given(evidences)
def test_each_feature_says_only_so_much(evidence: Evidence) -> None:
    weights = weigh_evidence(evidence)
    assert set(weights) == set(BOUNDS)
    for name, (least, most) in BOUNDS.items():
        assert least <= weights[name] <= most


@given(evidences, st.sets(st.sampled_from(NAMES)))
def test_what_is_left_out_says_nothing_and_the_others_the_same(
    evidence: Evidence, left_out: set[str]
) -> None:
    weights = weigh_evidence(evidence, frozenset(left_out))
    assert weights == {
        name: weight for name, weight in weigh_evidence(evidence).items() if name not in left_out
    }


def test_of_whom_nothing_is_known_nothing_is_said() -> None:
    assert set(weigh_evidence(Evidence(1, surge=Surge(24.0, 12.0))).values()) == {0.0}


@pytest.mark.parametrize(("rate", "speaks"), [(0, 0), (12, 0), (24, 0), (120, -1), (10**6, -1)])
def test_surge(rate: float, speaks: int) -> None:
    told = weigh_surge(Evidence(1, surge=Surge(rate, 12.0)))
    assert (told > 0) - (told < 0) == speaks


@given(st.floats(0, 10**6), st.floats(0, 10**6))
def test_a_larger_surge_never_speaks_better(rate: float, more: float) -> None:
    one, other = (weigh_surge(Evidence(1, surge=Surge(r, 12.0))) for r in (rate, rate + more))
    assert other <= one


@pytest.mark.parametrize(("learnt", "log_odds"), [(-4, -2.8), (-1, -0.7), (0, 0), (2, 0), (4, 0)])
def test_text(learnt: float, log_odds: float) -> None:
    assert weigh_text(Evidence(1, learnt=learnt)) == pytest.approx(log_odds)


@pytest.mark.parametrize(
    ("alike", "log_odds"),
    [
        (Alike(), 0.0),
        (Alike(2, 2), 0.0),  # may be chance
        (Alike(3, 3), -log(3)),
        (Alike(9, 100), -log(9)),
        (Alike(9, 5000, 50, 400), 0.0),  # as usual
        (Alike(500, 500), -3.0),
    ],
)
def test_alike(alike: Alike, log_odds: float) -> None:
    assert weigh_alike(Evidence(1, alike=alike)) == pytest.approx(log_odds)


@pytest.mark.parametrize(
    ("neighbours", "log_odds"),
    [
        (NONE, 0.0),
        (Neighbours(30, 0.8), 0.0),
        (Neighbours(8, 4.0), -log(4)),
        (Neighbours(60, 60.0), -3.0),
    ],
)
def test_neighbours(neighbours: Neighbours, log_odds: float) -> None:
    assert weigh_neighbours(Evidence(1, neighbours=neighbours)) == pytest.approx(log_odds)


@pytest.mark.parametrize(
    ("texts", "minutes", "log_odds"),
    [
        (1, 0, 0.0), (1, 99, 0.0), (2, 0, 0.1), (2, 1.5, 0.3), (2, 3, 0.5), (2, 600, 0.5),
        (INSISTENT_MAX, 0, 0.5), (INSISTENT_MAX, 60, 0.9), (INSISTENT_MAX + 1, 60, 0.75),
        (20, 60, -1.2), (30, 60, -2.7), (99, 60, -3.0),
    ],
)  # fmt: skip
def test_texts(texts: int, minutes: float, log_odds: float) -> None:
    assert weigh_texts(Evidence(texts, spread=minutes)) == pytest.approx(log_odds)


@given(st.integers(1, 10**4), st.floats(0, 10**4))
def test_who_insists_is_rather_a_person_who_floods_is_not(texts: int, minutes: float) -> None:
    one, more = (weigh_texts(Evidence(n, spread=minutes)) for n in (texts, texts + 1))
    assert (more > one) if texts < INSISTENT_MAX else (more <= one)


@given(st.floats(0, 20), st.floats(0, 20))
def test_what_is_repeated_only_speaks_against(much: float, more: float) -> None:
    one, other = (weigh_phrases(Evidence(1, repeated=r)) for r in (much, much + more))
    assert other <= one <= weigh_phrases(Evidence(1)) == 0.0
    one, other = (weigh_habit(Evidence(1, habitual=h)) for h in (much, much + more))
    assert other <= one <= weigh_habit(Evidence(1)) == 0.0
