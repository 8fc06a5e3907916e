import pytest
from hypothesis import given
from hypothesis import strategies as st
from plivo.utils import validate_signature, validate_v3_signature

from simulator.settings import SIGNATURE_MODES, SignatureMode
from simulator.signature import sign_v2, sign_v3, signature_headers

TOKEN = "a-token-of-the-tests"
FORM = {"From": "33639981234", "Text": "déjà vu & co = 3 €", "MessageUUID": "m-1", "Empty": ""}
URLS = (
    "https://sms.example.org/webhooks/plivo/message",
    "http://127.0.0.1:8080/webhooks/plivo/report?ref=b2&ref=a1&x=",
)


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("form", [FORM, {}])
def test_v3_is_what_the_sdk_accepts(url: str, form: dict[str, str]) -> None:
    signature = sign_v3(TOKEN, url, "n", form)
    assert validate_v3_signature("POST", url, "n", TOKEN, signature, dict(form))
    assert not validate_v3_signature("POST", url, "n", "other", signature, dict(form))


def test_v3_of_a_get_has_its_fields_in_the_url() -> None:
    url = URLS[1] + "&Status=sent"
    assert validate_v3_signature("GET", url, "n", TOKEN, sign_v3(TOKEN, url, "n"), {})


@given(st.dictionaries(st.text("abcXYZ", min_size=1), st.text(max_size=8), max_size=5))
def test_v3_of_any_form_is_what_the_sdk_accepts(form: dict[str, str]) -> None:
    form = {name: value for name, value in form.items() if value.isprintable()}
    signature = sign_v3(TOKEN, URLS[1], "nonce", form)
    assert validate_v3_signature("POST", URLS[1], "nonce", TOKEN, signature, dict(form))


@pytest.mark.parametrize("url", URLS)
def test_v2_is_what_the_sdk_accepts(url: str) -> None:
    assert validate_signature(url, "n", sign_v2(TOKEN, url, "n"), TOKEN)


@pytest.mark.parametrize("mode", SIGNATURE_MODES)
def test_in_each_mode_the_named_header_is_made_with_our_token(mode: SignatureMode) -> None:
    headers = signature_headers(mode, TOKEN, URLS[1], "n", FORM)
    version = mode[-2:].upper()
    prefix = "X-Plivo-Signature-"
    assert headers[f"{prefix}{version}-Nonce"] == "n"
    assert set(headers) == {
        f"{prefix}{version}", f"{prefix}Ma-{version}", f"{prefix}{version}-Nonce",
    }  # fmt: skip

    def holds(header: str) -> bool:
        value = headers[header]
        if version == "V2":
            return bool(validate_signature(URLS[1], "n", value, TOKEN))
        return bool(validate_v3_signature("POST", URLS[1], "n", TOKEN, value, dict(FORM)))

    assert holds(f"{prefix}Ma-{version}")
    assert holds(f"{prefix}{version}") is not mode.startswith("ma_")
