"""Standard streams that cannot end the work: what they do not take is dropped and counted.

One may be closed, full, gone, or a terminal that knows no accents. Whoever only tells of work goes
on; a command whose output was lost ends in 1 (``settle``).
"""

import codecs
import errno
import io
import os
import select
import sys
import unicodedata
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LOG_PATIENCE_SECONDS = 0.1
"""How long the house waits for whoever reads its log and has stopped to; then it waits no more
until he goes on."""

_PLAIN = {"€": "EUR", "–": "-", "—": "-", "’": "'", "‘": "'", "«": '"', "»": '"', "µ": "u"}


def write_plainly(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: what an encoding lacks, in ASCII (``é`` as ``e``), else ``?``."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(char: str) -> str:
    decomposed = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return _PLAIN.get(char) or decomposed or "?"


codecs.register_error("antirelou.plain", write_plainly)


class Outlet(io.FileIO):
    """A descriptor to which writing never fails.

    Args:
        patience_seconds: how long a write may wait for a reader; None: as long as it takes.

    Attributes:
        lost: how many writes it did not take.
        trouble: why it did not take the last of these.
    """

    def __init__(self, descriptor: int, *, patience_seconds: float | None = None) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self.lost, self.trouble = 0, OSError()
        self._patience, self._stuck = patience_seconds, False

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write, or drop and count it; returns how many bytes are done with."""
        view = memoryview(data).cast("B")
        try:
            if self._patience is not None:
                self._wait(self._patience)
                # A pipe that can be written to takes so much without waiting.
                view = view[: select.PIPE_BUF]
            # None: the descriptor is one that does not wait, and full.
            if (written := super().write(view)) is not None:
                return written
            self.trouble = OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        except OSError as error:
            self.trouble = error
        self.lost += 1
        return len(memoryview(data).cast("B"))

    def _wait(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT)
        self._stuck = not poll.poll(0 if self._stuck else seconds * 1000)
        if self._stuck:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


_OUTLETS: dict[str, Outlet] = {}
"""Those of this process: ``stdout``, ``stderr``, ``log``."""


def hold_streams() -> None:
    """Put the process's standard streams on outlets. Before anything else is opened."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest number that is free is this one: no socket and no file gets it, to be
            # written to by whoever means the stream.
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stdout = _hold("stdout", 1, sys.stdout)
    sys.stderr = _hold("stderr", 2, sys.stderr)


def _hold(name: str, descriptor: int, old: TextIO | None) -> TextIO:
    outlet = _OUTLETS[name] = Outlet(descriptor)
    if not isinstance(old, io.TextIOWrapper):  # none: it is closed
        return _wrap(outlet, "utf-8")
    return _wrap(outlet, old.encoding, line_buffering=old.line_buffering or old.write_through)


def _wrap(outlet: Outlet, encoding: str, *, line_buffering: bool = True) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(outlet),
        encoding=encoding,
        errors="antirelou.plain",
        line_buffering=line_buffering,
    )


def open_log() -> TextIO:
    """Standard error for the log of a house: it waits for no reader."""
    outlet = _OUTLETS["log"] = Outlet(2, patience_seconds=LOG_PATIENCE_SECONDS)
    return _wrap(outlet, getattr(sys.stderr, "encoding", None) or "utf-8")


def count_lost_lines() -> int:
    """How many lines of the log were dropped since ``open_log``."""
    return _OUTLETS["log"].lost if "log" in _OUTLETS else 0


def output_is_lost() -> bool:
    """Whether standard output took something not: nobody reads on."""
    return "stdout" in _OUTLETS and _OUTLETS["stdout"].lost > 0


def settle(code: int) -> int:
    """The exit code of a command that is done: 1 where its output was lost, and says why."""
    sys.stdout.flush()
    if not output_is_lost():
        return code
    trouble = _OUTLETS["stdout"].trouble
    if trouble.errno != errno.EPIPE:  # whoever reads it has enough of it
        sys.stderr.write(
            f"antirelou: what was asked is done, its output is lost: {trouble.strerror}\n"
        )
    return code or 1
