"""antirelou on a machine whose wall clock steps: ``python -m tests.support.stepped FILE …``.

FILE holds seconds; its clock is so much ahead of the others', from the moment it says so. The rest
of the arguments are the command's. All of ours read the time in one place, ``SystemClock.now``;
the monotonic clock goes on, as it does where a wall clock steps.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from antirelou.commands.main import run
from kernel.values.clock import SystemClock

LOOK_EVERY_SECONDS = 0.05


class _Stepped:
    """The offset in a file, looked up now and then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked_at = float("-inf")
        self._ahead = timedelta()

    def ahead(self, monotonic: float) -> timedelta:
        """How far ahead the clock is."""
        if monotonic - self._looked_at >= LOOK_EVERY_SECONDS:
            self._looked_at = monotonic
            self._ahead = timedelta(seconds=float(self._path.read_text() or 0))
        return self._ahead


def step(path: Path, ahead_seconds: float) -> None:
    """Set the clock of the process that was started with this file."""
    part = path.with_suffix(".part")
    part.write_text(str(ahead_seconds))
    part.replace(path)


def _install(path: Path) -> None:
    stepped, now = _Stepped(path), SystemClock.now

    def later(self: SystemClock) -> datetime:
        return now(self) + stepped.ahead(self.monotonic())

    SystemClock.now = later  # type: ignore[method-assign] # that is what this module is for


if __name__ == "__main__":
    _install(Path(sys.argv.pop(1)))
    run()
