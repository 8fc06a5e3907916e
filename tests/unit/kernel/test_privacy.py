"""Pseudonyms and the sealed format, which must open in ten years."""

import hashlib
import hmac

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nacl.bindings import crypto_box_open

from kernel.sealing.privacy import (
    BLOCK_BYTES,
    BLOCK_DIGITS,
    EPHEMERAL_SECONDS,
    KEY_ID_BYTES,
    OVERHEAD_BYTES,
    SHARED_KEYS_MAX,
    Pseudonymizer,
    Sealer,
    Unsealer,
    key_id,
    new_keypair,
)
from kernel.values.errors import Rejected
from tests.fakes.clock import ManualClock

KEY = bytes(range(32))
SENDER = "+33639980000"
PRIVATE, PUBLIC = new_keypair()


def sealer(clock: ManualClock | None = None, public: bytes = PUBLIC) -> Sealer:
    return Sealer(public, clock or ManualClock())


def test_a_pseudonym_is_the_keyed_hash_cut_to_128_bits() -> None:
    whole = hmac.new(KEY, SENDER.encode(), hashlib.sha256).hexdigest()
    assert Pseudonymizer(KEY).pseudonym(SENDER) == whole[:32]


def test_another_key_gives_another_pseudonym() -> None:
    assert Pseudonymizer(KEY).pseudonym(SENDER) != Pseudonymizer(KEY[::-1]).pseudonym(SENDER)


@given(st.text(max_size=50))
@example("\ud800")
@example("")
def test_everything_has_a_pseudonym_and_always_the_same(canonical: str) -> None:
    pseudonymizer = Pseudonymizer(KEY)
    pseudonym = pseudonymizer.pseudonym(canonical)
    assert len(pseudonym) == 32
    assert set(pseudonym) <= set("0123456789abcdef")
    assert (
        pseudonymizer.pseudonym(canonical) == pseudonym == Pseudonymizer(KEY).pseudonym(canonical)
    )


fiction = st.integers(0, 9999).map(lambda number: f"+3363998{number:04d}")


@given(fiction, fiction)
def test_two_numbers_share_a_block_exactly_if_they_lie_in_it(one: str, other: str) -> None:
    pseudonymizer = Pseudonymizer(KEY)
    pairs = list(zip(pseudonymizer.blocks(one), pseudonymizer.blocks(other), strict=True))
    assert [a == b for a, b in pairs] == [
        one[:-digits] == other[:-digits] for digits in BLOCK_DIGITS
    ]
    assert [a == b for a, b in pairs][1:] == [True, True]  # ten thousand, and a million


@given(fiction)
def test_blocks_are_keyed_short_and_tell_neither_number_nor_pseudonym(number: str) -> None:
    pseudonymizer = Pseudonymizer(KEY)
    blocks = pseudonymizer.blocks(number)
    assert len(set(blocks)) == len(BLOCK_DIGITS) == 3
    assert all(len(block) == BLOCK_BYTES for block in blocks)
    assert blocks == Pseudonymizer(KEY).blocks(number)
    assert not {*blocks} & {*Pseudonymizer(KEY[::-1]).blocks(number)}
    # Nor is a block the beginning of anybody's pseudonym.
    told = {pseudonymizer.pseudonym(number[:-digits])[:16] for digits in (0, *BLOCK_DIGITS)}
    assert not {block.hex() for block in blocks} & told


def test_a_million_numbers_of_one_block_have_one_hash() -> None:
    pseudonymizer = Pseudonymizer(KEY)
    numbers = [f"+3363998{number:04d}" for number in range(0, 10_000, 7)]
    by_level = zip(*(pseudonymizer.blocks(number) for number in numbers), strict=True)
    assert [len(set(blocks)) for blocks in by_level] == [100, 1, 1]


@given(st.binary(max_size=300))
def test_what_was_sealed_opens(plain: bytes) -> None:
    sealed = sealer().seal(plain)
    assert len(sealed) == len(plain) + OVERHEAD_BYTES
    assert Unsealer(PRIVATE).unseal(sealed) == plain


def test_the_format_opens_with_libsodium_alone() -> None:
    sealed = sealer().seal(b"evidence")
    assert sealed[0] == 1
    assert sealed[1:9] == hashlib.sha256(PUBLIC).digest()[:8]
    assert crypto_box_open(sealed[65:], sealed[41:65], sealed[9:41], PRIVATE) == b"evidence"


def test_the_same_bytes_never_seal_the_same() -> None:
    one = sealer()
    assert len({one.seal(b"x") for _ in range(50)}) == 50


def test_the_ephemeral_pair_is_renewed_each_minute() -> None:
    clock = ManualClock()
    one = sealer(clock)
    first = one.seal(b"x")[9:41]
    clock.advance(EPHEMERAL_SECONDS - 0.001)
    assert one.seal(b"x")[9:41] == first
    clock.advance(0.001)
    assert one.seal(b"x")[9:41] != first
    assert Unsealer(PRIVATE).unseal(one.seal(b"later")) == b"later"


@given(st.integers(0, OVERHEAD_BYTES + 3), st.integers(1, 255))
def test_changed_bytes_do_not_open(position: int, change: int) -> None:
    sealed = bytearray(sealer().seal(b"text"))
    sealed[position] ^= change
    with pytest.raises(Rejected) as caught:
        Unsealer(PRIVATE).unseal(bytes(sealed))
    assert caught.value.code == "unsealable"


@given(st.binary(max_size=200))
def test_rubbish_does_not_open(rubbish: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        Unsealer(PRIVATE).unseal(rubbish)
    assert caught.value.code == "unsealable"


def test_a_piece_for_another_key_names_the_key_and_nothing_else() -> None:
    other_private, other_public = new_keypair()
    sealed = sealer(public=other_public).seal(b"secret")
    with pytest.raises(Rejected, match=key_id(other_public).hex()) as caught:
        Unsealer(PRIVATE).unseal(sealed)
    assert "secret" not in str(caught.value)
    assert Unsealer(other_private).unseal(sealed) == b"secret"


def test_after_a_rotation_the_older_key_opens_the_older_pieces() -> None:
    new_private, new_public = new_keypair()
    unsealer = Unsealer(new_private, PRIVATE)
    assert unsealer.unseal(sealer().seal(b"old")) == b"old"
    assert unsealer.unseal(sealer(public=new_public).seal(b"new")) == b"new"


def test_an_unsealer_remembers_a_bounded_number_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SHARED_KEYS_MAX < 10_000
    monkeypatch.setattr("kernel.sealing.privacy.SHARED_KEYS_MAX", 2)
    unsealer = Unsealer(PRIVATE)
    pieces = [sealer().seal(b"%d" % number) for number in range(5)]
    for _ in range(2):
        assert [unsealer.unseal(piece) for piece in pieces] == [b"%d" % n for n in range(5)]
    assert len(unsealer._shared) == 2


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    key = bytes(length)
    with pytest.raises(ValueError, match="32 bytes"):
        Pseudonymizer(key)
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(key, ManualClock())
    with pytest.raises(ValueError, match="32 bytes"):
        Unsealer(PRIVATE, key)


def test_a_key_id_is_eight_bytes_of_the_public_key() -> None:
    assert len(key_id(PUBLIC)) == KEY_ID_BYTES
    assert key_id(PUBLIC) != key_id(new_keypair()[1])
