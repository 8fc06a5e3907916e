"""The crowd of October 2017: about 25,000 texts from Friday 16:00 to the end of Monday. Pure.

A feminist number against harassment was published and then flooded; 16,000 of the messages were
malicious. What is drawn is seeded and deterministic. Numbers are those set aside for fiction:
06 39 98 00 00 to 99 99, and the like abroad.
"""

import enum
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from simulator import crowd_texts

PARIS = ZoneInfo("Europe/Paris")
DAYS = (
    datetime(2017, 10, 27, tzinfo=PARIS),
    datetime(2017, 10, 28, tzinfo=PARIS),
    datetime(2017, 10, 29, tzinfo=PARIS),
    datetime(2017, 10, 30, tzinfo=PARIS),
)
FRIDAY, SATURDAY, SUNDAY, MONDAY = range(4)
FIRST_HOUR = 16
"""Of Friday."""

HOUR, DAY = 3600.0, 86_400.0
OWN_NUMBER = "+33937000000"


class Kind(enum.StrEnum):
    """Who texts."""

    GENUINE = "genuine"
    FOREIGN = "foreign"
    SHORT_CODE = "short_code"
    ALPHANUMERIC = "alphanumeric"
    OWN_NUMBER = "own_number"
    STOP = "stop"
    TROLL = "troll"
    RAID = "raid"
    INSULT = "insult"


MALICIOUS = frozenset({Kind.TROLL, Kind.RAID, Kind.INSULT})

COUNTS: dict[Kind, tuple[int, int, int, int]] = {
    Kind.GENUINE: (1600, 1980, 1920, 3080),
    Kind.FOREIGN: (40, 50, 50, 60),
    Kind.SHORT_CODE: (10, 10, 10, 10),
    Kind.ALPHANUMERIC: (10, 15, 5, 10),
    Kind.OWN_NUMBER: (5, 5, 5, 5),
    Kind.STOP: (20, 30, 35, 35),
    Kind.TROLL: (2000, 2100, 2100, 3400),
    Kind.RAID: (0, 0, 1600, 2400),
    Kind.INSULT: (400, 500, 500, 1000),
}
"""Texts by day, at scale 1: 9,000 of people and machines, 16,000 malicious, 10,000 on Monday."""

POOLS = {
    Kind.GENUINE: range(4500),
    Kind.STOP: range(4500, 4600),
    Kind.RAID: range(4600, 8500),
    Kind.INSULT: range(8500, 9900),
    Kind.TROLL: range(9900, 10_000),
}
"""Which of the 10,000 numbers belong to whom. Beyond scale 1 they come round again."""

TEXTS_EACH = (1, 2, 3, 4, 5, 6)
TEXTS_EACH_WEIGHTS = (36, 27, 17, 11, 6, 3)
TROLL_TEXTS = (200, 1000)
RAID_SECONDS = 40 * 60
HOURS_WEIGHTS = (
    6,
    3,
    2,
    1,
    1,
    1,
    2,
    4,
    6,
    8,
    9,
    10,
    11,
    11,
    10,
    10,
    11,
    13,
    15,
    16,
    17,
    17,
    15,
    10,
)
"""How much people text, by hour of the day."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A text that reaches the number.

    Attributes:
        at: with Paris's offset.
        id: a UUID, the provider's id of it.
        sender: E.164, a short code or letters.
        text: None where there is none (a picture).
        kind: who sends it; the system under test never sees this.
    """

    at: datetime
    id: str
    sender: str
    text: str | None
    kind: Kind


class _Draft(NamedTuple):
    at: float
    sender: str
    text: str | None
    kind: Kind


def weekend(seed: int, scale: float = 1.0, own_number: str = OWN_NUMBER) -> Iterator[Arrival]:
    """The weekend, in time order.

    Args:
        seed: the same gives the same.
        scale: the share of the crowd; 1 is 25,000 texts.
        own_number: ours, for those who text from it.
    """
    random = Random(seed)
    makers = {
        Kind.GENUINE: _draw_genuine, Kind.STOP: _draw_stop, Kind.TROLL: _draw_trolls,
        Kind.RAID: _draw_raid, Kind.INSULT: _draw_insults,
    }  # fmt: skip
    drafts: list[_Draft] = []
    for kind, by_day in COUNTS.items():
        numbers = _numbers(random, kind)
        for day, count in enumerate(by_day):
            scaled = round(count * scale)
            if kind in makers:
                drafts += makers[kind](random, day, scaled, numbers)
            else:
                drafts += _draw_oddities(random, day, scaled, kind, own_number)
    drafts.sort(key=lambda draft: draft.at)  # stable: equal times keep the order of drawing
    for draft in drafts:
        yield Arrival(
            at=_paris_time(draft.at),
            id=str(uuid.UUID(int=random.getrandbits(128), version=4)),
            sender=draft.sender,
            text=draft.text,
            kind=draft.kind,
        )


