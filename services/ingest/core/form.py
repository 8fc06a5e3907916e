"""Is it well-formed: a request body as the fields we read (docs/plivo.md §1, §2, §6). Pure.

Unknown fields are ignored; of a field that comes twice the first counts. What we cannot do
without makes a refusal that names the field. What we can do without is taken as missing when it
is malformed, and its name is told for the metrics.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar, assert_never
from urllib.parse import parse_qsl, unquote_to_bytes

from msgspec import Struct

from kernel.facts.records import Intent
from kernel.values.money import parse_micro
from services.ingest.core.webhook import Refusal, RefusalCode, WebhookKind

BODY_BYTES_MAX = 16_384
FIELDS_MAX = 200
"""The longest real form has about 30; media are numbered fields."""

COUNT_MAX = 1_000_000
ID = re.compile(r"[\x21-\x7e]{1,200}")
"""What an id may be: the provider's are UUIDs; ours go into a query."""

_WORD = re.compile(r"[a-z][a-z_]{0,31}")
_CODE = re.compile(r"[0-9A-Za-z_-]{1,32}")
_COUNT = re.compile(r"[0-9]{1,7}")
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{0,12})?")
_NO_ERROR = "000"

T = TypeVar("T")
Fields = Mapping[str, str]


class MessageForm(Struct, frozen=True):
    """A message's fields.

    Attributes:
        text: None where there was none; NUL, which no database takes, became U+FFFD.
        segments: None: not told.
        malformed: names of the fields that were taken as missing.
    """

    message_id: str
    sender: str
    recipient: str
    text: str | None
    intent: Intent
    sms_type: str
    media_count: int
    segments: int | None
    amount_microunits: int | None
    malformed: tuple[str, ...] = ()


class ReportForm(Struct, frozen=True):
    """A status report's fields, and ``ref`` from the query. None: not told."""

    message_id: str
    recipient: str
    ref: str | None
    status: str
    sequence: int | None
    error_code: str | None
    segments: int | None
    amount_microunits: int | None
    malformed: tuple[str, ...] = ()


class CallForm(Struct, frozen=True):
    """A call's fields."""

    call_id: str
    sender: str
    recipient: str
    malformed: tuple[str, ...] = ()


Form = MessageForm | ReportForm | CallForm


def parse_form(body: bytes) -> list[tuple[str, str]] | Refusal:
    """Decode a form as ``urllib.parse.parse_qsl`` does, in half its time.

    Blank fields are kept; what is no UTF-8 is kept as ``surrogateescape`` leaves it.
    """
    pieces = body.decode("utf-8", "surrogateescape").replace("+", " ").split("&")
    if len(pieces) > FIELDS_MAX:
        return Refusal(RefusalCode.FORM_UNREADABLE)
    pairs = []
    for piece in pieces:
        if piece:
            name, _, value = piece.partition("=")
            if "%" in piece:
                name, value = _unquote(name), _unquote(value)
            pairs.append((name, value))
    return pairs


def _unquote(text: str) -> str:
    if "%" not in text:
        return text
    raw = unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")


def read_form(kind: WebhookKind, pairs: Sequence[tuple[str, str]], query: str) -> Form | Refusal:
    """Read the form of a webhook of Plivo's; a report's reference stands in the URL's query."""
    fields = _first_of(pairs)
    match kind:
        case WebhookKind.MESSAGE:
            return read_message(fields)
        case WebhookKind.REPORT:
            return read_report(fields, query)
        case WebhookKind.CALL:
            return read_call(fields)
        case WebhookKind.EVENT:
            return Refusal(RefusalCode.FORM_UNREADABLE)  # it is none: ``core.phone`` reads it
        case _:
            assert_never(kind)


def read_message(fields: Fields) -> MessageForm | Refusal:
    """Read a message's form."""
    refusal = _refuse(fields, ("MessageUUID", "From"), ("Text", "Body", "To"))
    if refusal:
        return refusal
    text = fields.get("Text", fields.get("Body"))
    return MessageForm(
        fields["MessageUUID"].strip(),
        fields["From"],
        fields.get("To", ""),
        None if text is None else text.replace("\x00", "\ufffd"),
        *_read_details(*[fields.get(name, "") for name in _DETAILS]),
    )


