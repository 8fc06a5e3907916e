"""The replies to one sender: what is known of each, and which one is his answer of the window.

Words about a reply may contradict each other (the operator took it for never sent, then a report
says that it was delivered), come again, and come in any order. Of the responder's words the later
counts; but once an SMS is known to have left, nothing undoes it.
"""

import enum
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

UNHEARD = -1
"""The place of a verdict: before every word about its reply."""
BY_BILLING = 0
"""The place of billing's word, which ends only what the responder never had: before all of his."""
OTHERS_MAX = 8
"""Of the replies that are not his answer so many are remembered, the latest."""


class Proof(enum.StrEnum):
    """What is known of the SMS of a reply."""

    OPEN = "open"
    """It is under way, or the provider took it: he counts as answered, and it may yet fail."""
    LEFT = "left"
    """It left: he has been answered, whatever else is heard."""
    NONE = "none"
    """It never left, as far as was heard."""


class Answer(Struct, frozen=True):
    """A reply to him.

    Attributes:
        at: when it was due.
        sequence: the place of the word that ``proof`` rests on (``ReplyChanged.sequence``).
    """

    message_id: str
    at: datetime
    sequence: int = UNHEARD
    proof: Proof = Proof.OPEN

    @property
    def holds(self) -> bool:
        """Whether he counts as answered by it."""
        return self.proof is not Proof.NONE


class Settled(NamedTuple):
    """Which answer holds longest, and the others that a later word may bring back or take away."""

    answer: Answer | None
    others: tuple[Answer, ...]


def hear_word(known: Iterable[Answer], word: Answer, window: timedelta) -> Settled:
    """A word about one reply, in the shape of what it makes of it."""
    answers = {answer.message_id: answer for answer in known}
    before = answers.get(word.message_id)
    answers[word.message_id] = word if before is None else _combine(before, word)
    return _settle(answers.values(), window)


def _settle(answers: Iterable[Answer], window: timedelta) -> Settled:
    """What can change nothing any more is dropped."""
    known = sorted(answers, key=lambda answer: (answer.at, answer.message_id))
    answer = next((a for a in reversed(known) if a.holds), None)
    sure = next((a for a in reversed(known) if a.proof is Proof.LEFT), None)
    others = [
        a
        for a in known
        if a is not answer
        and (sure is None or a is sure or a.at > sure.at)
        and (answer is None or answer.at < a.at + window)
        # Of one that never left, an earlier word that comes late must be known for one.
        and (a.holds or a.sequence > 1)
    ]
    return Settled(answer, tuple(others[-OTHERS_MAX:]))


def _combine(known: Answer, word: Answer) -> Answer:
    if known.proof is Proof.LEFT:
        return known
    later = (word.sequence, word.holds) > (known.sequence, known.holds)
    if later or word.proof is Proof.LEFT:
        return replace(known, sequence=word.sequence, proof=word.proof)
    return known
