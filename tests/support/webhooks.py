"""The provider's side of a webhook: forms, signed in any mode, and the settings they meet."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from kernel.sealing.keys import FreshKeys, new_keys
from kernel.settings.settings import Settings, load_settings
from services.ingest.core.signature import sign_v2, sign_v3

OWN = "+33937000000"
SENDER = "+33639981234"
TOKEN = "a-token-of-the-tests"
PUBLIC_URL = "https://sms.example.org"
KEYS = new_keys()
MODES = ("v2", "ma_v2", "v3", "ma_v3")


def ingest_settings(keys: FreshKeys = KEYS, **overrides: Any) -> Settings:
    """Settings with which the door opens on a free port."""
    given: dict[str, Any] = {
        "number": OWN, "plivo_auth_token": TOKEN, "public_url": PUBLIC_URL,
        "listen": "127.0.0.1:0", **keys.settings,
    }  # fmt: skip
    return load_settings(**(given | overrides))


def message_form(message_id: str = "m-1", /, **changes: str | None) -> dict[str, str]:
    """A message as the provider sends it; a change to None leaves the field out.

    docs/plivo.md §1.
    """
    form: dict[str, str | None] = {
        "From": SENDER.removeprefix("+"), "To": OWN.removeprefix("+"), "Text": "Bonjour",
        "Type": "sms", "MessageUUID": message_id, "Units": "1", "TotalRate": "0.01",
        "TotalAmount": "0.01", "MessageIntent": "", "PowerpackUUID": "",
    }  # fmt: skip
    return {name: value for name, value in (form | changes).items() if value is not None}


def report_form(message_id: str = "r-1", /, **changes: str | None) -> dict[str, str]:
    """A status report (docs/plivo.md §2)."""
    form: dict[str, str | None] = {
        "MessageUUID": message_id, "From": OWN.removeprefix("+"), "To": SENDER.removeprefix("+"),
        "Type": "sms", "Status": "delivered", "Units": "1", "TotalRate": "0.15",
        "TotalAmount": "0.15", "MCC": "208", "MNC": "10", "ErrorCode": "000", "Sequence": "3",
        "ParentMessageUUID": message_id, "PartInfo": "1 of 1",
    }  # fmt: skip
    return {name: value for name, value in (form | changes).items() if value is not None}


def call_form(call_id: str = "c-1", /, **changes: str | None) -> dict[str, str]:
    """An incoming call (docs/plivo.md §6)."""
    form: dict[str, str | None] = {
        "CallUUID": call_id, "From": SENDER.removeprefix("+"), "To": OWN.removeprefix("+"),
        "CallStatus": "ringing", "Direction": "inbound", "ForwardedFrom": "",
    }  # fmt: skip
    return {name: value for name, value in (form | changes).items() if value is not None}


def encode_form(form: Mapping[str, str]) -> bytes:
    """The body of a request."""
    return urlencode(form).encode()


def sign(
    kind: str,
    form: Mapping[str, str] | None = None,
    *,
    mode: str = "v2",
    nonce: str = "nonce-1",
    query: str = "",
    token: str = TOKEN,
    public_url: str = PUBLIC_URL,
) -> dict[str, str]:
    """The signature headers of a request, in one of ``MODES``."""
    url = f"{public_url}/webhooks/plivo/{kind}".encode()
    version = mode[-2:].upper()
    if version == "V2":
        signature = sign_v2(token.encode(), url, nonce.encode())
    else:
        pairs = list((form or {}).items())
        signature = sign_v3(token.encode(), url, query, pairs, nonce.encode())
    prefix = "Ma-" if mode.startswith("ma_") else ""
    return {
        f"X-Plivo-Signature-{prefix}{version}": signature.decode(),
        f"X-Plivo-Signature-{version}-Nonce": nonce,
    }
