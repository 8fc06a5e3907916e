"""The third generator: kinds of flood that the other two do not make. Written blind.

Its author had a brief and nothing else of the project: he read neither the judge nor its document,
nor what measures it, nor the other two generators, so what is here owes nothing to them. The brief:

    Women hand a published number to insistent men; whoever texts it gets one SMS, an hour or more
    later, "pointless to insist". Genuine are real men who were given it (varied French texts,
    hours of real life, most with 1 to 6 texts over minutes to days) and people who read about it
    and try it. Attackers want to drain the fund (an exchange costs 16 cents, the fund holds some
    hundreds to a thousand euros) or to silence the genuine. Make ten kinds, with a calm genuine
    background in each, as far from each other and as realistic as you can, 3,000 to 25,000 texts
    over 3 to 7 days: hour zero, rotation, poison, thresholds, mimic wave, mimic drip, ramp, viral,
    viral sentence, viral raid (``FloodKind`` says what each is).

Numbers are drawn at run time among valid French mobiles: as many people as these on ten thousand
numbers would all be neighbours, which people are not.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle, islice
from random import Random

from simulator.floods.arrival import (
    DAY,
    HOUR,
    MINUTE,
    PARIS,
    Arrival,
    Draft,
    FloodKind,
    arrange,
    paris_time,
)
from simulator.floods.third_people import CURIOUS, FOREIGN, MEN, SENTENCES, SMILES
from simulator.floods.third_trolls import BRIEF, GRINS, MIMICS, PASTES, TROLLS, WINKS
from simulator.floods.third_writing import Words, draw_hand, say

Shape = Callable[[float], float]
"""How strong something is, so many seconds after the number's first minute."""

PEOPLE = (6, 3, 2, 1, 0.6, 0.5, 1, 2, 4, 5, 6, 6, 8, 8, 7, 7, 8, 9, 10, 11, 12, 12, 11, 9)
"""Texts of people by the hour of the day."""

OWLS = (10, 9, 7, 5, 3, 2, 1, 1, 2, 3, 4, 5, 6, 6, 7, 7, 8, 9, 9, 10, 11, 12, 12, 11)
"""Texts of trolls by the hour of the day."""

MACHINE = (1,) * 24
"""A machine does not sleep."""

NIGHTS_OUT = (0.8, 0.8, 0.9, 1.1, 1.5, 1.7, 1.2)
"""Meetings by the day of the week, from Monday."""

SLOT = 10 * MINUTE
"""What times are drawn in, in seconds."""

TEXTS_OF_A_MAN = {1: 47, 2: 20, 3: 12, 4: 8, 5: 5, 6: 3, 8: 2, 11: 1.5, 15: 1, 22: 0.5}
TEXTS_OF_A_CURIOUS = {1: 76, 2: 17, 3: 5, 4: 2}
TEXTS_OF_A_TROLL = {1: 60, 2: 27, 3: 13}
BRIEF_LETTERS = 25
"""Under this are texts of ``thresholds``."""

SIM_TEXTS = (12, 29)
"""Least and most texts of a SIM in ``rotation``."""


@dataclass(slots=True)
class _Numbers:
    """Valid French mobiles, none twice."""

    random: Random
    taken: set[int] = field(default_factory=set)

    def anyone(self) -> str:
        """Somebody's."""
        first = self.random.choice((60, 61, 62, 64, 65, 66, 67, 68, 74, 75, 76, 77, 78))
        return self._take(first * 10_000_000, 10_000_000)

    def pack(self) -> Iterator[str]:
        """SIMs of one pack: a few hundred of the same ten thousand numbers."""
        block = self.random.choice((73, 75, 76, 78)) * 10_000_000
        block += self.random.randrange(1000) * 10_000
        while True:
            yield self._take(block, 10_000)

    def evenly(self, count: int) -> list[str]:
        """As many numbers, as far apart as can be."""
        step = 49_000_000 // max(count, 1)
        numbers = range(740_000_000 + self.random.randrange(step), 789_000_000, step)
        free = [number for number in numbers if number not in self.taken]
        self.taken.update(free)
        return [f"+33{number}" for number in free]

    def _take(self, first: int, count: int) -> str:
        number = first + self.random.randrange(count)
        while number in self.taken:
            number = first + self.random.randrange(count)
        self.taken.add(number)
        return f"+33{number}"


