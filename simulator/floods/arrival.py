"""What every flood is made of: a text that reaches the number, and its line in a trace. Pure."""

import enum
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


class FloodKind(enum.StrEnum):
    """What happens to the number."""

    CALM = "calm"
    """Nothing: people it was given to, and a few who mistyped."""
    HEAVY = "heavy"
    """Few senders, about a thousand texts each."""
    RAID = "raid"
    """Thousands of senders, one to three texts, insults in their own words."""
    COPY_PASTE = "copy_paste"
    """Thousands of senders, one text or several, each changed a little."""
    GATEWAY = "gateway"
    """Rented numbers in sequence, foreign ones, letters, short codes."""
    DRIP = "drip"
    """One plausible text a sender, evenly over days."""
    MIXTURE = "mixture"
    """All of these at once."""
    WEEKEND = "weekend"
    """October 2017: 25,000 texts, 16,000 of them malicious."""
    VIRALITY = "virality"
    """A hundred thousand people in a week; nobody attacks."""
    HOUR_ZERO = "hour_zero"
    """An attack from the number's first minute; nothing calm was ever seen before."""
    ROTATION = "rotation"
    """SIMs one after the other, 12 to 29 texts each."""
    POISON = "poison"
    """Hammered words of sincere people, false clusters of them, then an attack."""
    THRESHOLDS = "thresholds"
    """Under 25 letters, a steady rate, numbers far apart: just below whatever one may guess."""
    MIMIC_WAVE = "mimic_wave"
    """Attackers who write as people do, within hours."""
    MIMIC_DRIP = "mimic_drip"
    """Attackers who write as people do, at people's hours, over days."""
    RAMP = "ramp"
    """An attack that grows from nothing to heavy over days."""
    VIRAL = "viral"
    """A post sends thousands of sincere people in an evening; nobody attacks."""
    VIRAL_SENTENCE = "viral_sentence"
    """A post suggests a sentence, and 750 sincere people send it; nobody attacks."""
    VIRAL_RAID = "viral_raid"
    """A post sends sincere people and trolls in the same hours."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A text that reaches the number.

    Attributes:
        at: with Paris's offset.
        id: the provider's id of it.
        sender: E.164, a short code or letters.
        text: None where there is none (a picture).
        genuine: the number was given to this sender; the judge never sees this.
    """

    at: datetime
    id: str
    sender: str
    text: str | None
    genuine: bool


class Draft(NamedTuple):
    """An arrival before it has its place and its id. ``at`` is seconds since 1970."""

    at: float
    sender: str
    text: str | None
    genuine: bool


def arrange(drafts: Iterable[Draft], random: Random) -> Iterator[Arrival]:
    """Give drafts their order and their ids; equal times keep the order of drawing."""
    for draft in sorted(drafts, key=lambda draft: draft.at):
        id_ = str(uuid.UUID(int=random.getrandbits(128), version=4))
        yield Arrival(paris_time(draft.at), id_, draft.sender, draft.text, draft.genuine)


def paris_time(at: float) -> datetime:
    """Paris's time with a fixed offset, so that times compare rightly when the clock goes back."""
    there = datetime.fromtimestamp(at, PARIS)
    offset = there.utcoffset()
    return there if offset is None else there.astimezone(timezone(offset))


def trace_line(arrival: Arrival) -> str:
    """The arrival as a line of a rehearsal trace, without what nobody may know.

    docs/contract.md §6.
    """
    line = {
        "at": arrival.at.isoformat(),
        "id": arrival.id,
        "from": arrival.sender,
        "text": arrival.text,
    }
    return json.dumps(line, ensure_ascii=False) + "\n"
