"""What the operator API takes and refuses: fields, amounts, numbers, words."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.operator_requests import BadRequest, Fields, check_id

OWN = "+33937000000"


def fields(**given_fields: object) -> Fields:
    return Fields(msgspec.json.encode(given_fields))


@pytest.mark.parametrize(
    "body", [b"[]", b"1", b"null", b"{", b"\xff\xfe", b'"text"', b'{"a": "\\ud800"}', b"[" * 90_000]
)
def test_a_body_that_is_no_object_is_400(body: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        Fields(body)
    assert (refused.value.status, refused.value.field) == (400, "")


def test_an_empty_body_is_an_object_without_fields() -> None:
    assert not Fields(b" ").has("number")


@pytest.mark.parametrize(
    ("given_amount", "micro"),
    [("12.50", 12_500_000), ("0.000001", 1), ("1", 1_000_000), (" 3.5 ", 3_500_000),
     (250, 250 * 10**6), (12.5, 12_500_000), ("999999999.999999", 999_999_999_999_999)],
)  # fmt: skip
def test_amounts_are_decimal_euros(given_amount: object, micro: int) -> None:
    assert fields(amount_eur=given_amount).amount("amount_eur") == micro


@pytest.mark.parametrize(
    "wrong",
    [None, "", "0", "0.00", "-1", -1, "12,50", "1e3", 1e22, "NaN", "Infinity", True, [], {},
     "0.0000001", "1000000000", "١٢", "12 €", "0x10", "+5"],
)  # fmt: skip
def test_other_amounts_are_refused_with_the_field_and_an_example(wrong: object) -> None:
    with pytest.raises(BadRequest, match=r"^amount_eur: decimal euros") as refused:
        fields(amount_eur=wrong).amount("amount_eur")
    assert (refused.value.status, refused.value.field) == (422, "amount_eur")


@given(st.integers(1, 10**15 - 1))
def test_every_amount_to_the_micro_euro_is_taken_exactly(micro: int) -> None:
    text = f"{micro // 10**6}.{micro % 10**6:06d}"
    assert fields(amount_eur=text).amount("amount_eur") == micro


@pytest.mark.parametrize(
    "raw",
    ["+33639980001", "33639980001", "0033639980001", "06 39 98 00 01", "+33 (0)6.39.98.00.01"],
)
def test_every_spelling_of_a_number_is_the_same_phone(raw: str) -> None:
    phone = fields(number=raw).phone("number", OWN)
    assert (phone.e164, phone.mobile) == ("+33639980001", True)


@pytest.mark.parametrize(
    "raw", ["", "anonymous", "36000", "+1", "Chloé", OWN, None, 33639980001, "1" * 40]
)
def test_what_is_no_number_of_others_is_refused_and_not_quoted(raw: object) -> None:
    with pytest.raises(BadRequest, match=r"^number: ") as refused:
        fields(number=raw).phone("number", OWN)
    assert refused.value.status == 422
    assert str(raw) not in str(refused.value) or raw in ("", None)


def test_without_our_own_number_a_national_spelling_is_not_guessed() -> None:
    with pytest.raises(BadRequest, match=r"E\.164"):
        fields(number="06 39 98 00 01").phone("number", "")


@pytest.mark.parametrize(
    "words",
    ["call 06 39 98 00 01", "0639980001 asked", "+33639980001", "+33 6 39 98 00 01",
     "0033639980001", "his 33639980001", "06.39.98.00.01"],
)  # fmt: skip
def test_words_that_are_kept_hold_no_phone_number(words: str) -> None:
    with pytest.raises(BadRequest, match=r"^why: leave the phone number out"):
        fields(why=words).words("why")


@pytest.mark.parametrize(
    "words", ["HelloAsso 20171027", "don n° 1234567890", "12.50 € le 27/10/2017"]
)
def test_words_may_hold_other_digits(words: str) -> None:
    assert fields(why=words).words("why") == words


@pytest.mark.parametrize("wrong", [None, "", "  ", 7, "a\x00b", "two\nlines", "x" * 501, ["a"]])
def test_words_are_one_printable_line(wrong: object) -> None:
    with pytest.raises(BadRequest, match=r"^reason: "):
        fields(reason=wrong).words("reason")


def test_words_that_may_be_left_out() -> None:
    assert fields().words("note", required=False) == ""
    with pytest.raises(BadRequest):
        fields(note=5).words("note", required=False)


@pytest.mark.parametrize("wrong", [None, "", " ", 1, "x" * 201, "a\tb", "+33639980001"])
def test_ids_are_short_printable_and_no_phone_number(wrong: object) -> None:
    with pytest.raises(BadRequest, match=r"^id: "):
        fields(id=wrong).id("id")


def test_an_id_of_the_path_is_checked_alike() -> None:
    assert check_id("id", "0936ec98-7c4c-11ed-9bd7-0242ac110007")
    with pytest.raises(BadRequest):
        check_id("id", "a\x00")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2017-10-27T16:00", datetime(2017, 10, 27, 16, tzinfo=UTC)),
        ("2017-10-27T18:00:00+02:00", datetime(2017, 10, 27, 16, tzinfo=UTC)),
        ("2017-10-27", datetime(2017, 10, 27, tzinfo=UTC)),
        ("2017-10-27T16:00Z", datetime(2017, 10, 27, 16, tzinfo=UTC)),
    ],
)
def test_times_are_utc(text: str, at: datetime) -> None:
    assert fields(since=text).instant("since") == at


@pytest.mark.parametrize("wrong", [None, 5, "yesterday", "27/10/2017", "0001-01-01T00:00+14:00"])
def test_other_times_are_refused(wrong: object) -> None:
    with pytest.raises(BadRequest, match=r"^since: "):
        fields(since=wrong).instant("since")


def test_a_choice_names_what_is_accepted() -> None:
    assert fields(outcome="void").choice("outcome", "sent", "void") == "void"
    for wrong in ("lost", None, ["sent"], {"a": 1}):
        with pytest.raises(BadRequest, match="outcome: one of sent, void"):
            fields(outcome=wrong).choice("outcome", "sent", "void")


@given(st.text(max_size=60))
def test_no_refusal_of_words_quotes_them(text: str) -> None:
    try:
        kept = fields(why=text).words("why")
    except BadRequest as refused:
        assert len(text) < 5 or text not in str(refused)  # noqa: PT017
    else:
        assert kept == text.strip()


def test_a_time_with_an_offset_keeps_the_instant() -> None:
    at = datetime(2020, 1, 1, 5, tzinfo=timezone(timedelta(hours=5)))
    assert fields(since=at.isoformat()).instant("since") == at
