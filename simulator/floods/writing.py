"""How the second generator's people write: personas, chained words, disguises. Pure."""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from simulator.floods.second_words import (
    FACES,
    LOOKALIKES,
    NEIGHBOURS,
    SHORTHAND,
    WRAPPERS,
)

Successors = dict[tuple[str, str], list[str]]


@dataclass(frozen=True, slots=True)
class Persona:
    """A way of writing; each habit is a share from 0 to 1.

    Attributes:
        shorthand: words cut short.
        plain: accents left out, everything in small letters.
        slips: fingers beside the key, in each text.
        faces: emoji and the like.
        temper: how soon he gets angry.
    """

    shorthand: float
    plain: float
    slips: float
    faces: float
    temper: float

    def write(self, random: Random, text: str) -> str:
        """The text as this person would type it."""
        for long, short in SHORTHAND.items():
            if random.random() < self.shorthand:
                text = f" {text} ".replace(f" {long} ", f" {short} ").strip()
        if random.random() < self.plain:
            text = strip_accents(text).lower()
        if random.random() < self.slips:
            text = slip(random, text)
        if random.random() < self.faces:
            text = f"{text} {random.choice(FACES) * random.choice((1, 1, 2))}"
        return text


def draw_persona(random: Random) -> Persona:
    """Someone."""
    young = random.random() < 0.55
    return Persona(
        shorthand=random.betavariate(2, 2) if young else 0.05,
        plain=0.7 if young else 0.15,
        slips=random.betavariate(1, 4),
        faces=random.betavariate(1, 2) if young else 0.08,
        temper=random.random(),
    )


def strip_accents(text: str) -> str:
    """The text without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def slip(random: Random, text: str) -> str:
    """One letter becomes its neighbour on the keyboard."""
    places = [place for place, letter in enumerate(text) if letter in NEIGHBOURS]
    if not places:
        return text
    place = random.choice(places)
    return text[:place] + random.choice(NEIGHBOURS[text[place]]) + text[place + 1 :]


def chain_words(random: Random, corpus: Sequence[str], count: int) -> str:
    """About so many words, each one that followed the two before it somewhere in the corpus."""
    followers = _followers(tuple(corpus))
    said = random.choice(corpus).split()[:2]
    while len(said) < count:
        known = followers.get((said[-2], said[-1]))
        said += [random.choice(known)] if known else random.choice(corpus).split()[:3]
    return " ".join(said)


@cache
def _followers(corpus: tuple[str, ...]) -> Successors:
    followers: Successors = defaultdict(list)
    for line in corpus:
        said = line.split()
        for first, second, third in zip(said, said[1:], said[2:], strict=False):
            followers[first, second].append(third)
    return dict(followers)


def disguise(random: Random, text: str) -> str:
    """What a chain letter suffers: cut, retyped, wrapped, letters that only look the same."""
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        text = slip(random, text)
    text = _reshape(random, text)
    if random.random() < 0.35:
        text = random.choice(WRAPPERS).format(text)
    if random.random() < 0.25:
        text = f"{text}{random.choice(FACES) * random.randint(1, 4)}"
    return text


def _reshape(random: Random, text: str) -> str:
    match random.randrange(7):
        case 0:
            return strip_accents(text)
        case 1:
            return "".join(LOOKALIKES.get(c, c) if random.random() < 0.15 else c for c in text)
        case 2:
            return text.title()
        case 3:
            return text[: -random.randint(4, 14)]
        case 4:
            return text.replace(". ", ".\n").replace(",", " ,")
        case _:
            return text
