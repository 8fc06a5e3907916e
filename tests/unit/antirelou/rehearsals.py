"""Small floods, and rehearsals of them by the command itself."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from antirelou.commands.main import main

PARIS = ZoneInfo("Europe/Paris")
MONDAY = datetime(2017, 10, 30, 10, tzinfo=PARIS)
"""Not quiet."""
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PRICE, TEXT, EURO = 150_000, 10_000, 1_000_000
FUNDS = ["0", "20.5", "24", "60", "1000"]
GREETINGS = (
    "Coucou", "Salut ça va ?", "Bonjour", "Hello c'est Karim", "On s'est vus tout à l'heure",
    "Tu fais quoi ce soir ?", "C'est moi du parc :)", "slt cv",
)  # fmt: skip
WORDS = (
    "bonjour", "hier", "soir", "gare", "train", "livre", "chat", "soleil", "pluie", "marché", "ami",
    "voiture", "vélo", "rouge", "bleu", "grand", "petit", "manger", "dormir", "courir", "lire",
    "écrire", "penser", "demain", "lundi", "mardi", "café", "bus", "métro", "quai", "musique",
    "film", "place", "rue", "pont", "jardin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sms:
    """A text that comes so long after ``MONDAY``."""

    after: timedelta
    id: str
    sender: str
    text: str | None = "Coucou"

    def line(self) -> str:
        """As a trace has it."""
        at = (MONDAY + self.after).isoformat()
        found = {"at": at, "id": self.id, "from": self.sender, "text": self.text}
        return json.dumps(found, ensure_ascii=False) + "\n"


def phone(number: int) -> str:
    """Of the range set aside for fiction, scattered: no two are neighbours."""
    return f"+3363998{number * 7919 % 10_000:04}"


def calm(count: int, every: timedelta = 20 * MINUTE, first: int = 0) -> list[Sms]:
    """So many distinct senders, one greeting each."""
    return [
        Sms((n + 1) * every, f"c-{first + n}", phone(first + n), GREETINGS[n % len(GREETINGS)])
        for n in range(count)
    ]


def sentence(chance: Random, words: int = 9) -> str:
    """Something that nobody else writes."""
    return " ".join(chance.choices(WORDS, k=words))


def flood(seed: int = 1, hours: int = 6, per_hour: int = 40) -> list[Sms]:
    """All sorts at once: greetings, floods of one, strangers, repeats, and no text at all."""
    chance = Random(seed)
    found: list[Sms] = []
    for n in range(hours * per_hour):
        after = timedelta(seconds=chance.randrange(hours * 3600))
        sender = chance.choice(
            [phone(chance.randrange(9000)), phone(n % 7), "36000", "Promo", "anonymous"]
        )
        text = chance.choice([None, chance.choice(GREETINGS), sentence(chance)])
        found.append(Sms(after, f"m-{n}", sender, text))
        if chance.random() < 0.1:
            found.append(Sms(after + HOUR, f"m-{n}", sender, text))
    return sorted(found, key=lambda sms: sms.after)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a rehearsal said and wrote.

    Attributes:
        summary: of ``--json``.
        lines: of ``--out``, by id.
        out: the same, as written.
    """

    summary: dict[str, Any]
    lines: dict[str, dict[str, Any]]
    out: bytes

    @property
    def spent(self) -> int:
        """By the summary."""
        on = ("spent_receive_microeuros", "spent_reply_microeuros")
        return sum(int(self.summary[name]) for name in on)

    def replied(self) -> dict[str, datetime]:
        """Who was answered, by id, and when."""
        return {
            id_: datetime.fromisoformat(line["replied_at"])
            for id_, line in self.lines.items()
            if line["replied_at"] is not None
        }

    def reasons(self) -> dict[str, str]:
        """By id."""
        return {id_: line["reason"] for id_, line in self.lines.items()}


@dataclass
class Stage:
    """Where rehearsals are held."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def write(self, texts: Iterable[Sms], name: str = "trace.jsonl") -> Path:
        """Write a trace."""
        path = self.folder / name
        path.write_text("".join(sms.line() for sms in texts), encoding="utf-8")
        return path

    def rehearse(self, texts: Sequence[Sms], fund: str = "1000", **settings: str) -> Rehearsal:
        """Let it pass; settings by their names in lower case."""
        out = self.folder / "out.jsonl"
        chosen = [f"--set={name.upper()}={value}" for name, value in settings.items()]
        trace = str(self.write(texts))
        assert main(["rehearse", trace, "--fund", fund, "--out", str(out), "--json", *chosen]) == 0
        said = self.capsys.readouterr()
        assert said.err == ""
        lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        assert len({line["id"] for line in lines}) == len(lines)
        return Rehearsal(
            json.loads(said.out), {line["id"]: line for line in lines}, out.read_bytes()
        )
