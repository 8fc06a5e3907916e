"""The doctor's words: each code is in the catalogue, with its values, and none is left over."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from kernel.words.gloss import GLOSS

CLI = Path(__file__).parents[3] / "antirelou" / "commands"
WORDS = GLOSS["doctor"]


def calls() -> Iterator[tuple[set[str], set[str | None]]]:
    """Of each call of ``term``: the codes that it may be given, and the names of its values."""
    for name in ("doctor.py", "doctor_cluster.py", "doctor_phone.py", "admin.py"):
        for node in ast.walk(ast.parse((CLI / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "term":
                yield set(_codes(node.args[0])), {keyword.arg for keyword in node.keywords}


def _codes(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from (*_codes(node.body), *_codes(node.orelse))
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict):
        for value in node.value.values:
            yield from _codes(value)
    else:
        raise TypeError(f"a code that this test cannot read: {ast.dump(node)}")


def test_each_code_is_in_the_catalogue_and_none_is_left() -> None:
    assert set().union(*(codes for codes, _ in calls())) == set(WORDS)


def test_each_is_given_its_values() -> None:
    for codes, values in calls():
        for code in codes:
            fields = {name for _, name, _, _ in Formatter().parse(WORDS[code].en) if name}
            assert fields == values, code
