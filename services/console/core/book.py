"""The fund's book as it is read: whence each entry came, and who made it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CONSOLE = "console"
SOURCES = (CONSOLE, "import")
"""What an entry's id may begin with, before a colon."""
COMMAND = "command"
"""The source of what has none of them: the command line, whoever had the token."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the book.

    Attributes:
        source: of ``SOURCES``, or ``COMMAND``.
        actor: who made it; empty: nobody here did.
        reversible: it is no correction, and none reverses it yet.
    """

    at: str
    kind: str
    amount_microeuros: int
    id: str
    note: str
    source: str
    actor: str
    reversible: bool


def read_lines(entries: Iterable[Mapping[str, Any]], actors: Mapping[str, str]) -> Sequence[Line]:
    """The book, the latest first.

    Args:
        entries: of ``/v1/fund``.
        actors: who did the acts of the console, by their ids.
    """
    lines = []
    for entry in entries:
        source = source_of(entry["id"])
        actor = actors.get(act_of(entry["id"]), "") if source == CONSOLE else ""
        lines.append(
            Line(
                entry["at"], entry["kind"], entry["amount_microeuros"], entry["id"],
                entry["note"], source, actor, entry["kind"] != "correction",
            )
        )  # fmt: skip
    return lines[::-1]


def source_of(entry_id: str) -> str:
    """Whence an entry came."""
    head, colon, _ = entry_id.partition(":")
    return head if colon and head in SOURCES else COMMAND


def act_of(entry_id: str) -> str:
    """The console's act that made an entry; empty: none."""
    head, _, act_id = entry_id.partition(":")
    return act_id if head == CONSOLE else ""


def cell(value: str) -> str:
    """A value for a spreadsheet, which must not take it for a formula."""
    return f"'{value}" if value.startswith(FORMULA) else value
