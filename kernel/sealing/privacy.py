"""Pseudonyms and sealing: how a number or a request is kept without being readable.

docs/design.md §6.

A pseudonym is HMAC-SHA256 of the canonical number (``phone.classify_number(…).canonical``; of a
valid number that is its E.164 form) under ``PSEUDONYM_KEY``, cut to 128 bits, as hexadecimal.

The sealed format, byte by byte, so that what is sealed today opens in ten years. The primitives
are NaCl's ``crypto_box`` (X25519, XSalsa20, Poly1305), which every libsodium has:

======  ======  ==================================================================================
offset  length  what
======  ======  ==================================================================================
0       1       version of this format: ``0x01``
1       8       recipient key id: the first 8 bytes of SHA-256 of the recipient's 32-byte public key
9       32      ephemeral public key of the sealer; its private half was thrown away
41      24      nonce, random for each message
65      16 + n  Poly1305 tag, then the ciphertext of the n bytes of plain text
======  ======  ==================================================================================

To open it without this program: ``crypto_box_open_easy(sealed[65:], nonce=sealed[41:65],
public_key=sealed[9:41], secret_key=<the recipient's private key>)``. The key id says which private
key: after a rotation old pieces still name the old one. The private half of an ephemeral pair
lives in memory for at most ``EPHEMERAL_SECONDS``, so whoever takes the sealing machine later
cannot open what it sealed before.
"""

import hashlib
import os
from collections import OrderedDict

from nacl.bindings import crypto_box_afternm, crypto_box_open_afternm
from nacl.exceptions import CryptoError
from nacl.public import Box, PrivateKey, PublicKey

try:  # Python's own: to copy one takes a quarter of what OpenSSL's takes; the digests are the same
    from _sha256 import sha256  # type: ignore[import-not-found]
except ImportError:
    from hashlib import sha256

from kernel.values.clock import Clock
from kernel.values.errors import Rejected

KEY_BYTES = 32
HMAC_BLOCK_BYTES = 64
"""Of SHA-256."""
PSEUDONYM_BYTES = 16
BLOCK_BYTES = 8
BLOCK_DIGITS = (2, 4, 6)
"""Of a number's last digits, so many are left out for its blocks."""

VERSION = b"\x01"
KEY_ID_BYTES = 8
NONCE_BYTES = 24
TAG_BYTES = 16
OVERHEAD_BYTES = len(VERSION) + KEY_ID_BYTES + KEY_BYTES + NONCE_BYTES + TAG_BYTES

EPHEMERAL_SECONDS = 60.0
"""How long one ephemeral pair seals; making one takes about 50 µs, a seal about 3 µs."""

SHARED_KEYS_MAX = 4096
"""Ephemeral keys an ``Unsealer`` remembers, the latest used: about a day of them a sealer."""

_EPHEMERAL_START = len(VERSION) + KEY_ID_BYTES
_NONCE_START = _EPHEMERAL_START + KEY_BYTES
_BOX_START = _NONCE_START + NONCE_BYTES


