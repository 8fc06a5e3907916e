"""What a witness decides, and the wire of c2sp.org/tlog-witness. Pure.

A witness remembers the last head of each log it knows and signs a new one only if it was shown that
the log merely grew. So a log that tells two people two stories is found out by whoever asks it.
"""

import base64
import re
from dataclasses import dataclass
from enum import IntEnum

from services.evidence.core.verifier import (
    Checkpoint,
    Key,
    Malformed,
    decode64,
    read_checkpoint,
    read_note,
    verify_consistency,
    verify_note,
)

PROOF_LINES_MAX = 63


@dataclass(frozen=True, slots=True)
class Request:
    """A request of ``add-checkpoint``.

    Attributes:
        old_size: of the head that the log believes we have.
        note: the checkpoint, signed.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: str


class Answer(IntEnum):
    """The answer, as its HTTP status."""

    COSIGNED = 200
    MALFORMED = 400
    NOT_SIGNED = 403
    UNKNOWN_LOG = 404
    OTHER_SIZE = 409
    """We have another head: a size to start from, or, at the same size, a fork."""
    INCONSISTENT = 422


def write_request(request: Request) -> bytes:
    """The body of a request."""
    lines = [f"old {request.old_size}", *(base64.b64encode(h).decode() for h in request.proof)]
    return ("\n".join(lines) + "\n\n" + request.note).encode()


def read_request(body: bytes) -> Request:
    """Read the body of a request.

    Raises:
        Malformed: it is none.
    """
    try:
        head, gap, note = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    first, *proof = head.split("\n")
    match = re.fullmatch(r"old (0|[1-9]\d{0,18})", first, re.ASCII)
    if not match or not gap or len(proof) > PROOF_LINES_MAX:
        raise Malformed("not an add-checkpoint request")
    return Request(int(match[1]), tuple(decode64(line) for line in proof), note)


def judge_request(
    request: Request, logs: dict[str, Key], last: dict[str, Checkpoint]
) -> tuple[Answer, Checkpoint | None]:
    """What to answer, in the order that the specification has.

    Args:
        logs: the key of each log we know, by origin.
        last: the last head we cosigned of each.

    Returns:
        the answer, and the checkpoint where it could be read.
    """
    try:
        note = read_note(request.note.encode())
        head = read_checkpoint(note.text)
    except Malformed:
        return Answer.MALFORMED, None
    key = logs.get(head.origin)
    if key is None:
        return Answer.UNKNOWN_LOG, head
    try:
        signed = verify_note(note, key) is not None
    except Malformed:
        signed = False
    if not signed:
        return Answer.NOT_SIGNED, head
    return _judge_growth(request, head, last.get(head.origin)), head


def _judge_growth(request: Request, head: Checkpoint, known: Checkpoint | None) -> Answer:
    if request.old_size > head.size:
        return Answer.MALFORMED
    if request.old_size != (known.size if known else 0):
        return Answer.OTHER_SIZE
    if known is None or known.size == head.size:
        if request.proof:
            return Answer.INCONSISTENT
        same = known is None or known.root == head.root
        return Answer.COSIGNED if same else Answer.OTHER_SIZE
    grew = verify_consistency(known.size, head.size, request.proof, known.root, head.root)
    return Answer.COSIGNED if grew else Answer.INCONSISTENT
