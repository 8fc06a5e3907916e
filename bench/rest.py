"""What `antirelou serve` costs while nothing happens: resident memory and share of a core.

Starts the whole system on embedded defaults, lets it settle, then measures all its processes
(PostgreSQL's included) over a while. Memory is the proportional set size: what processes share is
counted once.
"""

import argparse
import tempfile
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

from antirelou.commands.demo.house import embedded_house

MEMORY_MB_MAX = 300
CORE_PERCENT_MAX = 2.0


def family(pid: int) -> list[psutil.Process]:
    """A process, its children, and the PostgreSQL server of its data folder."""
    root = psutil.Process(pid)
    found = {root, *root.children(recursive=True)}
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres":
            found.add(process)
    return list(found)


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """User and system time of all so far."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def main() -> None:
    """Measure, print, and fail if a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--settle", type=int, default=15)
    arguments = parser.parse_args()
    console = Console()
    with (
        tempfile.TemporaryDirectory(prefix="antirelou-rest-") as folder,
        embedded_house(Path(folder), {}) as house,
    ):
        for _ in track(range(arguments.settle), "settling", console=console):
            time.sleep(1)
        processes = family(house.services[0].pid)
        began, used = time.monotonic(), cpu_seconds(processes)
        for _ in track(range(arguments.seconds), "measuring", console=console):
            time.sleep(1)
        share = (cpu_seconds(processes) - used) / (time.monotonic() - began) * 100
        memory = {process: process.memory_full_info() for process in processes}
        serve = memory[psutil.Process(house.services[0].pid)].rss / 1e6
        resident = sum(info.pss for info in memory.values()) / 1e6
    table = Table("`antirelou serve` at rest", "measured", "bound")
    table.add_row(
        "resident, with its PostgreSQL (PSS)", f"{resident:.0f} MB", f"{MEMORY_MB_MAX} MB"
    )
    table.add_row("… of it the Python process (RSS)", f"{serve:.0f} MB", "")
    table.add_row("share of a core", f"{share:.2f} %", f"{CORE_PERCENT_MAX} %")
    table.add_row("processes", str(len(processes)), "")
    console.print(table)
    if resident > MEMORY_MB_MAX or share > CORE_PERCENT_MAX:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
