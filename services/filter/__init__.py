"""The filter: judges every message once, at once or when its reply is due.

docs/design.md §5, the judge.

Consumes ``sms.received``; ``replies.changed`` (who may be answered again, whose sealed number is
no longer needed); ``senders.blocked`` (the operator's list).
Produces ``sms.judged``: for every distinct provider id exactly one verdict, told again unchanged
whenever the message comes again.
Owns the schema ``filter``: senders (opt-outs, block list, what is deliberated), answers,
messages with their verdicts, nonces, sightings of texts that could make a campaign.
Promises: one verdict a message; one ``reply`` a sender and window, whatever runs concurrently;
the same verdicts however the log is cut into batches; no number and no text in its tables.
"""

NEEDS = ("number",)
"""The settings without which it does not start."""
