"""The folder of ``DATA_DIR``: made when first needed, and named when it cannot be."""

import os
from pathlib import Path

from kernel.values.errors import Fatal


def make_data_dir(folder: Path) -> Path:
    """Make the folder unless it is there, for this account alone. Returns it, absolute.

    Raises:
        Fatal: ``settings``: it cannot be made, or is no folder.
    """
    try:
        folder = folder.expanduser().resolve()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (OSError, RuntimeError) as error:
        raise _refused(folder, getattr(error, "strerror", None) or error) from None
    return folder


def look_at_data_dir(folder: Path) -> Path:
    """The folder, absolute, or where it would be made; nothing is. Raises as ``make_data_dir``."""
    try:
        folder = folder.resolve()
        there = next(one for one in (folder, *folder.parents) if os.path.lexists(one))
        if not there.is_dir():
            raise _refused(folder, f"{there} is no folder")
    except (OSError, RuntimeError) as error:
        raise _refused(folder, getattr(error, "strerror", None) or error) from None
    if not os.access(there, os.R_OK | os.W_OK | os.X_OK):
        raise _refused(folder, f"{there} is another account's")
    return folder


def _refused(folder: Path, why: object) -> Fatal:
    return Fatal(
        f"ANTIRELOU_DATA_DIR: was {str(folder)!r}, accepted: a folder that this account can "
        f"make and write in ({why})",
        code="settings",
    )
