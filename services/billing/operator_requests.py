"""What the operator API takes: the fields of a request, checked, each refusal with its fix. Pure.

No refusal quotes what it was given: it could be a phone number.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from kernel.settings.values import parse_duration
from kernel.values.money import parse_micro
from kernel.values.phone import classify_number
from kernel.values.sender import SenderKind

ID_CHARACTERS_MAX = 200
WORDS_CHARACTERS_MAX = 500
NUMBER_CHARACTERS_MAX = 32
COUNT_MAX = 10**9

SINCE = "a time such as 2017-10-27T16:00 (UTC) that has passed, or how long ago: 24h, 2d"
"""What is accepted."""

_AMOUNT = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)
_INVARIANT = re.compile(r"I[1-9]", re.ASCII)
_PHONE = re.compile(
    r"(?:\+|\b00)[1-9](?:[\s.\-]?\d){7,14}|\b0[1-9](?:[\s.\-]?\d\d){4}\b|\b33[1-9]\d{8}\b", re.ASCII
)
"""What looks like a phone number: French national, or with a country code."""


class BadRequest(Exception):
    """A request that cannot be taken.

    Args:
        field: which one; empty for the body as a whole.
        fix: what is accepted.
        status: 400 where it cannot be read, 422 where a field is wrong.
    """

    def __init__(self, field: str, fix: str, *, status: int = 422) -> None:
        super().__init__(f"{field}: {fix}" if field else fix)
        self.field, self.status = field, status


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone's number as given, in the form that pseudonyms are made of."""

    e164: str
    mobile: bool


class Fields:
    """The fields of a request's JSON body.

    Args:
        body: as it came; empty counts as an object without fields.

    Raises:
        BadRequest: it is no JSON object.
    """

    def __init__(self, body: bytes) -> None:
        try:
            found = msgspec.json.decode(body) if body.strip() else {}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        if not isinstance(found, Mapping):
            raise BadRequest("", "send a JSON object", status=400)
        self._found: Mapping[str, Any] = found

    def has(self, name: str) -> bool:
        """Whether the field is given, and not null."""
        return self._found.get(name) is not None

    def words(self, name: str, *, required: bool = True) -> str:
        """A person's words: a reason, a note. They are kept and shown: no phone number in them."""
        text = self._text(name, WORDS_CHARACTERS_MAX, required=required)
        if _PHONE.search(text):
            raise BadRequest(name, "leave the phone number out: these words are kept")
        return text

    def id(self, name: str) -> str:
        """An id: printable, without spaces around."""
        return check_id(name, self._text(name, ID_CHARACTERS_MAX))

    def amount(self, name: str) -> int:
        """A positive amount of decimal euros, as micro-euros."""
        value = self._found.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not _AMOUNT.fullmatch(value.strip()):
            raise BadRequest(name, 'decimal euros above zero, such as "12.50"')
        amount = parse_micro(value)
        if amount <= 0:
            raise BadRequest(name, 'decimal euros above zero, such as "12.50"')
        return amount

    def phone(self, name: str, own_number: str) -> Phone:
        """A phone number that is not our own."""
        text = self._text(name, NUMBER_CHARACTERS_MAX)
        facts = classify_number(text, own_number)
        if facts.e164 is None:
            raise BadRequest(name, "not a phone number; write it in E.164, such as +33639980000")
        if facts.kind is SenderKind.OWN:
            raise BadRequest(name, "this is our own number; give another")
        return Phone(facts.e164, facts.kind is SenderKind.MOBILE)

    def since(self, name: str, now: datetime) -> datetime:
        """A time that has passed, as of ``instant``, or how long ago."""
        with suppress(ValueError, OverflowError):
            return now - parse_duration(self._text(name, 40))
        at = self.instant(name)
        if at > now:
            raise BadRequest(name, SINCE)
        return at

    def instant(self, name: str) -> datetime:
        """A time, UTC; without an offset it is read as UTC."""
        text = self._text(name, 40)
        try:
            at = datetime.fromisoformat(text)
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise BadRequest(name, SINCE) from None

    def counts(self, name: str) -> dict[str, int]:
        """How many of what, by the names of invariants (``I1``…)."""
        value = self._found.get(name)
        if not isinstance(value, Mapping) or not value or not all(map(_is_count, value.items())):
            raise BadRequest(name, 'counts by invariant, such as {"I1": 0, "I4": 2}')
        return dict(value)

    def flag(self, name: str) -> bool:
        """Yes or no; not given: no."""
        value = self._found.get(name)
        if value is not None and not isinstance(value, bool):
            raise BadRequest(name, "true or false")
        return bool(value)

    def choice(self, name: str, *accepted: str) -> str:
        """One of a few words."""
        value = self._found.get(name)
        if value not in accepted:
            raise BadRequest(name, f"one of {', '.join(accepted)}")
        return str(value)

    def _text(self, name: str, characters_max: int, *, required: bool = True) -> str:
        value = self._found.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (required and not value.strip()):
            raise BadRequest(name, "required, a text that is not blank")
        text = value.strip()
        if len(text) > characters_max:
            raise BadRequest(name, f"at most {characters_max} characters")
        if not all(char.isprintable() for char in text):
            raise BadRequest(name, "one line, without control characters")
        return text


def _is_count(item: tuple[Any, Any]) -> bool:
    name, count = item
    whole = isinstance(count, int) and not isinstance(count, bool)
    return bool(_INVARIANT.fullmatch(name)) and whole and 0 <= count <= COUNT_MAX


def check_id(name: str, text: str) -> str:
    """An id that may be kept.

    Raises:
        BadRequest: it is too long, holds control characters, or is a phone number.
    """
    if not text or len(text) > ID_CHARACTERS_MAX or not all(char.isprintable() for char in text):
        raise BadRequest(name, f"1 to {ID_CHARACTERS_MAX} printable characters")
    if _PHONE.fullmatch(text):
        raise BadRequest(name, "an id, not a phone number: ids are kept")
    return text
