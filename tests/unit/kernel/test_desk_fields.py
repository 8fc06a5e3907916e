"""What the fields of a request take and refuse: amounts, numbers, words, ids, and msgspec's own."""

import enum
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.desk.fields import (
    Euros,
    Handle,
    Id,
    Instant,
    Note,
    Number,
    Refused,
    Since,
    Whole,
    Words,
    accepts,
    read_object,
    read_request,
)

HEX = r"\A[0-9a-f]+\Z"


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Asked(msgspec.Struct, frozen=True):
    """One optional field of each kind."""

    words: Words | None = None
    note: Note = ""
    id: Id | None = None
    handle: Handle | None = None
    amount_eur: Euros | None = None
    number: Number | None = None
    since: Since | None = None
    size: Whole | None = None
    flag: bool = False
    outcome: Literal["sent", "void"] = "void"
    colour: Colour = Colour.RED
    at: Instant | None = None
    hashes: tuple[Annotated[str, accepts("hexadecimal digits", pattern=HEX)], ...] = ()
    numbers: list[int] = msgspec.field(default_factory=list)


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two that must be there, and nothing else."""

    first: Words
    second: int


def refusal(asks: type[msgspec.Struct] = Asked, /, **fields: Any) -> str:
    with pytest.raises(Refused) as caught:
        read_request(asks, fields)
    assert caught.value.status == 422
    assert str(caught.value).startswith(caught.value.field)
    return str(caught.value)


@pytest.mark.parametrize(
    "body", [b"[]", b"1", b"null", b"{", b"\xff\xfe", b'"text"', b'{"a": "\\ud800"}', b"[" * 90_000]
)
def test_a_body_that_is_no_object_is_400(body: bytes) -> None:
    with pytest.raises(Refused, match="send a JSON object") as refused:
        read_object(body)
    assert (refused.value.status, refused.value.field) == (400, "")


def test_an_empty_body_is_an_object_without_fields() -> None:
    assert read_object(b" ") == {}


def test_what_is_not_given_or_null_is_the_default() -> None:
    nulls = dict.fromkeys(Asked.__struct_fields__)
    assert read_request(Asked, {}) == read_request(Asked, nulls) == Asked()


def test_fields_are_looked_at_in_their_order_and_a_missing_one_is_named() -> None:
    assert refusal(Strict, second="x") == "first: required, a text that is not blank"
    assert refusal(Strict, first="a") == "second: required, a whole number"
    assert refusal(Strict, first="a", second="x") == "second: a whole number"


def test_an_unknown_field_is_refused_where_the_struct_says_so_and_not_quoted() -> None:
    assert read_request(Asked, {"unknown": 1}) == Asked()
    said = refusal(Strict, first="a", second=1, **{"+33639980001": 1})
    assert said == "a field is not known; accepted: first, second"


@pytest.mark.parametrize(
    ("given_amount", "micro"),
    [("12.50", 12_500_000), ("0.000001", 1), ("1", 1_000_000), (" 3.5 ", 3_500_000),
     (250, 250 * 10**6), (12.5, 12_500_000), ("999999999.999999", 999_999_999_999_999)],
)  # fmt: skip
def test_amounts_are_decimal_euros(given_amount: object, micro: int) -> None:
    assert read_request(Asked, {"amount_eur": given_amount}).amount_eur == micro


@pytest.mark.parametrize(
    "wrong",
    ["", "0", "0.00", "-1", -1, "12,50", "1e3", 1e22, "NaN", "Infinity", True, [], {},
     "0.0000001", "1000000000", "١٢", "12 €", "0x10", "+5"],
)  # fmt: skip
def test_other_amounts_are_refused_with_the_field_and_an_example(wrong: object) -> None:
    said = refusal(amount_eur=wrong)
    assert said == 'amount_eur: decimal euros above zero, such as "12.50"'


@given(st.integers(1, 10**15 - 1))
def test_every_amount_to_the_micro_euro_is_taken_exactly(micro: int) -> None:
    text = f"{micro // 10**6}.{micro % 10**6:06d}"
    assert read_request(Asked, {"amount_eur": text}).amount_eur == micro


@pytest.mark.parametrize("field", ["words", "note"])
@pytest.mark.parametrize(
    "words",
    ["call 06 39 98 00 01", "0639980001 asked", "+33639980001", "+33 6 39 98 00 01",
     "0033639980001", "his 33639980001", "06.39.98.00.01"],
)  # fmt: skip
def test_words_that_are_kept_hold_no_phone_number(field: str, words: str) -> None:
    assert refusal(Asked, **{field: words}) == (
        f"{field}: leave the phone number out: these words are kept"
    )


@pytest.mark.parametrize(
    "words", ["HelloAsso 20171027", "don n° 1234567890", "12.50 € le 27/10/2017"]
)
def test_words_may_hold_other_digits(words: str) -> None:
    assert read_request(Asked, {"words": f" {words} "}).words == words


@pytest.mark.parametrize("wrong", ["", "  ", 7, "a\x00b", "two\nlines", "x" * 501, ["a"]])
def test_words_are_one_printable_line(wrong: object) -> None:
    assert refusal(words=wrong).startswith("words: ")


def test_a_note_may_be_blank() -> None:
    assert read_request(Asked, {"note": "  "}).note == ""
    assert refusal(note=5).startswith("note: ")


@pytest.mark.parametrize("wrong", ["", " ", 1, "x" * 201, "a\tb", "+33639980001"])
def test_ids_are_short_printable_and_no_phone_number(wrong: object) -> None:
    assert refusal(id=wrong).startswith("id: ")


@pytest.mark.parametrize("wrong", ["", 5, "a\x00", "x" * 201, "+33639980001"])
def test_an_id_of_the_path_is_checked_alike_and_taken_as_it_stands(wrong: object) -> None:
    uuid = " 0936ec98-7c4c-11ed-9bd7-0242ac110007"
    assert read_request(Asked, {"handle": uuid}).handle == uuid
    assert read_request(Asked, {"id": uuid}).id == uuid.strip()
    assert refusal(handle=wrong).startswith("handle: ")


@pytest.mark.parametrize(
    ("field", "wrong", "fix"),
    [
        ("number", "1" * 33, "at most 32 characters"),
        ("number", 33639980001, "required, a text that is not blank"),
        ("since", "1" * 41, "at most 40 characters"),
        ("flag", 1, "true or false"),
        ("flag", "true", "true or false"),
        ("outcome", "lost", "one of sent, void"),
        ("outcome", ["sent"], "one of sent, void"),
        ("outcome", {"a": 1}, "one of sent, void"),
        ("colour", "+33639980001", "one of red, blue"),
        ("at", "2026-11-20T12:00:00", "a time with its offset, such as 2026-11-20T12:00:00Z"),
        ("at", "yesterday", "a time with its offset, such as 2026-11-20T12:00:00Z"),
        ("hashes", ["+33639980001"], "hexadecimal digits"),
        ("hashes", "abc", "hexadecimal digits"),
        ("numbers", 5, "a list"),
        ("size", -1, "a whole number"),
        ("size", True, "a whole number"),
        ("size", 10**18, "a whole number"),
        ("size", "1" * 19, "a whole number"),
        ("size", "٣", "a whole number"),
    ],
)
def test_what_is_refused_names_what_is_accepted(field: str, wrong: object, fix: str) -> None:
    assert refusal(Asked, **{field: wrong}) == f"{field}: {fix}"


def test_what_msgspec_reads_is_read_as_it_does() -> None:
    given_fields = {"at": "2026-11-20T12:00:00+01:00", "hashes": ["ab"], "colour": "blue"}
    asked = read_request(Asked, given_fields | {"numbers": [1]})
    assert asked.at == datetime(2026, 11, 20, 11, tzinfo=UTC)
    assert (asked.hashes, asked.colour, asked.numbers) == (("ab",), Colour.BLUE, [1])


def test_in_a_query_a_number_stands_as_text() -> None:
    assert read_request(Asked, {"size": "17"}).size == 17
    assert read_request(Strict, {"first": "a", "second": "5"}, strict=False) == Strict("a", 5)


@given(st.text(max_size=60))
def test_no_refusal_of_words_quotes_them(text: str) -> None:
    try:
        kept = read_request(Asked, {"words": text}).words
    except Refused as refused:
        assert len(text) < 5 or text not in str(refused)  # noqa: PT017
    else:
        assert kept == text.strip()
