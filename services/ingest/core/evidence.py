"""What is sealed as evidence: the request as it came, for a court to read. Pure."""

from datetime import datetime

import msgspec

from services.ingest.core.webhook import SignatureHeaders, Webhook


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request, as JSON.

    Attributes:
        at: when the whole of it was here, RFC 3339, UTC.
        url: what was called, with its query.
        body: where it is ASCII, as forms are; else it is in ``body_base64``.
        salt: random, so that the digest of all this says nothing to who does not have it.
    """

    at: datetime
    url: str
    headers: SignatureHeaders
    body: str = ""
    body_base64: bytes = b""
    salt: bytes = b""


_ENCODER = msgspec.json.Encoder()


def encode_evidence(webhook: Webhook, salt: bytes) -> bytes:
    """The evidence, ready to be sealed; the body in it is exact to the byte."""
    url = f"{webhook.url}?{webhook.query}" if webhook.query else webhook.url
    try:
        return _encode(webhook, url, webhook.headers, salt)
    except UnicodeEncodeError:  # a header or the query was no UTF-8, beside a signature that holds
        return _encode(webhook, _readable(url), _readable_headers(webhook.headers), salt)


def _encode(webhook: Webhook, url: str, headers: SignatureHeaders, salt: bytes) -> bytes:
    if webhook.body.isascii():
        body = webhook.body.decode("ascii")
        evidence = Evidence(webhook.at, url, headers, body=body, salt=salt)
    else:
        evidence = Evidence(webhook.at, url, headers, body_base64=webhook.body, salt=salt)
    return _ENCODER.encode(evidence)


def _readable_headers(headers: SignatureHeaders) -> SignatureHeaders:
    values = msgspec.structs.astuple(headers)
    return SignatureHeaders(*[None if value is None else _readable(value) for value in values])


def _readable(text: str) -> str:
    """With escapes for the bytes that were no UTF-8, so that none is lost."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
