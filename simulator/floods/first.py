"""The first generator: texts out of a grammar, numbers scattered over the range of fiction. Pure.

Three days from a Thursday morning. Which of the three plans an attack follows is the seed's.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from random import Random

from simulator import weekend
from simulator.floods.arrival import DAY, HOUR, MINUTE, PARIS, Arrival, Draft, FloodKind, arrange
from simulator.floods.first_words import GRAMMAR, LETTERS, SHORT_CODES

START = datetime(2024, 3, 7, 9, 0, tzinfo=PARIS).timestamp()
SPAN = 3 * DAY
WEEK = 7 * DAY
FICTION = 10_000
BLOCK = 2_200
"""Numbers next to each other in the range of fiction that a gateway rents."""

PLANS = ((0.0, 3 * DAY), (DAY, HOUR), (1.25 * DAY, DAY))
"""When an attack begins, and how long it lasts: at once, after a calm day, in the second night."""

HOURS_WEIGHTS = (4, 2, 1, 1, 1, 1, 2, 5, 7, 8, 9, 10, 13, 12, 9, 9, 10, 12, 15, 17, 18, 17, 14, 9)
"""How much people text, by hour of the day."""

TEXTS_EACH = (1, 2, 3, 4, 5, 6)
TEXTS_EACH_WEIGHTS = (45, 25, 13, 9, 5, 3)
PEOPLE_MIN, PEOPLE_MAX = 1100, 1800
VIRAL_PEOPLE = 100_000
VIRAL_RISE, VIRAL_DECAY = 4 * HOUR, 32 * HOUR

SLOT = re.compile(r"<(\w+)>")

Window = tuple[float, float]
"""From when until when, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """What one flood is drawn with: its chance, its size, whose numbers are left, its window."""

    random: Random
    scale: float
    numbers: Iterator[str]
    block: Iterator[str]
    window: Window

    def size(self, least: int, most: int) -> int:
        """So many senders at this scale; at least one."""
        return max(1, round(self.random.randint(least, most) * self.scale))

    def write(self, name: str) -> str:
        """A text of the grammar."""
        if name == "compte":
            return str(self.random.randint(2, 9999))
        line = self.random.choice(GRAMMAR[name])
        return SLOT.sub(lambda match: self.write(match[1]), line)


def flood(kind: str, seed: int, scale: float = 1.0) -> Iterator[Arrival]:
    """A flood in time order.

    Args:
        kind: a ``FloodKind``.
        seed: the same gives the same.
        scale: the share of the crowd.
    """
    kind = FloodKind(kind)
    if kind is FloodKind.WEEKEND:
        yield from _weekend(seed, scale)
        return
    random = Random(f"first {kind} {seed}")
    scene = _scene(random, scale, seed)
    if kind is FloodKind.VIRALITY:
        yield from arrange(_viral_people(scene), random)
        return
    drafts = [*_people(scene, scene.size(PEOPLE_MIN, PEOPLE_MAX))]
    for attack, share in ATTACKS[kind]:
        drafts += attack(scene, share)
    yield from arrange(drafts, random)


def _scene(random: Random, scale: float, seed: int) -> _Scene:
    first = random.randrange(FICTION - BLOCK)
    block = range(first, first + BLOCK)
    scattered = [number for number in range(FICTION) if number not in block]
    random.shuffle(scattered)
    numbers = chain((f"+3363998{number:04d}" for number in scattered), _mobiles(random))
    begins, lasts = PLANS[seed % len(PLANS)]
    window = (START + begins, START + min(begins + lasts, SPAN))
    return _Scene(random, scale, numbers, (f"+3363998{n:04d}" for n in block), window)


def _mobiles(random: Random) -> Iterator[str]:
    """Mobiles of a valid range, each once, for when fiction has no more."""
    seen: set[int] = set()
    while True:
        number = random.randrange(10**7)
        if number not in seen:
            seen.add(number)
            yield f"+3368{number:07d}"


def _weekend(seed: int, scale: float) -> Iterator[Arrival]:
    """The simulator's own weekend; who wants no answer, and machines, count as nobody to answer."""
    for arrival in weekend.weekend(seed, scale):
        genuine = arrival.kind is weekend.Kind.GENUINE
        yield Arrival(arrival.at, arrival.id, arrival.sender, arrival.text, genuine)


