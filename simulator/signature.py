"""How Plivo signs its webhooks (docs/plivo.md §3). Pure."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

from simulator.settings import SignatureMode

ANOTHER_TOKEN = "the-token-of-a-subaccount"  # noqa: S105 - a fake, there to not match


@lru_cache(maxsize=1024)
def _split(url: str) -> tuple[str, str]:
    """A URL without its query, and the query sorted by name and value."""
    found = urlsplit(url)
    query = parse_qs(found.query, keep_blank_values=True)
    pairs = "&".join(f"{name}={value}" for name in sorted(query) for value in sorted(query[name]))
    return f"{found.scheme}://{found.netloc}{found.path}", pairs


def sign_v2(token: str, url: str, nonce: str) -> str:
    """The V2 signature: over the URL without its query, and the nonce; never the body."""
    return _sign(token, _split(url)[0] + nonce)


def sign_v3(token: str, url: str, nonce: str, fields: Mapping[str, str] | None = None) -> str:
    """The V3 signature: over URL, query, form fields and nonce.

    Args:
        token: the account's auth token.
        url: with its query.
        nonce: new for each request.
        fields: of a POST's form; a GET has its fields in the URL.
    """
    base, query = _split(url)
    fields = fields or {}
    if query or fields:
        base += f"?{query}"
    if query and fields:
        base += "."
    body = "".join(f"{name}{fields[name]}" for name in sorted(fields))
    return _sign(token, f"{base}{body}.{nonce}")


def signature_headers(
    mode: SignatureMode,
    token: str,
    url: str,
    nonce: str,
    fields: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers that a webhook bears in this mode: plain, ``Ma-`` and nonce."""
    version = "V2" if mode.endswith("v2") else "V3"

    def sign(key: str) -> str:
        return sign_v2(key, url, nonce) if version == "V2" else sign_v3(key, url, nonce, fields)

    ours = sign(token)
    return {
        f"X-Plivo-Signature-{version}": sign(ANOTHER_TOKEN) if mode.startswith("ma_") else ours,
        f"X-Plivo-Signature-Ma-{version}": ours,
        f"X-Plivo-Signature-{version}-Nonce": nonce,
    }


def _sign(token: str, message: str) -> str:
    digest = hmac.digest(token.encode(), message.encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()
