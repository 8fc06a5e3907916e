"""The fields of a request: what each kind of them takes, each refusal with its fix. Pure.

A request is a struct. Where a field's type says a ``Kind`` (``Words``, ``Id``, ``Euros``…), that
reads it; else msgspec does, by the type. No refusal quotes what it was given: it could be a phone
number.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, get_args

import msgspec
from msgspec import NODEFAULT, Meta
from msgspec.structs import FieldInfo

from kernel.values.money import parse_micro

ID_CHARACTERS_MAX = 200
WORDS_CHARACTERS_MAX = 500
NUMBER_CHARACTERS_MAX = 32
TIME_CHARACTERS_MAX = 40
DIGITS_MAX = 18

EUROS = 'decimal euros above zero, such as "12.50"'
SINCE = "a time such as 2017-10-27T16:00 (UTC) that has passed, or how long ago: 24h, 2d"
"""What is accepted."""

ACCEPTED: Mapping[type[msgspec.inspect.Type], str] = {
    msgspec.inspect.StrType: "a text",
    msgspec.inspect.BoolType: "true or false",
    msgspec.inspect.IntType: "a whole number",
    msgspec.inspect.FloatType: "a number",
    msgspec.inspect.DateTimeType: "a time with its offset, such as 2026-11-20T12:00:00Z",
    msgspec.inspect.ListType: "a list",
    msgspec.inspect.VarTupleType: "a list",
}
"""What a type takes that msgspec reads, in words."""

_AMOUNT = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)
_PHONE = re.compile(
    r"(?:\+|\b00)[1-9](?:[\s.\-]?\d){7,14}|\b0[1-9](?:[\s.\-]?\d\d){4}\b|\b33[1-9]\d{8}\b", re.ASCII
)
"""What looks like a phone number: French national, or with a country code."""

_KIND, _FIX = "kind", "fix"
Q = TypeVar("Q", bound=msgspec.Struct)


class Refused(Exception):
    """A request that is not taken. The message names the field and the fix, and quotes nothing.

    Args:
        status: 400 where the body cannot be read, 422 where a field is wrong, 404, 409…
        field: which one; empty for the request as a whole.
        fix: what is accepted, or what to do.
    """

    def __init__(self, status: int, field: str, fix: str) -> None:
        super().__init__(f"{field}: {fix}" if field else fix)
        self.status, self.field = status, field


class Wrong(Exception):
    """A value that a kind of field does not take. The message is the fix."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How a field is read, and how it is described.

    Attributes:
        read: makes the value of what stands in the JSON; raises ``Wrong``. None: it is missing.
        schema: JSON Schema of what it takes.
    """

    read: Callable[[Any], Any]
    schema: Mapping[str, Any]


def kind(read: Callable[[Any], Any], **schema: Any) -> Meta:
    """What an annotated type says to be read by this."""
    return Meta(extra={_KIND: Kind(read, schema)})


def accepts(fix: str, **more: Any) -> Meta:
    """What an annotated type says of a field that msgspec checks: what is accepted, in words."""
    return Meta(extra={_FIX: fix}, description=fix, **more)


# -- reading --------------------------------------------------------------------------------------


def read_object(body: bytes) -> Mapping[str, Any]:
    """A JSON body as an object; an empty one has no fields.

    Raises:
        Refused: 400: it is none.
    """
    try:
        found = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, Mapping):
        raise Refused(400, "", "send a JSON object")
    return found


def read_request(asks: type[Q], given: Mapping[str, Any], *, strict: bool = True) -> Q:
    """The request that was given; fields are looked at in their order.

    Args:
        given: by name; null is as if it were not there.
        strict: False: numbers may stand as text, as in a query.

    Raises:
        Refused: 422: a field is wrong, missing, or (where the struct says so) unknown.
    """
    fields = msgspec.structs.fields(asks)
    if asks.__struct_config__.forbid_unknown_fields:
        accepted = [field.encode_name for field in fields]
        if not set(given) <= set(accepted):
            raise Refused(422, "", f"a field is not known; accepted: {', '.join(accepted)}")
    return asks(**{f.name: _read(f, given.get(f.encode_name), strict=strict) for f in fields})


def _read(field: FieldInfo, value: Any, *, strict: bool) -> Any:
    if value is None and not field.required:
        made = field.default is NODEFAULT
        return field.default_factory() if made else field.default
    found = kind_of(field)
    try:
        if found is not None:
            return found.read(value)
        return msgspec.convert(value, field.type, strict=strict)
    except Wrong as wrong:
        raise Refused(422, field.encode_name, str(wrong)) from None
    except msgspec.ValidationError:
        fix = ("required, " if value is None else "") + describe_accepted(field)
        raise Refused(422, field.encode_name, fix) from None


def kind_of(field: FieldInfo) -> Kind | None:
    """What reads the field; None: msgspec does."""
    found: Kind | None = _look_up(field.type, _KIND)
    return found


def describe_accepted(field: FieldInfo) -> str:
    """What a field takes that msgspec reads, in words."""
    said: str | None = _look_up(field.type, _FIX)
    return said or _describe(msgspec.inspect.type_info(field.type))


def _look_up(annotated: Any, name: str) -> Any:
    """What an annotation says, of the type itself or of one within, as in ``Words | None``."""
    for one in (*getattr(annotated, "__metadata__", ()), *get_args(annotated)):
        if isinstance(one, Meta) and one.extra and name in one.extra:
            return one.extra[name]
        if not isinstance(one, Meta) and (found := _look_up(one, name)) is not None:
            return found
    return None


def _describe(info: msgspec.inspect.Type) -> str:
    match info:
        case msgspec.inspect.Metadata():
            return _describe(info.type)
        case msgspec.inspect.UnionType():
            (first, *_) = (t for t in info.types if not isinstance(t, msgspec.inspect.NoneType))
            return _describe(first)
        case msgspec.inspect.EnumType():
            return f"one of {', '.join(str(one.value) for one in info.cls)}"
        case msgspec.inspect.LiteralType():
            return f"one of {', '.join(map(str, info.values))}"
        case _:
            return ACCEPTED.get(type(info), "as described in the OpenAPI document")


# -- kinds ----------------------------------------------------------------------------------------


def _text(value: Any, characters_max: int) -> str:
    if not isinstance(value, str):
        raise Wrong("required, a text that is not blank")
    text = value.strip()
    if len(text) > characters_max:
        raise Wrong(f"at most {characters_max} characters")
    if not all(char.isprintable() for char in text):
        raise Wrong("one line, without control characters")
    return text


def _filled(value: Any, characters_max: int) -> str:
    text = _text(value, characters_max)
    if not text:
        raise Wrong("required, a text that is not blank")
    return text


def _without_phone(text: str) -> str:
    if _PHONE.search(text):
        raise Wrong("leave the phone number out: these words are kept")
    return text


def read_words(value: Any) -> str:
    """A person's words: they are kept and shown, so no phone number is in them."""
    return _without_phone(_filled(value, WORDS_CHARACTERS_MAX))


