"""The disk of the embedded database is full: webhooks get 503, and it goes on when there is room.

In a mount namespace of our own, so that no mount outlives the test.
"""

import asyncio
import ctypes
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from antirelou.commands.demo.house import embedded_house
from antirelou.commands.demo.run import operate
from tests.faults.broken import HOUSE_SETTINGS, Broken
from tests.faults.door import Knocks, knocking
from tests.faults.trial import Report
from tests.support.eventually import eventually

DISK_MEGABYTES = 400
FULL_SECONDS = 8.0
REFILL_SECONDS = 0.1
REFUSED_SECONDS_MAX = 30.0
"""The server has some room of its own, preallocated; whoever is told 200 meanwhile is in it."""
PIECE_BYTES = 1 << 20
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x00020000, 16384, 1 << 18

pytestmark = pytest.mark.timeout(400)


async def test_the_disk_of_the_embedded_database_is_full(
    report: Report,
    chance: random.Random,
    turn: int,  # noqa: ARG001 - once a round
) -> None:
    with small_disk(DISK_MEGABYTES) as disk, embedded_broken(disk, report, chance) as broken:
        async with (
            broken.trial("embedded database's disk full", database=1) as trial,
            knocking(broken.house) as knocks,
        ):
            await trial.passed(0.2)
            ballast = disk / "ballast"
            fill(ballast)
            full_at = time.monotonic()
            await eventually(
                lambda: refused(knocks, full_at) and fill(ballast), seconds_max=REFUSED_SECONDS_MAX
            )
            # What the server gives back of its own, by a checkpoint, is taken away again.
            while time.monotonic() - first_refused(knocks) < FULL_SECONDS:
                fill(ballast)
                await asyncio.sleep(REFILL_SECONDS)
            assert knocks.statuses(full_at, time.monotonic()) <= {200, 503}
            ballast.unlink()
            trial.healed()


def refused(knocks: Knocks, since: float) -> bool:
    """Whether somebody was told to come again."""
    return 503 in knocks.statuses(since, time.monotonic())


def first_refused(knocks: Knocks) -> float:
    """When somebody was first told to come again."""
    return min(knock.answered_at for knock in knocks.all if knock.status == 503)


def fill(ballast: Path) -> bool:
    """Leave no room on the disk. Returns True."""
    with ballast.open("ab", buffering=0) as file:
        for size in (PIECE_BYTES, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return True


@contextmanager
def embedded_broken(disk: Path, report: Report, chance: random.Random) -> Iterator[Broken]:
    """A house in one process whose data is on that disk."""
    folder = Path(tempfile.mkdtemp(prefix="antirelou-faults-"))
    settings = {**HOUSE_SETTINGS, "data_dir": str(disk / "data")}
    broken: Broken | None = None
    try:
        with embedded_house(folder, settings) as house:
            donation = {"id": "faults", "amount_eur": "5000", "note": "for the tests"}
            operate(house, "POST", "/v1/donations", donation)
            broken = Broken(house, folder, disk / "data", "", report, chance=chance)
            yield broken
    finally:
        if broken is not None and not broken.spoiled:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of its own in memory, seen by this thread and what it starts alone."""
    folder = Path(tempfile.mkdtemp(prefix="antirelou-disk-"))
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"size={megabytes}m,mode=755".encode()
    if (
        libc.unshare(CLONE_NEWNS)
        or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        or libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options)
    ):
        folder.rmdir()
        pytest.skip(f"a small disk cannot be mounted here: {os.strerror(ctypes.get_errno())}")
    try:
        yield folder
    finally:
        libc.umount2(os.fsencode(folder), 2)  # also while something is open there
        folder.rmdir()