@dataclass(frozen=True, slots=True)
class _Scene:
    """Where a flood plays. ``begins`` is seconds since 1970, ``lasts`` seconds."""

    random: Random
    numbers: _Numbers
    begins: float
    lasts: float
    scale: float

    @property
    def ends(self) -> float:
        """When it is over."""
        return self.begins + self.lasts

    def size(self, least: int, most: int) -> int:
        """As many of something as the scale makes of it."""
        return max(1, round(self.random.randint(least, most) * self.scale))

    def moments(self, count: int, rhythm: Sequence[float], shape: Shape) -> list[float]:
        """Times, drawn by the hour of the day and by the shape."""
        slots = [index * SLOT for index in range(math.ceil(self.lasts / SLOT))]
        weights = [
            rhythm[paris_time(self.begins + slot).hour] * max(shape(slot), 0) for slot in slots
        ]
        drawn = self.random.choices(slots, weights, k=count)
        times = (self.begins + slot + self.random.random() * SLOT for slot in drawn)
        return [min(time, self.ends) for time in times]

    def an_evening(self) -> float:
        """Seconds from the beginning to some time between 18 and 21 o'clock of the second day."""
        first = paris_time(self.begins)
        day = first.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return day.timestamp() - self.begins + self.random.uniform(18, 21) * HOUR


def _count(random: Random, shares: Mapping[int, float]) -> int:
    count = random.choices(list(shares), list(shares.values()))[0]
    return count if count < 7 else count + random.randrange(4)


def _burst(begins: float, hours: float, days: float) -> Shape:
    """Nothing before ``begins``, then a burst of some hours and a tail of some days."""

    def shape(at: float) -> float:
        if at < begins - SLOT:
            return 0.0
        since = max(at - begins, 0.0)
        return math.exp(-since / (hours * HOUR)) + 0.04 * math.exp(-since / (days * DAY))

    return shape


def _during(begins: float, lasts: float) -> Shape:
    """From nothing to full in a tenth of it, full for most of it, then away."""

    def shape(at: float) -> float:
        done = (at - begins) / lasts
        if not 0 <= done <= 1:
            return 0.0
        return min(done * 10, 1.0, (1 - done) * 4) + 0.02

    return shape


# Sincere people.


def _patience(random: Random, texts: int) -> float:
    """Seconds until he writes again; who writes much waits less."""
    kinds = ((3 * MINUTE, 1.0), (50 * MINUTE, 1.0), (9 * HOUR, 0.7), (26 * HOUR, 0.5))
    middle, spread = random.choices(kinds, (3 + texts, 4, 3, 2))[0]
    return random.lognormvariate(math.log(middle), spread)


def _man(scene: _Scene, at: float, place: str | None = None) -> Iterator[Draft]:
    """A man who was given the number, from his first text to his last."""
    random = scene.random
    words = FOREIGN if random.random() < 0.08 else MEN
    fixed = {"prenom": random.choice(words["prenom"])}
    fixed |= {part: say(words, part, random) for part in ("lieu", "moment") if part in words}
    fixed |= {"lieu": place} if place else {}
    hand = draw_hand(random, SMILES, care=0.3)
    sender = scene.numbers.anyone()
    texts = _count(random, TEXTS_OF_A_MAN)
    parts = ["opening", *_later_parts(random, texts)] if words is MEN else ["opening", "again"]
    for index in range(texts):
        part = parts[min(index, len(parts) - 1)]
        at += random.uniform(1, 3) * HOUR if part == "after" else 0.0  # the answer came first
        if at > scene.ends:
            return
        text = hand.write(say(words, part, random, fixed), random)
        yield Draft(at, sender, None if random.random() < 0.012 else text, genuine=True)
        at += _patience(random, texts)
        if paris_time(at).hour in range(2, 8) and random.random() < 0.8:
            at += random.uniform(5, 9) * HOUR


