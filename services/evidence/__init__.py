"""Evidence: what a complaint needs, and what everyone in it may ask for (docs/evidence.md).

Consumes ``sms.received``, ``sms.judged``, ``replies.changed``. Produces nothing on the topics; the
others run without it. Owns the schema ``evidence``: records, the Merkle tree over them,
checkpoints, cases, objections. Serves ``/v1/evidence`` and ``/v1/subjects`` of the operator API.
Promises: every record read is in the tree once, whatever crashes; the tree only grows; a request is
kept sealed, and the key that opens it is nowhere here; what is erased leaves its leaf and no more.
"""

NEEDS = ("pseudonym_key", "evidence_public_key", "evidence_log_key", "operator_token")
"""The settings without which it does not start."""
