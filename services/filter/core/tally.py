"""What is counted of first contacts, and what a verdict asks of the counts. Pure.

A first contact is a message that begins to be deliberated. Counted are, in buckets of ten minutes:
the contacts, the blocks their numbers lie in, the marks of their texts; and by the day the marks
of texts that came in calm hours and were answered. Of a text only keyed hashes are counted.

A verdict counts whole buckets that ended before its reply was due, so it is the same whenever it
is given.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from services.filter.core.campaign import Alike
from services.filter.core.neighbours import LEVELS, NONE, Crowd, Neighbours, find_neighbours
from services.filter.core.signature import MARK_BYTES, count_alike

BLOCK_BYTES = 8
HOUR = 6
DAY = 24 * HOUR
"""In buckets."""
CALM_DAYS = 7
CONTACTS_KEPT = (CALM_DAYS + 1) * DAY
"""So many buckets before a first text the contacts and the calm marks are asked for; the others
``DETAIL_KEPT``."""
DETAIL_KEPT = DAY

CONTACTS = b"c"
CALM_CONTACTS = b"K"
_MARK, _CALM_MARK, _BLOCK, _CALM_BLOCK = b"m", b"k", b"b", b"B"
DETAILS = (_MARK, _BLOCK)
LASTING = (CONTACTS, CALM_CONTACTS, _CALM_MARK, _CALM_BLOCK)
"""Every other kind of key."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Counts = Mapping[tuple[bytes, int], int]
"""By key and bucket."""


class Question(NamedTuple):
    """How often was this key counted from one bucket to another, both included?"""

    key: bytes
    first: int
    last: int


def add_counts(answers: dict[Question, int], counts: Counts) -> None:
    """Add to the answers what was counted and is not saved yet."""
    if not counts:
        return
    by_key: dict[bytes, list[tuple[int, int]]] = {}
    for (key, bucket), count in counts.items():
        by_key.setdefault(key, []).append((bucket, count))
    for question in answers:
        for bucket, count in by_key.get(question.key, ()):
            if question.first <= bucket <= question.last:
                answers[question] += count


@dataclass(frozen=True, slots=True)
class Traits:
    """What is counted of a first contact.

    Attributes:
        marks: of his first informative text, joined; empty: none was.
        blocks: of his number, the smallest first, joined; empty: it has none.
    """

    marks: bytes
    blocks: bytes


def bucket_of(at: datetime, width: timedelta) -> int:
    """The number of the bucket that holds an instant."""
    return (at - _EPOCH) // width


def end_of(bucket: int, width: timedelta) -> datetime:
    """The first instant after a bucket."""
    return _EPOCH + (bucket + 1) * width


def contact_keys(blocks: bytes) -> list[bytes]:
    """What a first contact is counted by."""
    return [CONTACTS, *(_BLOCK + block for block in _cut(blocks, BLOCK_BYTES))]


def mark_keys(marks: bytes) -> list[bytes]:
    """What his first informative text is counted by."""
    return [_MARK + mark for mark in _cut(marks, MARK_BYTES)]


def calm_keys(traits: Traits) -> list[bytes]:
    """What an answered contact of a calm hour is counted by, in the first bucket of its day."""
    marks = (_CALM_MARK + mark for mark in _cut(traits.marks, MARK_BYTES))
    blocks = (_CALM_BLOCK + block for block in _cut(traits.blocks, BLOCK_BYTES)[1:2])
    return [CALM_CONTACTS, *marks, *blocks]


def day_of(bucket: int) -> int:
    """The first bucket of its day."""
    return bucket - bucket % DAY


class Inquiry:
    """All questions about one deliberated message, and how to read the answers.

    Args:
        first: the bucket of his first text.
        last: the last whole bucket before his reply was due.
    """

    __slots__ = ("_numbers", "_texts", "first", "last", "traits")

    def __init__(self, traits: Traits, first: int, last: int) -> None:
        self.traits, self.first, self.last = traits, first, last
        today = day_of(first)
        calm = _Calm(today - CALM_DAYS * DAY, today)
        spans = (first - HOUR, first - DAY)
        self._texts = _ask_texts(traits, calm, spans, last)
        self._numbers = _ask_numbers(traits, calm, spans, last)

    def questions(self) -> list[Question]:
        """What to count."""
        return [question for asked in (*self._texts, *self._numbers) for question in asked]

    def alike(self, answers: Mapping[Question, int]) -> Alike:
        """How often a text like his came: within the hour, or within a day if that tells more."""
        found = Alike()
        for asked in self._texts:
            alike = _read_alike([answers[question] for question in asked])
            found = max(found, alike, key=lambda alike: alike.ratio)
        return found

    def neighbours(self, answers: Mapping[Question, int]) -> Neighbours:
        """How close to others his number lies: within the hour, or within a day."""
        found = NONE
        for asked in self._numbers:
            counts = [answers[question] for question in asked]
            contacts, calm_contacts, calm_block, small, middle, large = counts
            crowd = Crowd((small, middle, large), contacts, calm_block, calm_contacts)
            found = max(found, find_neighbours(crowd), key=lambda n: n.ratio)
        return found


@lru_cache(maxsize=8192)
def inquire_traits(marks: bytes, blocks: bytes, first: int, last: int) -> Inquiry:
    """The inquiry about a message; asked for when its counts are read and when it is judged."""
    return Inquiry(Traits(marks, blocks), first, last)


class _Calm(NamedTuple):
    """The days whose calm hours count."""

    first: int
    last: int

    def ask(self, key: bytes) -> Question:
        return Question(key, self.first, self.last)


def _ask_texts(
    traits: Traits, calm: _Calm, spans: Sequence[int], last: int
) -> list[list[Question]]:
    if not traits.marks:
        return []
    keys = mark_keys(traits.marks)
    usual = [calm.ask(_CALM_MARK + mark) for mark in _cut(traits.marks, MARK_BYTES)]
    calm_contacts = calm.ask(CALM_CONTACTS)
    return [
        [
            Question(CONTACTS, since, last),
            calm_contacts,
            *[Question(key, since, last) for key in keys],
            *usual,
        ]
        for since in spans
    ]


def _ask_numbers(
    traits: Traits, calm: _Calm, spans: Sequence[int], last: int
) -> list[list[Question]]:
    blocks = _cut(traits.blocks, BLOCK_BYTES)
    if len(blocks) != LEVELS:
        return []
    usual = [calm.ask(CALM_CONTACTS), calm.ask(_CALM_BLOCK + blocks[1])]
    return [
        [
            Question(CONTACTS, since, last),
            *usual,
            *[Question(_BLOCK + block, since, last) for block in blocks],
        ]
        for since in spans
    ]


def _read_alike(counts: Sequence[int]) -> Alike:
    """As ``Inquiry._text`` asked: contacts, calm contacts, each mark, each calm mark."""
    size = (len(counts) - 2) // 2
    return Alike(
        senders=count_alike(counts[2 : 2 + size]),
        contacts=counts[0],
        calm_senders=count_alike(counts[2 + size :]),
        calm_contacts=counts[1],
    )


def join(parts: Iterable[bytes]) -> bytes:
    """Marks or blocks, as they are kept."""
    return b"".join(parts)


def _cut(joined: bytes, size: int) -> list[bytes]:
    return [joined[start : start + size] for start in range(0, len(joined), size)]
