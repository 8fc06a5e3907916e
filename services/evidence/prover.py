"""Proofs from the stored tiles, a bounded number of tiles at a time."""

from collections.abc import Sequence

from services.evidence.core.merkle import Span, hash_span, tiles_of
from services.evidence.store import Store

SPANS_AT_ONCE = 2000
"""At most about so many tiles of 8 KiB are in memory; neighbours share theirs."""


async def prove(store: Store, spans: Sequence[Span]) -> list[bytes]:
    """The hashes of subtrees, in order.

    Raises:
        LookupError: a tile is missing: the store lost something.
    """
    hashes: list[bytes] = []
    for start in range(0, len(spans), SPANS_AT_ONCE):
        some = spans[start : start + SPANS_AT_ONCE]
        tiles = await store.load_tiles(sorted(tiles_of(some)))
        hashes += [hash_span(span, tiles) for span in some]
    return hashes
