"""A statement of a bank or of a pot without an API, as CSV: which of its lines are gifts. Pure.

Columns are found by their headings. Of a giver nothing leaves this module: a line's id is derived
from its reference, or from its day, its amount and how many such lines came before on that day.
"""

import csv
import enum
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from kernel.facts.records import derive_id
from kernel.values.money import read_typed_amount

LINES_MAX = 100_000
DELIMITERS = ";,\t|"
CENTURY = 99
DAYS = (
    re.compile(r"(?P<y>[0-9]{4})[-/](?P<m>[0-9]{1,2})[-/](?P<d>[0-9]{1,2})"),
    re.compile(r"(?P<d>[0-9]{1,2})[-/.](?P<m>[0-9]{1,2})[-/.](?P<y>[0-9]{4}|[0-9]{2})"),
)


class Format(enum.StrEnum):
    """Whose statement."""

    BANK = "bank"
    """Credits are gifts; debits are passed over."""
    POT = "pot"
    """Leetchi, Ulule, Lydia…: what was paid is a gift; what was refused or paid back is not."""


COLUMNS: Mapping[str, Sequence[str]] = {
    "day": ("date operation", "date d operation", "date comptable", "date", "date de paiement",
            "date de participation", "day", "created", "created at", "booking date"),
    "amount": ("credit", "montant", "montant eur", "montant net", "amount", "participation",
               "contribution", "somme"),
    "reference": ("reference", "id", "transaction", "id transaction", "numero",
                  "reference operation", "transaction id", "numero de commande"),
    "state": ("statut", "status", "etat", "state"),
    "currency": ("devise", "currency"),
}  # fmt: skip
"""Headings, without accents and capitals; the first that is there counts."""
PAID = frozenset({"", "paye", "payee", "paid", "valide", "validee", "confirme", "confirmed", "ok",
                  "succeeded", "termine", "terminee", "encaisse", "completed"})  # fmt: skip


class WrongStatement(ValueError):
    """It cannot be read. Args: the line's number, 0: the whole; what is wrong with it."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(f"line {number}: {what}" if number else what)


@dataclass(frozen=True, slots=True)
class Line:
    """A gift of a statement.

    Attributes:
        number: of the file's line.
        id: what it is booked by: the same line again has the same.
    """

    number: int
    id: str
    day: date
    amount_microeuros: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What a file holds.

    Attributes:
        passed: lines that are no gift: debits, what was not paid, another currency.
    """

    lines: Sequence[Line]
    passed: int


def decode_statement(content: bytes) -> str:
    """The text of a file: UTF-8, or what French banks write else."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def read_statement(text: str, format_: Format) -> Statement:
    """Read a statement.

    Raises:
        WrongStatement: a column is missing, or a line cannot be read.
    """
    rows = list(csv.reader(io.StringIO(text), delimiter=_find_delimiter(text)))
    if len(rows) > LINES_MAX:
        raise WrongStatement(0, f"at most {LINES_MAX} lines")
    start, columns = _find_columns(rows)
    lines: list[Line] = []
    seen: Counter[tuple[date, int]] = Counter()
    ids: set[str] = set()
    passed = 0
    for number, row in enumerate(rows[start:], start=start + 1):
        if not any(cell.strip() for cell in row):
            continue
        cells = {name: row[i].strip() if i < len(row) else "" for name, i in columns.items()}
        amount = _read_amount(cells["amount"], number)
        currency = cells.get("currency", "").upper()
        unpaid = format_ is Format.POT and _plain(cells.get("state", "")) not in PAID
        if amount <= 0 or unpaid or currency not in {"", "EUR", "€"}:
            passed += 1
            continue
        day = _read_day(cells["day"], number)
        reference = cells.get("reference", "")
        if reference:
            line_id = derive_id("import", format_, reference)
            if line_id in ids:
                raise WrongStatement(number, "its reference stands on an earlier line too")
        else:
            seen[day, amount] += 1
            line_id = derive_id("import", format_, day.isoformat(), amount, seen[day, amount])
        ids.add(line_id)
        lines.append(Line(number, f"import:{format_}:{line_id}", day, amount))
    return Statement(lines, passed)


def _find_delimiter(text: str) -> str:
    head = "\n".join(text.splitlines()[:20])
    return max(DELIMITERS, key=head.count)


def _find_columns(rows: Sequence[Sequence[str]]) -> tuple[int, Mapping[str, int]]:
    """The first line after the headings, and where each column is."""
    for start, row in enumerate(rows[:30], start=1):
        headings = [_plain(cell) for cell in row]
        found = {
            name: headings.index(heading)
            for name, known in COLUMNS.items()
            if (heading := next((one for one in known if one in headings), None)) is not None
        }
        if {"day", "amount"} <= found.keys():
            return start, found
    raise WrongStatement(
        0, "no headings: a column for the day (Date) and one for the amount (Montant, Crédit)"
    )


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.strip().lower())
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", " ", bare).strip()


def _read_day(text: str, number: int) -> date:
    day = re.split(r"[T ]", text.strip(), maxsplit=1)[0]
    for form in DAYS:
        if match := form.fullmatch(day):
            parts = {name: int(value) for name, value in match.groupdict().items()}
            year = parts["y"] if parts["y"] > CENTURY else 2000 + parts["y"]
            with suppress(ValueError):
                return date(year, parts["m"], parts["d"])
    raise WrongStatement(number, "its day is none such as 2026-11-03 or 03/11/2026")


def _read_amount(text: str, number: int) -> int:
    """Micro-euros; below zero for a debit, 0 where there is none."""
    typed = text.replace("EUR", "").strip()
    if not typed:
        return 0
    negative = typed.startswith(("-", "−"))
    try:
        meanings = read_typed_amount(typed.lstrip("+-−").strip())
    except ValueError:
        raise WrongStatement(number, "its amount is none such as 12,50") from None
    if len(meanings) > 1:
        raise WrongStatement(number, "its amount may mean two: write 1500,00 or 1,50")
    return -meanings[0] if negative else meanings[0]
