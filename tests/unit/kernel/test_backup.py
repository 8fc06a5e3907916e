"""The backup's format: what goes in comes out, and nothing that was touched does."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kernel.sealing.backup import CHUNK_BYTES, BackupWriter, Notes, check_backup, read_backup
from kernel.sealing.privacy import new_keypair
from kernel.values.errors import Fatal
from tests.fakes.clock import ManualClock

PRIVATE, PUBLIC = new_keypair()
NOTES = Notes(
    at=datetime(2026, 11, 1, tzinfo=UTC),
    program="1",
    positions={"antirelou-filter": {"sms.received": {3: 12}}},
)


def write(path: Path, *pieces: bytes) -> Path:
    with path.open("wb") as file:
        writer = BackupWriter(file, PUBLIC, NOTES, ManualClock())
        for piece in pieces:
            writer.write(piece)
        writer.close()
    return path


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 200, CHUNK_BYTES, 3 * CHUNK_BYTES + 5])
def test_what_went_in_comes_out(tmp_path: Path, size: int) -> None:
    dump = bytes(n % 251 for n in range(size))
    path = write(tmp_path / "b", dump[: size // 3], dump[size // 3 :])
    assert check_backup(path, PRIVATE) == NOTES
    assert b"".join(read_backup(path, PRIVATE)) == dump
    if size > 100:
        assert dump[:50] not in path.read_bytes()
    assert b"sms.received" not in path.read_bytes()


def test_whatever_was_touched_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "b", b"x" * 2 * CHUNK_BYTES)
    whole = path.read_bytes()
    message = CHUNK_BYTES + 17
    first = len(whole) - (len(whole) - 171) % message - 2 * message
    swapped = (
        whole[:first]
        + whole[first + message : first + 2 * message]
        + whole[first : first + message]
        + whole[first + 2 * message :]
    )
    assert len(swapped) == len(whole)
    assert swapped != whole
    touched = [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :]
               for n in (0, 17, 20, 60, 150, 180, len(whole) // 2, len(whole) - 1)]  # fmt: skip
    cuts = [whole[:n] for n in (0, 5, 100, 171, 171 + message, len(whole) - 1)]
    for broken in [*touched, *cuts, swapped, whole + b"\0"]:
        path.write_bytes(broken)
        with pytest.raises(Fatal) as refused:
            check_backup(path, PRIVATE)
        assert refused.value.code == "backup"


def test_another_key_does_not_open_it_and_is_told_which_does(tmp_path: Path) -> None:
    path = write(tmp_path / "b", b"dump")
    with pytest.raises(Fatal, match=r"--key: does not open this backup \(sealed for another key"):
        check_backup(path, new_keypair()[0])


def test_what_was_not_closed_is_no_backup(tmp_path: Path) -> None:
    file = io.BytesIO()
    BackupWriter(file, PUBLIC, NOTES, ManualClock()).write(b"x" * 3 * CHUNK_BYTES)
    (tmp_path / "b").write_bytes(file.getvalue())
    with pytest.raises(Fatal, match="cut short"):
        check_backup(tmp_path / "b", PRIVATE)
