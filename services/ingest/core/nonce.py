"""Has this nonce been seen with something else: a bounded memory of nonces. Pure.

A V2 signature does not cover the body, so one captured request would let anyone forge as many as
he likes, all with its nonce. The same nonce with the same id is the provider's retry.
"""

import hashlib

NONCES_MAX = 65_536
"""Remembered by one replica, about 13 MB when full: hours of an ordinary flood."""


def hash_nonce(nonce: bytes) -> str:
    """What is kept of a nonce: 128 bits of SHA-256, hexadecimal (``SmsReceived.nonce``)."""
    return hashlib.sha256(nonce).hexdigest()[:32]


class NonceMemory:
    """The nonces seen last, and with what.

    Args:
        nonces_max: how many; beyond, the oldest is forgotten.
    """

    __slots__ = ("_nonces_max", "_seen")

    def __init__(self, nonces_max: int = NONCES_MAX) -> None:
        self._nonces_max = nonces_max
        self._seen: dict[str, str] = {}

    def admit(self, nonce: str, owner: str) -> bool:
        """Remember who came with a nonce first. Returns False where somebody else did.

        Args:
            nonce: hashed.
            owner: what the request is about: its kind and id.
        """
        first = self._seen.get(nonce)
        if first is not None:
            return first == owner
        if len(self._seen) >= self._nonces_max:
            del self._seen[next(iter(self._seen))]
        self._seen[nonce] = owner
        return True

    def __len__(self) -> int:
        return len(self._seen)
