"""How the third generator makes a text: a grammar says what, a hand says how it looks. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

Words = Mapping[str, tuple[str, ...]]
"""A grammar: the ways to say each part; ``{part}`` in one stands for a way to say that part."""

_PART = re.compile(r"\{(\w+)\}")
_LETTERS = re.compile(r"[a-zà-ÿ]{4,}", re.IGNORECASE)
_ACCENTS = str.maketrans("àâäéèêëîïôöùûüçñÀÂÉÈÊÎÔÙÇ", "aaaeeeeiioouuucnAAEEEIOUC")
_ROWS = ("azertyuiop", "qsdfghjklm", "wxcvbn")
_BESIDE = {
    letter: row[max(at - 1, 0) : at] + row[at + 1 : at + 2]
    for row in _ROWS
    for at, letter in enumerate(row)
}
_SHORT = {
    "aujourd'hui": ("auj", "ojd"),
    "avec": ("avc", "ac"),
    "beaucoup": ("bcp",),
    "bien": ("b1", "bi1"),
    "bisous": ("bsx", "biz"),
    "bonjour": ("bjr", "bj"),
    "bonsoir": ("bsr",),
    "c'est": ("c", "cé", "cest"),
    "c'était": ("ct", "ctait"),
    "comment": ("cmt", "coment"),
    "coucou": ("cc", "coucouu"),
    "dans": ("ds",),
    "demain": ("dem1", "2main", "dmain"),
    "est-ce que": ("esk", "est ce que"),
    "j'ai": ("g", "jai", "jé"),
    "je suis": ("chui", "jsuis", "chuis"),
    "je te": ("jte", "j'te"),
    "longtemps": ("lgtps",),
    "maintenant": ("mtn", "mnt"),
    "message": ("msg", "mess"),
    "messages": ("msgs",),
    "mon": ("mn",),
    "numéro": ("num", "numero", "06"),
    "parce que": ("pcq", "psk"),
    "pas": ("pa",),
    "peut-être": ("ptet", "ptètre"),
    "pour": ("pr",),
    "pourquoi": ("pk", "pq", "prq"),
    "quand": ("qd", "kan"),
    "que": ("ke", "q"),
    "quelque chose": ("qq chose", "qqch"),
    "quelqu'un": ("qqun", "qqn"),
    "qui": ("ki",),
    "quoi": ("koi", "kwa"),
    "rien": ("ri1",),
    "s'il te plaît": ("stp", "stppp", "steuplé"),
    "salut": ("slt", "salu"),
    "samedi": ("sam",),
    "sérieux": ("srx",),
    "t'as": ("ta", "tas"),
    "t'es": ("tes", "t"),
    "temps": ("tps",),
    "toujours": ("tjr", "tjs"),
    "tout": ("tt",),
    "tranquille": ("tkl", "trql"),
    "week-end": ("we", "wk"),
}
_SHORTENED = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, _SHORT), key=len, reverse=True)) + r")(?!\w)",
    re.IGNORECASE,
)


def read_words(page: str) -> dict[str, tuple[str, ...]]:
    """Read a grammar: ``[part]`` heads its ways, which stand one a line or between `` | ``."""
    words: dict[str, tuple[str, ...]] = {}
    part = ""
    for line in filter(None, map(str.strip, page.splitlines())):
        if line.startswith("["):
            part = line.strip("[]")
            words[part] = ()
        else:
            words[part] += tuple(way.strip() for way in line.split(" | "))
    return words


def say(words: Words, part: str, random: Random, fixed: Mapping[str, str] | None = None) -> str:
    """A way to say the part; what is ``fixed`` (a name, a place) is said as it is."""
    known = fixed or {}

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        return known.get(name) or _PART.sub(fill, random.choice(words[name]))

    return _PART.sub(fill, random.choice(words[part])).strip()


@dataclass(frozen=True, slots=True)
class Hand:
    """How one person writes, from one text to the next. Shares are from 0 to 1.

    Attributes:
        short: the share of words that he shortens.
        accents, apostrophes: whether he types them.
        case: what he does to capitals.
        typos: the share of longer words with a slip.
        marks: what he makes of a question mark.
        end: what he likes to end with.
        ends: the share of texts that end so.
    """

    short: float
    accents: bool
    apostrophes: str
    case: Callable[[str], str]
    typos: float
    marks: str
    end: tuple[str, ...]
    ends: float

    def write(self, text: str, random: Random) -> str:
        """The text as this hand writes it."""
        text = _SHORTENED.sub(lambda match: self._shorten(match[0], random), text)
        text = _LETTERS.sub(lambda match: self._slip(match[0], random), text)
        text = text if self.accents else text.translate(_ACCENTS)
        text = text.replace("'", self.apostrophes).replace(" ?", self.marks)
        text = self.case(text)
        if random.random() < self.ends:
            text = f"{text} {random.choice(self.end)}"
        return text.strip() or "?"

    def _shorten(self, word: str, random: Random) -> str:
        return random.choice(_SHORT[word.casefold()]) if random.random() < self.short else word

    def _slip(self, word: str, random: Random) -> str:
        if random.random() >= self.typos:
            return word
        at = random.randrange(1, len(word) - 1)
        match random.randrange(4):
            case 0:
                return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            case 1:
                return word[:at] + word[at + 1 :]
            case 2:
                return word + word[-1] * random.randint(1, 3)
            case _:
                return word[:at] + random.choice(_BESIDE.get(word[at], "e")) + word[at + 1 :]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _as_is(text: str) -> str:
    return text


def draw_hand(random: Random, ends: tuple[str, ...], *, care: float) -> Hand:
    """Somebody's hand; ``care`` from 0 (SMS French) to 1 (as at school)."""
    careful = random.random() < care
    cases = (str.lower, str.lower, _sentence, _as_is) if not careful else (_sentence, _as_is)
    return Hand(
        short=0.0 if careful else random.choice((0.0, 0.15, 0.4, 0.8)),
        accents=careful or random.random() < 0.4,
        apostrophes=random.choice("'’") if careful else random.choice(("'", "'", "’", "", " ")),
        case=str.upper if random.random() < 0.02 else random.choice(cases),
        typos=0.004 if careful else random.choice((0.01, 0.03, 0.09)),
        marks=" ?" if careful else random.choice((" ?", "?", "?", " ??", "", "???")),
        end=tuple(random.sample(ends, 3)),
        ends=random.choice((0.0, 0.0, 0.1, 0.35, 0.7)),
    )
