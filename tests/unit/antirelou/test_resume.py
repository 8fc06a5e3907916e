"""``antirelou resume`` asks before it pays, and says what to do where nobody can be asked."""

import io
from typing import Any

import pytest

from antirelou.commands.main import main
from kernel.words.gloss import GLOSS
from services.billing.core.posture import Cause


class FakeOperator:
    """The operator API: three replies wait."""

    posted: list[str]
    posture: str = "normal"
    cause: str = "calm"

    def get(self, path: str) -> Any:
        if path == "/v1/restoration":
            return {"restoration": None}
        assert path == "/v1/resume"
        return {"waiting": 3, "cost_microeuros": 450_000, "seconds": 600}

    def post(self, path: str) -> Any:
        self.posted.append(path)
        return 200, {"posture": self.posture, "posture_cause": self.cause}


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> FakeOperator:
    fake = FakeOperator()
    fake.posted = []
    monkeypatch.setattr("antirelou.commands.operate._operator", lambda: fake)
    monkeypatch.setenv("ANTIRELOU_LANGUAGE", "en")
    return fake


def answer(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))


def test_where_nobody_can_be_asked_the_option_is_named(
    operator: FakeOperator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, "")
    assert main(["resume"]) == 2
    said = capsys.readouterr()
    assert said.err == "antirelou: --yes: nobody is there to be asked; add it to go on\n"
    assert "3 replies wait; they cost 0.45 €" in said.out
    assert operator.posted == []


@pytest.mark.parametrize(
    ("typed", "arguments", "code"),
    [("y\n", [], 0), ("n\n", [], 1), ("", ["--yes"], 0), ("", ["-y"], 0)],
)
def test_it_resumes_when_it_was_said_so(
    operator: FakeOperator, monkeypatch: pytest.MonkeyPatch,
    typed: str, arguments: list[str], code: int,
) -> None:  # fmt: skip
    answer(monkeypatch, typed)
    assert main(["resume", *arguments]) == code
    assert operator.posted == (["/v1/resume"] if code == 0 else [])


@pytest.mark.parametrize("typed", ["o\n", "Oui\n", "y\n", "yes\n"])
def test_yes_is_understood_in_both_languages(
    operator: FakeOperator, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    answer(monkeypatch, typed)
    assert main(["resume"]) == 0
    assert operator.posted == ["/v1/resume"]


SUSPENDING = [
    Cause.RESTORED, Cause.OPERATOR, Cause.CREDIT, Cause.FLOOR, Cause.DAILY_CAP,
    Cause.DELIVERIES_FAILING,
]  # fmt: skip


@pytest.mark.parametrize("cause", SUSPENDING)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_it_never_says_resumed_while_suspended(
    operator: FakeOperator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    cause: Cause, language: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("ANTIRELOU_LANGUAGE", language)
    operator.posture, operator.cause = "suspended", cause
    assert main(["resume", "--yes"]) == 0
    *_, still, to_do = capsys.readouterr().out.splitlines()
    assert still.startswith({"fr": "Toujours suspendu", "en": "Still suspended"}[language])
    assert getattr(GLOSS["cause"][cause], language) in still
    assert getattr(GLOSS["remedy"][cause], language) in to_do


def test_it_says_that_it_goes_by_the_pace(
    operator: FakeOperator, capsys: pytest.CaptureFixture[str]
) -> None:
    operator.posture, operator.cause = "guarded", "burn"
    assert main(["resume", "--yes"]) == 0
    assert "guarded (the fund burns too fast)" in capsys.readouterr().out
