"""A phone's side of a webhook: its events, signed, and the settings they meet."""

import hashlib
import hmac
import json
import time
from typing import Any

from kernel.sealing.keys import FreshKeys
from kernel.settings.settings import Settings
from tests.support.webhooks import KEYS, SENDER, ingest_settings

SIGNING_KEY = "a-long-key-of-the-tests-0123456789abcdef"
DEVICE = "Ey6ECgOkVVFjz3CL48B8C"
SECOND_DEVICE = "aB3dEfGhIjKlMnOpQrStU"
PATH = "/webhooks/smsgate"


def phone_settings(keys: FreshKeys = KEYS, **overrides: Any) -> Settings:
    """Settings with which the door opens for phones."""
    given = {
        "provider": "smsgate", "smsgate_signing_key": SIGNING_KEY, "plivo_auth_token": "",
        "smsgate_devices": [DEVICE, SECOND_DEVICE],
    }  # fmt: skip
    return ingest_settings(keys, **(given | overrides))


def event(name: str = "sms:received", event_id: str = "e-1", /, **payload: Any) -> dict[str, Any]:
    """An event as the app raises it; a change to None leaves the field out."""
    usual: dict[str, Any] = {"messageId": "-123456", "phoneNumber": SENDER, "simNumber": 1}
    match name:
        case "sms:received":
            usual |= {"sender": SENDER, "message": "Bonjour",
                      "receivedAt": "2026-06-22T15:46:11.000+02:00"}  # fmt: skip
        case "mms:received":
            usual |= {"sender": SENDER, "transactionId": "T1", "attachmentCount": 2, "size": 4096,
                      "receivedAt": "2026-06-22T15:46:11.000+02:00"}  # fmt: skip
        case _:
            usual |= {"recipient": SENDER}
    told = {key: value for key, value in (usual | payload).items() if value is not None}
    return {"deviceId": DEVICE, "event": name, "id": event_id, "webhookId": "hook-1",
            "payload": told}  # fmt: skip


def encode(body: Any) -> bytes:
    """The body of a request, as the app writes it."""
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


def sign(body: bytes, *, key: str = SIGNING_KEY, off_seconds: float = 0.0) -> dict[str, str]:
    """The signature's headers."""
    at = str(int(time.time() + off_seconds))
    digest = hmac.new(key.encode(), body + at.encode(), hashlib.sha256).hexdigest()
    return {"X-Signature": digest, "X-Timestamp": at, "Content-Type": "application/json"}
