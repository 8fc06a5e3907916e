"""The folder of ``DATA_DIR``: made when first needed, and named when it cannot be."""

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
        said = getattr(error, "strerror", None) or error
        raise Fatal(
            f"ANTIRELOU_DATA_DIR: was {str(folder)!r}, accepted: a folder that this account can "
            f"make and write in ({said})",
            code="settings",
        ) from None
    return folder