def _later_parts(random: Random, texts: int) -> list[str]:
    ends = random.choice(("again", "again", "angry", "after"))
    parts = ["again"] * (texts - 1)
    return parts if len(parts) == 0 else [*parts[:-1], ends]


def _background(scene: _Scene, begins: float = 0.0) -> Iterator[Draft]:
    """The calm: a thousand men and some hundreds; a few met the same women at one place."""

    def meetings(at: float) -> float:
        there = paris_time(scene.begins + at - 4 * HOUR)
        return NIGHTS_OUT[there.weekday()] if at >= begins else 0.0

    random = scene.random
    for at in scene.moments(scene.size(1000, 1450), PEOPLE, meetings):
        yield from _man(scene, at)
    for at in scene.moments(scene.size(12, 25), PEOPLE, meetings):
        place = random.choice(MEN["lieu"])
        for _ in range(random.randint(3, 9)):
            first = at + random.random() * 4 * HOUR
            if first <= scene.ends:
                yield from _man(scene, first, place)


def _curious(scene: _Scene, count: int, shape: Shape) -> Iterator[Draft]:
    """People who read about the number and try it."""
    random = scene.random
    for first in scene.moments(count, PEOPLE, shape):
        hand = draw_hand(random, SMILES, care=0.6)
        sender, at = scene.numbers.anyone(), first
        fixed = {part: random.choice(CURIOUS[part]) for part in ("moi", "ville", "source")}
        for index in range(_count(random, TEXTS_OF_A_CURIOUS)):
            if at > scene.ends:
                break
            words = say(CURIOUS, "again" if index else "opening", random, fixed)
            yield Draft(at, sender, hand.write(words, random), genuine=True)
            at += _patience(random, 3)


def _repeat_sentence(sentence: str, scene: _Scene) -> str:
    """The sentence as somebody types it who does not only copy it."""
    random = scene.random
    hand = draw_hand(random, SMILES, care=0.5)
    name = random.choice(CURIOUS["moi"])
    match random.randrange(5):
        case 0:
            return f"{sentence} {random.choice(SMILES)}"
        case 1:
            return f"{sentence} {name}, {random.choice(CURIOUS['ville'])}"
        case 2:
            return f"{say(CURIOUS, 'bonjour', random)}. {sentence}"
        case 3:
            return sentence.rstrip(".?! ") + random.choice(("", "!", "!!", "...", " merci"))
        case _:
            return hand.write(sentence, random)


# Attackers. Each yields what is not genuine.


def _raid(
    scene: _Scene, count: int, shape: Shape, rhythm: Sequence[float] = OWLS
) -> Iterator[Draft]:
    """Trolls in their own words, one to three texts each."""
    random = scene.random
    for first in scene.moments(count, rhythm, shape):
        hand = draw_hand(random, GRINS, care=0.15)
        sender, at = scene.numbers.anyone(), first
        for _ in range(_count(random, TEXTS_OF_A_TROLL)):
            if at <= scene.ends:
                text = hand.write(say(TROLLS, "line", random), random)
                yield Draft(at, sender, text, genuine=False)
            at += random.expovariate(1 / (4 * MINUTE))


def _hammer(scene: _Scene, texts: int, shape: Shape) -> Iterator[Draft]:
    """One sender, so many texts."""
    random, sender = scene.random, scene.numbers.anyone()
    hand = draw_hand(random, GRINS, care=0.1)
    favourite = hand.write(say(TROLLS, "line", random), random)
    for at in scene.moments(texts, OWLS, shape):
        own = random.random() < 0.6
        text = hand.write(say(TROLLS, "line", random), random) if own else favourite
        yield Draft(at, sender, text, genuine=False)


