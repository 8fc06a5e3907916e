"""A diagnosis changes nothing: no file, no right, no account, no process."""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from antirelou.commands.demo.house import Process, free_port
from antirelou.commands.init import write_settings_file
from kernel.database.host import find_programs, socket_folder

NAMES = ("number", "plivo_auth_id", "plivo_auth_token")
VALUES = ("+33937000000", "MA" + "X" * 18, "0" * 40)


SETTLE_SECONDS = 0.5
SETTLE_LOOKS_MAX = 40
"""Looks, so many seconds apart, within which a machine comes to rest."""


@dataclass(frozen=True)
class Machine:
    """A home that only its owner may enter, with a settings file; data under it, or none yet."""

    home: Path

    @property
    def settings(self) -> Mapping[str, str]:
        """As ``Process`` takes them."""
        return {"settings_file": str(self.home / "antirelou.env")}

    def doctor(self) -> str:
        """What `antirelou doctor` says."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith("ANTIRELOU_")}
        given = {"HOME": str(self.home), "SETTINGS_FILE": str(self.home / "antirelou.env"),
                 "ANTIRELOU_LANGUAGE": "en"}  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "antirelou", "doctor"],
            env=kept | given, cwd=self.home, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stderr == ""
        return done.stdout

    def state(self) -> dict[str, object]:
        """All that a diagnosis could have touched."""
        install = find_programs(self.home / "nothing").parent
        sockets = socket_folder(self.home / ".local/share/antirelou/postgres")
        folders = {*self.home.parents, *install.parents, install}
        return {
            "files": dict(self._files()),
            "folders": {one: stat.S_IMODE(one.stat().st_mode) for one in folders},
            "programs": {p: p.stat().st_mode for p in install.rglob("*")},
            "accounts": [hashlib.sha256(Path(p).read_bytes()).digest()
                         for p in ("/etc/passwd", "/etc/group")],
            "sockets": sorted(sockets.iterdir()) if sockets.exists() else None,
            "servers": self._servers(),
        }  # fmt: skip

    def changed_since(self, before: dict[str, object]) -> list[object]:
        """What is not as it was: the files by name."""
        now = self.state()
        files: list[Any] = [now.pop("files"), before.pop("files")]
        names = [
            name for name in {**files[0], **files[1]} if files[0].get(name) != files[1].get(name)
        ]
        return [*names, *(what for what in now if now[what] != before[what])]

    def settled(self) -> dict[str, object]:
        """The state once what was just started or killed has done with it."""
        last = self.state()
        for _ in range(SETTLE_LOOKS_MAX):
            time.sleep(SETTLE_SECONDS)
            now = self.state()
            if now == last:
                return now
            last = now
        raise AssertionError("it does not come to rest")

    def _servers(self) -> set[int]:
        """Those that run here; what workers one starts and ends is its own affair."""
        found = {p.pid: p for p in psutil.process_iter() if _works_in(p, self.home)}
        return {pid for pid, process in found.items() if _parent_of(process) not in found}

    def _files(self) -> Iterator[tuple[Path, tuple[object, ...]]]:
        runs = bool(self._servers())
        for path in (self.home, *self.home.rglob("*")):
            servers_own = bool({"postgres", "postgres.log"} & set(path.parts))
            if servers_own and runs:  # it makes, writes and deletes by itself
                continue
            with suppress(FileNotFoundError):
                told = path.lstat()
                yield path, (told.st_mode, told.st_uid, told.st_gid, *(
                    () if servers_own else (told.st_mtime_ns, told.st_size)
                ))  # fmt: skip


def _works_in(process: psutil.Process, home: Path) -> bool:
    try:
        return Path(process.cwd()).is_relative_to(home)
    except (psutil.Error, OSError):
        return False


def _parent_of(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.Error:
        return None


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    file = home / "antirelou.env"
    write_settings_file(file)
    text = file.read_text(encoding="utf-8")
    for name, value in zip(NAMES, VALUES, strict=True):
        text = text.replace(f"ANTIRELOU_{name.upper()}=\n", f"ANTIRELOU_{name.upper()}={value}\n")
    text += f"ANTIRELOU_DATA_DIR={home}/.local/share/antirelou\n"
    file.write_text(text, encoding="utf-8")
    yield Machine(home)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def house(machine: Machine) -> Iterator[Process]:
    """`antirelou serve` on that machine, not yet started."""
    ops = f"127.0.0.1:{free_port()}"
    settings = {**machine.settings, "ops_listen": ops, "listen": f"127.0.0.1:{free_port()}",
                "plivo_api_url": "http://127.0.0.1:1"}  # fmt: skip
    process = Process("all", ["serve"], settings, machine.home.parent, f"http://{ops}/readyz")
    yield process
    process.stop()


def test_before_the_first_start(machine: Machine) -> None:
    before = machine.state()
    said = machine.doctor()
    assert "ok   database: embedded, and does not run" in said
    assert machine.changed_since(before) == []
    if os.geteuid() == 0:
        assert f"chmod o+x {machine.home}" in said
        assert "started by root, `antirelou serve` will do" in said


def test_while_it_runs_after_it_stopped_and_after_it_was_killed(
    machine: Machine, house: Process
) -> None:
    house.start()
    house.wait_ready()
    before = machine.settled()
    assert before["servers"]
    assert "ok   database: PostgreSQL " in machine.doctor()
    assert machine.changed_since(before) == []
    house.stop()
    before = machine.settled()
    assert not before["servers"]
    assert "ok   database: embedded, and does not run" in machine.doctor()
    assert machine.changed_since(before) == []
    house.start()
    house.wait_ready()
    servers = [p for p in psutil.process_iter() if _works_in(p, machine.home)]
    house.kill()
    for server in servers:
        with suppress(psutil.NoSuchProcess):  # the first takes the others along
            server.kill()
    psutil.wait_procs(servers, 10)
    before = machine.settled()
    assert "ok   database: embedded, and does not run" in machine.doctor()
    assert machine.changed_since(before) == []
