"""Is it really the provider: signatures V2 and V3, compared in constant time. Pure.

docs/plivo.md §3.

V2 signs the URL without query, and a nonce; **not the body**. V3 signs URL, query, form fields
and nonce. Where V3 came with its nonce, V3 or Ma-V3 must match and nothing else helps; otherwise
V2 or Ma-V2. The plain headers are made with the token of the (sub)account that owns the number,
the ``Ma-`` ones with the main account's: whichever of the two our token is, one of them matches.
"""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from kernel.facts.records import SignatureMode
from services.ingest.core.webhook import Refusal, RefusalCode, SignatureHeaders

Pairs = Sequence[tuple[str, str]]

_MISSING = Refusal(RefusalCode.SIGNATURE_MISSING)
_WRONG = Refusal(RefusalCode.SIGNATURE_WRONG)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that holds: how the provider vouched, and the nonce it used."""

    mode: SignatureMode
    nonce: bytes


def verify_signature(
    headers: SignatureHeaders, *, token: bytes, url: bytes, query: str, pairs: Pairs
) -> Signature | Refusal:
    """Check who signed. Never raises, whatever the headers hold: it fails closed.

    Args:
        token: the provider's auth token, not empty.
        url: the public URL without query.
        query: the raw query.
        pairs: the form's fields, decoded; what was not UTF-8 as ``surrogateescape`` leaves it.
    """
    if headers.v3_nonce is not None and (headers.v3 is not None or headers.ma_v3 is not None):
        nonce = _raw(headers.v3_nonce)
        if not nonce:
            return _MISSING
        expected = sign_v3(token, url, query, pairs, nonce)
        candidates = (SignatureMode.V3, headers.v3), (SignatureMode.MA_V3, headers.ma_v3)
    else:
        if not headers.v2_nonce or (headers.v2 is None and headers.ma_v2 is None):
            return _MISSING
        nonce = _raw(headers.v2_nonce)
        expected = sign_v2(token, url, nonce)
        candidates = (SignatureMode.V2, headers.v2), (SignatureMode.MA_V2, headers.ma_v2)
    for mode, listed in candidates:
        if listed is not None and _holds(expected, listed):
            return Signature(mode, nonce)
    return _WRONG


def sign_v2(token: bytes, url: bytes, nonce: bytes) -> bytes:
    """What the provider puts into ``X-Plivo-Signature-V2``."""
    return _sign(token, url + nonce)


def sign_v3(token: bytes, url: bytes, query: str, pairs: Pairs, nonce: bytes) -> bytes:
    """What the provider puts into ``X-Plivo-Signature-V3`` for a POST."""
    signed = url
    asked = sorted(parse_qsl(query, keep_blank_values=True, errors="surrogateescape"))
    if asked or pairs:
        signed += b"?" + _raw("&".join(f"{name}={value}" for name, value in asked))
    if asked and pairs:
        signed += b"."
    # Fields of one name are sorted by value, as the SDK does.
    signed += _raw("".join(name + value for name, value in sorted(pairs)))
    return _sign(token, signed + b"." + nonce)


def _sign(token: bytes, message: bytes) -> bytes:
    return base64.b64encode(hmac.digest(token, message, "sha256"))


def _holds(expected: bytes, listed: str) -> bool:
    """Whether one of a comma list is the expected; looks at all of them, each in constant time."""
    found = False
    for candidate in _raw(listed).split(b","):
        found |= hmac.compare_digest(expected, candidate.strip())
    return found


def _raw(text: str) -> bytes:
    """The bytes as they came, also where they were no UTF-8."""
    return text.encode("utf-8", "surrogateescape")
