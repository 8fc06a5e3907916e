"""Files that a user names: a file is there whole or not at all; what is no file is written into.

A link is followed. A device, a FIFO or a descriptor (``/dev/stdout``) is opened and never replaced:
root has the right to put a file in the place of the machine's null device.
"""

import contextlib
import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_DESCRIPTOR = re.compile(r"/proc/([0-9]+)/(?:task/[0-9]+/)?fd/([0-9]+)")
LINKS_MAX = 40
"""As many as the system follows."""


def follow_links(path: Path) -> Path:
    """Where a path leads: what is written to it is to stand there, whether it is there or not.

    Raises:
        OSError: the links lead nowhere.
    """
    for _ in range(LINKS_MAX):
        folder = Path(os.path.realpath(path.parent))
        path = folder / path.name
        # What a descriptor stands for may have no name, or another file under it by now.
        if not path.is_symlink() or _DESCRIPTOR.fullmatch(str(path)):
            return path
        path = folder / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


@contextmanager
def writing(path: Path, *, mode: int = 0o666, fresh: bool = False) -> Iterator[BinaryIO]:
    """Open what a user named for writing; leaving by an error leaves a file as it was.

    Args:
        mode: of a new file, before the umask; one that is there keeps its own.
        fresh: a file that is there is not overwritten.

    Raises:
        OSError: FileExistsError with ``fresh``; whatever keeps it from being written.
    """
    path = follow_links(path)
    descriptor = _open_special(path)
    if descriptor is not None:
        with os.fdopen(descriptor, "wb") as special:
            yield special
        return
    handle, name = tempfile.mkstemp(prefix=".antirelou-", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            _take_rights(handle, path, mode)
            yield file
            file.flush()
            os.fsync(handle)
        if fresh:
            os.link(name, path)  # unlike a renaming, never over another
        else:
            _replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _open_special(path: Path) -> int | None:
    """What is there and no regular file, opened; None: a regular file, or nothing yet."""
    if match := _DESCRIPTOR.fullmatch(str(path)):
        ours = int(match[1]) == os.getpid()
        return os.dup(int(match[2])) if ours else os.open(path, os.O_WRONLY)
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return None if stat.S_ISREG(found.st_mode) else os.open(path, os.O_WRONLY)


def _replace(name: str, path: Path) -> None:
    try:
        os.replace(name, path)  # noqa: PTH105 - both are names
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        shutil.copyfile(name, path)  # a mount of its own, as containers have: it stays


def _take_rights(descriptor: int, path: Path, mode: int) -> None:
    """Give a new file the rights and the owner of the one it replaces."""
    try:
        found = path.stat()
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        os.fchmod(descriptor, mode & ~umask)
        return
    with contextlib.suppress(OSError):  # only root gives files away
        os.fchown(descriptor, found.st_uid, found.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(found.st_mode))
