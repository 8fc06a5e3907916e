"""From bytes to fields: what is refused, what is taken as missing, what is exact."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import Intent
from services.ingest.core.form import (
    FIELDS_MAX,
    CallForm,
    Form,
    MessageForm,
    ReportForm,
    parse_form,
    read_form,
)
from services.ingest.core.webhook import Refusal, RefusalCode, WebhookKind
from tests.support.webhooks import call_form, encode_form, message_form, report_form


def read(kind: str, body: bytes, query: str = "") -> Form | Refusal:
    pairs = parse_form(body)
    assert not isinstance(pairs, Refusal)
    return read_form(WebhookKind(kind), pairs, query)


def message(**changes: str | None) -> MessageForm:
    form = read("message", encode_form(message_form(**changes)))
    assert isinstance(form, MessageForm)
    return form


def report(query: str = "", /, **changes: str | None) -> ReportForm:
    form = read("report", encode_form(report_form(**changes)), query)
    assert isinstance(form, ReportForm)
    return form


@given(st.binary(max_size=80) | st.text(st.sampled_from("ab=&%+ef09é\x00;"), max_size=40))
def test_forms_are_parsed_as_the_standard_library_does(body: bytes | str) -> None:
    raw = body if isinstance(body, bytes) else body.encode()
    text = raw.decode("utf-8", "surrogateescape")
    expected = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
    # The library decodes runs of escapes apart from what stands beside them: compare bytes.
    parsed = parse_form(raw)
    assert not isinstance(parsed, Refusal)
    assert [_bytes(pair) for pair in parsed] == [_bytes(pair) for pair in expected]


def _bytes(pair: tuple[str, str]) -> tuple[bytes, ...]:
    return tuple(part.encode("utf-8", "surrogateescape") for part in pair)


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=8))
def test_what_was_encoded_comes_back(form: dict[str, str]) -> None:
    form = {
        name.encode("utf-8", "replace").decode(): value.encode("utf-8", "replace").decode()
        for name, value in form.items()
    }
    assert parse_form(urlencode(form).encode()) == list(form.items())


def test_a_form_of_too_many_fields_is_none() -> None:
    assert parse_form(b"&".join([b"a=1"] * (FIELDS_MAX + 1))) == Refusal(
        RefusalCode.FORM_UNREADABLE
    )


def test_a_message_is_read() -> None:
    assert message(Units="2", TotalAmount="0.0123", MessageIntent="optout") == MessageForm(
        message_id="m-1",
        sender="33639981234",
        recipient="33937000000",
        text="Bonjour",
        intent=Intent.OPTOUT,
        sms_type="sms",
        media_count=0,
        segments=2,
        amount_microunits=12_300,
    )


def test_a_report_is_read() -> None:
    assert report("ref=m-1") == ReportForm(
        message_id="r-1",
        recipient="33639981234",
        ref="m-1",
        status="delivered",
        sequence=3,
        error_code=None,
        segments=1,
        amount_microunits=150_000,
    )


def test_a_call_is_read() -> None:
    assert read("call", encode_form(call_form())) == CallForm("c-1", "33639981234", "33937000000")


@pytest.mark.parametrize(
    ("kind", "form", "field"),
    [
        ("message", message_form(MessageUUID=None), "MessageUUID"),
        ("message", message_form(MessageUUID=""), "MessageUUID"),
        ("message", message_form(MessageUUID=" "), "MessageUUID"),
        ("message", message_form(From=None), "From"),
        ("report", report_form(MessageUUID=None), "MessageUUID"),
        ("report", report_form(From=None), "From"),
        ("report", report_form(Status=None), "Status"),
        ("call", call_form(CallUUID=None), "CallUUID"),
        ("call", call_form(From=None), "From"),
        ("message", {}, "MessageUUID"),
    ],
)
def test_what_is_missing_is_named(kind: str, form: dict[str, str], field: str) -> None:
    assert read(kind, encode_form(form)) == Refusal(RefusalCode.FIELD_MISSING, field)


@pytest.mark.parametrize(
    ("kind", "form", "field"),
    [
        ("message", message_form("a b"), "MessageUUID"),
        ("message", message_form("m\x00"), "MessageUUID"),
        ("message", message_form("m" * 201), "MessageUUID"),
        ("message", message_form("é"), "MessageUUID"),
        ("report", report_form(Status="??"), "Status"),
        ("report", report_form(Status=""), "Status"),
        ("call", call_form("\x7f"), "CallUUID"),
    ],
)
def test_what_is_malformed_is_named(kind: str, form: dict[str, str], field: str) -> None:
    assert read(kind, encode_form(form)) == Refusal(RefusalCode.FIELD_MALFORMED, field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"MessageUUID=m&From=1&Text=%ff", "Text"),
        (b"MessageUUID=m&From=1&Text=caf\xe9", "Text"),
        (b"MessageUUID=m&From=%e9", "From"),
        (b"MessageUUID=%fe&From=1", "MessageUUID"),
        (b"MessageUUID=m&From=1&Text=%ed%a0%80", "Text"),  # half of a surrogate pair
        (b"MessageUUID=m&From=1&To=%80", "To"),
    ],
)
def test_what_is_not_utf8_is_named(body: bytes, field: str) -> None:
    assert read("message", body) == Refusal(RefusalCode.FORM_UNREADABLE, field)


def test_what_nobody_reads_may_be_anything() -> None:
    form = read("message", encode_form(message_form()) + b"&New=%ff&%ff=1")
    assert isinstance(form, MessageForm)
    assert form.malformed == ()


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (None, None),
        ("", ""),
        ("a" * 1600, "a" * 1600),
        ("😊👩‍👩‍👧", "😊👩‍👩‍👧"),
        ("a\x00b\x00", "a\ufffdb\ufffd"),
        ("a+b &=c%", "a+b &=c%"),
    ],
)
def test_texts(text: str | None, taken: str | None) -> None:
    assert message(Text=text).text == taken


def test_the_text_of_an_mms_is_its_body() -> None:
    form = message(
        Type="mms", Text=None, Body="Regarde", MediaCount="2", Media1="https://media.example/1"
    )
    assert (form.sms_type, form.text, form.media_count) == ("mms", "Regarde", 2)


def test_the_first_of_fields_that_come_twice_counts() -> None:
    form = read("message", b"MessageUUID=m&From=1&From=2&MessageUUID=n&Text=&Text=x")
    assert isinstance(form, MessageForm)
    assert (form.message_id, form.sender, form.text) == ("m", "1", "")


MALFORMED: list[tuple[str, str, str, Any]] = [
    ("Units", "one", "segments", None),
    ("Units", "-1", "segments", None),
    ("Units", "1.5", "segments", None),
    ("Units", "99999999", "segments", None),
    ("Units", "1000001", "segments", None),
    ("Units", "٣", "segments", None),
    ("TotalAmount", "free", "amount_microunits", None),
    ("TotalAmount", "-0.01", "amount_microunits", None),
    ("TotalAmount", "NaN", "amount_microunits", None),
    ("TotalAmount", "1e3", "amount_microunits", None),
    ("TotalAmount", "0,01", "amount_microunits", None),
    ("TotalAmount", "9" * 5000, "amount_microunits", None),
    ("MessageIntent", "surrender", "intent", Intent.NONE),
    ("Type", "<b>", "sms_type", "sms"),
    ("MediaCount", "many", "media_count", 0),
]


@pytest.mark.parametrize(("field", "value", "attribute", "taken"), MALFORMED)
def test_what_we_can_do_without_is_taken_as_missing(
    field: str, value: str, attribute: str, taken: Any
) -> None:
    form = message(**{field: value})
    assert getattr(form, attribute) == taken
    assert form.malformed == (field,)


@pytest.mark.parametrize("field", sorted({row[0] for row in MALFORMED}))
@pytest.mark.parametrize("blank", [None, "", "  "])
def test_what_is_blank_is_missing_and_no_fault(field: str, blank: str | None) -> None:
    assert message(**{field: blank}).malformed == ()


@pytest.mark.parametrize(
    ("amount", "micro"),
    [
        ("0", 0),
        ("0.0", 0),
        ("0.01", 10_000),
        ("0.0000125", 13),
        ("1.", 1_000_000),
        (" 2 ", 2 * 10**6),
    ],
)
def test_amounts_are_exact(amount: str, micro: int) -> None:
    assert message(TotalAmount=amount).amount_microunits == micro


@given(st.integers(0, 10**15 - 1))
def test_every_amount_in_millionths_comes_back(micro: int) -> None:
    assert message(TotalAmount=f"{micro // 10**6}.{micro % 10**6:06d}").amount_microunits == micro


@pytest.mark.parametrize(
    ("query", "ref", "malformed"),
    [
        ("", None, ()),
        ("ref=", None, ()),
        ("ref=m-1&x=1", "m-1", ()),
        ("ref=a&ref=b", "a", ()),
        ("ref=a%00", None, ("ref",)),
        ("ref=" + "a" * 201, None, ("ref",)),
        ("ref=%ff", None, ("ref",)),
    ],
)
def test_references(query: str, ref: str | None, malformed: tuple[str, ...]) -> None:
    form = report(query)
    assert (form.ref, form.malformed) == (ref, malformed)


@pytest.mark.parametrize(
    ("changes", "attribute", "taken", "malformed"),
    [
        ({"Status": "Delivered"}, "status", "delivered", ()),
        ({"ErrorCode": "000"}, "error_code", None, ()),
        ({"ErrorCode": ""}, "error_code", None, ()),
        ({"ErrorCode": "420"}, "error_code", "420", ()),
        ({"ErrorCode": "\x00"}, "error_code", None, ("ErrorCode",)),
        ({"Sequence": None}, "sequence", None, ()),
        ({"Sequence": "last"}, "sequence", None, ("Sequence",)),
        ({"Units": "x"}, "segments", None, ("Units",)),
        ({"TotalAmount": "x"}, "amount_microunits", None, ("TotalAmount",)),
        ({"To": "33639981xxx"}, "recipient", "33639981xxx", ()),
        ({"To": None}, "recipient", "", ()),
    ],
)
def test_fields_of_a_report(
    changes: dict[str, str | None], attribute: str, taken: Any, malformed: tuple[str, ...]
) -> None:
    form = report(**changes)
    assert getattr(form, attribute) == taken
    assert form.malformed == malformed


@given(kind=st.sampled_from(list(WebhookKind)), body=st.binary(max_size=200), query=st.text())
def test_rubbish_never_raises(kind: WebhookKind, body: bytes, query: str) -> None:
    pairs = parse_form(b"MessageUUID=m&CallUUID=c&From=1&Status=sent&" + body)
    assert not isinstance(pairs, Refusal)
    read_form(kind, pairs, query.encode("utf-8", "replace").decode())
