"""The tree as tiles (c2sp.org/tlog-tiles, height 8): appending to it, and proofs from it. Pure.

A tile of level L and number N holds the hashes of up to 256 subtrees of 256**L leaves each, the
first being that of subtree 256 * N. Only the last tile of a level is ever partial, so an append
touches the right edge alone, and a proof reads few tiles however long the log is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.evidence.core.verifier import EMPTY_ROOT, hash_node, split

HEIGHT = 8
WIDTH = 1 << HEIGHT
HASH_BYTES = 32

TileId = tuple[int, int]
"""Level and number."""
Tiles = Mapping[TileId, bytes]
"""Hashes one after the other."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The state of the log: how many leaves, and the root over them."""

    size: int = 0
    root: bytes = EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Span:
    """A subtree: leaves ``low`` to ``high``, exclusive."""

    low: int
    high: int


def edge_tiles(size: int) -> list[TileId]:
    """The partial tiles of a tree: what an append needs, and all that its root needs."""
    tiles = []
    level, count = 0, size
    while count:
        if count % WIDTH:
            tiles.append((level, count // WIDTH))
        level, count = level + 1, count // WIDTH
    return tiles


def append_leaves(size: int, leaves: Sequence[bytes], edge: Tiles) -> tuple[Tree, Tiles]:
    """Append leaf hashes.

    Args:
        size: of the tree before.
        edge: its ``edge_tiles``.

    Returns:
        the tree after, and the tiles that are new or longer.
    """
    changed: dict[TileId, bytearray] = {}
    new, first, level = list(leaves), size, 0
    while new:
        complete = []
        for index, digest in enumerate(new, start=first):
            name = (level, index // WIDTH)
            if name not in changed:
                changed[name] = bytearray(edge.get(name, b"") if index % WIDTH else b"")
            changed[name] += digest
            if index % WIDTH == WIDTH - 1:
                complete.append(_subtree(bytes(changed[name])))
        first, new, level = first // WIDTH, complete, level + 1
    tiles = {name: bytes(hashes) for name, hashes in changed.items()}
    total = size + len(leaves)
    return Tree(total, root_of(total, {**edge, **tiles})), tiles


def root_of(size: int, tiles: Tiles) -> bytes:
    """The root of a tree, from its edge tiles."""
    return hash_span(Span(0, size), tiles) if size else EMPTY_ROOT


def _subtree(hashes: bytes) -> bytes:
    """The hash over a power of two of hashes."""
    row = [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]
    while len(row) > 1:
        row = [hash_node(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def _pieces(span: Span) -> Iterator[Span]:
    """The perfect subtrees that a span is made of, left to right."""
    low = span.low
    while low < span.high:
        size = 1 << (span.high - low).bit_length() - 1
        yield Span(low, low + size)
        low += size


def _place(piece: Span) -> tuple[TileId, int, int]:
    """Where a perfect subtree's hashes are: the tile, the first of them, how many."""
    height = (piece.high - piece.low).bit_length() - 1
    level = height // HEIGHT
    first = piece.low >> (level * HEIGHT)
    return (level, first // WIDTH), first % WIDTH, 1 << (height % HEIGHT)


def tiles_of(spans: Sequence[Span]) -> set[TileId]:
    """The tiles from which the spans' hashes are made."""
    return {_place(piece)[0] for span in spans for piece in _pieces(span)}


def hash_span(span: Span, tiles: Tiles) -> bytes:
    """The hash of a subtree that is perfect, or reaches to the tree's end.

    Raises:
        LookupError: a tile is missing or too short: the store lost something.
    """
    found = []
    for piece in _pieces(span):
        name, first, count = _place(piece)
        hashes = tiles[name][first * HASH_BYTES : (first + count) * HASH_BYTES]
        if len(hashes) != count * HASH_BYTES:
            raise LookupError(f"tile {name} is too short")
        found.append(_subtree(hashes))
    digest = found.pop()
    while found:
        digest = hash_node(found.pop(), digest)
    return digest


def plan_inclusion(index: int, size: int) -> list[Span]:
    """The subtrees of an inclusion proof, the leaf's sibling first (RFC 6962 §2.1.1)."""
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + split(high - low)
        if index < middle:
            path.append(Span(middle, high))
            high = middle
        else:
            path.append(Span(low, middle))
            low = middle
    return path[::-1]


def plan_consistency(first: int, second: int) -> list[Span]:
    """The subtrees of a consistency proof (RFC 6962 §2.1.2)."""
    if first in (0, second):
        return []
    low, high, path = 0, second, []
    while first != high:
        middle = low + split(high - low)
        if first <= middle:
            path.append(Span(middle, high))
            high = middle
        else:
            path.append(Span(low, middle))
            low = middle
    return [*([Span(low, high)] if low else []), *path[::-1]]


def plan_inclusion_of_many(indices: Sequence[int], size: int) -> list[Span]:
    """The largest subtrees without any of these leaves, left to right: a proof of them all.

    Args:
        indices: ascending, each below ``size``.
    """
    spans: list[Span] = []
    stack = [(0, size, 0, len(indices))] if size else []
    while stack:
        low, high, first, last = stack.pop()
        if first == last:
            spans.append(Span(low, high))
            continue
        if high - low == 1:
            continue
        middle = low + split(high - low)
        cut = first
        while cut < last and indices[cut] < middle:
            cut += 1
        stack += [(middle, high, cut, last), (low, middle, first, cut)]
    return spans
