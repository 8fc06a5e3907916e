"""What is left of a topic's record once its sender was erased: facts, nothing of him. Pure."""

from typing import Any

import msgspec

from kernel.facts.topics import DEAD_SUFFIX

_SECRET = ("text", "sender_sealed", "evidence_sealed", "evidence_digest")
_REQUIRED = {"replies.authorized": {"sender_sealed": ""}}
"""Fields that a record cannot be without."""


def redact(topic: str, value: bytes) -> bytes:
    """The record without text and without sealed copies; of a dead one, without its bytes."""
    try:
        record = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return b"{}"
    if not isinstance(record, dict):
        return b"{}"
    blank: dict[str, Any] = dict.fromkeys(name for name in _SECRET if name in record)
    if topic.endswith(DEAD_SUFFIX):
        blank = {"value": ""}
    return msgspec.json.encode(record | blank | _REQUIRED.get(topic, {}))
