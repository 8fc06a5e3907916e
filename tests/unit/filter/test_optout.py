"""Who wants no answer, and who wants one again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import Intent
from services.filter.core.optout import START_WORDS, STOP_WORDS, Wish, read_wish
from services.filter.core.signature import normalize


@pytest.mark.parametrize(
    "text",
    ["STOP", "stop", " Stop. ", "STOP !!!", "S.T.O.P", "arrêt", "ARRÊTER", "Désabonner",
     "me désabonner", "STOP SMS", "Stop pub", "unsubscribe", "CANCEL", "stop 🙏"],
)  # fmt: skip
def test_stop_in_its_forms(text: str) -> None:
    assert read_wish(text, Intent.NONE) is Wish.OPT_OUT


@pytest.mark.parametrize("text", ["START", "unstop", " Reprendre ", "opt-in"])
def test_start_in_its_forms(text: str) -> None:
    assert read_wish(text, Intent.NONE) is Wish.OPT_IN


@pytest.mark.parametrize(
    "text",
    [None, "", "stop mentir", "Pourquoi tu stop ?", "Coucou", "non stop", "endive", "🛑", "oui",
     "stop" + " " * 40],
)  # fmt: skip
def test_what_says_something_else_asks_for_nothing(text: str | None) -> None:
    assert read_wish(text, Intent.NONE) is Wish.NONE


@pytest.mark.parametrize(
    ("text", "intent", "wish"),
    [
        (None, Intent.OPTOUT, Wish.OPT_OUT),
        ("laisse-moi", Intent.OPTOUT, Wish.OPT_OUT),
        (None, Intent.OPTIN, Wish.OPT_IN),
        (None, Intent.HELP, Wish.NONE),
        ("STOP", Intent.OPTIN, Wish.OPT_OUT),
        ("START", Intent.OPTOUT, Wish.OPT_IN),
    ],
)
def test_the_text_goes_before_what_the_provider_read_in_it(
    text: str | None, intent: Intent, wish: Wish
) -> None:
    assert read_wish(text, intent) is wish


def test_every_word_is_in_its_normal_form() -> None:
    for word in STOP_WORDS | START_WORDS:
        assert normalize(word) == word
    assert not STOP_WORDS & START_WORDS


@given(st.text(max_size=60) | st.none(), st.sampled_from(Intent))
def test_any_text_has_one_wish(text: str | None, intent: Intent) -> None:
    assert read_wish(text, intent) in Wish
