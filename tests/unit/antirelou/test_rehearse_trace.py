"""Reading a trace: what is taken, and what is refused with its line and field, quoting nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antirelou.commands.rehearse.trace import TraceLine, parse_trace
from kernel.values.errors import Fatal

LINE = {"at": "2017-10-27T18:00:00+02:00", "id": "a", "from": "+33639981234", "text": "secret"}


def line(**fields: Any) -> bytes:
    """A line with other fields; ``...`` leaves one out."""
    found = {name: value for name, value in {**LINE, **fields}.items() if value is not ...}
    return json.dumps(found).encode() + b"\n"


def read(*lines: bytes) -> list[TraceLine]:
    return list(parse_trace(lines))


def test_a_line_as_the_contract_has_it() -> None:
    [found] = read(line())
    at = datetime(2017, 10, 27, 16, tzinfo=UTC)
    assert found == TraceLine(at, "a", "+33639981234", "secret")


@pytest.mark.parametrize("missing", [None, ...])
def test_a_text_may_be_missing(missing: Any) -> None:
    assert read(line(text=missing))[0].text is None


def test_empty_lines_are_skipped_and_other_fields_left_alone() -> None:
    found = read(b"\n", line(kind="troll"), b"  \r\n", b"\xef\xbb\xbf" + line(id="b"))
    assert [each.id for each in found] == ["a", "b"]


def test_the_same_instant_may_come_again_in_another_offset() -> None:
    assert len(read(line(), line(at="2017-10-27T16:00:00Z"))) == 2


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (b"secret +33639981234", "line"),
        (b'{"at": "2017-10-27T18:00', "line"),
        (b"[1]", "line"),
        (b"null", "line"),
        (b"\xff\xfe", "line"),
        (b"[" * 100_000, "line"),
        (line(at=...), "at"),
        (line(at=None), "at"),
        (line(at=1509120000), "at"),
        (line(at="yesterday"), "at"),
        (line(at="2017-10-27T18:00:00"), "at"),
        (line(at="0001-01-01T00:00:00+14:00"), "at"),
        (line(at="9999-12-31T23:59:59-14:00"), "at"),
        (line(id=...), "id"),
        (line(id=""), "id"),
        (line(id=7), "id"),
        (line(id="a" * 201), "id"),
        (line(id="\x00"), "id"),
        (line(id="\ud83d"), "id"),
        (line(**{"from": ...}), "from"),
        (line(**{"from": ""}), "from"),
        (line(**{"from": 33639981234}), "from"),
        (line(text=7), "text"),
        (line(text=["secret"]), "text"),
        (line(at="2017-10-27T15:59:59Z"), "at"),
    ],
)
def test_a_bad_line_is_named_with_its_field_and_never_quoted(bad: bytes, field: str) -> None:
    with pytest.raises(Fatal) as raised:
        read(line(), b"\n", bad)
    said = str(raised.value)
    assert said.startswith(f"TRACE line 3: {field}: accepted: ")
    assert raised.value.code == "use"
    assert "secret" not in said
    assert "3399" not in said
    assert "\n" not in said


def test_what_stands_before_a_bad_line_is_read() -> None:
    lines = parse_trace([line(), b"{"])
    assert next(lines).id == "a"
    with pytest.raises(Fatal):
        next(lines)


def test_an_emoji_cut_in_two_spoils_no_trace() -> None:
    [found] = read(line(text="salut \ud83d"))
    assert found.text == "salut �"
    assert read(line(text="salut 😀"))[0].text == "salut 😀"


@given(
    told=st.lists(
        st.tuples(
            st.integers(0, 10**9), st.text(st.characters(codec="utf-8"), max_size=20) | st.none()
        ),
        max_size=8,
    ),
    plain=st.booleans(),
)
def test_what_is_written_is_read_again(told: list[tuple[int, str | None]], *, plain: bool) -> None:
    start = datetime(2017, 10, 27, 16, tzinfo=UTC)
    lines = [
        TraceLine(start + timedelta(milliseconds=at), f"m-{n}", f"+3363998{n:04}", text)
        for n, (at, text) in enumerate(sorted(told, key=lambda each: each[0]))
    ]
    written = [
        json.dumps(
            {"at": each.at.isoformat(), "id": each.id, "from": each.sender, "text": each.text},
            ensure_ascii=plain,
        ).encode()
        for each in lines
    ]
    assert read(*written) == lines
