"""Reading a trace (docs/contract.md §6): one JSON object a line, in time order."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kernel.values.errors import Fatal

ID_CHARACTERS_MAX = 200
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TraceLine:
    """A text that reached the number.

    Attributes:
        at: with an offset.
        sender: as the provider would give it.
        text: half of a character that takes two (an emoji cut off) is replaced.
    """

    at: datetime
    id: str
    sender: str
    text: str | None


def parse_trace(lines: Iterable[bytes]) -> Iterator[TraceLine]:
    """Parse the lines of a trace one by one; empty ones are skipped.

    Raises:
        Fatal: ``use``: a line is bad; names the line and the field.
    """
    latest: datetime | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        found = _parse_line(number, line)
        if latest is not None and found.at < latest:
            raise _bad(number, "at", "not before the line above; sort the trace by time")
        latest = found.at
        yield found


def _parse_line(number: int, line: bytes) -> TraceLine:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise _bad(number, "line", "one JSON object in UTF-8") from None
    if not isinstance(found, dict):
        raise _bad(number, "line", "one JSON object in UTF-8")
    text = found.get("text")
    if text is not None and not isinstance(text, str):
        raise _bad(number, "text", "a string or null")
    id_ = _string(number, found, "id")
    if len(id_) > ID_CHARACTERS_MAX or "\x00" in id_:
        raise _bad(number, "id", f"at most {ID_CHARACTERS_MAX} characters, none of them NUL")
    sender = _string(number, found, "from")
    return TraceLine(_instant(number, found), id_, sender, text and _mend(text))


def _string(number: int, found: dict[str, Any], field: str) -> str:
    value = found.get(field)
    if not isinstance(value, str) or not value or _mend(value) != value:
        raise _bad(number, field, "a string that is not empty, of whole characters")
    return value


def _mend(text: str) -> str:
    """The text without halves of characters, which JSON can spell and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _instant(number: int, found: dict[str, Any]) -> datetime:
    accepted = "a time with offset, from 1990 to 2199, such as 2017-10-27T18:00:00+02:00"
    value = found.get("at")
    if not isinstance(value, str):
        raise _bad(number, "at", accepted)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise _bad(number, "at", accepted) from None
    if at.tzinfo is None or not EARLIEST <= at < LATEST:
        raise _bad(number, "at", accepted)
    return at


def _bad(number: int, field: str, accepted: str) -> Fatal:
    # Never what it was: a trace holds numbers and texts.
    return Fatal(f"TRACE line {number}: {field}: accepted: {accepted}", code="use")
