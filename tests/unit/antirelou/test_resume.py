"""``antirelou resume`` asks before it pays, and says what to do where nobody can be asked."""

import io
from typing import Any

import pytest

from antirelou.commands.main import main


class FakeOperator:
    """The operator API: three replies wait."""

    posted: list[str]

    def get(self, path: str) -> Any:
        if path == "/v1/restoration":
            return {"restoration": None}
        assert path == "/v1/resume"
        return {"waiting": 3, "cost_microeuros": 450_000, "seconds": 600}

    def post(self, path: str) -> Any:
        self.posted.append(path)
        return 200, {}


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> FakeOperator:
    fake = FakeOperator()
    fake.posted = []
    monkeypatch.setattr("antirelou.commands.operate._operator", lambda: fake)
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
