"""The documents of the project: the commands and the links that stand in them."""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kernel.words.gloss import GLOSS
from services.billing.core.notice import CAUSES, COMMANDS

ROOT = Path(__file__).resolve().parents[2]
_TOP = (ROOT / "README.md", ROOT / "README.fr.md", ROOT / "CONTRIBUTING.md")
DOCUMENTS = (*_TOP, *sorted((ROOT / "docs").rglob("*.md")))

_FENCE = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_PROGRAM = re.compile(r"(?:^|[\s/])antirelou(?= |$)")
_HINT = re.compile(
    r"""antirelou ((?:[a-z]+)(?: (?:[a-z]+|--[a-z]+|"[^"]*"|[A-Z]{2,}|[\d.,]+\b))*)"""
)
PROSE = frozenset({"auraient", "would", "says"})
"""Words that follow the program's name, or a command's, in a sentence of the catalogue."""


@dataclass(frozen=True, slots=True)
class Written:
    """A command as a document has it.

    Attributes:
        place: where it stands.
        arguments: after ``antirelou``.
        mentioned: in a sentence: a name without its arguments is enough.
    """

    place: str
    arguments: tuple[str, ...]
    mentioned: bool

    def __str__(self) -> str:
        return f"{self.place}: antirelou {shlex.join(self.arguments)}"


def commands_written() -> list[Written]:
    """Every command of every document, and of what the house itself tells people to type."""
    found = [written for path in DOCUMENTS for written in _read_document(path)]
    for command in sorted({*COMMANDS.values(), *CAUSES.values()}):
        found += _split("alerts", command, mentioned=False)
    for group, terms in GLOSS.items():
        for code, term in terms.items():
            for text in term:
                found += _read_hints(f"gloss {group}.{code}", text)
    return list(dict.fromkeys(found))


def read_lines(place: str, lines: Iterable[str]) -> list[Written]:
    """The commands in lines that a command printed."""
    return [written for line in lines for written in _split(place, line.strip(), mentioned=False)]


def _read_document(path: Path) -> Iterator[Written]:
    text = path.read_text("utf-8")
    place = str(path.relative_to(ROOT))
    for block in _FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            yield from _split(place, line, mentioned=False)
    for span in _INLINE.findall(_FENCE.sub("", text)):
        yield from _split(place, " ".join(span.split()), mentioned=True)


def _split(place: str, line: str, *, mentioned: bool) -> Iterator[Written]:
    """The commands of ours in a line of shell."""
    if "docker build" in line:  # there it is an image's name
        return
    line = re.sub(r"\$\([^)]*\)", "x", line).replace("<name>", "all")
    line = re.sub(r"[\[\]]", "", line) if mentioned else line
    for part in re.split(r"; |&&", line):
        started = list(_PROGRAM.finditer(part.partition(" # ")[0]))
        if not started or not _is_shell(part[: started[-1].start()]):
            continue
        words = shlex.split(part[started[-1].end() :], comments=True)
        if words:
            alternatives = [word.split("|") if "|" in word else [word] for word in words]
            longest = max(map(len, alternatives))
            for n in range(longest):
                chosen = (names[min(n, len(names) - 1)] for names in alternatives)
                yield Written(place, tuple(chosen), mentioned)


def _is_shell(before: str) -> bool:
    """Whether what stands before the program's name starts it, rather than speaks of it."""
    words = before.split()
    if words and words[0] == "kubectl":  # there it is a namespace, too
        return words[-1] == "--"
    return not words or words[0] in {"time", "docker", ".venv/bin"} or "=" in words[0]


_QUOTED = re.compile(r"`antirelou ([^`]+)`")


def _read_hints(place: str, text: str) -> Iterator[Written]:
    for quoted in _QUOTED.findall(text):
        yield Written(place, tuple(shlex.split(quoted)), mentioned=True)
    for found in _HINT.findall(_QUOTED.sub("", text)):
        words = shlex.split(found)
        if words[0] in PROSE:
            continue
        ends = next((n for n, word in enumerate(words) if n and word in STOPS), len(words))
        yield Written(place, tuple(words[:ends]), mentioned=True)


STOPS = frozenset({"le", "says", "to", "said"})
"""Words of a sentence that follow a command in the catalogue."""


def headings(path: Path) -> set[str]:
    """The anchors of a document, as GitHub makes them."""
    text = _FENCE.sub("", path.read_text("utf-8"))
    found: set[str] = set()
    for line in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line).replace("`", "").strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        numbered = anchor
        n = 0
        while numbered in found:
            n += 1
            numbered = f"{anchor}-{n}"
        found.add(numbered)
    return found


def links(path: Path) -> Sequence[str]:
    """The targets of a document's links and images that are not on the network."""
    text = _FENCE.sub("", path.read_text("utf-8"))
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]
