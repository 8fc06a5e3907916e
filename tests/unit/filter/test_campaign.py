"""When many who write nearly the same make a campaign."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.filter.core.campaign import (
    CALM_KNOWN_MIN,
    RATIO_MIN,
    SENDERS_MIN,
    SHARE_MIN,
    SUSPECT_SENDERS,
    Alike,
    is_campaign,
    is_suspect,
)
from services.filter.core.signature import count_alike, sign_text
from simulator import crowd_texts
from tests.unit.filter.cases import KEY

counts = st.integers(0, 5000)
CROWD = int(SENDERS_MIN / SHARE_MIN)


@st.composite
def alikes(draw: st.DrawFn) -> Alike:
    contacts, calm = draw(counts), draw(counts)
    return Alike(draw(st.integers(0, contacts)), contacts, draw(st.integers(0, calm)), calm)


@pytest.mark.parametrize(
    ("alike", "campaign"),
    [
        (Alike(), False),  # "Coucou" leaves no mark, however many write it
        (Alike(0, 5000, 0, 5000), False),
        (Alike(9, 9), False),
        (Alike(10, 10), True),
        (Alike(10, CROWD), True),  # nothing is known of calm: a good share of all
        (Alike(10, CROWD + 1), False),
        (Alike(10 * 10, 10 * CROWD), True),
        (Alike(10 * 10, 10 * CROWD + 10), False),
        (Alike(10, CROWD + 1, 0, CALM_KNOWN_MIN - 1), False),
        (Alike(10, CROWD + 1, 0, CALM_KNOWN_MIN), True),  # calm hours did not have it
        (Alike(40, 500, 1, 400), True),  # usual: 1.4
        (Alike(40, 500, 10, 400), False),  # usual: 9.5
        (Alike(100, 500, 200, 400), False),  # a greeting of everybody's
        (Alike(400, 500, 200, 400), False),
        (Alike(72, 10_000, 0, 400), False),  # usual: 9.1
        (Alike(73, 10_000, 0, 400), True),
    ],
)
def test_when_it_is_one(alike: Alike, campaign: object) -> None:
    assert is_campaign(alike) is campaign


@given(alikes())
def test_more_of_it_is_never_less_of_a_campaign(alike: Alike) -> None:
    more = Alike(alike.senders + 1, alike.contacts + 1, alike.calm_senders, alike.calm_contacts)
    if is_campaign(alike) and alike.contacts > 0:
        assert more.ratio >= RATIO_MIN * 0.99
        assert more.senders >= SENDERS_MIN


@given(alikes())
def test_more_others_and_more_of_it_in_calm_never_make_one(alike: Alike) -> None:
    if is_campaign(alike):
        return
    others = Alike(alike.senders, alike.contacts + 9, alike.calm_senders, alike.calm_contacts)
    assert not is_campaign(others)
    usual = Alike(alike.senders, alike.contacts, alike.calm_senders + 9, alike.calm_contacts)
    assert not is_campaign(usual)


@given(alikes())
def test_it_is_always_many_more_than_usual_and_a_share_where_calm_is_unknown(
    alike: Alike,
) -> None:
    if not is_campaign(alike):
        return
    assert alike.senders >= SENDERS_MIN
    assert alike.senders >= RATIO_MIN * alike.usual
    if alike.calm_contacts < CALM_KNOWN_MIN:
        assert alike.senders >= SHARE_MIN * alike.contacts


@pytest.mark.parametrize(
    ("alike", "suspect"),
    [
        (Alike(), False),
        (Alike(SUSPECT_SENDERS - 1, 9), False),
        (Alike(SUSPECT_SENDERS, 9), True),
        (Alike(SUSPECT_SENDERS, 10_000), False),
        (Alike(50, 100, 200, 400), False),
    ],
)
def test_when_it_is_suspect(alike: Alike, suspect: object) -> None:
    assert is_suspect(alike) is suspect


@given(alikes())
def test_a_campaign_is_suspect_in_any_case(alike: Alike) -> None:
    assert is_suspect(alike) or not is_campaign(alike)


def test_a_thousand_who_write_as_people_do_are_no_campaign() -> None:
    """Virality: few patterns, yet each writes his own; calm knows how people write."""
    draw = random.Random(5)

    def write(count: int) -> list[tuple[bytes, ...]]:
        texts = (
            draw.choice(crowd_texts.FIRST).format(
                name=draw.choice(crowd_texts.NAMES),
                day=draw.choice(crowd_texts.DAYS),
                place=draw.choice(crowd_texts.PLACES),
            )
            for _ in range(count)
        )
        return [sign_text(text, KEY) for text in texts]

    calm, now = write(600), write(1000)
    calm_marks, marks = (Counter(m for text in texts for m in text) for texts in (calm, now))
    for text in now:
        senders = count_alike([marks[mark] for mark in text])
        usual = count_alike([calm_marks[mark] for mark in text])
        assert not is_campaign(Alike(senders, len(now), usual, len(calm)))
        assert not is_campaign(Alike(senders, len(now)))  # nor where calm is not known
