"""Signing: checkpoints as signed notes, and a witness's cosignature (c2sp.org). Pure.

Reading and verifying is in ``verifier``, which stands alone in every export.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

from nacl.signing import SigningKey

from services.evidence.core.verifier import SIGNATURE, Key, cosigned


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs notes under a name.

    Attributes:
        seed: the private key of RFC 8032, 32 bytes.
        kind: ``verifier.SIGNATURE``, or ``COSIGNATURE`` for a witness.
    """

    name: str
    seed: bytes = field(repr=False)
    kind: int = SIGNATURE

    @property
    def key(self) -> Key:
        """The verifier key."""
        return Key(self.name, self.kind, SigningKey(self.seed).verify_key.encode())

    def sign(self, text: str) -> str:
        """The whole note: the text, and our signature under it."""
        return f"{text}\n{self._line(SigningKey(self.seed).sign(text.encode()).signature)}"

    def cosign(self, text: str, now: datetime) -> str:
        """The signature line of a cosignature/v1 on a checkpoint's text."""
        at = int(now.timestamp())
        signature = SigningKey(self.seed).sign(cosigned(at, text)).signature
        return self._line(at.to_bytes(8, "big") + signature)

    def _line(self, signature: bytes) -> str:
        return f"— {self.name} {base64.b64encode(self.key.id + signature).decode()}\n"


def log_signer(seed: bytes) -> Signer:
    """The log's own: its origin is derived from its key, so that no two logs share one."""
    public = SigningKey(seed).verify_key.encode()
    return Signer(f"antirelou.invalid/log/{hashlib.sha256(public).hexdigest()[:16]}", seed)


def export_signer(evidence_private_key: bytes) -> Signer:
    """Who signs exports: only the holder of the evidence private key can, as only he can open."""
    seed = hmac.digest(evidence_private_key, b"antirelou: signing exports, Ed25519 seed", "sha256")
    return Signer("antirelou.invalid/export", seed)


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that we signed.

    Attributes:
        note: signed by the log and, once ``witnessed_at``, by the witness.
        stamp: the answer of the time-stamping authority, DER.
    """

    size: int
    note: str
    at: datetime
    stamp: bytes | None = None
    stamped_at: datetime | None = None
    witnessed_at: datetime | None = None
