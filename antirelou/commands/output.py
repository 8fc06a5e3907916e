"""How the commands speak: plain lines and small tables on standard output."""

import json
import re
import textwrap
from collections.abc import Mapping
from typing import Any

from rich.cells import cell_len
from rich.console import Console

console = Console(highlight=False, soft_wrap=True, emoji=False)

WIDTH_MAX = 80
WIDTH_MIN = 40
LABEL_MIN = 24
"""Columns that a table's names get, however long its values are."""


_FIGURE = re.compile(r"–|-?\d[\d ,.]*( €)?")


def say(line: str) -> None:
    """Print one line."""
    console.print(line, markup=False)


def say_json(value: Any) -> None:
    """Print a value for machines."""
    console.print(json.dumps(value, ensure_ascii=False, indent=2), markup=False)


def table(title: str, rows: Mapping[str, Any]) -> None:
    """Print names and values, two columns."""
    width = max(min(console.width, WIDTH_MAX), WIDTH_MIN)
    lines = lay_out({name: str(value) for name, value in rows.items()}, width)
    for line in _wrap(title, width) + lines:
        say(line)


def lay_out(rows: Mapping[str, str], width: int = WIDTH_MAX) -> list[str]:
    """The lines of a table, each of at most ``width`` columns.

    Sentences are wrapped at words. A value without spaces, such as a key or an id, stays in one
    piece, on a line of its own and beyond the width if need be: it is there to be copied.
    """
    longest = max(map(cell_len, rows.values()), default=0)
    room = max(width - longest - 2, LABEL_MIN)
    names = max(min(max(map(cell_len, rows), default=0), room), 1)
    values = width - names - 2
    figures = all(_is_figure(value) for value in rows.values())
    lines: list[str] = []
    for name, value in rows.items():
        *above, last = _wrap(name, names)
        lines += above
        if cell_len(last) > names:  # one long word: its value stands below it
            lines.append(last)
            last = ""
        padding = " " * (names - cell_len(last) + 2)
        if cell_len(value) > values and " " not in value:
            lines += [last, f"  {value}"]
            continue
        shown = _wrap(value, values) if cell_len(value) > values else [value]
        if figures:
            shown = [" " * (min(longest, values) - cell_len(line)) + line for line in shown]
        lines.append((last + padding + shown[0]).rstrip())
        lines += [" " * (names + 2) + line for line in shown[1:]]
    return lines


def _is_figure(value: str) -> bool:
    return bool(_FIGURE.fullmatch(value))


def _wrap(text: str, width: int) -> list[str]:
    indent = text[: len(text) - len(text.lstrip())]
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]
