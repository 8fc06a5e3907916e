"""Time stamps of RFC 3161, by ``rfc3161-client``: asking for one, and checking what came.

Apart from the rest because the library is large and loaded only where an authority is configured,
or a stamp is checked against a root certificate.
"""

from collections.abc import Sequence
from datetime import datetime

import cryptography.x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

_SHA256 = cryptography.x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")


def request_stamp(data: bytes) -> bytes:
    """A request for a time stamp over the data, DER."""
    return TimestampRequestBuilder(data, HashAlgorithm.SHA256).build().as_bytes()


def check_stamp(request: bytes, answer: bytes, data: bytes) -> bool:
    """Whether an answer grants a stamp over the data, for this request.

    The authority's signature is not checked here: what its root is, is for whoever relies on it.
    """
    import hashlib

    try:
        response = decode_timestamp_response(answer)
        told = response.tst_info
    except ValueError:
        return False
    imprint = told.message_imprint
    digest = hashlib.sha256(data).digest()
    nonce_is_ours = told.nonce is not None and _encode_integer(told.nonce) in request
    return (
        response.status == 0
        and imprint.hash_algorithm == _SHA256
        and imprint.message == digest
        and nonce_is_ours
    )


def _encode_integer(value: int) -> bytes:
    """The content of a DER INTEGER that is not negative."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def verify_stamp(
    answer: bytes, data: bytes, roots: Sequence[cryptography.x509.Certificate]
) -> datetime | None:
    """When an authority under one of the roots stamped the data; None: it did not."""
    try:
        response = decode_timestamp_response(answer)
    except ValueError:
        return None
    for root in roots:
        try:
            VerifierBuilder().add_root_certificate(root).build().verify_message(response, data)
        except VerificationError:
            continue
        at: datetime = response.tst_info.gen_time
        return at
    return None
