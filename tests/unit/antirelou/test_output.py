"""How the commands speak: what they are given comes out as it is."""

import json

import pytest

from antirelou.commands.output import euros, say, say_json, table


def test_a_line_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    line = "a [red]note[/] :warning: " + "x" * 200
    say(line)
    assert capsys.readouterr().out == line + "\n"


def test_json_is_json_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"note": "é [b] :smile: " + "word " * 60, "none": None, "list": [1, 2]}
    say_json(value)
    assert json.loads(capsys.readouterr().out) == value


def test_a_table_prints_markup_as_text_and_folds_what_is_long(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table("The [b]fund[/b]", {"cause [x]": "[red]floor[/red]", "detail": "y" * 150})
    out = capsys.readouterr().out
    assert "The [b]fund[/b]" in out
    assert "cause [x]" in out
    assert "[red]floor[/red]" in out
    assert out.count("y") == 150


@pytest.mark.parametrize(
    ("micro", "decimals", "shown"),
    [(None, 2, "–"), (0, 2, "0.00 €"), (160_000, 2, "0.16 €"), (-800_000, 2, "-0.80 €"),
     (149_500, 3, "0.150 €"), (149_400, 3, "0.149 €")],
)  # fmt: skip
def test_amounts(micro: int | None, decimals: int, shown: str) -> None:
    assert euros(micro, decimals=decimals) == shown