def _paste(scene: _Scene, count: int, shape: Shape) -> Iterator[Draft]:
    """One text that many copy, half of them with a change of their own."""
    random = scene.random
    text = random.choice(PASTES)
    for at in scene.moments(count, OWLS, shape):
        hand = draw_hand(random, GRINS, care=0.3)
        copied = text if random.random() < 0.5 else hand.write(text, random)
        yield Draft(at, scene.numbers.anyone(), copied, genuine=False)


def _mimics(
    scene: _Scene, times: Sequence[float], texts: Mapping[int, float], words: Words = MIMICS
) -> Iterator[Draft]:
    """Attackers who pass for men with the number: a name, a place, more texts after a while."""
    random = scene.random
    for first in times:
        hand = draw_hand(random, WINKS, care=0.35)
        fixed = {part: random.choice(words[part]) for part in ("nom", "ou", "quand")}
        sender, at = scene.numbers.anyone(), first
        for index in range(_count(random, texts)):
            if at <= scene.ends:
                said = say(words, "more" if index else "open", random, fixed)
                yield Draft(at, sender, hand.write(said, random), genuine=False)
            at += random.lognormvariate(math.log(25 * MINUTE), 1.1)


# The kinds.


def _hour_zero(scene: _Scene) -> Iterator[Draft]:
    random = scene.random
    shape = _burst(0, random.uniform(5, 14), random.uniform(1, 3))
    yield from _background(scene, begins=SLOT)
    at = scene.begins
    for _ in range(scene.size(20, 60)):
        at += random.uniform(0, MINUTE / max(10 * scene.scale, 1))
        text = say(TROLLS, "line", random).lower()
        yield Draft(at, scene.numbers.anyone(), text, genuine=False)
    yield from _raid(scene, scene.size(3000, 5000), shape, MACHINE)
    yield from _paste(scene, scene.size(700, 1400), shape)
    for _ in range(random.randint(2, 6)):
        yield from _hammer(scene, scene.size(200, 700), shape)


def _rotation(scene: _Scene) -> Iterator[Draft]:
    random = scene.random
    modems, total = random.randint(3, 6), scene.size(7000, 12_000)
    begins = scene.begins + scene.lasts * random.uniform(0.1, 0.3)
    pause = (scene.ends - begins) * random.uniform(0.6, 0.9) * modems / total
    polite = random.random() < 0.5
    for modem in range(modems):
        at = begins + modem * pause
        pack, loose, sent = scene.numbers.pack(), random.random() < 0.4, 0
        while sent < total / modems:
            sender = scene.numbers.anyone() if loose else next(pack)
            hand = draw_hand(random, WINKS if polite else GRINS, care=0.3)
            texts = random.randint(*SIM_TEXTS)
            sent += texts
            for index in range(texts):
                said = _from_a_sim(random, index, polite=polite)
                yield Draft(at, sender, hand.write(said, random), genuine=False)
                at += pause * random.uniform(0.4, 1.6)
    yield from _background(scene)


def _from_a_sim(random: Random, index: int, *, polite: bool) -> str:
    if polite or random.random() < 0.2:
        return say(MIMICS, random.choice(("more", "plain")) if index else "open", random)
    return say(TROLLS, "line", random)


def _poison(scene: _Scene) -> Iterator[Draft]:
    yield from _background(scene)
    random = scene.random
    turn = scene.lasts * random.uniform(0.45, 0.65)
    early = _during(random.uniform(2, 9) * HOUR, turn)
    for at in scene.moments(scene.size(50, 80), OWLS, early):
        yield from _teaching_burst(scene, at)
    for at in scene.moments(scene.size(90, 140), PEOPLE, early):
        yield from _false_cluster(scene, at)
    late = _during(turn, scene.lasts - turn)
    times = scene.moments(scene.size(1000, 1800), PEOPLE, late)
    yield from _mimics(scene, times, {1: 70, 2: 30})
    yield from _raid(scene, scene.size(600, 1200), late)


