"""A flood through ``antirelou rehearse``: the trace out, the command, the lines back."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from bench.survival.outcome import Fate
from kernel.values.money import format_euros
from simulator.floods.arrival import Arrival, trace_line

SECONDS_MAX = 1800

Rehearse = Callable[[Path, int, Path, Sequence[str]], None]
"""Trace, fund in micro-euros, where the lines go, settings to try."""


class RehearsalError(Exception):
    """``antirelou rehearse`` did not do it; what it said."""


def rehearse(trace: Path, fund: int, out: Path, settings: Sequence[str]) -> None:
    """Run the command to its end.

    Raises:
        RehearsalError: its exit code was not 0, or it took longer than half an hour.
    """
    command = [sys.executable, "-m", "antirelou", "rehearse", str(trace), "--json"]
    command += ["--fund", format_euros(fund), "--out", str(out)]
    for setting in settings:
        command += ["--set", setting]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS_MAX)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()
        raise RehearsalError(f"exit {error.returncode}: {' / '.join(said[-3:])}") from None
    except subprocess.TimeoutExpired:
        raise RehearsalError(f"not done after {SECONDS_MAX} s") from None


def write_trace(path: Path, arrivals: Iterable[Arrival]) -> None:
    """Write what the judge may see."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(map(trace_line, arrivals))


def read_fates(path: Path) -> dict[str, Fate]:
    """The lines by message id.

    Raises:
        RehearsalError: two lines have the same id.
    """
    fates: dict[str, Fate] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            found = json.loads(line)
            if found["id"] in fates:
                raise RehearsalError(f"two lines for {found['id']}")
            at = found["replied_at"]
            fates[found["id"]] = Fate(
                decision=found["decision"],
                reason=found["reason"],
                score=found["score"],
                replied_at=None if at is None else datetime.fromisoformat(at).timestamp(),
                cost_microeuros=found["cost_microeuros"],
            )
    return fates
