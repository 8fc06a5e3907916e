"""Processes held to a share of a core by the kernel's cpu controller, so that two cores bear eight.

A quota in a short period: a process runs as on a slow core, not in bursts of a tenth of a second
during which it holds its rows and does nothing. Version 1 of control groups (``cpu.cfs_quota_us``)
or 2 (``cpu.max``). Nothing else will do: a process that is stopped and continued from outside
stops for longer than a transaction takes.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

PERIOD_MICROSECONDS = 20_000
QUOTA_MICROSECONDS_MIN = 1_000
"""The least that the kernel takes."""
ROOTS_V1 = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup/cpu,cpuacct"))
ROOTS_V2 = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
EMPTY_SECONDS_MAX = 5.0

Hold = Callable[[int, float], None]
"""Holds a process to a share of one core: its pid, the share."""


@contextmanager
def open_shares() -> Iterator[Hold]:
    """A control group a process, gone with the context.

    Raises:
        SystemExit: the controller is not there, or not ours to use; says what to do.
    """
    root = next((path for path in ROOTS_V1 if (path / "cpu.cfs_quota_us").exists()), None)
    modern = root is None
    root = root or next((path for path in ROOTS_V2 if _offers_cpu(path)), None)
    if root is None:
        raise SystemExit(
            "scale: no cpu controller below /sys/fs/cgroup, so members cannot be held to a share "
            "of a core; --share 0 measures them unheld"
        )
    house = root / f"antirelou-scale-{os.getpid()}"
    try:
        house.mkdir()
        if modern:
            for path in (root, house):
                (path / "cgroup.subtree_control").write_text("+cpu")
    except OSError as error:
        with contextlib.suppress(OSError):
            house.rmdir()
        raise SystemExit(
            f"scale: {error}: making control groups takes root (or a delegated group); run it as "
            "root, or with --share 0 to measure the members unheld"
        ) from None
    try:
        yield partial(_hold, house, modern)
    finally:
        for group in [*(path for path in house.iterdir() if path.is_dir()), house]:
            _remove(group)


def _hold(house: Path, modern: bool, pid: int, share: float) -> None:  # noqa: FBT001 - partial
    quota = round(PERIOD_MICROSECONDS * share)
    assert quota >= QUOTA_MICROSECONDS_MIN, "less than the kernel takes"
    group = house / str(pid)
    group.mkdir()
    if modern:
        (group / "cpu.max").write_text(f"{quota} {PERIOD_MICROSECONDS}")
    else:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
        (group / "cpu.cfs_quota_us").write_text(str(quota))
    (group / "cgroup.procs").write_text(str(pid))


def _offers_cpu(root: Path) -> bool:
    controllers = root / "cgroup.controllers"
    return controllers.exists() and "cpu" in controllers.read_text().split()


def _remove(group: Path) -> None:
    """Once its last process is gone, which the kernel may learn a moment later."""
    deadline = time.monotonic() + EMPTY_SECONDS_MAX
    while True:
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