_DETAILS = ("MessageIntent", "Type", "MediaCount", "Units", "TotalAmount")


@lru_cache(maxsize=1024)  # the same few values come again and again
def _read_details(
    *values: str,
) -> tuple[Intent, str, int, int | None, int | None, tuple[str, ...]]:
    """The last fields of a ``MessageForm``, from the values of ``_DETAILS``."""
    read = _Optional(dict(zip(_DETAILS, values, strict=True)))
    return (
        read("MessageIntent", _read_intent) or Intent.NONE,
        read("Type", _read_word) or "sms",
        read("MediaCount", _read_count) or 0,
        read("Units", _read_count),
        read("TotalAmount", _read_amount),
        tuple(read.malformed),
    )


def read_report(fields: Fields, query: str) -> ReportForm | Refusal:
    """Read a status report: its form, and our own reference from the URL's query."""
    refusal = _refuse(fields, ("MessageUUID", "From", "Status"), ("To",))
    if refusal:
        return refusal
    try:
        status = _read_word(fields["Status"].strip())
    except ValueError:
        return Refusal(RefusalCode.FIELD_MALFORMED, "Status")
    asked = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    read, read_query = _Optional(fields), _Optional(_first_of(asked))
    ref = read_query("ref", _read_id)
    error_code = read("ErrorCode", _read_code)
    return ReportForm(
        message_id=fields["MessageUUID"].strip(),
        recipient=fields.get("To", ""),
        ref=ref,
        status=status,
        sequence=read("Sequence", _read_count),
        error_code=None if error_code == _NO_ERROR else error_code,
        segments=read("Units", _read_count),
        amount_microunits=read("TotalAmount", _read_amount),
        malformed=(*read.malformed, *read_query.malformed),
    )


def read_call(fields: Fields) -> CallForm | Refusal:
    """Read a call's form."""
    refusal = _refuse(fields, ("CallUUID", "From"), ("To",))
    if refusal:
        return refusal
    return CallForm(fields["CallUUID"].strip(), fields["From"], fields.get("To", ""))


def _first_of(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The fields by name; of those that come twice the first."""
    return dict(reversed(pairs))


def _refuse(fields: Fields, required: tuple[str, ...], optional: tuple[str, ...]) -> Refusal | None:
    """Why the form cannot be taken; the first of ``required`` is the id."""
    for name in required:
        if name not in fields:
            return Refusal(RefusalCode.FIELD_MISSING, name)
    read = (*required, *optional)
    if not _is_utf8("".join([fields.get(name, "") for name in read])):
        unreadable = next(name for name in read if not _is_utf8(fields.get(name, "")))
        return Refusal(RefusalCode.FORM_UNREADABLE, unreadable)
    message_id = fields[required[0]].strip()
    if not message_id:
        return Refusal(RefusalCode.FIELD_MISSING, required[0])
    if not ID.fullmatch(message_id):
        return Refusal(RefusalCode.FIELD_MALFORMED, required[0])
    return None


def _is_utf8(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Optional:
    """Reads fields that may be missing; notes the names of those that are there and malformed."""

    __slots__ = ("_fields", "malformed")

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self.malformed: list[str] = []

    def __call__(self, name: str, read: Callable[[str], T]) -> T | None:
        value = self._fields.get(name, "").strip()
        if not value:
            return None
        try:
            return read(value)
        except ValueError:
            self.malformed.append(name)
            return None


def _matching(pattern: re.Pattern[str], value: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError("malformed")
    return value


def _read_word(value: str) -> str:
    return _matching(_WORD, value.lower())


def _read_code(value: str) -> str:
    return _matching(_CODE, value)


def _read_id(value: str) -> str:
    return _matching(ID, value)


def _read_intent(value: str) -> Intent:
    return Intent(value.lower())


def _read_count(value: str) -> int:
    count = int(_matching(_COUNT, value))
    if count > COUNT_MAX:
        raise ValueError("too many")
    return count


def _read_amount(value: str) -> int:
    """Micro-units of the provider's currency; amounts are plain decimals, never negative."""
    return parse_micro(_matching(_AMOUNT, value))
