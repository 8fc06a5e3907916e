"""How the commands speak: plain lines and small tables on standard output."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kernel.values.money import format_euros

console = Console(highlight=False, soft_wrap=True, emoji=False)


def say(line: str) -> None:
    """Print one line."""
    console.print(line, markup=False)


def say_json(value: Any) -> None:
    """Print a value for machines."""
    console.print(json.dumps(value, ensure_ascii=False, indent=2), markup=False)


def euros(amount_microeuros: int | None, *, decimals: int = 2) -> str:
    """An amount for a person; a dash where it is not known."""
    if amount_microeuros is None:
        return "–"
    return f"{format_euros(amount_microeuros, decimals=decimals)} €"


def table(title: str, rows: Mapping[str, Any]) -> None:
    """Print names and values, two columns."""
    grid = Table(
        title=Text(title), title_justify="left", show_header=False, box=None, pad_edge=False
    )
    grid.add_column(style="dim")
    grid.add_column(justify="right", overflow="fold")
    for name, value in rows.items():
        grid.add_row(Text(str(name)), Text(str(value)))
    console.print(grid)
