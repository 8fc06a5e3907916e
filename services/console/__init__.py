"""The console: what the operators see and do with a browser (docs/console.md).

Consumes and produces nothing on the topics. Owns the schema ``console``: operators, their links,
passkeys and sessions, and who did what. Speaks to the operator API alone, with the actor's name.
Serves pages on ``CONSOLE_LISTEN``, and ``/v1/operators`` of the operator API. Promises: the others
run without it; an act is noted before it is tried; no number and no text is in a page unasked.
"""

NEEDS = ("operator_token",)
"""The settings without which it does not start."""