class Pseudonymizer:
    """Makes pseudonyms; the same canonical number always gives the same one.

    Args:
        key: 32 bytes; is in no database and no backup.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        _check_key(key, "PSEUDONYM_KEY")
        # HMAC as RFC 2104 writes it, with both halves of the key hashed once and for all: hashing
        # a number is nothing beside what ``hmac`` does to begin.
        block = key.ljust(HMAC_BLOCK_BYTES, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def pseudonym(self, canonical: str) -> str:
        """The pseudonym: 32 hexadecimal characters.

        Args:
            canonical: ``NumberFacts.canonical``, or a valid number in E.164, which is the same.
        """
        # Rubbish may hold lone surrogates; it still needs a pseudonym.
        return self._hmac(canonical.encode("utf-8", "surrogatepass"))[:PSEUDONYM_BYTES].hex()

    def blocks(self, e164: str) -> tuple[bytes, ...]:
        """Keyed hashes of the blocks of 100, 10,000 and a million numbers that a number lies in.

        Two numbers of one block share its hash, so that a rented block used in sequence can be
        seen without seeing a number.
        """
        number = e164.encode()
        return tuple(
            [self._hmac(b"block " + number[:-digits])[:BLOCK_BYTES] for digits in BLOCK_DIGITS]
        )

    def _hmac(self, message: bytes) -> bytes:
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        digest: bytes = outer.digest()
        return digest


class Sealer:
    """Seals for the holder of a private key. Not for use by several threads at once.

    Args:
        public_key: the recipient's, 32 bytes.
        clock: says when the ephemeral pair is to be renewed.
    """

    __slots__ = ("_clock", "_head", "_key_id", "_recipient", "_renew_at", "_shared")

    def __init__(self, public_key: bytes, clock: Clock) -> None:
        _check_key(public_key, "a public key")
        self._recipient = PublicKey(public_key)
        self._key_id = key_id(public_key)
        self._clock = clock
        self._renew()

    def seal(self, plain: bytes) -> bytes:
        """Seal; the result is ``OVERHEAD_BYTES`` longer. The same bytes never seal the same."""
        if self._clock.monotonic() >= self._renew_at:
            self._renew()
        nonce = os.urandom(NONCE_BYTES)
        return self._head + nonce + crypto_box_afternm(plain, nonce, self._shared)

    def _renew(self) -> None:
        ephemeral = PrivateKey.generate()
        self._shared = Box(ephemeral, self._recipient).shared_key()
        self._head = VERSION + self._key_id + ephemeral.public_key.encode()
        self._renew_at = self._clock.monotonic() + EPHEMERAL_SECONDS


class Unsealer:
    """Opens what was sealed for a private key, or for one that it replaced.

    Args:
        private_key: 32 bytes.
        older: private keys from before a rotation, 32 bytes each.
    """

    __slots__ = ("_keys", "_shared")

    def __init__(self, private_key: bytes, *older: bytes) -> None:
        self._keys: dict[bytes, PrivateKey] = {}
        for key in (private_key, *older):
            _check_key(key, "a private key")
            private = PrivateKey(key)
            self._keys[key_id(private.public_key.encode())] = private
        self._shared: OrderedDict[bytes, bytes] = OrderedDict()

    def unseal(self, sealed: bytes) -> bytes:
        """Open.

        Raises:
            Rejected: ``unsealable``: another format or key (the message names its id), or the
                bytes were changed.
        """
        if len(sealed) < OVERHEAD_BYTES or sealed[:1] != VERSION:
            raise Rejected("not sealed bytes of version 1", code="unsealable")
        nonce = sealed[_NONCE_START:_BOX_START]
        try:
            return crypto_box_open_afternm(sealed[_BOX_START:], nonce, self._shared_key(sealed))
        except CryptoError:
            raise Rejected("sealed bytes were changed", code="unsealable") from None

    def _shared_key(self, sealed: bytes) -> bytes:
        """The shared key of recipient and ephemeral key; 40 µs to compute, so remembered."""
        name = sealed[len(VERSION) : _NONCE_START]
        shared = self._shared.get(name)
        if shared is None:
            wanted = name[:KEY_ID_BYTES]
            private = self._keys.get(wanted)
            if private is None:
                raise Rejected(f"sealed for another key, {wanted.hex()}", code="unsealable")
            shared = Box(private, PublicKey(name[KEY_ID_BYTES:])).shared_key()
            self._shared[name] = shared
            if len(self._shared) > SHARED_KEYS_MAX:
                self._shared.popitem(last=False)
        else:
            self._shared.move_to_end(name)
        return shared


def new_keypair() -> tuple[bytes, bytes]:
    """A fresh pair: the private key, the public key, 32 bytes each."""
    private = PrivateKey.generate()
    return private.encode(), private.public_key.encode()


def public_half(private_key: bytes) -> bytes:
    """The public key that belongs to a private key, 32 bytes both."""
    return PrivateKey(private_key).public_key.encode()


def key_id(public_key: bytes) -> bytes:
    """The 8 bytes by which sealed bytes name their recipient's key."""
    return hashlib.sha256(public_key).digest()[:KEY_ID_BYTES]


def _check_key(key: bytes, name: str) -> None:
    if len(key) != KEY_BYTES:
        raise ValueError(f"{name} is {KEY_BYTES} bytes, not {len(key)}")
