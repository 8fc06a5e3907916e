"""The learner: how this attack writes, and how people write in calm hours. Pure.

A naive Bayes over a hashed bag of character runs and words, two counts a token: among attackers'
texts and among the others'. Senders silenced as burst, campaign or range teach the one side, first
contacts of calm hours the other; of a surge each contact teaches both, by the share of it that is
beyond the usual. Counts are integers and are halved as time goes by, so what is learnt fades. Kept
are counts of keyed hashes: no text.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import log
from operator import add
from zlib import crc32

from services.filter.core.habits import Habits
from services.filter.core.phrases import PLACES, Phrases, find_runs
from services.filter.core.signature import normalize

TOKENS = 4096
"""Places of the hashed bag."""
TOKENS_TEXT_MAX = 56
"""Tokens of one text that count."""
WIDTH = 4 * 4
"""Bytes of a run: of four characters, each in four bytes."""
CHARACTERS_MAX = 160
WEIGHT = 4
"""What one text adds, split between the two sides; a silenced sender's adds it once more."""
KNOWN_FULLY = 60 * WEIGHT
"""What each side must have seen before its word counts in full."""
SHARPNESS = 7.0
"""How many independent tokens a text is worth: runs of characters overlap."""
LIMIT = 4.0
LEANING = 25 * WEIGHT
"""So many texts' worth both sides lean on what they have in common."""

NOTHING, SHORT, LONG, SHOUTED, LINKED = range(5)
_SHORT_CHARACTERS, _LONG_CHARACTERS, _SHOUTED_CHARACTERS = 12, 80, 8


def find_tokens(text: str | None, key: bytes) -> bytes:
    """The tokens of a text, two bytes each (little-endian), distinct, in ascending order.

    Places of the bag come first, then those of its phrases (``phrases``), ``TOKENS`` added.

    Args:
        key: of the hashes, at least 8 bytes.
    """
    seed = int.from_bytes(key[4:8], "little")
    words = [normalize(word) for word in (text or "")[:CHARACTERS_MAX].split()]
    said = [b"shape%d" % shape for shape in _shapes(text)]
    said += [b"w" + word.encode("utf-8", "surrogatepass") for word in words if word]
    found = {crc32(token, seed) % TOKENS for token in said}
    normal = "".join(words).encode("utf-32-le", "surrogatepass")
    starts = range(0, len(normal) - WIDTH + 1, 4)[: max(TOKENS_TEXT_MAX - len(found), 0)]
    found.update([crc32(normal[start : start + WIDTH], seed) % TOKENS for start in starts])
    runs = (TOKENS + place for place in find_runs("".join(words)[:CHARACTERS_MAX], seed))
    return array("H", [*sorted(found), *sorted(runs)]).tobytes()


def _shapes(text: str | None) -> list[int]:
    if text is None or not text.strip():
        return [NOTHING]
    shapes = []
    if len(text) <= _SHORT_CHARACTERS:
        shapes.append(SHORT)
    if len(text) >= _LONG_CHARACTERS:
        shapes.append(LONG)
    if len(text) >= _SHOUTED_CHARACTERS and text.isupper():
        shapes.append(SHOUTED)
    if "http" in text.lower() or "www." in text.lower():
        shapes.append(LINKED)
    return shapes


def read_tokens(tokens: bytes) -> Sequence[int]:
    """The places of the bag among ``find_tokens``."""
    places = _read(tokens)
    return places[: bisect_left(places, TOKENS)]


def read_runs(tokens: bytes) -> Sequence[int]:
    """The places of the phrases among ``find_tokens``."""
    places = _read(tokens)
    return [place - TOKENS for place in places[bisect_left(places, TOKENS) :]]


