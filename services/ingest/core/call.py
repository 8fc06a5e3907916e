"""How a call is answered: the XML that the provider gets (docs/plivo.md §6). Pure.

``ring``: of a ``<Wait>`` that comes first the provider's reference says that it waits that long
*before picking up the call* (plivo.com/docs/voice/xml/wait). So the caller hears it ring, and his
network gives up long before ``RING_SECONDS``; were it to go on for ever, it ends there. Nothing
may stand before the ``<Wait>``, and nothing that makes a sound in the document at all.
"""

from kernel.settings.settings import CallAnswer

RING_SECONDS = 180
"""Longer than networks let a phone ring unanswered: one to two minutes as a rule."""

CONTENT_TYPE = "application/xml"

_HEAD = '<?xml version="1.0" encoding="UTF-8"?><Response>'
_BODIES = {
    CallAnswer.REJECT: '<Hangup reason="rejected"/>',
    CallAnswer.BUSY: '<Hangup reason="busy"/>',
    CallAnswer.RING: f'<Wait length="{RING_SECONDS}"/><Hangup reason="rejected"/>',
}


def answer_call(how: CallAnswer) -> bytes:
    """The document that answers a call as ``CALL_ANSWER`` wants it."""
    return f"{_HEAD}{_BODIES[how]}</Response>".encode()
