"""What the texts cost, and which one a reply gets."""

from hypothesis import given
from hypothesis import strategies as st

from kernel.settings.settings import REPLY_TEXTS
from kernel.values.text import segment_text
from services.responder.core.template import Complaint, lint_texts, pick_text


def lint(*texts: str, cap: int = 160_000) -> list[Complaint]:
    return lint_texts(
        texts, price_reply_microeuros=150_000, price_receive_microeuros=10_000, cap_microeuros=cap
    )


def test_the_texts_of_the_house_are_within_the_cap() -> None:
    assert lint(*REPLY_TEXTS) == []


def test_a_character_outside_gsm7_is_named_with_its_substitute() -> None:
    (complaint,) = lint("Non.", "Merci de ne pas insister, ça ne sert à rien… " + "x" * 40 + "🙂")
    said = str(complaint)
    assert said.startswith("ANTIRELOU_REPLY_TEXTS: text 2 is 2 segment(s) of UCS2: 0.310")
    assert "'ç' -> 'c'" in said
    assert "'…' -> '...'" in said
    assert "'🙂' -> leave it out" in said
    assert "'à'" not in said


def test_a_text_that_is_too_long_is_to_be_shortened() -> None:
    (complaint,) = lint("x" * 161)
    assert complaint.segments == 2
    assert "a shorter text" in str(complaint)
    assert lint("x" * 160) == []
    assert lint("x" * 161, cap=310_000) == []


def test_what_the_provider_refuses_is_refused_whatever_the_cap() -> None:
    assert lint("x" * 1600, cap=10**9)
    assert not lint("x" * 1530, cap=10**9)


@given(st.lists(st.text(max_size=300), min_size=1, max_size=4), st.integers(0, 2_000_000))
def test_what_is_not_complained_of_is_within_the_cap(texts: list[str], cap: int) -> None:
    wrong = {complaint.index for complaint in lint(*texts, cap=cap)}
    for index, text in enumerate(texts):
        cost = segment_text(text).segments * 150_000 + 10_000
        if index not in wrong:
            assert cost <= cap


@given(st.text(min_size=1, max_size=40))
def test_a_reply_always_gets_the_same_text(reply_id: str) -> None:
    assert pick_text(REPLY_TEXTS, reply_id, None) == pick_text(REPLY_TEXTS, reply_id, None)


def test_all_texts_are_used_and_one_can_be_asked_for() -> None:
    used = {pick_text(REPLY_TEXTS, f"m-{n}", None) for n in range(50)}
    assert used == set(REPLY_TEXTS)
    assert pick_text(REPLY_TEXTS, "m", 1) == REPLY_TEXTS[1]
    assert pick_text(REPLY_TEXTS, "m", 4) == REPLY_TEXTS[1]
