"""What a user names is written: a file whole or not at all, a device as it is, a link followed."""

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from antirelou.commands.main import main
from antirelou.files import follow_links, writing

BETWEEN = """
import sys
from pathlib import Path
from antirelou.files import writing
print("before", flush=True)
with writing(Path(sys.argv[1])) as file:
    file.write(b"it\\n")
print("after")
"""


def _write(path: Path, data: bytes = b"new", *, fresh: bool = False) -> None:
    with writing(path, fresh=fresh) as file:
        file.write(data)


def _write_half(path: Path) -> None:
    with writing(path) as file:
        file.write(b"half")
        raise RuntimeError


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(RuntimeError):
        _write_half(path)
    assert list(tmp_path.iterdir()) == []
    _write(path, b"old")
    path.chmod(0o640)
    with pytest.raises(RuntimeError):
        _write_half(path)
    assert path.read_bytes() == b"old"
    _write(path)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o640)
    with pytest.raises(FileExistsError):
        _write(path, b"newer", fresh=True)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_rights_of_any(tmp_path: Path) -> None:
    _write(tmp_path / "ours")
    (tmp_path / "any").touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "any").stat().st_mode
    with writing(tmp_path / "secret", mode=0o600, fresh=True):
        pass
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_is_followed_and_stays(tmp_path: Path, *, there: bool, absolute: bool) -> None:
    target, folder = tmp_path / "there" / "target", tmp_path / "linked"
    target.parent.mkdir()
    folder.symlink_to("there")
    if there:
        target.write_bytes(b"old")
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(target if absolute else Path("linked") / "target")
    _write(one)
    assert (one.is_symlink(), other.is_symlink(), target.is_symlink()) == (True, True, False)
    assert target.read_bytes() == b"new"
    assert sorted(tmp_path.iterdir()) == sorted([one, other, folder, target.parent])
    assert list(target.parent.iterdir()) == [target]


def test_links_in_a_circle_are_refused_and_stay(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    with pytest.raises(OSError, match="Too many levels"):
        follow_links(one)
    assert main(["simulate", "weekend", "--scale", "0.001", "--out", str(one)]) == 2
    assert one.is_symlink()


@pytest.mark.parametrize("fresh", [True, False])
def test_a_pipe_is_written_into(tmp_path: Path, *, fresh: bool) -> None:
    path, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(path)
    link.symlink_to(path)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    _write(link, fresh=fresh)
    reader.join(10)
    assert read == [b"new"]
    assert path.is_fifo()
    assert link.is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_written_into_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "null"
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        _write(path)
    except PermissionError:
        pytest.skip("no devices in this container")
    assert main(["simulate", "weekend", "--scale", "0.001", "--out", str(path)]) == 0
    trace = tmp_path / "trace"
    assert main(["simulate", "weekend", "--scale", "0.001", "--out", str(trace)]) == 0
    asked = ["rehearse", str(trace), "--fund", "1", "--out", str(path), "--report", str(path)]
    assert main(asked) == 0
    assert path.is_char_device()
    assert sorted(tmp_path.iterdir()) == [path, trace]


def test_a_descriptor_is_written_where_it_stands(tmp_path: Path) -> None:
    """Not from the beginning, over what was written, nor beside, where nobody reads on."""
    into = tmp_path / "into"
    for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1"):
        with into.open("wb") as output:
            subprocess.run([sys.executable, "-c", BETWEEN, name], stdout=output, check=True)
        assert into.read_text() == "before\nit\nafter\n"
        piped = subprocess.run(
            [sys.executable, "-c", BETWEEN, name], capture_output=True, check=True
        )
        assert piped.stdout == b"before\nit\nafter\n"


def test_what_is_mounted_by_itself_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mounted"
    path.write_bytes(b"old and longer")
    number = path.stat().st_ino

    def refuse(source: str, target: Path) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), source, None, target)

    monkeypatch.setattr(os, "replace", refuse)
    _write(path)
    assert (path.read_bytes(), path.stat().st_ino) == (b"new", number)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert main(["simulate", "weekend", "--scale", "0.001", "--out", str(tmp_path)]) == 2
    assert list(tmp_path.iterdir()) == []


def test_settings_are_written_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.env"
    link.symlink_to("there/real.env")
    assert main(["init", str(link)]) == 0
    assert link.is_symlink()
    assert "ANTIRELOU_NUMBER" in (tmp_path / "there" / "real.env").read_text()
