"""``make planted-bugs``: plant each bug of ``bugs.toml`` in a scratch copy; a named test must fail.

The copy holds the tracked files as they are in the working tree. First every named test is run on
the copy as it is, and must pass; then a bug at a time. A test that cannot be collected, set up or
compiled with the bug in, or that only runs into its time-out, has caught nothing.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.planted.bugs import PACKAGES, Bug, Stale, check_row, find_place, load_bugs, plant
from tests.planted.verdict import Verdict, judge_run, read_cases
from tests.support.postgres import GIVEN, open_server

ROOT = Path(__file__).resolve().parents[2]
TEST_SECONDS_MAX = 60
RUN_SECONDS_MAX = 300


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one bug."""

    bug: Bug
    verdict: Verdict
    detail: str
    seconds: float


class Copy:
    """A scratch copy of the tree, in which one bug at a time is planted.

    Args:
        environment: of the tests; ``PYTHONPATH`` is the copy's own.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        # What Python keeps of the sources is found in the copy, written by the first run alone.
        self._environment = {**environment, "PYTHONPATH": str(folder)}
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)

    def check_imports(self) -> None:
        """See that the copy is what is imported, not the installed tree.

        Raises:
            SystemExit: it is not; nothing that was found would mean anything.
        """
        say = "import sys; [print(__import__(name).__file__) for name in sys.argv[1:]]"
        done = subprocess.run(
            [sys.executable, "-c", say, *PACKAGES],
            cwd=self._folder, env=self._environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        files = done.stdout.split()
        if not all(Path(file).is_relative_to(self._folder) for file in files):
            raise SystemExit(f"the scratch copy is not what is imported: {files}")

    def run(self, tests: Sequence[str], *, seconds_max: float) -> tuple[int, str, str]:
        """Run tests. Returns pytest's exit code, its report (JUnit XML), and what it printed."""
        report = self._folder / "report.xml"
        report.unlink(missing_ok=True)
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header",
            f"--timeout={TEST_SECONDS_MAX}", f"--junitxml={report}", "--hypothesis-seed=0", *tests,
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, cwd=self._folder, env=self._environment, check=False, timeout=seconds_max,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return -1, "", f"not within {seconds_max} s"
        return done.returncode, report.read_text("utf-8") if report.exists() else "", done.stdout

    @contextmanager
    def planted(self, bug: Bug) -> Iterator[None]:
        """The bug is in the copy while this is open."""
        place = find_place(bug, self._folder)
        path = place.path
        source, before = path.read_text("utf-8"), path.stat()
        path.write_text(plant(bug, place), "utf-8")
        # Compiled files are told apart by time and size: let the time be another one for sure.
        os.utime(path, (before.st_atime, before.st_mtime + 10))
        try:
            yield
        finally:
            path.write_text(source, "utf-8")
            os.utime(path, (before.st_atime, before.st_mtime))

    def try_bug(self, bug: Bug) -> Tried:
        """Plant it, run the tests it names, take it out."""
        began = time.monotonic()
        with self.planted(bug):
            code, report, said = self.run(bug.tests, seconds_max=RUN_SECONDS_MAX)
        verdict, detail = judge_run(bug.tests, code, read_cases(report))
        return Tried(bug, verdict, detail or said[-2000:], time.monotonic() - began)


def main() -> None:
    """Exit 0 if every bug is caught; else 1, with the survivors."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    parser.add_argument("names", nargs="*", help="of the bugs to plant; none: all")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 2))
    asked = parser.parse_args()
    console = Console()
    bugs = [bug for bug in load_bugs() if not asked.names or bug.name in asked.names]
    unknown = set(asked.names) - {bug.name for bug in bugs}
    if unknown:
        parser.error(f"no such bug: {', '.join(sorted(unknown))}")
    _check_rows(bugs)
    with tempfile.TemporaryDirectory(prefix="planted-") as folder, open_server() as server:
        environment = {**os.environ, GIVEN: server.url}
        copies = [_copy(Path(folder) / str(n), environment) for n in range(max(asked.jobs, 1))]
        _run_unharmed(copies[0], bugs, console)
        began = time.monotonic()
        tried = _try_all(copies, bugs, console)
    _report(tried, time.monotonic() - began, console)
    if any(each.verdict is not Verdict.CAUGHT for each in tried):
        raise SystemExit(1)


def _check_rows(bugs: Sequence[Bug]) -> None:
    try:
        for bug in bugs:
            check_row(bug, ROOT)
    except Stale as stale:
        raise SystemExit(f"stale row in bugs.toml: {stale}") from None


def _copy(folder: Path, environment: Mapping[str, str]) -> Copy:
    folder.mkdir()
    copy = Copy(folder, environment)
    copy.check_imports()
    return copy


def _run_unharmed(copy: Copy, bugs: Sequence[Bug], console: Console) -> None:
    tests = sorted({test for bug in bugs for test in bug.tests})
    began = time.monotonic()
    with console.status(f"{len(tests)} named tests on the code as it is …"):
        code, _, said = copy.run(tests, seconds_max=RUN_SECONDS_MAX * 4)
    if code:
        console.print(said, markup=False, highlight=False)
        raise SystemExit("the named tests do not pass without a bug: nothing can be said")
    console.print(f"{len(tests)} named tests pass as it is, {time.monotonic() - began:.0f} s")


def _try_all(copies: Sequence[Copy], bugs: Sequence[Bug], console: Console) -> list[Tried]:
    free: SimpleQueue[Copy] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def try_one(bug: Bug) -> Tried:
        copy = free.get()
        try:
            return copy.try_bug(bug)
        finally:
            free.put(copy)

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(*columns, console=console) as progress, ThreadPoolExecutor(len(copies)) as pool:
        task = progress.add_task("", total=len(bugs), last="")
        running = {pool.submit(try_one, bug): bug for bug in bugs}
        found = {}
        for done in as_completed(running):
            tried = done.result()
            found[tried.bug.name] = tried
            progress.update(task, advance=1, last=f"{tried.bug.name}: {tried.verdict.value}")
            if tried.verdict is not Verdict.CAUGHT or not console.is_terminal:
                console.print(f"{tried.verdict.value}: {tried.bug.name}, {tried.seconds:.0f} s")
    return [found[bug.name] for bug in bugs]


def _report(tried: Sequence[Tried], seconds: float, console: Console) -> None:
    table = Table(title="planted bugs")
    for name in ("bug", "breaks", "caught by"):
        table.add_column(name, overflow="fold")
    table.add_column("s", justify="right")
    for each in tried:
        caught = each.verdict is Verdict.CAUGHT
        by = ", ".join(test.rpartition("::")[2] for test in each.bug.tests)
        row = by if caught else f"[red]{each.verdict.value}[/red]"
        table.add_row(each.bug.name, each.bug.breaks, row, f"{each.seconds:.1f}")
    console.print(table)
    missed = [each for each in tried if each.verdict is not Verdict.CAUGHT]
    for each in missed:
        console.print(f"[red]{each.verdict.value}[/red] {each.bug.name}: {each.bug.harm}")
        console.print(each.detail, markup=False, highlight=False)
    console.print(f"{len(tried) - len(missed)} of {len(tried)} caught, {seconds:.0f} s")


if __name__ == "__main__":
    main()