def _teaching_burst(scene: _Scene, at: float) -> Iterator[Draft]:
    """One number hammers what people say, so that what they say looks hammered."""
    random, sender = scene.random, scene.numbers.anyone()
    pause = random.uniform(4, 40)
    for _ in range(random.randint(25, 70)):
        hand = draw_hand(random, WINKS, care=0.3)
        text = hand.write(say(MIMICS, "plain", random), random)
        yield Draft(min(at, scene.ends), sender, text, genuine=False)
        at += random.uniform(0.5, 1.5) * pause


def _false_cluster(scene: _Scene, at: float) -> Iterator[Draft]:
    """A few numbers speak of one evening at one place, as men do who met the same women there."""
    random = scene.random
    fixed = {"ici": random.choice(MIMICS["ou"])}
    spread = random.uniform(0.3, 4) * HOUR
    for _ in range(random.randint(6, 25)):
        hand, sender = draw_hand(random, WINKS, care=0.3), scene.numbers.anyone()
        text = hand.write(say(MIMICS, "cluster", random, fixed), random)
        when = min(at + random.random() * spread, scene.ends)
        yield Draft(when, sender, text, genuine=False)


def _thresholds(scene: _Scene) -> Iterator[Draft]:
    yield from _background(scene)
    random = scene.random
    total, each = scene.size(6000, 11_000), random.randint(2, 4)
    repeats, gap = random.randint(2, 4), random.choice((5, 10, 15, 30, 60)) * MINUTE * 1.02
    texts = _brief_texts(random, total // repeats + 1)
    begins = scene.begins + scene.lasts * random.uniform(0.05, 0.3)
    senders = scene.numbers.evenly(total // each)
    random.shuffle(senders)
    pause = (scene.ends - begins - each * gap * 1.1) / len(senders)
    turns = cycle(texts)
    for index, sender in enumerate(senders):
        at = begins + (index + random.uniform(0.45, 0.55)) * pause
        for text in islice(turns, each):
            yield Draft(at, sender, text, genuine=False)
            at += gap * random.uniform(1.0, 1.05)


def _brief_texts(random: Random, count: int) -> list[str]:
    """Distinct texts under the guessed length."""
    found: dict[str, None] = {}
    while len(found) < count:
        hand = draw_hand(random, WINKS, care=0.2)
        text = hand.write(say(BRIEF, "brief", random), random)
        if len(text) < BRIEF_LETTERS:
            found[text] = None
    return list(found)


def _mimic_wave(scene: _Scene) -> Iterator[Draft]:
    yield from _background(scene)
    random = scene.random
    begins = random.uniform(0.2, 0.6) * scene.lasts
    wave = _during(begins, random.uniform(4, 10) * HOUR)
    times = scene.moments(scene.size(4500, 7500), MACHINE, wave)
    yield from _mimics(scene, times, {1: 62, 2: 25, 3: 13})


def _mimic_drip(scene: _Scene) -> Iterator[Draft]:
    yield from _background(scene)
    begins = scene.random.uniform(0.05, 0.25) * scene.lasts

    def drip(at: float) -> float:
        return 1.0 if at >= begins else 0.0

    times = scene.moments(scene.size(2800, 5000), PEOPLE, drip)
    yield from _mimics(scene, times, {1: 55, 2: 28, 3: 12, 4: 5})


def _ramp(scene: _Scene) -> Iterator[Draft]:
    yield from _background(scene)
    random = scene.random
    doubling = random.uniform(9, 16) * HOUR
    begins = random.uniform(0.1, 0.2) * scene.lasts

    def growing(at: float) -> float:
        return 2.0 ** ((at - begins) / doubling) if at >= begins else 0.0

    yield from _raid(scene, scene.size(2500, 4500), growing)
    times = scene.moments(scene.size(1000, 2000), OWLS, growing)
    yield from _mimics(scene, times, {1: 80, 2: 20})
    yield from _paste(scene, scene.size(300, 800), growing)
    for _ in range(random.randint(2, 5)):
        yield from _hammer(scene, scene.size(150, 500), growing)


def _post(scene: _Scene) -> tuple[float, Shape]:
    """When a post about the number appears, and how people come after it."""
    begins, random = scene.an_evening(), scene.random
    return begins, _burst(begins, random.uniform(1.2, 3), random.uniform(1, 2.5))


def _viral(scene: _Scene) -> Iterator[Draft]:
    yield from _background(scene)
    _, shape = _post(scene)
    yield from _curious(scene, scene.size(4500, 9000), shape)


def _viral_sentence(scene: _Scene) -> Iterator[Draft]:
    yield from _background(scene)
    random = scene.random
    sentence, exact = random.choice(SENTENCES), random.uniform(0.45, 0.75)
    _, shape = _post(scene)
    for at in scene.moments(scene.size(730, 770), PEOPLE, shape):
        text = sentence if random.random() < exact else _repeat_sentence(sentence, scene)
        sender = scene.numbers.anyone()
        yield Draft(at, sender, text, genuine=True)
        if random.random() < 0.15 and (later := at + _patience(random, 2)) <= scene.ends:
            yield Draft(later, sender, say(CURIOUS, "again", random), genuine=True)


def _viral_raid(scene: _Scene) -> Iterator[Draft]:
    yield from _background(scene)
    random = scene.random
    begins, shape = _post(scene)
    yield from _curious(scene, scene.size(3000, 5500), shape)
    raid = _burst(begins + random.uniform(0.3, 1.5) * HOUR, random.uniform(1.5, 4), 1)
    yield from _raid(scene, scene.size(2500, 4500), raid)
    yield from _paste(scene, scene.size(200, 600), raid)
    for _ in range(random.randint(1, 4)):
        yield from _hammer(scene, scene.size(100, 400), raid)


_MAKERS: dict[str, Callable[[_Scene], Iterator[Draft]]] = {
    FloodKind.HOUR_ZERO: _hour_zero,
    FloodKind.ROTATION: _rotation,
    FloodKind.POISON: _poison,
    FloodKind.THRESHOLDS: _thresholds,
    FloodKind.MIMIC_WAVE: _mimic_wave,
    FloodKind.MIMIC_DRIP: _mimic_drip,
    FloodKind.RAMP: _ramp,
    FloodKind.VIRAL: _viral,
    FloodKind.VIRAL_SENTENCE: _viral_sentence,
    FloodKind.VIRAL_RAID: _viral_raid,
}
KINDS = tuple(map(FloodKind, _MAKERS))
"""The kinds that this generator makes, and no other does."""


def flood(kind: str, seed: int, scale: float = 1.0) -> Iterator[Arrival]:
    """Yield the texts of a flood, in time order.

    Args:
        kind: one of ``KINDS``.
        seed: the same gives the same flood.
        scale: the share of its size; how long it lasts stays.

    Raises:
        ValueError: this generator does not make that kind.
    """
    make = _MAKERS.get(kind)
    if make is None:
        raise ValueError(f"the third generator makes no flood of kind {kind}")
    random = Random(f"third {kind} {seed} {scale}")
    day = datetime(2026, 1, 5, tzinfo=PARIS) + timedelta(days=random.randrange(300))
    begins = day.timestamp() + random.uniform(8, 22) * HOUR
    lasts = random.uniform(3.4, 6.8) * DAY
    scene = _Scene(random, _Numbers(random), begins, lasts, scale)
    yield from arrange(make(scene), random)
