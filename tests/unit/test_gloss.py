"""The gloss explains every code there is, in both languages, and nothing else."""

import runpy
from collections.abc import Mapping
from pathlib import Path
from string import Formatter

import pytest

from kernel.facts.records import Posture, Reason, Refusal, ReplyState
from kernel.words.gloss import GLOSS, Language, Term, choose_language, gloss
from services.billing.core.alert import Alarm
from services.billing.core.posture import Cause

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("posture", Posture), ("cause", Cause), ("reason", Reason), ("reply", ReplyState),
        ("refusal", Refusal), ("alert", Alarm),
    ],
)  # fmt: skip
def test_every_code_has_its_words(group: str, codes: type[Alarm]) -> None:
    assert sorted(GLOSS[group]) == sorted(codes)


def test_no_two_codes_of_a_group_have_the_same_words() -> None:
    for terms in GLOSS.values():
        for language in Language:
            words = [getattr(term, language) for term in terms.values()]
            assert all(words)
            assert len(set(words)) == len(words)


def test_both_languages_take_the_same_values() -> None:
    for term in (term for terms in GLOSS.values() for term in terms.values()):
        assert _fields(term.fr) == _fields(term.en), term


def _fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_a_code_of_a_newer_version_is_shown_as_it_is() -> None:
    assert gloss("reason", "of_tomorrow", Language.FR) == "of_tomorrow"
    assert isinstance(GLOSS["reason"]["burst"], Term)
    assert gloss("reason", "burst", Language.EN) == "a burst of messages"


@pytest.mark.parametrize(
    ("setting", "environment", "language"),
    [
        (Language.EN, {"LANG": "fr_FR.UTF-8"}, Language.EN),
        (None, {"LANG": "en_US.UTF-8"}, Language.EN),
        (None, {"LANG": "en_US.UTF-8", "LC_ALL": "fr_FR.UTF-8"}, Language.FR),
        (None, {"LANG": "en_GB", "LC_ALL": ""}, Language.EN),
        (None, {"LANG": "C.UTF-8"}, Language.FR),
        (None, {}, Language.FR),
    ],
)
def test_the_language_is_the_settings_then_the_environments_then_french(
    setting: Language | None, environment: Mapping[str, str], language: Language
) -> None:
    assert choose_language(setting, environment) is language


def test_the_page_is_fresh() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "gloss.py"))
    assert made["PATH"].read_text(encoding="utf-8") == made["render"](), (
        "docs/gloss.md is stale: python scripts/gloss.py"
    )