# -- people ----------------------------------------------------------------------------------------


def _people(scene: _Scene, count: int) -> Iterator[Draft]:
    hours = range(int(SPAN / HOUR))
    weights = [HOURS_WEIGHTS[(9 + hour) % 24] for hour in hours]
    for hour in scene.random.choices(hours, weights, k=count):
        begins = START + (hour + scene.random.random()) * HOUR
        yield from _person(scene, begins, START + SPAN)


def _person(scene: _Scene, at: float, ends: float) -> Iterator[Draft]:
    """Someone the number was given to: a first text, more within the hour, perhaps tomorrow."""
    random, sender = scene.random, next(scene.numbers)
    insistent = random.random() < 0.04
    [texts] = random.choices(TEXTS_EACH, TEXTS_EACH_WEIGHTS)
    if insistent:
        texts = random.randint(7, 24)
    for turn in range(texts):
        if turn and at >= ends:
            return
        yield Draft(at, sender, _say(scene, turn, insistent=insistent), True)
        at += random.expovariate(1 / (2.5 * MINUTE if insistent else 9 * MINUTE))
    if random.random() < 0.1 and at + DAY < ends:
        later = at + random.uniform(0.6, 1.0) * DAY
        yield Draft(later, sender, _say(scene, 1, insistent=insistent), True)


def _say(scene: _Scene, turn: int, *, insistent: bool) -> str | None:
    chance = scene.random.random()
    if chance < 0.012:
        return None
    if turn:
        return _slip(scene, scene.write("vexe" if insistent and turn > 3 else "relance"))
    if chance < 0.35:
        return scene.write("court")
    return _slip(scene, scene.write("erreur" if chance < 0.38 else "premier"))


def _slip(scene: _Scene, text: str) -> str:
    """Typed on a telephone: small letters, no accents, a letter too many or too few."""
    chance = scene.random.random()
    if chance < 0.15:
        return text.lower()
    if chance < 0.25:
        return text.translate(str.maketrans("éèêàâçîôùû", "eeeaaciouu"))
    if chance < 0.4 and len(text) > 8:
        return _change(scene.random, text, 1)
    return text


def _viral_people(scene: _Scene) -> Iterator[Draft]:
    """Word of mouth: up within hours, down over the week, asleep at night."""
    random = scene.random
    numbers = _mobiles(random)
    for _ in range(scene.size(VIRAL_PEOPLE, VIRAL_PEOPLE)):
        at, sender = _viral_time(random), next(numbers)
        for _turn in range(2 if random.random() < 0.12 else 1):
            yield Draft(at, sender, _slip(scene, scene.write("bouche_a_oreille")), True)
            at += random.expovariate(1 / (6 * MINUTE))


def _viral_time(random: Random) -> float:
    while True:
        after = random.gammavariate(1.6, 1) * VIRAL_RISE + random.expovariate(1 / VIRAL_DECAY)
        weight = HOURS_WEIGHTS[int(9 + after / HOUR) % 24] / max(HOURS_WEIGHTS)
        if after < WEEK and random.random() < weight:
            return START + after


# -- attackers -------------------------------------------------------------------------------------


def _heavy(scene: _Scene, share: float) -> Iterator[Draft]:
    """A few who let a script run."""
    random, (begins, ends) = scene.random, scene.window
    for _ in range(max(2, round(random.randint(22, 34) * scene.scale * share))):
        sender, first = next(scene.numbers), random.uniform(begins, ends - 0.6 * HOUR)
        last = min(ends, first + random.uniform(0.5, 12) * HOUR)
        single = scene.write("martele") if random.random() < 0.3 else None
        for _text in range(random.randint(700, 1350)):
            text = single or scene.write("martele")
            yield Draft(random.uniform(first, last), sender, text, False)


def _raid(scene: _Scene, share: float) -> Iterator[Draft]:
    """A forum's call: most come at once, each in his own words."""
    random, (begins, ends) = scene.random, scene.window
    for _ in range(round(scene.size(3200, 5200) * share)):
        sender = next(scene.numbers)
        at = begins + random.expovariate(4 / (ends - begins)) % (ends - begins)
        for _text in range(random.choice((1, 1, 1, 2, 2, 3))):
            yield Draft(at, sender, _slip(scene, scene.write("raid")), False)
            at += random.expovariate(1 / (4 * MINUTE))


