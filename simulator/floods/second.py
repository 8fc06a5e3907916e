"""The second generator: everybody has a way of writing, and long texts are chained word by word.

Nothing is the first's: people are personas who put acts of speech together and then write them as
they write; numbers are drawn among all French mobiles; the days are the last of October, when the
clock goes back. Pure.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from simulator.floods import second_words as words
from simulator.floods.arrival import HOUR, MINUTE, PARIS, Arrival, Draft, FloodKind, arrange
from simulator.floods.writing import Persona, chain_words, disguise, draw_persona

BEGINS = datetime(2025, 10, 24, 17, 30, tzinfo=PARIS).timestamp()
LASTS = 76 * HOUR
WEEKEND_BEGINS = datetime(2017, 10, 27, 16, 0, tzinfo=PARIS).timestamp()
WEEKEND_ENDS = datetime(2017, 10, 31, 0, 0, tzinfo=PARIS).timestamp()
WEEKEND_TEXTS, WEEKEND_MALICIOUS = 25_000, 16_000
VIRAL_BEGINS = datetime(2025, 6, 10, 12, 0, tzinfo=PARIS).timestamp()
VIRAL_SENDERS = 100_000
VIRAL_DAYS_PERCENT = (31, 24, 16, 11, 8, 6, 4)

WINDOWS = ((0.0, 26.0), (14.0, 62.0), (40.0, 1.2), (52.0, 6.0))
"""Hours after which an attack begins, and for which it lasts."""

MOBILE_PREFIXES = ("61", "62", "64", "65", "66", "67", "68", "74", "75", "76", "77", "78")
ABROAD = ("+3247", "+21266", "+22177", "+3934", "+40722", "+3461")

Window = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Cast:
    """Who may still be drawn: the chance, the numbers taken, and the days it plays in."""

    random: Random
    taken: set[str]
    whole: Window

    def mobile(self) -> str:
        """A French mobile that nobody here has yet."""
        while True:
            prefix = self.random.choice(MOBILE_PREFIXES)
            number = f"+33{prefix}{self.random.randrange(10**7):07d}"
            if number not in self.taken:
                self.taken.add(number)
                return number


def flood(kind: str, seed: int, scale: float = 1.0) -> Iterator[Arrival]:
    """A flood in time order.

    Args:
        kind: a ``FloodKind``.
        seed: the same gives the same.
        scale: the share of the crowd.
    """
    kind = FloodKind(kind)
    random = Random(f"{seed}:{kind}:second")
    match kind:
        case FloodKind.WEEKEND:
            drafts = _weekend(random, scale)
        case FloodKind.VIRALITY:
            drafts = _virality(random, scale)
        case _:
            cast = _Cast(random, set(), (BEGINS, BEGINS + LASTS))
            drafts = list(_guests(cast, round(random.gauss(1450, 160) * scale)))
            after, lasts = WINDOWS[seed % len(WINDOWS)]
            window = (BEGINS + after * HOUR, BEGINS + (after + lasts) * HOUR)
            for attack, size in _plan(kind, random):
                drafts += attack(cast, max(2, round(size * scale)), window)
    yield from arrange(drafts, random)


def _plan(kind: FloodKind, random: Random) -> Sequence[tuple["Attack", float]]:
    """Who attacks, and how many senders each brings."""
    alone: dict[FloodKind, tuple[Attack, float]] = {
        FloodKind.HEAVY: (_pester, random.uniform(12, 38)),
        FloodKind.RAID: (_storm, random.uniform(2200, 7500)),
        FloodKind.COPY_PASTE: (_relay, random.uniform(2000, 8000)),
        FloodKind.GATEWAY: (_rent, random.uniform(2500, 5500)),
        FloodKind.DRIP: (_trickle, random.uniform(1300, 3200)),
    }
    if kind is FloodKind.MIXTURE:
        return [(attack, size * random.uniform(0.2, 0.5)) for attack, size in alone.values()]
    return [alone[kind]] if kind in alone else []


def _weekend(random: Random, scale: float) -> list[Draft]:
    """2017 once more: waves of everything, cut to the number of texts that it was."""
    cast = _Cast(random, set(), (WEEKEND_BEGINS, WEEKEND_ENDS))
    malicious: list[Draft] = []
    while len(malicious) < WEEKEND_MALICIOUS * scale:
        begins = random.uniform(WEEKEND_BEGINS, WEEKEND_ENDS - 10 * HOUR)
        window = (begins, begins + random.uniform(1, 10) * HOUR)
        attack, size = random.choice(((_pester, 3), (_storm, 500), (_relay, 600), (_trickle, 150)))
        malicious += attack(cast, max(1, round(size * scale)), window)
    texts = round((WEEKEND_TEXTS - WEEKEND_MALICIOUS) * scale)
    guests: list[Draft] = []
    while len(guests) < texts:
        guests += _guests(cast, 50)
    return guests[:texts] + malicious[: round(WEEKEND_MALICIOUS * scale)]


# -- people ----------------------------------------------------------------------------------------


def _guests(cast: _Cast, count: int) -> Iterator[Draft]:
    for _ in range(count):
        yield from _guest(cast, _waking_time(cast.random, *cast.whole))


def _waking_time(random: Random, begins: float, ends: float) -> float:
    """A moment when people are out: around noon, in the evening, and late on."""
    while True:
        at = random.uniform(begins, ends)
        there = datetime.fromtimestamp(at, PARIS)
        hour = there.hour + there.minute / 60
        late = 0.5 if there.weekday() >= 5 else 0.2
        peaks = ((12.7, 1.8, 0.5), (19.5, 2.6, 1.0), (23.3, 1.3, late), (0.8, 1.2, late))
        if random.random() < 0.06 + sum(
            height * math.exp(-(((hour - middle) / width) ** 2)) for middle, width, height in peaks
        ):
            return at


def _guest(cast: _Cast, at: float) -> Iterator[Draft]:
    """A person: his way of writing, his patience, his temper."""
    random, sender, persona = cast.random, cast.mobile(), draw_persona(cast.random)
    texts = 1 + int(random.expovariate(1 / 0.95))
    if random.random() < 0.03:
        texts += random.randint(6, 20)
    for turn in range(texts):
        if at >= cast.whole[1]:
            return
        yield Draft(at, sender, _speak(random, persona, turn), True)
        gap = random.lognormvariate(math.log(6), 1.3) * MINUTE
        at += gap if random.random() < 0.93 else gap + 9 * HOUR


def _speak(random: Random, persona: Persona, turn: int) -> str | None:
    chance = random.random()
    if chance < 0.02:
        return None
    if turn:
        upset = turn > 3 and persona.temper > 0.6
        text = random.choice(words.STINGS if upset else words.PINGS)
        return persona.write(random, _long(random) if chance > 0.88 else text)
    if chance < 0.38:
        return random.choice(words.NUDGES)
    if chance < 0.42:
        return random.choice(words.MISTAKES)
    return persona.write(random, _long(random) if chance < 0.55 else _acts(random))


def _acts(random: Random) -> str:
    """Some acts of speech, in the order in which they come to mind."""
    name, when = random.choice(words.NAMES), random.choice(words.WHENS)
    acts = [
        (0.7, random.choice(words.OPENERS)),
        (0.75, random.choice(words.SELVES).format(name=name)),
        (0.6, random.choice(words.RECALLS)),
        (0.45, f"{random.choice(words.WISHES)} {when} ?"),
        (0.2, random.choice(words.PINGS)),
        (0.3, random.choice(words.CLOSERS)),
    ]
    if random.random() < 0.3:
        acts[1:4] = acts[3:0:-1]
    said = [text for likely, text in acts if random.random() < likely]
    return random.choice((", ", ". ", " ", " - ")).join(said or [acts[1][1]])


def _long(random: Random) -> str:
    text = chain_words(random, words.CORPUS, random.randint(9, 34))
    return text if random.random() < 0.5 else f"{text} {random.choice(words.NAMES)}"


def _virality(random: Random, scale: float) -> list[Draft]:
    """The number is in the news at noon; the first evening is the loudest, the week forgets."""
    cast = _Cast(random, set(), (VIRAL_BEGINS, VIRAL_BEGINS + 7 * 24 * HOUR))
    drafts = []
    for _ in range(round(VIRAL_SENDERS * scale)):
        [day] = random.choices(range(7), VIRAL_DAYS_PERCENT)
        first = VIRAL_BEGINS + day * 24 * HOUR
        at, sender = _waking_time(random, first, first + 24 * HOUR), cast.mobile()
        persona = draw_persona(random)
        drafts.append(Draft(at, sender, _speak(random, persona, 0), True))
        if random.random() < 0.15:
            later = min(at + random.uniform(1, 40) * MINUTE, cast.whole[1])
            drafts.append(Draft(later, sender, _speak(random, persona, 1), True))
    return drafts


# -- attackers -------------------------------------------------------------------------------------


def _pester(cast: _Cast, size: int, window: Window) -> Iterator[Draft]:
    """A loop on a telephone, at its own pace until its owner tires."""
    random = cast.random
    for _ in range(size):
        sender, at = cast.mobile(), random.triangular(*window, window[0])
        pace = random.uniform(2, 40)
        repertoire = random.sample(words.PESTERS, random.randint(1, 6))
        for count in range(int(random.gauss(1000, 220))):
            text = random.choice(repertoire) * random.choice((1, 1, 1, 2, 3))
            yield Draft(at, sender, f"{text} {count}" if pace > 30 else text, False)
            at += random.expovariate(1 / pace)


def _storm(cast: _Cast, size: int, window: Window) -> Iterator[Draft]:
    """Waves of people in a rage, each after somebody shared the number again."""
    random = cast.random
    waves = [random.uniform(*window) for _ in range(random.randint(2, 6))] + [window[0]]
    width = (window[1] - window[0]) / 8
    for _ in range(size):
        at, sender = random.choice(waves) + random.expovariate(1 / width), cast.mobile()
        persona = draw_persona(random)
        for _text in range(random.choices((1, 2, 3), (6, 3, 1))[0]):
            yield Draft(at, sender, persona.write(random, _insult(random)), False)
            at += random.uniform(15, 400)


def _insult(random: Random) -> str:
    noun, adjective = random.choice(words.NOUNS), random.choice(words.ADJECTIVES)
    match random.randrange(5):
        case 0:
            return f"{noun} {adjective}"
        case 1:
            return f"vous n'êtes que des {noun}, {adjective} en plus"
        case 2:
            return chain_words(random, words.RANTS, random.randint(6, 22))
        case 3:
            return f"{random.choice(words.NOUNS)} ! {chain_words(random, words.RANTS, 8)}"
        case _:
            return f"toujours aussi {adjective} les {noun} ?"


def _relay(cast: _Cast, size: int, window: Window) -> Iterator[Draft]:
    """A chain letter: handed on, so that it grows and then stays."""
    random = cast.random
    letters = random.sample(words.CHAINS, random.randint(1, 3))
    for _ in range(size):
        sender, letter = cast.mobile(), random.choice(letters)
        at = window[0] + (window[1] - window[0]) * random.betavariate(2, 3)
        yield Draft(at, sender, disguise(random, letter), False)
        if random.random() < 0.2:
            at += random.uniform(30, 7200)
            yield Draft(at, sender, disguise(random, random.choice(letters)), False)


def _rent(cast: _Cast, size: int, window: Window) -> Iterator[Draft]:
    """Blocks of numbers side by side, in no order; the rest from abroad or without a number."""
    random = cast.random
    senders = [number for _ in range(3) for number in _block(cast, round(size * 0.24))]
    senders += [
        f"{random.choice(ABROAD)}{random.randrange(10**7):07d}" for _ in range(round(size * 0.26))
    ]
    senders += [*words.BRANDS, *words.CODES] * max(1, size // 200)
    for sender in senders:
        at = random.uniform(*window)
        for _ in range(random.choice((1, 2, 2, 4))):
            pitch = random.choice(words.PITCHES).format(code=random.randrange(100, 10**6))
            text = random.choice(words.NUDGES) if random.random() < 0.25 else pitch
            yield Draft(at, sender, text, False)
            at += random.expovariate(1 / (25 * MINUTE))


def _block(cast: _Cast, size: int) -> list[str]:
    """So many numbers in sequence, of which a few are not used."""
    random = cast.random
    prefix, first = random.choice(MOBILE_PREFIXES), random.randrange(10**7 - 2 * size)
    block = [f"+33{prefix}{first + place:07d}" for place in range(size + size // 12)]
    chosen = [number for number in block if number not in cast.taken]
    cast.taken.update(block)
    return random.sample(chosen, min(size, len(chosen)))


def _trickle(cast: _Cast, size: int, window: Window) -> Iterator[Draft]:
    """One bait a number, as even as rain over all the days; ``window`` is too short for it."""
    del window
    random, (begins, ends) = cast.random, cast.whole
    for place in range(size):
        at = begins + (ends - begins) * (place + 0.5 + random.uniform(-0.4, 0.4)) / size
        bait = random.choice(words.BAITS).format(name=random.choice(words.BAIT_NAMES))
        text = draw_persona(random).write(random, bait) if random.random() < 0.5 else bait
        yield Draft(at, cast.mobile(), text, False)


Attack = Callable[[_Cast, int, Window], Iterator[Draft]]
