"""Where the settings stand: environment and settings file, and what is refused in them. Pure.

The file is what Compose (``.env``), systemd (``EnvironmentFile=``) and ``kubectl create secret
--from-env-file`` read alike, and no more, so that a line means the same wherever it is read
(README, "Settings"). What would be read another way there is refused, not guessed at.
"""

import codecs
import difflib
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

PREFIX = "ANTIRELOU_"

OTHERS = re.compile(
    r"ANTIRELOU_(SETTINGS_FILE"  # the file itself
    r"|CRASH_(AT|TRACE)"  # tests/support/crash_points.py
    r"|WEBHOOK_PORT"  # docker-compose.yml
    r"|FUZZ_EXAMPLES|(TEST|FAULTS|KEDA)_[A-Z0-9_]+)"  # the Makefile and the tests
)
"""Names with our prefix that are no settings (README, "Settings")."""

COMPOSE = ("POSTGRES_PASSWORD", "GRAFANA_PASSWORD", "SIMULATED_PLIVO_AUTH_TOKEN", "WEBHOOK_PORT")
"""Names without our prefix that ``init`` writes for Compose, or that look like settings there."""

ALIKE = 0.8
"""From this share of common letters on a name is taken for a misspelt one."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORM = "accepted: NAME=value, without `export` and without blanks around the ="


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file that sets something.

    Attributes:
        number: from 1.
    """

    number: int
    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sources:
    """What the settings are.

    Attributes:
        values: by the setting's lower-case name.
        places: where a value stands, such as ``antirelou.env, line 7: ``; none: the environment.
        complaints: a line each, names but never quotes a value.
    """

    values: Mapping[str, str] = field(repr=False)
    places: Mapping[str, str]
    complaints: tuple[str, ...]


def read_sources(
    environment: Mapping[str, str], file: bytes, *, label: str, known: Collection[str]
) -> Sources:
    """The settings of environment and file; the environment wins, and what is empty is not set.

    Args:
        label: what the file is called in complaints.
        known: the settings' lower-case names.
    """
    names = {PREFIX + name.upper() for name in known}
    lines, troubles = parse_env_file(file)
    complaints = [f"{label}, line {number}: {said}" for number, said in troubles]
    values, places = {}, {}
    for line in lines:
        place = f"{label}, line {line.number}: "
        if said := _check_name(line.name, names, bare=True):
            complaints.append(place + said)
        elif line.name in names and line.value:
            name = line.name.removeprefix(PREFIX).lower()
            values[name], places[name] = line.value, place
    for name, value in environment.items():
        if said := _check_name(name, names, bare=False):
            complaints.append(said)
        elif name in names and value:
            setting = name.removeprefix(PREFIX).lower()
            values[setting] = value
            places.pop(setting, None)
    return Sources(values, places, tuple(complaints))


def parse_env_file(content: bytes) -> tuple[list[Line], list[tuple[int, str]]]:
    """Read a settings file.

    Returns:
        the lines that set something, each name once, and what is wrong: line number and words.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return [], [(1, "the file is UTF-16: save it as UTF-8")]
    lines: dict[str, Line] = {}
    troubles = []
    for number, raw in enumerate(content.removeprefix(codecs.BOM_UTF8).split(b"\n"), start=1):
        try:
            line = _parse_line(number, raw.removesuffix(b"\r"))
        except ValueError as error:
            troubles.append((number, str(error)))
            continue
        if line is None:
            continue
        if line.name in lines:
            first = lines[line.name].number
            troubles.append((number, f"{line.name}: stands in line {first} too: keep one"))
        else:
            lines[line.name] = line
    return list(lines.values()), troubles


def _parse_line(number: int, raw: bytes) -> Line | None:
    """A line that sets something; None: a comment, or empty. Raises ValueError: what is wrong."""
    try:
        text = raw.decode("utf-8").strip(" \t")
    except UnicodeDecodeError:
        name = _shown_name(raw.decode("latin-1"))
        raise ValueError(
            f"{name}not UTF-8, as of a file saved as Latin-1: save it as UTF-8"
        ) from None
    if not text or text.startswith("#"):
        return None
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError(
            f"{_shown_name(text)}a control character stands in it: take it away; if it is NUL in "
            "every line, the file is UTF-16: save it as UTF-8"
        )
    name, separator, value = text.partition("=")
    if not separator or not _NAME.fullmatch(name) or value[:1] in {" ", "\t"}:
        raise ValueError(f"{_shown_name(text)}cannot be read, {_FORM}")
    try:
        return Line(number, name, _parse_value(value) if name.startswith(PREFIX) else value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _shown_name(text: str) -> str:
    """The name in a line that cannot be read, if it is one of ours: all else may be a secret."""
    found = re.match(r"\s*(?:export\s+)?(ANTIRELOU_[A-Z0-9_]+)", text)
    return f"{found[1]}: " if found else ""


def _parse_value(text: str) -> str:
    """A value as all who read such files read it. Raises ValueError: they would not agree."""
    quote = text[:1] if text[:1] in {"'", '"'} else ""
    inside = text.removeprefix(quote)
    if quote:
        if not inside.endswith(quote) or quote in inside[:-1]:
            raise ValueError(
                f"a {quote} within, or none at the end of, a value that begins with {quote}, "
                "accepted: both quotes and none between, or no quotes and no comment behind"
            )
        inside = inside[:-1]
    if quote != "'" and ("$" in inside or "\\" in inside):
        raise ValueError(
            "a $ or \\ stands in it, which some replace and some keep, accepted: the value in "
            "single quotes, where it is taken as it is; nothing is replaced in this file"
        )
    if not quote and re.search(r"(^|\s)#", inside):
        raise ValueError(
            "a # stands in it after a blank, accepted: a comment on a line of its own; or the "
            "value in single quotes if the # is part of it"
        )
    return inside


def _check_name(name: str, names: Collection[str], *, bare: bool) -> str:
    """What is wrong with a name; empty: nothing, or it is none of ours.

    Args:
        bare: without our prefix it is taken for one of ours too, where it is like one.
    """
    if name in names or OTHERS.fullmatch(name) or name in COMPOSE:
        return ""
    upper = name.upper()
    ours = _is_like(upper[: len(PREFIX) - 1], PREFIX[:-1])
    if not ours and not bare:
        return ""
    meant = next(_find_alike(upper, names), "")
    if not ours and not meant:
        return ""
    advice = f"did you mean {meant}?" if meant else "docs/reference.md lists all"
    return f"{ascii(name)[1:-1]}: no such setting: {advice}"


def _is_like(name: str, ours: str) -> bool:
    return difflib.SequenceMatcher(None, name, ours).ratio() >= ALIKE


def _find_alike(name: str, names: Collection[str]) -> Iterator[str]:
    """Settings that a name may have been meant for, best first, with and without our prefix."""
    bare = {known.removeprefix(PREFIX): known for known in names}
    rest = re.sub(r"^ANT\w*?LOU\w?_", "", name)
    for found in difflib.get_close_matches(rest, bare, n=1, cutoff=ALIKE):
        yield bare[found]
    yield from difflib.get_close_matches(name, names, n=1, cutoff=ALIKE)
