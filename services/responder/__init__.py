"""The responder: the outbox.

Consumes ``replies.authorized``, ``sms.reported``, ``posture.changed``, ``operator.decided``.
Produces SMS; ``replies.changed`` (every transition, with its cost where known),
``provider.checked``, and ``sms.received`` with ``source=backfill`` for what the provider logged
and our webhook never took. Owns the schema ``responder``: replies, pace, link, scans.

Promises: an authorised reply is handed over at most once, whatever crashes; what is uncertain is
never sent again by itself; one rate and one budget of questions over all replicas; a number is
unsealed for the call alone and erased when it is needed no more. It alone calls the provider.
"""

NEEDS = ("number", "pseudonym_key", "sending_public_key", "sending_private_key")
"""The settings without which it does not start, beside those of ``PROVIDER_PART``."""
PROVIDER_PART = "api"
"""What it needs of the provider (``kernel/provider/table.py``)."""
