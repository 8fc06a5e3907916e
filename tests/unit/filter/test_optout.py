"""Who wants no answer, and who wants one again."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import Intent
from services.filter.core.optout import (
    CHARACTERS_MAX,
    START_WORDS,
    STOP_WORDS,
    UNSUBSCRIBE_WORDS,
    Wish,
    read_wish,
)
from services.filter.core.signature import normalize

OPT_OUT_WORDS = STOP_WORDS | UNSUBSCRIBE_WORDS
KIND = ["svp", "merci", "bonjour", "please", "s'il vous plaît", "merci d'avance"]
SAID_TO_HER = [
    "tu", "toi", "ta gueule", "là", "ça", "de mentir", "où", "stp réponds", "ma belle", "déjà",
    "tout de suite", "non", "coucou", "la", "te", "tes messages", "je t'aime", "12", "jamais",
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["STOP", "stop", " Stop. ", "STOP !!!", "S.T.O.P", "arrêt", "ARRÊTER", "Désabonner",
     "me désabonner", "STOP SMS", "Stop pub", "unsubscribe", "CANCEL", "stop 🙏", "arrêtez",
     "Arrete", "arrête !", "stop svp", "SVP STOP", "stop, merci.", "STOP MERCI", "stop!!",
     "Stop s'il vous plaît", "Stop s’il te plaît", "STOP 36179", "stop au 36179", "STOP36179",
     "STOP 36179 merci", "désabonnez-moi", "Désabonnez moi svp", "désinscrivez-moi",
     "je souhaite me désinscrire", "Unsubscribe me please", "opt out", "Stop stop stop", "stoooop",
     "STOPPP!", "Opt-out please", "me désabonner svp",
     "Bonjour, stop svp", "merci d'arrêter", "Veuillez arrêter vos SMS", "arrêtez les messages",
     "Stop aux textos", "arrêtez de m'envoyer des SMS", "𝗦𝗧𝗢𝗣", "STOP\nMerci"],
)  # fmt: skip
def test_stop_in_its_forms(text: str) -> None:
    assert read_wish(text, Intent.NONE) is Wish.OPT_OUT


@pytest.mark.parametrize("text", ["START", "unstop", " Reprendre ", "opt-in"])
def test_start_in_its_forms(text: str) -> None:
    assert read_wish(text, Intent.NONE) is Wish.OPT_IN


@pytest.mark.parametrize(
    "text",
    [None, "", "stop mentir", "Pourquoi tu stop ?", "Coucou", "non stop", "endive", "🛑", "oui",
     "stop" + " " * 40, "arrête de me parler comme ça", "stop tu es où", "arrête toi", "arrête-moi",
     "arrête ça", "stop là", "Arrête tes conneries", "arrête de m'ignorer", "désabonne-toi",
     "svp", "merci", "Bonjour", "36179", "stop 2 min", "stop 0639980000", "the end", "week-end svp",
     "on arrête ?", "t'arrêtes quand", "stop ou encore", "sms", "me moi", "arrêtée", "full stop",
     "merci beaucoup", "bus stop", "Stop. Réponds-moi", "je veux te voir", "arrêtez de mentir"],
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
    for word in OPT_OUT_WORDS | START_WORDS:
        assert normalize(word) == word
        assert read_wish(word, Intent.NONE) is not Wish.NONE
    assert not OPT_OUT_WORDS & START_WORDS


@given(
    st.sampled_from(sorted(OPT_OUT_WORDS)),
    st.sampled_from(KIND),
    st.sampled_from([1, -1]),
    st.sampled_from([str.upper, str.title, str.lower]),
    st.sampled_from([" ", ", ", "... ", " ! ", "\n", " 🙏 "]),
)
def test_greetings_and_thanks_say_nothing_else(
    word: str, kind: str, order: int, case: Callable[[str], str], mark: str
) -> None:
    text = mark.join(map(case, [word, kind][::order]))
    assert len(text) <= CHARACTERS_MAX
    assert read_wish(text, Intent.NONE) is Wish.OPT_OUT


@given(
    st.sampled_from(sorted(OPT_OUT_WORDS)),
    st.sampled_from(SAID_TO_HER),
    st.sampled_from([1, -1]),
    st.sampled_from([" ", ", ", "\n", "! "]),
)
def test_a_word_more_that_is_said_to_somebody_makes_it_none(
    word: str, said: str, order: int, mark: str
) -> None:
    text = mark.join([word, said][::order])
    assert read_wish(text, Intent.NONE) is Wish.NONE


@given(st.text(max_size=60) | st.none(), st.sampled_from(Intent))
def test_any_text_has_one_wish(text: str | None, intent: Intent) -> None:
    assert read_wish(text, intent) in Wish
