"""A full scan for I6 and for secrets: is any of these values in what a house wrote, however spelt.

In one line, at the end of a run: ``assert await find_people(house, numbers, texts) == []``.
Texts may be in ``sms.received`` and its dead twin, numbers nowhere but sealed.
"""

import asyncio
import base64
import json
import urllib.request
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

import asyncpg

from antirelou.commands.demo.house import House
from antirelou.compose import open_database, open_log
from kernel.facts.topics import READS, dead
from kernel.log.port import Log
from kernel.settings.settings import load_settings

TEXTS_MAY_BE_IN = {"topic sms.received", "topic sms.received.dead"}
TEXT_CHARACTERS_MIN = 12
"""A shorter text occurs by chance."""

PREFIX_BYTES = 8
SHORT_DIGITS = 9
HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class Found:
    """Something that should not be there. Shown, it does not quote what it found."""

    place: str
    what: str
    spelling: str


def spell_number(e164: str) -> dict[str, str]:
    """How a number may be written: E.164, digits, 00, national, with separators."""
    digits = e164.removeprefix("+")
    spelt = {"E.164": e164, "digits": digits, "00": "00" + digits}
    if digits.startswith("33") and len(digits) == 11:
        national = "0" + digits[2:]
        pairs = [national[n : n + 2] for n in range(0, 10, 2)]
        spelt |= {"national": national, "significant": digits[2:]}
        spelt |= {f"by {sep!r}": sep.join(pairs) for sep in (" ", ".", "-")}
        spelt |= {"international": f"+33 {digits[2]} {' '.join(pairs[1:])}"}
    return spelt


def encode(value: str) -> dict[str, bytes]:
    """How a value may be stored: bytes that would have to occur."""
    raw = value.encode("utf-8", "surrogatepass")
    encoded = {
        "UTF-8": raw,
        "UTF-16 LE": value.encode("utf-16-le", "surrogatepass"),
        "UTF-16 BE": value.encode("utf-16-be", "surrogatepass"),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "JSON": json.dumps(value)[1:-1].encode(),
        "URL": quote(value, safe="").encode("utf-8", "replace") if value.isprintable() else raw,
        "form": quote_plus(value).encode() if value.isprintable() else raw,
    }
    return encoded | _base64(raw)


