"""Which program this is: its version, and the commit where the build noted one."""

import re
from pathlib import Path

from kernel import __version__

COMMIT_FILE = Path(__file__).with_name("commit.txt")
"""Written by the image's build (``--build-arg COMMIT=…``); a checkout has none."""


def describe_build(file: Path = COMMIT_FILE) -> dict[str, str]:
    """The labels of ``antirelou_build_info``; the commit is empty where nobody noted it."""
    try:
        said = file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        said = ""
    return {"version": __version__, "commit": said if re.fullmatch(r"[0-9a-f]{7,40}", said) else ""}
