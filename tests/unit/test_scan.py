"""The scan for numbers, texts and secrets finds them, however they are spelt."""

import base64
import json
from urllib.parse import quote_plus

import pytest

from tests.support.scan import Needles, encode, secrets_in, spell_number

NUMBER = "+33639984242"
TEXT = "Coucou toi, ça va été « bien » \U0001f600 ?"
SPELT = [
    NUMBER, "33639984242", "0033639984242", "0639984242", "639984242", "06 39 98 42 42",
    "06.39.98.42.42", "06-39-98-42-42", "+33 6 39 98 42 42",
]  # fmt: skip


def needles() -> Needles:
    values = [("number", spelling, value) for spelling, value in spell_number(NUMBER).items()]
    return Needles([*values, ("text", "as it is", TEXT)])


@pytest.mark.parametrize("value", [*SPELT, TEXT])
@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_every_spelling_is_found_in_every_encoding(value: str, before: str) -> None:
    whole = f"{before}({value})and more"
    raw = whole.encode()
    stored = {
        "UTF-8": raw,
        "UTF-16 LE": whole.encode("utf-16-le"),
        "UTF-16 BE": whole.encode("utf-16-be"),
        "hexadecimal": raw.hex().encode(),
        "HEXADECIMAL": raw.hex().upper().encode(),
        "bytea as text": str(raw.hex()).join(["\\x", ""]).encode(),
        "base64": base64.b64encode(raw),
        "base64 for URLs": base64.urlsafe_b64encode(raw),
        "JSON": json.dumps({"a": whole}).encode(),
        "JSON, not escaped": json.dumps({"a": whole}, ensure_ascii=False).encode(),
        "a form": quote_plus(whole).encode(),
    }
    missed = [how for how, content in stored.items() if not list(needles().search("x", content))]
    assert missed == []


def test_nothing_is_found_where_nothing_is() -> None:
    for content in (b"", b"+33639984243", b"a1639984242b2", b"16399842421", b"\x00" * 100):
        assert list(needles().search("x", content)) == []


def test_every_encoding_is_long_enough_to_be_looked_for() -> None:
    for spelling in spell_number(NUMBER).values():
        assert min(len(raw) for raw in encode(spelling).values()) >= 8


def test_secrets_are_called_by_their_position() -> None:
    places = {"log": b"nothing", "error": b"refused: hunter22hunter22"}
    (found,) = secrets_in(places, ["another-secret", "hunter22hunter22"])
    assert (found.place, found.what) == ("error", "secret 1")
