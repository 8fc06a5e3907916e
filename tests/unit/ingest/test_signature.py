"""The door's verifier against the provider's own SDK, and where it fails closed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plivo.utils import validate_signature, validate_v3_signature

from kernel.facts.records import SignatureMode
from services.ingest.core.signature import Signature, sign_v2, sign_v3, verify_signature
from services.ingest.core.webhook import Refusal, RefusalCode, SignatureHeaders

URL = "https://sms.example.org/webhooks/plivo/message"
TOKEN = "token"
PAIRS = [("From", "33639981234"), ("Text", "")]

ascii_text = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12)
names = st.text(st.sampled_from("abcXYZ019_-"), min_size=1, max_size=6)
queries = st.lists(st.tuples(names, st.text(st.sampled_from("abcXYZ019_-~."), max_size=6)))
forms = st.dictionaries(names, st.text(st.characters(exclude_categories=["Cs"])), max_size=6)


def verify(headers: SignatureHeaders, **more: Any) -> Signature | Refusal:
    given_: dict[str, Any] = {
        "token": TOKEN.encode(), "url": URL.encode(), "query": "", "pairs": PAIRS,
    }  # fmt: skip
    return verify_signature(headers, **(given_ | more))


def code(answer: Signature | Refusal) -> RefusalCode | None:
    return answer.code if isinstance(answer, Refusal) else None


@given(token=ascii_text.filter(bool), nonce=ascii_text, query=queries)
def test_v2_is_the_sdks(token: str, nonce: str, query: list[tuple[str, str]]) -> None:
    asked = "&".join(f"{name}={value}" for name, value in query)
    signature = sign_v2(token.encode(), URL.encode(), nonce.encode()).decode()
    assert validate_signature(f"{URL}?{asked}", nonce, signature, token)
    assert not validate_signature(f"{URL}?{asked}", nonce + "x", signature, token)


@given(token=ascii_text.filter(bool), nonce=ascii_text, query=queries, form=forms)
def test_v3_is_the_sdks(
    token: str, nonce: str, query: list[tuple[str, str]], form: dict[str, str]
) -> None:
    asked = "&".join(f"{name}={value}" for name, value in query)
    pairs = list(form.items())
    signature = sign_v3(token.encode(), URL.encode(), asked, pairs, nonce.encode()).decode()
    uri = f"{URL}?{asked}" if asked else URL
    assert validate_v3_signature("POST", uri, nonce, token, signature, dict(form))
    changed = [*pairs, ("zz", "1")]
    other = sign_v3(token.encode(), URL.encode(), asked, changed, nonce.encode()).decode()
    assert not validate_v3_signature("POST", uri, nonce, token, other, dict(form))


def test_v3_of_fields_that_come_twice_is_the_sdks() -> None:
    pairs = [("Media", "b"), ("A", "1"), ("Media", "a")]
    signature = sign_v3(b"t", URL.encode(), "", pairs, b"n").decode()
    form = {"Media": ["b", "a"], "A": "1"}
    assert validate_v3_signature("POST", URL, "n", "t", signature, form)


V2 = sign_v2(TOKEN.encode(), URL.encode(), b"n").decode()
V3 = sign_v3(TOKEN.encode(), URL.encode(), "", PAIRS, b"n").decode()


@pytest.mark.parametrize(
    ("headers", "mode"),
    [
        (SignatureHeaders(v2=V2, v2_nonce="n"), SignatureMode.V2),
        (SignatureHeaders(ma_v2=V2, v2_nonce="n"), SignatureMode.MA_V2),
        (SignatureHeaders(v2="other", ma_v2=V2, v2_nonce="n"), SignatureMode.MA_V2),
        (SignatureHeaders(v3=V3, v3_nonce="n"), SignatureMode.V3),
        (SignatureHeaders(ma_v3=V3, v3_nonce="n"), SignatureMode.MA_V3),
        (SignatureHeaders(v3="other", ma_v3=V3, v3_nonce="n"), SignatureMode.MA_V3),
        (SignatureHeaders(v3=f"other, {V3},", v3_nonce="n"), SignatureMode.V3),
        # V3 not signed at all: its nonce alone, or a signature without one, is no V3.
        (SignatureHeaders(v2=V2, v2_nonce="n", v3_nonce="n"), SignatureMode.V2),
        (SignatureHeaders(v2=V2, v2_nonce="n", v3="x"), SignatureMode.V2),
    ],
)
def test_each_mode_is_taken(headers: SignatureHeaders, mode: SignatureMode) -> None:
    assert verify(headers) == Signature(mode, b"n")


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        (SignatureHeaders(), RefusalCode.SIGNATURE_MISSING),
        (SignatureHeaders(v2=V2), RefusalCode.SIGNATURE_MISSING),
        (SignatureHeaders(v2_nonce="n"), RefusalCode.SIGNATURE_MISSING),
        (SignatureHeaders(v3_nonce="n"), RefusalCode.SIGNATURE_MISSING),
        (SignatureHeaders(v2=V2, v2_nonce=""), RefusalCode.SIGNATURE_MISSING),
        (SignatureHeaders(v3=V3, v3_nonce=""), RefusalCode.SIGNATURE_MISSING),
        (SignatureHeaders(v2="", v2_nonce="n"), RefusalCode.SIGNATURE_WRONG),
        (SignatureHeaders(v2=V2, v2_nonce="m"), RefusalCode.SIGNATURE_WRONG),
        (SignatureHeaders(v2=V2[:-1], v2_nonce="n"), RefusalCode.SIGNATURE_WRONG),
        (SignatureHeaders(v2="é\udcff", v2_nonce="n"), RefusalCode.SIGNATURE_WRONG),
        (SignatureHeaders(v2=V2, v2_nonce="é\udcff"), RefusalCode.SIGNATURE_WRONG),
        (SignatureHeaders(v3=V2, v3_nonce="n"), RefusalCode.SIGNATURE_WRONG),
        # A wrong V3 is not saved by a right V2.
        (
            SignatureHeaders(v2=V2, v2_nonce="n", v3="x", v3_nonce="n"),
            RefusalCode.SIGNATURE_WRONG,
        ),
        (
            SignatureHeaders(v2=V2, v2_nonce="n", ma_v3="", v3_nonce="n"),
            RefusalCode.SIGNATURE_WRONG,
        ),
    ],
)
def test_it_fails_closed(headers: SignatureHeaders, refused: RefusalCode) -> None:
    assert code(verify(headers)) is refused


def test_v2_covers_the_path_and_neither_query_nor_body() -> None:
    headers = SignatureHeaders(v2=V2, v2_nonce="n")
    assert isinstance(verify(headers, query="ref=x", pairs=[]), Signature)
    assert code(verify(headers, url=b"http://sms.example.org/x")) is RefusalCode.SIGNATURE_WRONG


@pytest.mark.parametrize(
    "changed",
    [
        {"query": "ref=x"},
        {"pairs": [("From", "1")]},
        {"pairs": [(name, value + "0") for name, value in PAIRS]},
    ],
)
def test_v3_covers_query_and_body(changed: dict[str, Any]) -> None:
    headers = SignatureHeaders(v3=V3, v3_nonce="n")
    assert isinstance(verify(headers), Signature)
    assert code(verify(headers, **changed)) is RefusalCode.SIGNATURE_WRONG


def test_another_token_signs_in_vain() -> None:
    headers = SignatureHeaders(v2=V2, v2_nonce="n", v3=V3, v3_nonce="n")
    assert code(verify(headers, token=b"other")) is RefusalCode.SIGNATURE_WRONG


@given(
    headers=st.builds(
        SignatureHeaders, *[st.none() | st.text(st.characters(codec="utf-8")) for _ in range(6)]
    ),
    query=st.text(),
)
def test_it_never_raises_and_never_lets_a_stranger_in(
    headers: SignatureHeaders, query: str
) -> None:
    query = query.encode("utf-8", "replace").decode()
    assert isinstance(verify(headers, query=query), Refusal)
