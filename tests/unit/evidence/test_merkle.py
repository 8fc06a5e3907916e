"""The tree against the vectors of Certificate Transparency and a plain reading of RFC 6962."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.evidence.core.merkle import (
    Span,
    TileId,
    Tree,
    append_leaves,
    edge_tiles,
    hash_span,
    plan_consistency,
    plan_inclusion,
    plan_inclusion_of_many,
    tiles_of,
)
from services.evidence.core.verifier import (
    EMPTY_ROOT,
    hash_leaf,
    hash_node,
    root_from_inclusion,
    root_of_many,
    verify_consistency,
)

# transparency-dev/merkle, proof/verify_test.go: the vectors of the reference implementation.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
INCLUSION = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
CONSISTENCY = {
    (1, 1): (),
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
    (6, 7): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
}


class Grown:
    """A tree grown in batches, all of its tiles kept."""

    def __init__(self) -> None:
        self.tree, self.tiles = Tree(), dict[TileId, bytes]()

    def append(self, leaves: Sequence[bytes]) -> None:
        edge = {name: self.tiles[name] for name in edge_tiles(self.tree.size)}
        self.tree, changed = append_leaves(self.tree.size, leaves, edge)
        self.tiles |= changed

    def hashes(self, spans: Sequence[Span]) -> list[bytes]:
        needed = {name: self.tiles[name] for name in tiles_of(spans)}
        return [hash_span(span, needed) for span in spans]


def plain_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hash_node(plain_root(leaves[:k]), plain_root(leaves[k:]))


def numbered(count: int) -> list[bytes]:
    return [hash_leaf(number.to_bytes(4, "big")) for number in range(count)]


@pytest.fixture(scope="module")
def eight() -> Grown:
    grown = Grown()
    grown.append([hash_leaf(data) for data in LEAVES])
    return grown


def test_the_roots_are_the_references() -> None:
    grown = Grown()
    assert grown.tree.root == EMPTY_ROOT
    for data, root in zip(LEAVES, ROOTS, strict=True):
        grown.append([hash_leaf(data)])
        assert grown.tree.root == root


@pytest.mark.parametrize("case", INCLUSION)
def test_the_inclusion_proofs_are_the_references(eight: Grown, case: tuple[int, int]) -> None:
    index, size = case
    proof = [bytes.fromhex(text) for text in INCLUSION[case]]
    assert eight.hashes(plan_inclusion(index, size)) == proof
    leaf = hash_leaf(LEAVES[index])
    assert root_from_inclusion(leaf, index, size, proof) == ROOTS[size - 1]
    for wrong in _spoiled(proof, leaf):
        assert root_from_inclusion(leaf, index, size, wrong) != ROOTS[size - 1]
    for other in {index - 1, index + 1, index ^ 2, size, -1} - {index}:
        assert root_from_inclusion(leaf, other, size, proof) != ROOTS[size - 1]
    for other in (size * 2, size // 2, 0):
        assert root_from_inclusion(leaf, index, other, proof) != ROOTS[size - 1]


@pytest.mark.parametrize("case", CONSISTENCY)
def test_the_consistency_proofs_are_the_references(eight: Grown, case: tuple[int, int]) -> None:
    first, second = case
    old, new = ROOTS[first - 1], ROOTS[second - 1]
    proof = [bytes.fromhex(text) for text in CONSISTENCY[case]]
    assert eight.hashes(plan_consistency(first, second)) == proof
    assert verify_consistency(first, second, proof, old, new)
    for wrong in _spoiled(proof, old):
        assert not verify_consistency(first, second, wrong, old, new)
    if proof:
        for one, two in ((first - 1, second), (first + 1, second), (first ^ 2, second),
                         (first, second * 2), (first, second // 2), (second, first)):  # fmt: skip
            assert one == 0 or not verify_consistency(one, two, proof, old, new)
        assert not verify_consistency(first, second, proof, new, old)
        assert not verify_consistency(first, second, proof, b"WrongRoot", new)


def _spoiled(proof: Sequence[bytes], extra: bytes) -> list[list[bytes]]:
    spoiled = [[*proof, b""], [*proof, extra], [b"", *proof], [extra, *proof]]
    for place, item in enumerate(proof):
        flipped = bytes([item[0] ^ 8]) + item[1:]
        spoiled.append([*proof[:place], flipped, *proof[place + 1 :]])
        spoiled.append([*proof[:place], *proof[place + 1 :]])
    return spoiled


def test_every_proof_of_every_small_tree_holds() -> None:
    leaves = numbered(40)
    grown, roots = Grown(), [EMPTY_ROOT]
    for leaf in leaves:
        grown.append([leaf])
        roots.append(grown.tree.root)
    for size in range(1, 41):
        assert roots[size] == plain_root(leaves[:size])
        for index in range(size):
            proof = grown.hashes(plan_inclusion(index, size))
            assert root_from_inclusion(leaves[index], index, size, proof) == roots[size]
        for first in range(size + 1):
            proof = grown.hashes(plan_consistency(first, size))
            assert verify_consistency(first, size, proof, roots[first], roots[size])
            if 0 < first < size:
                assert not verify_consistency(first, size, proof, roots[first - 1], roots[size])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 700), max_size=5), st.data())
def test_whatever_the_batches_the_tree_is_the_same(batches: list[int], data: st.DataObject) -> None:
    leaves = numbered(sum(batches))
    grown, start = Grown(), 0
    for count in batches:
        grown.append(leaves[start : start + count])
        start += count
    assert grown.tree == Tree(len(leaves), plain_root(leaves))
    if not leaves:
        return
    size = data.draw(st.integers(1, len(leaves)))
    chosen = sorted(data.draw(st.sets(st.integers(0, size - 1), max_size=20)))
    proof = grown.hashes(plan_inclusion_of_many(chosen, size))
    others = iter(proof)
    known = {index: leaves[index] for index in chosen}
    assert root_of_many(known, size, others) == plain_root(leaves[:size])
    assert next(others, None) is None


def test_a_tree_of_three_levels_of_tiles() -> None:
    leaves = numbered(66_000)
    grown = Grown()
    for start in range(0, len(leaves), 10_000):
        grown.append(leaves[start : start + 10_000])
    assert grown.tree.root == plain_root(leaves)
    for index, size in ((0, 66_000), (65_535, 65_536), (65_999, 66_000), (255, 257)):
        proof = grown.hashes(plan_inclusion(index, size))
        assert root_from_inclusion(leaves[index], index, size, proof) == plain_root(leaves[:size])
    with pytest.raises(LookupError):
        hash_span(Span(0, 512), {(1, 0): grown.tiles[1, 0][:32]})