def _read(tokens: bytes) -> "array[int]":
    places = array("H")
    places.frombytes(tokens)
    return places


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one text teaches: its tokens, and how much of it each side takes.

    Attributes:
        contact, person: what it is counted as among phrases.
        habit: what it is counted as among habits (``habits``); None: nothing.
    """

    tokens: bytes
    attack: int = 0
    calm: int = 0
    contact: bool = False
    person: bool = False
    habit: int | None = None


def teach_contact(tokens: bytes, excess_share: float) -> Lesson:
    """A first contact, by the share of contacts like it that is beyond the usual."""
    attack = round(WEIGHT * excess_share)
    return Lesson(tokens, attack, WEIGHT - attack, contact=True)


def teach_alike(tokens: bytes) -> Lesson:
    """One whose text many others wrote nearly the same: half an example of the attack."""
    return Lesson(tokens, WEIGHT // 2, 0)


def teach_judged(tokens: bytes, habit: int, *, person: bool) -> Lesson:
    """One who was judged; ``person``: he has shown by when he wrote again that he is one."""
    return Lesson(tokens, person=person, habit=habit)


def teach_silenced(tokens: bytes) -> Lesson:
    """A sender silenced as burst, campaign or range."""
    return Lesson(tokens, WEIGHT, 0)


def _zeros() -> "array[int]":
    return array("I", bytes(4 * TOKENS))


@dataclass(slots=True)
class Learnt:
    """What was learnt: for each token how much of it each side has seen.

    Attributes:
        attack, calm: by token.
        attack_texts, calm_texts: in all, in the same unit (``WEIGHT`` a text).
        phrases, habits: what is often written, and how often somebody writes.
        faded: how many halvings were applied, counted from 1970.
    """

    attack: "array[int]" = field(default_factory=_zeros)
    calm: "array[int]" = field(default_factory=_zeros)
    attack_texts: int = 0
    calm_texts: int = 0
    faded: int = 0
    phrases: Phrases = field(default_factory=Phrases)
    habits: Habits = field(default_factory=Habits)

    def fade(self, halvings: int) -> None:
        """Halve what is older, up to ``halvings`` (counted from 1970); what is done stays done."""
        due = halvings - self.faded
        if due <= 0:
            return
        self.faded = halvings
        shift = min(due, 31)
        self.habits.halve(shift)
        if self.phrases.contacts or self.phrases.persons:
            self.phrases.halve(shift)
        if not (self.attack_texts or self.calm_texts):
            return
        self.attack = array("I", [count >> shift for count in self.attack])
        self.calm = array("I", [count >> shift for count in self.calm])
        self.attack_texts >>= shift
        self.calm_texts >>= shift

    def learn(self, lessons: Iterable[Lesson]) -> None:
        """Add what texts teach."""
        for lesson in lessons:
            self._count(lesson)
            places = read_tokens(lesson.tokens)
            if lesson.attack:
                self.attack_texts += lesson.attack
                for place in places:
                    self.attack[place] += lesson.attack
            if lesson.calm:
                self.calm_texts += lesson.calm
                for place in places:
                    self.calm[place] += lesson.calm

    def _count(self, lesson: Lesson) -> None:
        if lesson.contact:
            self.phrases.count_contact(read_runs(lesson.tokens))
        if lesson.person:
            self.phrases.count_person(read_runs(lesson.tokens))
        if lesson.habit is not None:
            self.habits.count(lesson.habit)

    def log_odds(self, tokens: bytes) -> float:
        """The log-odds that a text is of the calm side, from -4 to 4; 0: nothing is known."""
        places = read_tokens(tokens)
        known = min(self.attack_texts, self.calm_texts, KNOWN_FULLY) / KNOWN_FULLY
        if not places or not known:
            return 0.0
        total = 0.0
        for place in places:
            total += self._log_ratio(place)
        score = known * total * min(SHARPNESS / len(places), 1.0)
        return max(-LIMIT, min(score, LIMIT))

    def _log_ratio(self, place: int) -> float:
        """How much more usual a token is on the calm side; where little was seen, about 0.

        Both rates lean on that of both sides together, so a token that only the larger side has
        had the time to see says nothing yet.
        """
        attack, calm = self.attack[place], self.calm[place]
        pooled = (attack + calm + WEIGHT) / (self.attack_texts + self.calm_texts + 2 * WEIGHT)
        calm_rate = (calm + LEANING * pooled) / (self.calm_texts + LEANING)
        attack_rate = (attack + LEANING * pooled) / (self.attack_texts + LEANING)
        return log(calm_rate / attack_rate)

    def to_bytes(self) -> bytes:
        """All of it, to be kept; ``from_bytes`` reads it."""
        head = array("Q", [self.attack_texts, self.calm_texts, self.faded])
        bag = head.tobytes() + self.attack.tobytes() + self.calm.tobytes()
        return bag + self.phrases.to_bytes() + self.habits.to_bytes()

    @classmethod
    def from_bytes(cls, kept: bytes) -> "Learnt":
        """Read what ``to_bytes`` wrote, or wrote before phrases were; empty: nothing was learnt."""
        if not kept:
            return cls()
        head, attack, calm = array("Q"), array("I"), array("I")
        head.frombytes(kept[:24])
        attack.frombytes(kept[24 : 24 + 4 * TOKENS])
        calm.frombytes(kept[24 + 4 * TOKENS : 24 + 8 * TOKENS])
        rest = kept[24 + 8 * TOKENS :]
        phrases = Phrases.from_bytes(rest[: 24 + 8 * PLACES])
        habits = Habits.from_bytes(rest[24 + 8 * PLACES :])
        return cls(attack, calm, head[0], head[1], head[2], phrases, habits)


def merge(shards: Iterable[Learnt]) -> Learnt:
    """What was learnt in all shards, each faded as far as the one that is faded most."""
    parts = list(shards)
    faded = max((part.faded for part in parts), default=0)
    whole = Learnt(faded=faded)
    for part in parts:
        part.fade(faded)
        whole.phrases = whole.phrases.plus(part.phrases)
        whole.habits = whole.habits.plus(part.habits)
        if not (part.attack_texts or part.calm_texts):
            continue
        whole.attack = array("I", map(add, whole.attack, part.attack))
        whole.calm = array("I", map(add, whole.calm, part.calm))
        whole.attack_texts += part.attack_texts
        whole.calm_texts += part.calm_texts
    return whole
