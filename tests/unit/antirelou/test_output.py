"""How the commands speak: what they are given comes out as it is."""

import json
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from antirelou.commands.output import lay_out, say, say_json, table


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


LABELS = st.text("abcdé: ", max_size=90)
SENTENCES = st.lists(st.text("abcdé", min_size=1, max_size=12), max_size=30).map(" ".join)


@given(st.dictionaries(LABELS, SENTENCES | st.integers(0, 10**9).map(str), max_size=6))
@example({":" * 26: " ".join(["a"] * 40)})
def test_a_table_of_sentences_fits_80_columns(rows: dict[str, str]) -> None:
    lines = lay_out(rows)
    assert all(len(line) <= 80 or " " not in line.strip() for line in lines)
    words = Counter(word for pair in rows.items() for part in pair for word in part.split())
    assert Counter(" ".join(lines).split()) == words


@pytest.mark.parametrize("length", [32, 64, 79, 200])
def test_a_key_is_one_piece_to_copy(length: int) -> None:
    key = "k" * length
    lines = lay_out({"its own long name, of more than one word": key, "other": "a b " * 40})
    assert any(line.strip().endswith(key) for line in lines)


def test_figures_stand_below_each_other() -> None:
    assert lay_out({"dons": "1 500,00 €", "frais": "0,80 €"}) == [
        "dons   1 500,00 €", "frais      0,80 €",
    ]  # fmt: skip
