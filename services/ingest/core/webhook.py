"""What a webhook is, and why one is refused. Pure.

What is made for every request is a ``msgspec.Struct``: as frozen as a dataclass, made faster.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from kernel.settings.settings import ProviderName


class WebhookKind(enum.StrEnum):
    """Which of them; of Plivo's three the last part of the path."""

    MESSAGE = "message"
    REPORT = "report"
    CALL = "call"
    EVENT = "event"
    """Any event of a phone of ours: what it is stands in its body."""


PATHS: Mapping[ProviderName, Mapping[str, WebhookKind]] = {
    ProviderName.PLIVO: {
        f"/webhooks/plivo/{kind.value}": kind
        for kind in (WebhookKind.MESSAGE, WebhookKind.REPORT, WebhookKind.CALL)
    },
    ProviderName.SMSGATE: {"/webhooks/smsgate": WebhookKind.EVENT},
}
"""Where each provider calls, and with what."""


class RefusalCode(enum.StrEnum):
    """Why a webhook is refused; also the ``outcome`` in the metrics."""

    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_WRONG = "signature_wrong"
    SIGNATURE_STALE = "signature_stale"
    """It holds, and its time is not now."""
    REPLAYED = "replayed"
    """The signature's nonce came before, with something else."""
    FORM_UNREADABLE = "form_unreadable"
    """Not a form, or a field of it is not UTF-8."""
    FIELD_MISSING = "field_missing"
    FIELD_MALFORMED = "field_malformed"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    """The body did not arrive in time."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal. ``field`` is a name of ours, never a value; empty where none is to blame."""

    code: RefusalCode
    field: str = ""


_HEADER_NAMES = {
    "v2": "X-Plivo-Signature-V2",
    "ma_v2": "X-Plivo-Signature-Ma-V2",
    "v2_nonce": "X-Plivo-Signature-V2-Nonce",
    "v3": "X-Plivo-Signature-V3",
    "ma_v3": "X-Plivo-Signature-Ma-V3",
    "v3_nonce": "X-Plivo-Signature-V3-Nonce",
    "signature": "X-Signature",
    "timestamp": "X-Timestamp",
}


class SignatureHeaders(Struct, frozen=True, omit_defaults=True, rename=_HEADER_NAMES):
    """The provider's signature headers as they came; None where there is none.

    Plivo's (docs/plivo.md §3), and the two of SMS Gateway for Android.

    Encoded, they have the names they came under.
    """

    v2: str | None = None
    ma_v2: str | None = None
    v2_nonce: str | None = None
    v3: str | None = None
    ma_v3: str | None = None
    v3_nonce: str | None = None
    signature: str | None = None
    timestamp: str | None = None


SIGNATURE_HEADERS = tuple(_HEADER_NAMES.values())
"""Their names, in the order of the fields."""


class Webhook(Struct, frozen=True):
    """A request as it came.

    Attributes:
        url: what the provider was told to call, without query: ``PUBLIC_URL`` and the path.
        query: raw, without ``?``.
        at: when the whole of it was here.
    """

    kind: WebhookKind
    url: str
    query: str
    headers: SignatureHeaders
    body: bytes
    at: datetime
