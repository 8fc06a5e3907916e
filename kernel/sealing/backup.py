"""The format of a backup: one compressed dump, encrypted to a public key, streamed both ways.

======  ===========  ==============================================================================
offset  length       what
======  ===========  ==============================================================================
0       18           ``antirelou backup`` and the version of this format, ``0x00 0x01``
18      97 + 32      the stream's key, sealed for the backup key (``privacy``: which key, and how)
147     24           header of a libsodium secretstream (XChaCha20, Poly1305)
171     17 + n each  its messages, n = ``CHUNK_BYTES``, the last one shorter and tagged *final*
======  ===========  ==============================================================================

In the messages together: four bytes, big endian, the length of the ``Notes`` in JSON; the notes;
the dump. A changed byte fails its message, a message left out or swapped fails the next, and a file
that was cut has no final one: nothing of it is used before all of it was read once.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from nacl import bindings as sodium
from nacl.exceptions import CryptoError

from kernel.sealing.privacy import OVERHEAD_BYTES, Sealer, Unsealer
from kernel.values.clock import Clock
from kernel.values.errors import Fatal, Rejected

MAGIC = b"antirelou backup\x00\x01"
CHUNK_BYTES = 65_536
_KEY_BYTES = sodium.crypto_secretstream_xchacha20poly1305_KEYBYTES
_HEADER_BYTES = sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES
_TAG_BYTES = sodium.crypto_secretstream_xchacha20poly1305_ABYTES
_MESSAGE = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_FINAL = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL
_LENGTH_BYTES = 4


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself.

    Attributes:
        at: whatever was committed before is in it.
        program: the version that made it.
        positions: of each group and topic, by partition, what it had committed before the dump
            began: the stores hold whatever lies before. Empty where the log is in the dump.
    """

    at: datetime
    program: str
    positions: Mapping[str, Mapping[str, Mapping[int, int]]] = {}


class BackupWriter:
    """Writes one backup. Give it ``write``, then ``close``; what was not closed is no backup.

    Attributes:
        size: how many bytes were written.
    """

    def __init__(self, file: BinaryIO, public_key: bytes, notes: Notes, clock: Clock) -> None:
        self._file, self.size = file, 0
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        key = sodium.crypto_secretstream_xchacha20poly1305_keygen()
        header = sodium.crypto_secretstream_xchacha20poly1305_init_push(self._state, key)
        self._put(MAGIC + Sealer(public_key, clock).seal(key) + header)
        said = msgspec.json.encode(notes)
        self._rest = bytearray(len(said).to_bytes(_LENGTH_BYTES) + said)

    def write(self, data: bytes) -> None:
        """Append to the dump."""
        self._rest += data
        while len(self._rest) > CHUNK_BYTES:
            self._push(bytes(self._rest[:CHUNK_BYTES]), _MESSAGE)
            del self._rest[:CHUNK_BYTES]

    def close(self) -> None:
        """Write the final message."""
        self._push(bytes(self._rest), _FINAL)

    def _push(self, data: bytes, tag: int) -> None:
        self._put(sodium.crypto_secretstream_xchacha20poly1305_push(self._state, data, tag=tag))

    def _put(self, data: bytes) -> None:
        self.size += self._file.write(data)


def read_backup(path: Path, private_key: bytes) -> Iterator[bytes]:
    """The dump, piece by piece; whoever acts on it reads it to its end once before.

    Raises:
        Fatal: ``backup``: no backup, for another key, changed, or cut short; ``file``.
    """
    try:
        with path.open("rb") as file:
            yield from _skip_notes(_pull(file, private_key))
    except OSError as error:
        raise Fatal(f"{path} cannot be read: {error.strerror}", code="file") from None


def check_backup(path: Path, private_key: bytes) -> Notes:
    """Read all of it, and say what it says of itself. Raises as ``read_backup``."""
    try:
        with path.open("rb") as file:
            pieces = _pull(file, private_key)
            notes, _ = _read_notes(pieces)
            for _ in pieces:
                pass
    except OSError as error:
        raise Fatal(f"{path} cannot be read: {error.strerror}", code="file") from None
    return notes


def _pull(file: BinaryIO, private_key: bytes) -> Iterator[bytes]:
    head = file.read(len(MAGIC) + OVERHEAD_BYTES + _KEY_BYTES + _HEADER_BYTES)
    if not head.startswith(MAGIC):
        raise Fatal("FILE: not a backup of antirelou, or of a version unknown here", code="backup")
    try:
        key = Unsealer(private_key).unseal(head[len(MAGIC) : -_HEADER_BYTES])
    except Rejected as error:
        raise Fatal(f"--key: does not open this backup ({error})", code="backup") from None
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, head[-_HEADER_BYTES:], key)
    tag = _MESSAGE
    while tag != _FINAL:
        sealed = file.read(CHUNK_BYTES + _TAG_BYTES)
        if not sealed:
            raise Fatal("FILE: the backup was cut short; nothing was changed", code="backup")
        try:
            data, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(state, sealed)
        except (CryptoError, ValueError, RuntimeError):
            raise Fatal(
                "FILE: the backup was changed or cut short; nothing was changed", code="backup"
            ) from None
        yield data
    if file.read(1):
        raise Fatal("FILE: something follows the backup's end; nothing was changed", code="backup")


def _read_notes(pieces: Iterator[bytes]) -> tuple[Notes, bytes]:
    """The notes, and what of the dump came with them."""
    have = b""
    for piece in pieces:
        have += piece
        end = _LENGTH_BYTES + int.from_bytes(have[:_LENGTH_BYTES])
        if len(have) >= max(end, _LENGTH_BYTES):
            return msgspec.json.decode(have[_LENGTH_BYTES:end], type=Notes), have[end:]
    raise Fatal("FILE: the backup says nothing of itself", code="backup")


def _skip_notes(pieces: Iterator[bytes]) -> Iterator[bytes]:
    _, rest = _read_notes(pieces)
    yield rest
    yield from pieces
