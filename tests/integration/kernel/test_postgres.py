"""The embedded PostgreSQL: durable, adopted after a kill, stopped by its last user."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from kernel.database import pool as database
from kernel.database.pool import open_pool, translate_errors
from kernel.database.postgres import hold_data_dir, open_postgres
from kernel.values.errors import Fatal, Transient
from tests.support.eventually import eventually

OWNER = """
import asyncio, sys
from pathlib import Path
from kernel.database.postgres import open_postgres
from kernel.telemetry.metrics import configure_logging
configure_logging()
async def own():
    async with open_postgres(Path(sys.argv[1])) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
asyncio.run(own())
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="antirelou-data-"))
    yield folder
    for process in servers(folder):
        process.kill()
    shutil.rmtree(folder, ignore_errors=True)


def servers(data_dir: Path) -> list[psutil.Process]:
    """Every process that works in the cluster, children of the postmaster included."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == data_dir / "postgres":
                found.append(process)
        except psutil.Error:
            continue
    return found


def postmaster(data_dir: Path) -> psutil.Process:
    return psutil.Process(
        int((data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
    )


def start_owner(data_dir: Path) -> "subprocess.Popen[str]":
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, data_dir],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert owner.stdout is not None
    assert any(line.startswith("postgresql://") for line in owner.stdout)
    return owner


def end_owner(owner: "subprocess.Popen[str]", *, kill: bool = False) -> None:
    if kill:
        owner.kill()
        owner.communicate()
    else:
        owner.communicate("\n")


def start_sleeper(uid: int | None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["/bin/sleep", "60"], user=uid)


async def execute(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_what_was_committed_is_there_at_the_next_start(data_dir: Path) -> None:
    async with open_postgres(data_dir) as url:
        await execute(url, "CREATE TABLE kept AS SELECT 7 AS n")
    assert servers(data_dir) == []
    async with open_postgres(data_dir) as url:
        assert await execute(url, "SELECT n FROM kept") == 7


async def test_it_is_durable_and_listens_on_no_port(data_dir: Path) -> None:
    async with open_postgres(data_dir) as url:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await execute(url, f"SHOW {name}") == "on"
        assert await execute(url, "SHOW listen_addresses") == ""
        assert not postmaster(data_dir).net_connections("inet")
        assert (data_dir / "postgres").stat().st_mode & 0o077 == 0
        if os.geteuid() == 0:
            assert postmaster(data_dir).uids().effective != 0


async def test_a_server_left_by_a_killed_owner_is_adopted_and_stopped(data_dir: Path) -> None:
    owner = start_owner(data_dir)
    end_owner(owner, kill=True)
    left = postmaster(data_dir).pid
    async with open_postgres(data_dir) as url:
        assert postmaster(data_dir).pid == left
        assert await execute(url, "SELECT 1") == 1
    assert servers(data_dir) == []


async def test_it_is_found_where_a_container_hides_other_accounts_processes(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(process: psutil.Process) -> str:
        raise psutil.AccessDenied(process.pid)

    end_owner(start_owner(data_dir), kill=True)
    left = postmaster(data_dir)
    with monkeypatch.context() as patch:
        patch.setattr(psutil.Process, "cwd", denied)
        async with open_postgres(data_dir) as url:
            assert postmaster(data_dir) == left
            assert await execute(url, "SELECT 1") == 1
    assert servers(data_dir) == []


async def test_owner_and_server_killed_together_recover(data_dir: Path) -> None:
    owner = start_owner(data_dir)
    killed = postmaster(data_dir)
    async with open_postgres(data_dir) as url:
        await execute(url, "CREATE TABLE kept AS SELECT 7 AS n")
        end_owner(owner, kill=True)
        killed.kill()
    async with open_postgres(data_dir) as url:
        assert await execute(url, "SELECT n FROM kept") == 7


async def test_a_start_that_was_cut_short_is_begun_anew(data_dir: Path) -> None:
    (data_dir / "postgres.part").mkdir()
    (data_dir / "postgres.part" / "PG_VERSION").write_text("18\n")
    async with open_postgres(data_dir) as url:
        assert await execute(url, "SELECT 1") == 1


async def test_a_pid_file_that_names_another_process_does_not_stop_it(data_dir: Path) -> None:
    async with open_postgres(data_dir):
        pid_file = data_dir / "postgres" / "postmaster.pid"
        account = pid_file.stat()
        lines = pid_file.read_text().split("\n")
    stranger = start_sleeper(account.st_uid if os.geteuid() == 0 else None)
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        os.chown(pid_file, account.st_uid, account.st_gid)
        async with open_postgres(data_dir) as url:
            assert await execute(url, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_several_processes_share_it_and_the_last_one_stops_it(data_dir: Path) -> None:
    owner = start_owner(data_dir)
    async with open_postgres(data_dir) as url:
        end_owner(owner)
        assert await execute(url, "SELECT 1") == 1
    assert servers(data_dir) == []


async def test_several_processes_starting_at_once_start_one(data_dir: Path) -> None:
    owners = await asyncio.gather(*(asyncio.to_thread(start_owner, data_dir) for _ in range(3)))
    found = servers(data_dir)
    assert sum(process.parent() not in found for process in found) == 1
    for owner in owners:
        end_owner(owner)
    assert servers(data_dir) == []


async def test_a_server_that_dies_is_started_again_and_the_pool_goes_on(data_dir: Path) -> None:
    async with (
        open_postgres(data_dir) as url,
        open_pool(url, role="antirelou", schema="public", size_max=2) as pool,
    ):

        async def select() -> object:
            with translate_errors():
                return await pool.fetchval("SELECT 1")

        await select()
        postmaster(data_dir).kill()
        codes = set()

        async def back() -> bool:
            try:
                return await select() == 1
            except Transient as trouble:
                codes.add(trouble.code)
                return False

        await eventually(lambda: not servers(data_dir) or codes, seconds_max=5)
        await eventually(back, seconds_max=20)
        assert codes <= {"database_away"}


async def test_a_frozen_server_holds_nobody_up_without_end(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "COMMAND_SECONDS_MAX", 0.3)
    monkeypatch.setattr(database, "CONNECT_SECONDS_MAX", 0.3)
    monkeypatch.setattr(database, "ACQUIRE_SECONDS_MAX", 0.6)
    async with (
        open_postgres(data_dir) as url,
        open_pool(url, role="antirelou", schema="public", size_max=1) as pool,
    ):

        async def select() -> object:
            with translate_errors():
                return await pool.fetchval("SELECT 1")

        await select()
        frozen = servers(data_dir)
        for process in frozen:
            process.suspend()
        try:
            for _ in range(3):
                started = time.monotonic()
                with pytest.raises(Transient):
                    await select()
                assert time.monotonic() - started < 5
        finally:
            for process in frozen:
                process.resume()

        async def back() -> bool:
            try:
                return await select() == 1
            except Transient:
                return False

        await eventually(back, seconds_max=10)


async def test_a_start_that_fails_says_what_the_log_says(data_dir: Path) -> None:
    with pytest.raises(Fatal, match="no_such_setting") as caught:
        async with open_postgres(data_dir, overrides={"no_such_setting": "1"}):
            pytest.fail("it started")
    assert caught.value.code == "postgres_start"


async def test_data_of_another_version_is_left_alone(data_dir: Path) -> None:
    async with open_postgres(data_dir):
        pass
    (data_dir / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(Fatal, match="PostgreSQL 12") as caught:
        async with open_postgres(data_dir):
            pytest.fail("it started")
    assert caught.value.code == "postgres_version"


async def test_a_folder_with_a_long_name_serves_as_well(data_dir: Path) -> None:
    long = data_dir / ("long" * 30)
    async with open_postgres(long) as url:
        assert await execute(url, "SELECT 1") == 1
        sockets = str(await execute(url, "SHOW unix_socket_directories"))
        assert os.stat(sockets).st_mode & 0o077 == 0  # noqa: PTH116
    shutil.rmtree(sockets)


def test_one_serve_at_a_time_holds_a_data_folder(data_dir: Path) -> None:
    with hold_data_dir(data_dir):
        with (
            pytest.raises(Fatal, match=f"process {os.getpid()}") as caught,
            hold_data_dir(data_dir),
        ):
            pytest.fail("two hold it")
        assert caught.value.code == "data_dir_busy"
    with hold_data_dir(data_dir):
        pass


def test_a_killed_holder_of_a_data_folder_does_not_keep_it(data_dir: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time, pathlib\nfrom kernel.database.postgres import hold_data_dir\n"
            "with hold_data_dir(pathlib.Path(sys.argv[1])):\n"
            "    print('held', flush=True)\n    time.sleep(60)",
            data_dir,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Fatal), hold_data_dir(data_dir):
        pytest.fail("two hold it")
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with hold_data_dir(data_dir):
        pass