def _base64(raw: bytes) -> dict[str, bytes]:
    """Base64 of the value wherever it stands in what was encoded: three alignments, their core."""
    found = {}
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw)
        core = text[(shift * 8 + 5) // 6 :]
        core = core[: (len(raw) * 8 - (-(shift * 8) % 6)) // 6]
        found[f"base64+{shift}"] = core
        found[f"base64url+{shift}"] = core.replace(b"+", b"-").replace(b"/", b"_")
    return found


class Needles:
    """Many values, searched for at once, in time that does not grow with how many they are.

    Args:
        values: (what it is, spelling, the value).
    """

    def __init__(self, values: Iterable[tuple[str, str, str]]) -> None:
        self._by_prefix: dict[bytes, list[tuple[bytes, str, str]]] = {}
        for what, spelling, value in values:
            for encoding, raw in encode(value).items():
                assert len(raw) >= PREFIX_BYTES, f"too short to look for: {spelling}, {encoding}"
                known = self._by_prefix.setdefault(raw[:PREFIX_BYTES], [])
                if raw not in [needle[0] for needle in known]:
                    known.append((raw, what, f"{spelling}, {encoding}"))

    def search(self, place: str, content: bytes) -> Iterator[Found]:
        """All that is found there, each spelling once."""
        seen = set()
        prefixes = self._by_prefix
        for at in range(len(content) - PREFIX_BYTES + 1):
            for raw, what, spelling in prefixes.get(content[at : at + PREFIX_BYTES], ()):
                found = Found(place, what, spelling)
                if found not in seen and _stands(raw, content, at):
                    seen.add(found)
                    yield found


def _stands(raw: bytes, content: bytes, at: int) -> bool:
    """Whether it is there, and, being nine digits, is no part of something longer by chance."""
    if not content.startswith(raw, at):
        return False
    if len(raw) > SHORT_DIGITS or not raw.isdigit():
        return True
    after = content[at + len(raw) : at + len(raw) + 1]
    escaped = content[max(at - 3, 0) : at].startswith(b"%")  # something else, in a URL
    before = b"" if escaped else content[max(at - 1, 0) : at]
    return not any(byte in HEXADECIMAL for byte in before + after)


def secrets_in(places: Mapping[str, bytes], secrets: Sequence[str]) -> list[Found]:
    """Which secrets are in what was said; each is called by its position in the list."""
    needles = Needles((f"secret {n}", "as it is", value) for n, value in enumerate(secrets))
    return [found for place, content in places.items() for found in needles.search(place, content)]


async def find_people(
    house: House, numbers: Iterable[str], texts: Iterable[str] = ()
) -> list[Found]:
    """Every number and text of the crowd that a house holds where it must not.

    docs/design.md §6, §7.

    Args:
        numbers: E.164, of people; not ours, which is published.
        texts: shorter ones than ``TEXT_CHARACTERS_MIN`` are not looked for.
    """
    spelt = [
        (f"number {n}", spelling, value)
        for n, number in enumerate(sorted(set(numbers)))
        for spelling, value in spell_number(number).items()
    ]
    long = sorted({text for text in texts if len(text) >= TEXT_CHARACTERS_MIN})
    of_numbers = Needles(spelt)
    of_texts = Needles((f"text {n}", "as it is", text) for n, text in enumerate(long))
    found: list[Found] = []
    async for place, content in everything(house):
        found += of_numbers.search(place, content)
        if place not in TEXTS_MAY_BE_IN:
            found += of_texts.search(place, content)
    return found


@asynccontextmanager
async def reading(house: House) -> AsyncIterator[tuple[Log, str]]:
    """The house's log and its database's URL, beside the house itself."""
    names = ("data_dir", "kafka_bootstrap", "database_url")
    settings = load_settings(**{name: house.settings.get(name, "") for name in names})
    async with open_database(settings) as url, open_log(settings, url) as log:
        yield log, url


async def everything(house: House) -> AsyncIterator[tuple[str, bytes]]:
    """All that a house wrote, in pieces: (where, content)."""
    for process in house.services:
        yield f"log {process.name}", (house.folder / f"{process.name}.log").read_bytes()
        metrics = process.ready_url.replace("/readyz", "/metrics")
        yield f"metrics {process.name}", await asyncio.to_thread(_read, metrics)
    for path in sorted((house.folder / "data").rglob("*.log")):
        yield f"file {path.name}", path.read_bytes()
    async with reading(house) as (log, url):
        for topic in sorted({topic for topics in READS.values() for topic in topics}):
            for name in (topic, dead(topic)):
                async for record in log.scan(name):
                    yield f"topic {name}", record.key + b"\0" + record.value
        async for place, content in _tables(url):
            yield place, content


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        content: bytes = answer.read()
        return content


async def _tables(url: str) -> AsyncIterator[tuple[str, bytes]]:
    """Every row of every table of ours; of bytea both the bytes and their hexadecimal.

    The embedded log's records were read as topics.
    """
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables "
            "WHERE schemaname <> ALL($1) AND (schemaname, tablename) <> ('log', 'records')",
            ["pg_catalog", "information_schema"],
        )
        for schema, table in names:
            place = f"table {schema}.{table}"
            async with connection.transaction():
                async for row in connection.cursor(
                    f'SELECT t.*, t::text FROM "{schema}"."{table}" t'
                ):
                    yield place, b"\0".join(_bytes_of(value) for value in row.values())
    finally:
        await connection.close()


def _bytes_of(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
