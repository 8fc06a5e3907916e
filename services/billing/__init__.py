"""Billing: the ledger, the waiting room and the posture (docs/design.md §5, the accountant).

Consumes ``sms.received`` (what receiving costs), ``sms.judged`` (who deserves a reply),
``replies.changed`` (what became of it and what it cost), ``provider.checked`` (the provider's
credit). Produces ``replies.authorized``, ``posture.changed``; ``replies.changed`` for what it ends
itself (``expired``, ``refused``); ``senders.blocked`` and ``operator.decided``.
Owns the schema ``billing``: receipts, verdicts, replies, accounts and transfers, posture, and what
a person decides. Serves the operator API.
Promises: no reply is authorised unless the fund keeps its floor; a reservation ends only by what
became of its reply; the books balance after every transaction; told twice changes nothing.
"""

NEEDS = ("operator_token", "pseudonym_key", "sending_public_key")
"""The settings without which it does not start."""
