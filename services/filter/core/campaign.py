"""Campaigns: one informative text from many senders in a short time.

Exact text for now, after normalisation: case, accents, spacing, punctuation and emoji do not
count. A text is informative when, normalised, it has at least ``CHARACTERS_MIN`` letters and
digits, ``DISTINCT_MIN`` of them different: "Coucou", "Salut ça va ?", "hahaha…" and missing texts
never make a campaign. A text is kept as a keyed hash only, and for a bounded time.

A sighting is one sender sending one text within one window's bucket; it never changes once made,
so that counting up to an instant gives the same whenever it is done.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from msgspec import Struct

CHARACTERS_MIN = 25
DISTINCT_MIN = 8
DIGEST_BYTES = 16

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEITHER_LETTER_NOR_DIGIT = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class CampaignRules:
    """What makes a campaign.

    Attributes:
        window: a sighting counts from so long before the first text until its reply is due.
        senders_min: so many distinct senders of one text, the judged one included.
        key: of the hash.
    """

    window: timedelta
    senders_min: int
    key: bytes


class Sighting(Struct, frozen=True, order=True):
    """A sender sent a text: ``digest`` by ``fingerprint``, ``bucket`` counts windows from 1970."""

    digest: bytes
    bucket: int
    sender: str
    seen_at: datetime


class Span(Struct, frozen=True):
    """Which sightings count for a verdict: of this text, ``since`` < seen at <= ``until``."""

    digest: bytes
    since: datetime
    until: datetime


def normalize(text: str) -> str:
    """What of a text counts: its letters and digits, without case, accents and all else."""
    folded = text if text.isascii() else unicodedata.normalize("NFKD", text)
    return _NEITHER_LETTER_NOR_DIGIT.sub("", folded.casefold())


def fingerprint(text: str | None, key: bytes) -> bytes | None:
    """The keyed hash of an informative text; None of any other."""
    if text is None or len(text) < CHARACTERS_MIN:
        return None
    normal = normalize(text)
    if len(normal) < CHARACTERS_MIN or len(set(normal)) < DISTINCT_MIN:
        return None
    digest = hashlib.blake2b(
        normal.encode("utf-8", "surrogatepass"),
        key=key,
        digest_size=DIGEST_BYTES,
        person=b"campaign",
    )
    return digest.digest()


def bucket_of(at: datetime, window: timedelta) -> int:
    """The number of the window-long bucket that holds an instant."""
    return (at - _EPOCH) // window


def span_of(
    digest: bytes | None, first_at: datetime, due_at: datetime, rules: CampaignRules
) -> Span | None:
    """The sightings that count for a message; None: its text can make no campaign."""
    if digest is None:
        return None
    return Span(digest, first_at - rules.window, due_at)
