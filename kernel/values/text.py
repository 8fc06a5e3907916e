"""What an SMS text costs: its alphabet and its segments (3GPP TS 23.038, docs/plivo.md §4).

Pure. Providers bill per segment, so one character outside GSM-7 can more than double the price.
"""

import enum
from dataclasses import dataclass

GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENDED = frozenset("\f^{}\\[~]|€")
"""Characters sent as an escape and a second septet: each counts twice."""

SEGMENTS_CHARACTERS_MAX = {"gsm7": (160, 153), "ucs2": (70, 67)}
"""Units in one lone segment, and in each of several (the rest is the header that joins them)."""

SUBSTITUTES = {
    "ê": "e", "ë": "e", "ç": "c", "â": "a", "î": "i", "ï": "i", "ô": "o", "û": "u", "œ": "oe",
    "Ê": "E", "À": "A", "È": "E", "’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"',
    "…": "...", "–": "-", "—": "-", "\u00a0": " ", "\u202f": " ",
}  # fmt: skip
"""For each character that French typing brings in and GSM-7 lacks: what to write instead."""


class Encoding(enum.StrEnum):
    """The alphabet a text is sent in."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How a text is cut: its alphabet, its length in that alphabet's units, its segments."""

    encoding: Encoding
    units: int
    segments: int


def segment_text(text: str) -> Segmentation:
    """Count the segments of a text as a provider bills them.

    An empty text is one segment. GSM-7 units are septets (an extended character is two and is
    never split over two segments), UCS-2 units are UTF-16 code units (a surrogate pair likewise).
    """
    distinct = set(text)
    if distinct <= GSM7_BASIC:
        return _segment_basic(len(text))
    gsm7 = distinct <= GSM7_BASIC | GSM7_EXTENDED
    encoding = Encoding.GSM7 if gsm7 else Encoding.UCS2
    widths = [_width(char, encoding) for char in text]
    units = sum(widths)
    lone, joined = SEGMENTS_CHARACTERS_MAX[encoding]
    if units <= lone:
        return Segmentation(encoding, units, 1)
    segments, room = 1, joined
    for width in widths:
        if width > room:
            segments, room = segments + 1, joined
        room -= width
    return Segmentation(encoding, units, segments)


def _segment_basic(units: int) -> Segmentation:
    """As ``segment_text``, where each character is one septet: nearly always."""
    lone, joined = SEGMENTS_CHARACTERS_MAX[Encoding.GSM7]
    return Segmentation(Encoding.GSM7, units, 1 if units <= lone else -(-units // joined))


def characters_outside_gsm7(text: str) -> list[str]:
    """The distinct characters that force a text into UCS-2, in order of appearance."""
    return list(dict.fromkeys(c for c in text if c not in GSM7_BASIC and c not in GSM7_EXTENDED))


def _width(char: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM7:
        return 2 if char in GSM7_EXTENDED else 1
    return 2 if ord(char) > 0xFFFF else 1
