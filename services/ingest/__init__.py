"""The door: what the provider calls, and the only place besides sending that sees a number.

Consumes: the provider's webhooks on ``LISTEN``: message, status report, call, a phone's event.
Produces: ``sms.received``, ``sms.reported``.
Owns: nothing that outlives it: stateless, scales freely (its ``store`` is an empty room).
Promises: 200 only after the log acknowledged durably, 503 while it cannot; nothing unsigned
enters; no number and no text leaves in clear but the text in ``sms.received``; what a sender *is*
never makes a refusal.
"""

NEEDS = (
    "number", "pseudonym_key", "sending_public_key", "evidence_public_key",
)  # fmt: skip
"""The settings without which it does not start, beside those of ``PROVIDER_PART``."""
PROVIDER_PART = "door"
"""What it needs of the provider (``kernel/provider/table.py``)."""