def _copy_paste(scene: _Scene, share: float) -> Iterator[Draft]:
    random, (begins, ends) = scene.random, scene.window
    tracts = random.sample(GRAMMAR["tract"], random.randint(1, 4))
    for _ in range(round(scene.size(3000, 5000) * share)):
        sender, at = next(scene.numbers), random.triangular(begins, ends, begins)
        for _text in range(random.choice((1, 1, 2))):
            text = _mutate(scene, random.choice(tracts))
            yield Draft(at, sender, text, False)
            at += random.expovariate(1 / (10 * MINUTE))


def _mutate(scene: _Scene, text: str) -> str:
    """What pasting does to a text: a few letters, case, spaces, something before or after."""
    random = scene.random
    text = _change(random, text, random.randint(0, 4))
    shapes: tuple[Callable[[str], str], ...] = (
        str, str, str.upper, str.lower,
        lambda text: text.replace(" ", "  "), lambda text: text.replace(",", ""),
    )  # fmt: skip
    text = random.choice(shapes)(text)
    if random.random() < 0.3:
        text = f"{scene.write('tract_ajout')} {text}"
    if random.random() < 0.4:
        text += random.choice((" 😂", "!!!", " 🔥🔥", " ...", f" {scene.write('tract_ajout')}"))
    return text


def _change(random: Random, text: str, count: int) -> str:
    """Change so many letters: two swapped, one dropped, doubled or another."""
    letters = list(text)
    for _ in range(count):
        place = random.randrange(len(letters) - 1) if len(letters) > 1 else 0
        match random.randrange(4):
            case 0:
                letters[place : place + 2] = letters[place : place + 2][::-1]
            case 1 if len(letters) > 3:
                del letters[place]
            case 2:
                letters.insert(place, letters[place])
            case _:
                letters[place] = random.choice("aeinorstu")
    return "".join(letters)


def _gateway(scene: _Scene, share: float) -> Iterator[Draft]:
    """Rented numbers, one after the other; numbers from abroad; names and short codes."""
    random, (begins, ends) = scene.random, scene.window
    rented = list(islice(scene.block, round(scene.size(1200, 2100) * share)))
    for place, sender in enumerate(rented):
        at = begins + (ends - begins) * (place + random.random() * 3) / (len(rented) + 3)
        for _text in range(random.choice((1, 1, 2, 3))):
            yield Draft(at, sender, scene.write("passerelle"), False)
            at += random.uniform(10, 900)
    count = round(scene.size(200, 500) * share)
    abroad = [f"+4474{random.randrange(10**8):08d}" for _ in range(count)]
    for sender in (*abroad, *(LETTERS + SHORT_CODES) * round(20 * share)):
        yield Draft(random.uniform(begins, ends), sender, scene.write("passerelle"), False)


def _drip(scene: _Scene, share: float) -> Iterator[Draft]:
    """One plausible text each, evenly over the three days."""
    count = round(scene.size(1600, 2600) * share)
    for place in range(count):
        at = START + SPAN * (place + scene.random.random()) / count
        yield Draft(at, next(scene.numbers), scene.write("goutte"), False)


Attack = Callable[[_Scene, float], Iterator[Draft]]

ATTACKS: dict[FloodKind, tuple[tuple[Attack, float], ...]] = {
    FloodKind.CALM: (),
    FloodKind.HEAVY: ((_heavy, 1.0),),
    FloodKind.RAID: ((_raid, 1.0),),
    FloodKind.COPY_PASTE: ((_copy_paste, 1.0),),
    FloodKind.GATEWAY: ((_gateway, 1.0),),
    FloodKind.DRIP: ((_drip, 1.0),),
    FloodKind.MIXTURE: (
        (_heavy, 0.4), (_raid, 0.4), (_copy_paste, 0.4), (_gateway, 0.5), (_drip, 0.3),
    ),
}  # fmt: skip
"""Who attacks in each kind, and at which share of a full attack."""
