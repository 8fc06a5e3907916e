"""The signature of an informative text: near-identical texts have most of its marks in common.

MinHash with one permutation (Li, Owen, Zhang: "One Permutation Hashing", 2012): every run of
``SHINGLE`` characters of the normalised text is hashed into one of ``BINS`` bins, and the least
hash of each bin is a mark. A mark survives a change elsewhere in the text, so of two texts with
Jaccard similarity J about J of the marks agree. Counting marks is enough: how many senders wrote
a text like this one is the median of how many left each of its marks. Nothing of the text is kept
but keyed hashes of marks.
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from statistics import median_low
from zlib import crc32

CHARACTERS_MIN = 25
DISTINCT_MIN = 8
SHINGLE = 5
BINS = 8
MARK_BYTES = 8
CHARACTERS_MAX = 400
"""Of a longer text the beginning counts."""

_OTHERS = bytes(byte for byte in range(128) if not chr(byte).isalnum())


def normalize(text: str) -> str:
    """What of a text counts: its letters and digits, without case, accents and all else."""
    if text.isascii():
        return text.encode().lower().translate(None, _OTHERS).decode()
    # Before the case: a letter in bold has none until it is plain.
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(filter(str.isalnum, folded))


def sign_text(text: str | None, key: bytes) -> tuple[bytes, ...]:
    """The marks of an informative text; none of any other.

    Informative: at least ``CHARACTERS_MIN`` letters and digits, ``DISTINCT_MIN`` of them
    different. "Coucou", "Salut ça va ?" and "hahaha…" are not.

    Args:
        key: of the hashes, at least 4 bytes.
    """
    if text is None or len(text) < CHARACTERS_MIN:
        return ()
    normal = normalize(text[: 2 * CHARACTERS_MAX])
    if len(normal) < CHARACTERS_MIN or len(set(normal)) < DISTINCT_MIN:
        return ()
    encoded = normal[:CHARACTERS_MAX].encode("utf-32-le", "surrogatepass")
    width = 4 * SHINGLE
    seed = int.from_bytes(key[:4], "little")
    starts = range(0, len(encoded) - width + 1, 4)
    found = {crc32(encoded[start : start + width], seed) for start in starts}
    # The last one named of each bin stays: its least.
    least = {value % BINS: value for value in sorted(found, reverse=True)}
    return tuple(_mark(least[place], key) for place in sorted(least))


def _mark(value: int, key: bytes) -> bytes:
    # The checksum is fast and weak: what is kept is a keyed hash of it.
    said = value.to_bytes(4, "little")
    return hashlib.blake2b(said, key=key, digest_size=MARK_BYTES, person=b"mark").digest()


def count_alike(counts: Sequence[int]) -> int:
    """How many wrote a text like this one, from how many left each of its marks."""
    return median_low(counts) if counts else 0
