"""What the guarantees of issue 6 cost: the stages' throughput before and after it, in one run.

The revision before lies in a git worktree of its own. Its benches and ours (``bench/filter.py``,
``bench/billing.py``, each with the harness of its revision, a broker and a database of its own)
take turns: before, after, after, before, … on the same machine with the same interpreter. Beside
the ratio of the medians stands that of the CPU time a record, the steadier of the two where the
machine has other work. The command exits with 1 where throughput fell by more than a tenth.

    .venv/bin/python bench/guarantees.py
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
BASE = "d2166e3"
"""The commit before the first of issue 6, the audit."""
STAGES = ("filter", "billing")
RATIO_MIN = 0.9
RATE = re.compile(r"median ([\d,]+) records/s")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: records a second, and microseconds of the process's own CPU time a record."""

    per_second: float
    cpu_microseconds: float


@contextmanager
def worktree(revision: str) -> Iterator[Path]:
    """The files of a revision, in a folder that is removed again."""
    with tempfile.TemporaryDirectory(prefix="antirelou-base-") as folder:
        path = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "--detach", path, revision], cwd=ROOT, check=True)
        try:
            yield path
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", path], cwd=ROOT, check=True)


def measure(tree: Path, stage: str, records: int) -> Measured:
    """One round of a stage's bench, of the tree's own code."""
    done = subprocess.run(
        [sys.executable, f"bench/{stage}.py", "--rounds", "1", "--records", str(records)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "160"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,  # 1: below its target; that is not the question here
    )
    rate = RATE.search(done.stdout)
    cpu = re.search(rf"^│ {stage} .*?(\d+) µs", done.stdout, re.MULTILINE)
    if not rate or not cpu:
        raise SystemExit(f"bench/{stage}.py of {tree} failed:\n{done.stdout}")
    return Measured(float(rate[1].replace(",", "")), float(cpu[1]))


def compare(console: Console, base: Path, stage: str, options: argparse.Namespace) -> float:
    """Take turns, print a row. Returns the ratio of the throughputs."""
    found: dict[Path, list[Measured]] = {base: [], ROOT: []}
    for number in range(options.rounds):
        turn = (base, ROOT) if number % 2 == 0 else (ROOT, base)
        for tree in turn:
            found[tree].append(measure(tree, stage, options.records))
            console.print(f"{stage} {'before' if tree == base else 'after'}: {found[tree][-1]}")
    rates = {tree: statistics.median(m.per_second for m in found[tree]) for tree in found}
    cpus = {tree: statistics.median(m.cpu_microseconds for m in found[tree]) for tree in found}
    table = Table(title=f"{stage}: {options.records:,} records, {options.rounds} rounds each")
    for column in ("", f"before ({options.base})", "after", "after / before"):
        table.add_column(column, justify="right")
    for name, before, after in (
        ("records/s", rates[base], rates[ROOT]),
        ("own CPU a record, µs", cpus[base], cpus[ROOT]),
    ):
        table.add_row(name, f"{before:,.0f}", f"{after:,.0f}", f"{after / before:.3f}")
    console.print(table)
    return rates[ROOT] / rates[base]


def main() -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default=BASE, help="the revision to compare with")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--records", type=int, default=120_000)
    options = parser.parse_args()
    console = Console()
    with worktree(options.base) as base:
        ratios = {stage: compare(console, base, stage, options) for stage in STAGES}
    said = ", ".join(f"{stage} {ratio:.3f}" for stage, ratio in ratios.items())
    console.print(f"throughput after / before: {said} (at least {RATIO_MIN})")
    return 0 if min(ratios.values()) >= RATIO_MIN else 1


if __name__ == "__main__":
    sys.exit(main())
