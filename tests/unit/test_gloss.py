"""The gloss explains every code there is, in both languages, and nothing else."""

import ast
import re
import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import Posture, Reason, Refusal, ReplyState
from kernel.values.money import read_typed_amount
from kernel.words.gloss import GLOSS, Language, Term, Voice, choose_language, gloss
from services.billing.core.alert import Alarm
from services.billing.core.posture import Cause
from services.billing.operator import EntryKind
from services.filter.core.score import FEATURES
from services.responder.core.outbox import Search

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("posture", Posture), ("cause", Cause), ("reason", Reason), ("reply", ReplyState),
        ("refusal", Refusal), ("alert", Alarm), ("remedy", Cause), ("entry", EntryKind),
        ("log_says", Search),
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


SPEAKING = (
    "antirelou/commands/operate.py", "antirelou/commands/status.py",
    "antirelou/commands/explain.py", "antirelou/commands/voice.py", "antirelou/greeting.py",
    "antirelou/commands/try_out.py", "antirelou/commands/setup.py",
    "antirelou/commands/rehearse/page.py", "antirelou/commands/rehearse/run.py",
    "services/billing/core/notice.py", "antirelou/commands/operators.py",
    "antirelou/commands/page.py",
)  # fmt: skip
"""Modules whose every word to a person is of the table."""

SAYING = {"say", "table", "confirm", "prompt", "echo", "print"}


def calls(path: str) -> Iterator[tuple[str, ast.Call]]:
    """What a module calls, by the name after the last point."""
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node


@pytest.mark.parametrize("path", SPEAKING)
def test_no_word_to_a_person_is_in_one_language_alone(path: str) -> None:
    for name, call in calls(path):
        for said in call.args if name in SAYING else ():
            if isinstance(said, ast.Constant | ast.JoinedStr):
                parts = getattr(said, "values", [said])
                told = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
                assert not re.search(r"[^\W\d_]{2}", told), f"{path}: {told}"


@pytest.mark.parametrize("path", SPEAKING)
def test_every_word_that_is_asked_for_is_there(path: str) -> None:
    for name, call in calls(path):
        literal = [one.value if isinstance(one, ast.Constant) else None for one in call.args]
        match name, literal:
            case "_say", [str(code), *_]:
                assert code in GLOSS["say"], code
            case "_ask", [str(code), *_]:
                assert code in GLOSS["setup"], code
            case "_words", [_, str(code)]:
                assert code in GLOSS["rehearsal"], code
            case (("word" | "gloss"), [str(group), str(code), *_]):
                assert code in GLOSS[group], (group, code)
            case "word", [None, str(code), *_]:  # its group is a constant of the page's
                assert code in GLOSS["rehearsal"], code
            case _:
                pass


ENGLISH = Voice(Language.EN, ZoneInfo("Europe/Paris"))
FRENCH = Voice(Language.FR, ZoneInfo("Europe/Paris"))


@pytest.mark.parametrize(
    ("micro", "french", "english"),
    [
        (None, "–", "–"), (0, "0,00 €", "0.00 €"), (160_000, "0,16 €", "0.16 €"),
        (1_039_400_000, "1 039,40 €", "1,039.40 €"), (-800_000, "-0,80 €", "-0.80 €"),
        (-1, "0,00 €", "0.00 €"), (1_234_567_890_000, "1 234 567,89 €", "1,234,567.89 €"),
        (-1_500_000_000, "-1 500,00 €", "-1,500.00 €"),
    ],
)  # fmt: skip
def test_amounts_by_language(micro: int | None, french: str, english: str) -> None:
    assert (FRENCH.euros(micro), ENGLISH.euros(micro)) == (french, english)


@given(st.integers(0, 10**11 - 1), st.sampled_from([FRENCH, ENGLISH]))
def test_an_amount_that_was_shown_can_be_typed(cents: int, voice: Voice) -> None:
    micro = cents * 10_000
    assert read_typed_amount(voice.euros(micro)) == (micro,)


@pytest.mark.parametrize(
    ("at", "french", "english"),
    [
        ("2026-11-28T15:05:00Z", "28/11/2026 16:05 (Paris)", "2026-11-28 16:05 (Paris)"),
        ("2026-07-01T22:30:00Z", "02/07/2026 00:30 (Paris)", "2026-07-02 00:30 (Paris)"),
        ("2026-10-25T00:30:00Z", "25/10/2026 02:30 (Paris, UTC+02:00)",
         "2026-10-25 02:30 (Paris, UTC+02:00)"),
        ("2026-10-25T01:30:00Z", "25/10/2026 02:30 (Paris, UTC+01:00)",
         "2026-10-25 02:30 (Paris, UTC+01:00)"),
        (None, "–", "–"),
    ],
)  # fmt: skip
def test_times_on_the_clock_of_the_zone(at: str | None, french: str, english: str) -> None:
    assert (FRENCH.time(at), ENGLISH.time(at)) == (french, english)


def test_the_zone_is_named() -> None:
    zone = ZoneInfo("America/Port_of_Spain")
    assert Voice(Language.FR, zone).time("2026-11-28T15:05:00Z").endswith("11:05 (Port of Spain)")


def test_every_row_of_the_score_has_its_words() -> None:
    assert {f"weight_{row.name}" for row in FEATURES} <= set(GLOSS["basis"])
