"""What a standard stream does not take is dropped and counted; it ends no work."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.telemetry.streams import LOG_PATIENCE_SECONDS, Outlet

LINE = b"x" * 999 + b"\n"


def _full() -> int:
    return os.open("/dev/full", os.O_WRONLY)


def _unread() -> int:
    """The end of a pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def _read_only() -> int:
    return os.open(os.devnull, os.O_RDONLY)


@pytest.mark.parametrize("make", [_full, _unread, _read_only])
def test_what_a_descriptor_refuses_is_dropped_and_counted(make: Callable[[], int]) -> None:
    descriptor = make()
    outlet = Outlet(descriptor, patience_seconds=LOG_PATIENCE_SECONDS)
    assert outlet.write(LINE) == len(LINE)
    assert outlet.write(LINE) == len(LINE)
    assert outlet.lost == 2
    assert outlet.trouble.strerror
    os.close(descriptor)
    assert outlet.write(LINE) == len(LINE)
    assert outlet.lost == 3


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_log_waits_once_for_a_reader_who_stopped_and_goes_on_with_him(
    pipe: tuple[int, int],
) -> None:
    reader, writer = pipe
    outlet = Outlet(writer, patience_seconds=LOG_PATIENCE_SECONDS)
    began = time.monotonic()
    for _ in range(2000):  # thirty times what a pipe holds
        outlet.write(LINE)
    assert time.monotonic() - began < 10 * LOG_PATIENCE_SECONDS
    lost = outlet.lost
    assert lost > 1000
    assert os.read(reader, 1 << 20) == LINE * (2000 - lost)
    outlet.write(LINE)
    assert (outlet.lost, os.read(reader, 1 << 20)) == (lost, LINE)


def test_a_log_never_waits_within_a_long_line(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1], patience_seconds=LOG_PATIENCE_SECONDS)
    began, data = time.monotonic(), memoryview(b"y" * 1_000_000)
    while data:
        data = data[outlet.write(data) :]
    assert outlet.lost == 1
    assert time.monotonic() - began < 10 * LOG_PATIENCE_SECONDS


def test_a_full_descriptor_that_does_not_wait_is_full(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    outlet = Outlet(pipe[1])
    data = memoryview(b"y" * 1_000_000)
    while data:
        data = data[outlet.write(data) :]
    assert outlet.lost == 1


@given(st.text(), st.sampled_from(["ascii", "latin-1", "cp1252", "utf-8", "iso8859-15"]))
def test_whatever_a_terminal_knows_it_is_told(text: str, encoding: str) -> None:
    shown = text.encode(encoding, "antirelou.plain").decode(encoding)
    kept = "".join(char for char in text if char.encode(encoding, "ignore"))
    assert [char for char in shown if char in kept] or not kept
    assert shown == text or kept != text


@pytest.mark.parametrize(
    ("text", "encoding", "shown"),
    [
        ("Réglée à 12,50 €, bientôt…", "ascii", "Reglee a 12,50 EUR, bientot..."),
        ("Réglée à 12,50 €", "latin-1", "Réglée à 12,50 EUR"),
        ("▂▇ \udcff 👍", "ascii", "?? ? ?"),
        ("l’œuvre – «non»", "ascii", 'l\'?uvre - "non"'),
    ],
)
def test_what_it_lacks_is_told_plainly(text: str, encoding: str, shown: str) -> None:
    assert text.encode(encoding, "antirelou.plain").decode(encoding) == shown


# -- a command ---------------------------------------------------------------------------------


def _antirelou(
    *arguments: str, shell: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command under a shell's redirections."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {shell}', "sh", sys.executable, "-m", "antirelou", *arguments],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("shell", ["2>&-", "2>/dev/full", "<&- 2>&-", "0<&- 1>&- 2>&-"])
def test_a_complaint_that_cannot_be_made_changes_no_exit_code(shell: str) -> None:
    done = _antirelou("rehearse", "/nowhere.jsonl", "--fund", "1", shell=shell)
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", b"")


def test_an_output_that_was_lost_is_said() -> None:
    for command in (["--version"], ["simulate", "weekend", "--scale", "0.01"], ["--help"]):
        done = _antirelou(*command, shell=">/dev/full")
        assert done.returncode == 1
        assert done.stderr == (
            b"antirelou: what was asked is done, its output is lost: No space left on device\n"
        )


def test_whoever_has_enough_of_it_ends_it_quietly() -> None:
    done = _antirelou("simulate", "weekend", "--scale", "1", shell="| head -n 1")
    assert (done.stdout.count(b"\n"), done.stderr) == (1, b"")


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "latin-1", "PYTHONWARNINGS": "error"},
        {"PYTHONIOENCODING": "ascii:strict", "LC_ALL": "xx_YY.UTF-8", "LANG": "nowhere"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Nowhere/City"},
    ],
)
def test_a_terminal_without_accents_is_served(environment: dict[str, str], tmp_path: Path) -> None:
    trace, page = tmp_path / "trace.jsonl", tmp_path / "seite-é.html"
    trace.write_text(
        '{"at": "2017-10-27T16:00:00+00:00", "id": "1", "from": "+33639980001", "text": "é"}\n',
        encoding="utf-8",
    )
    done = _antirelou(
        "rehearse", str(trace), "--fund", "1", "--report", str(page), environment=environment
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"EUR" in done.stdout or "€".encode() in done.stdout
    assert page.exists()
    environment |= {"ANTIRELOU_DATA_DIR": str(tmp_path / "data-é"), "ANTIRELOU_LANGUAGE": "fr"}
    for command in (["doctor"], ["status"]):
        done = _antirelou(*command, environment=environment)
        assert done.returncode in {1, 2}
        assert b"defect" not in done.stdout + done.stderr