def _paris_time(at: float) -> datetime:
    """Paris's time as a fixed offset.

    Two times of one zone compare by their hands on the clock, and that Sunday the hour from 2 to 3
    came twice.
    """
    there = datetime.fromtimestamp(at, PARIS)
    offset = there.utcoffset()
    return there if offset is None else there.astimezone(timezone(offset))


def _numbers(random: Random, kind: Kind) -> Iterator[str]:
    """The numbers of a kind, in a drawn order, over and over."""
    pool = [f"+3363998{number:04d}" for number in POOLS.get(kind, range(1))]
    random.shuffle(pool)
    while True:
        yield from pool


def _draw_time(random: Random, day: int) -> float:
    """A moment of this day, by the hours at which people text."""
    first = FIRST_HOUR if day == FRIDAY else 0
    [hour] = random.choices(range(first, 24), HOURS_WEIGHTS[first:])
    return DAYS[day].timestamp() + (hour + random.random()) * HOUR


def _end(day: int) -> float:
    return DAYS[day].timestamp() + DAY - 0.001


def _draw_genuine(random: Random, day: int, count: int, numbers: Iterator[str]) -> Iterator[_Draft]:
    """People who were given the number: a first text, and some more within the hour."""
    while count > 0:
        [texts] = random.choices(TEXTS_EACH, TEXTS_EACH_WEIGHTS)
        texts = min(texts, count)
        count -= texts
        sender, at = next(numbers), _draw_time(random, day)
        for turn in range(texts):
            yield _Draft(at, sender, _draw_text(random, turn), Kind.GENUINE)
            at = min(at + random.expovariate(1 / 240), _end(day))


def _draw_text(random: Random, turn: int) -> str | None:
    if random.random() < 0.005:
        return None
    pattern = random.choice(crowd_texts.FIRST if turn == 0 else crowd_texts.NEXT)
    return pattern.format(
        name=random.choice(crowd_texts.NAMES),
        day=random.choice(crowd_texts.DAYS),
        place=random.choice(crowd_texts.PLACES),
    )


def _draw_stop(random: Random, day: int, count: int, numbers: Iterator[str]) -> Iterator[_Draft]:
    """People who want no answer: a greeting for every other, then STOP."""
    greeted = False
    at, sender = 0.0, ""
    for _ in range(count):
        if greeted:
            at = min(at + random.expovariate(1 / 300), _end(day))
        else:
            at, sender = _draw_time(random, day), next(numbers)
        text = random.choice(crowd_texts.STOP) if greeted or random.random() < 0.5 else "Coucou"
        yield _Draft(at, sender, text, Kind.STOP)
        greeted = text == "Coucou"


def _draw_trolls(random: Random, day: int, count: int, numbers: Iterator[str]) -> Iterator[_Draft]:
    """One number each, hundreds of texts up to a thousand at a time."""
    while count > 0:
        least, most = TROLL_TEXTS
        texts = min(random.randint(least, most), count)
        count -= texts
        sender = next(numbers)
        start, seconds = _draw_time(random, day), random.uniform(10, 90) * 60
        start = min(start, _end(day) - seconds)
        for _ in range(texts):
            at = start + random.random() * seconds
            yield _Draft(at, sender, random.choice(crowd_texts.TROLL), Kind.TROLL)


def _draw_raid(random: Random, day: int, count: int, numbers: Iterator[str]) -> Iterator[_Draft]:
    """A call to paste: one text, from many numbers, most of them within minutes."""
    start = DAYS[day].timestamp() + (20 if day == SUNDAY else 18) * HOUR
    text = crowd_texts.RAID[day % len(crowd_texts.RAID)]
    for _ in range(count):
        at = start + min(random.expovariate(1 / (RAID_SECONDS / 4)), RAID_SECONDS)
        yield _Draft(at, next(numbers), text, Kind.RAID)


def _draw_insults(random: Random, day: int, count: int, numbers: Iterator[str]) -> Iterator[_Draft]:
    """People who insult whom they suppose there: one text or two."""
    while count > 0:
        texts = min(random.choice((1, 2, 2)), count)
        count -= texts
        sender, at = next(numbers), _draw_time(random, day)
        for _ in range(texts):
            yield _Draft(at, sender, random.choice(crowd_texts.INSULTS), Kind.INSULT)
            at = min(at + random.expovariate(1 / 120), _end(day))


def _draw_oddities(
    random: Random, day: int, count: int, kind: Kind, own_number: str
) -> Iterator[_Draft]:
    """What cannot or must not be answered."""
    senders: Sequence[str] = {
        Kind.FOREIGN: [f"+4477009{number:05d}" for number in range(1000)],
        Kind.SHORT_CODE: ["36179", "38200", "31003"],
        Kind.ALPHANUMERIC: ["PROMO", "BonPlan", "Colis"],
        Kind.OWN_NUMBER: [own_number],
    }[kind]
    texts = crowd_texts.ADVERTS if kind in {Kind.SHORT_CODE, Kind.ALPHANUMERIC} else ("Hello",)
    for _ in range(count):
        yield _Draft(_draw_time(random, day), random.choice(senders), random.choice(texts), kind)
