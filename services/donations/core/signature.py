"""Whether a webhook is Stripe's: ``Stripe-Signature: t=<unix>,v1=<hex>[,v1=…]``. Pure."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

TOLERANCE_SECONDS = 300
"""How old a signature may be, in seconds of real time. One from a clock that is ahead is taken."""
SIGNATURES_MAX = 16
DIGITS_MAX = 12


def is_signed(header: str, body: bytes, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the secrets signed these bytes lately.

    Args:
        header: as it came; other schemes than ``v1`` are passed over.
        body: the raw bytes.
        secrets: of our endpoint; two while one is being changed.
    """
    pairs = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    given = [value for name, _, value in pairs if name == "v1"][:SIGNATURES_MAX]
    if not times or not times[0].isascii() or not times[0].isdigit():
        return False
    if len(times[0]) > DIGITS_MAX or now.timestamp() - int(times[0]) > TOLERANCE_SECONDS:
        return False
    payload = times[0].encode() + b"." + body
    matched = False
    for secret in secrets:
        expected = hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest().encode()
        for one in given:
            # Each is compared, whatever matched before.
            matched |= hmac.compare_digest(one.encode("utf-8", "replace"), expected)
    return matched