def read_note(value: Any) -> str:
    """Words that may be blank."""
    return _without_phone(_text(value, WORDS_CHARACTERS_MAX))


def read_handle(value: Any) -> str:
    """An id as it stands in a path."""
    text = value if isinstance(value, str) else ""
    if not text or len(text) > ID_CHARACTERS_MAX or not all(char.isprintable() for char in text):
        raise Wrong(f"1 to {ID_CHARACTERS_MAX} printable characters")
    if _PHONE.fullmatch(text):
        raise Wrong("an id, not a phone number: ids are kept")
    return text


def read_id(value: Any) -> str:
    """An id of the caller's: printable, without blanks around."""
    return read_handle(_filled(value, ID_CHARACTERS_MAX))


def read_euros(value: Any) -> int:
    """A positive amount of decimal euros, as micro-euros."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value.strip()):
        raise Wrong(EUROS)
    amount = parse_micro(value)
    if amount <= 0:
        raise Wrong(EUROS)
    return amount


def read_number(value: Any) -> str:
    """A phone number as a person writes it; what it is, who knows our own number says."""
    return _filled(value, NUMBER_CHARACTERS_MAX)


def read_since(value: Any) -> str:
    """A time or a duration, as text; what it is, who knows the present says."""
    return _filled(value, TIME_CHARACTERS_MAX)


def read_whole(value: Any) -> int:
    """A whole number that is not negative; in a query it stands as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= DIGITS_MAX:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**DIGITS_MAX:
        return value
    raise Wrong("a whole number")


Words = Annotated[
    str,
    kind(
        read_words,
        type="string",
        maxLength=WORDS_CHARACTERS_MAX,
        description="A person's words, kept; no phone number in them.",
    ),
]
Note = Annotated[
    str,
    kind(
        read_note,
        type="string",
        maxLength=WORDS_CHARACTERS_MAX,
        description="A person's words, kept; no phone number in them. May be empty.",
    ),
]
Id = Annotated[str, kind(read_id, type="string", maxLength=ID_CHARACTERS_MAX)]
Handle = Annotated[str, kind(read_handle, type="string")]
Euros = Annotated[
    int,
    kind(
        read_euros,
        type=["string", "number"],
        description="Decimal euros above zero, at most six decimals; best as a string.",
        examples=["12.50"],
    ),
]
Number = Annotated[
    str,
    kind(
        read_number,
        type="string",
        description="A phone number; E.164 is best. It is turned into a pseudonym at once, never "
        "kept or logged.",
        examples=["+33639980000"],
    ),
]
Since = Annotated[
    str,
    kind(
        read_since,
        type="string",
        description="A time that has passed (UTC where no offset is given), or how long ago: 24h, "
        "2d.",
    ),
]
Whole = Annotated[int, kind(read_whole, type="integer", minimum=0)]
Instant = Annotated[datetime, Meta(tz=True)]
"""A time with its offset; in an answer, UTC."""


def in_utc(at: datetime) -> datetime:
    """The same instant in UTC, where answers have it."""
    return at.astimezone(UTC)
