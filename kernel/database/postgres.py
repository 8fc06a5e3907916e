"""A PostgreSQL of our own: started in ``DATA_DIR``, durable, small, gone when its last user is.

It listens on a socket file alone, in a folder that only its account may enter. It outlives our
SIGKILL, and the next start adopts it or lets it recover.
"""

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

import asyncpg
import psutil
import structlog

from kernel.database.environment import forget_postgres
from kernel.database.host import Account, find_account, find_programs, let_in, socket_folder
from kernel.settings.data_dir import look_at_data_dir, make_data_dir
from kernel.values.errors import Fatal

LOG = structlog.get_logger("postgres")

DATABASE = "antirelou"
START_SECONDS_MAX = 60.0
"""Includes the recovery after a crash."""
STOP_SECONDS_MAX = 20.0
WATCH_SECONDS = 0.5
POLL_SECONDS = 0.02
LOG_BYTES_MAX = 1_000_000
_LEFTOVERS = re.compile(r"still in use|lock file .* already exists")

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "superuser_reserved_connections": "2",
    # Durable: an acknowledged commit is on disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Small, for one machine that does other things as well.
    "shared_buffers": "32MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "16MB",
    "max_wal_size": "256MB",
    "min_wal_size": "80MB",
    # A recycled segment still holds what was written to it: what was erased is to be gone.
    "wal_recycle": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_replication_slots": "0",
    "max_logical_replication_workers": "0",
    "max_worker_processes": "2",
    "max_parallel_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "io_method": "sync",
    "huge_pages": "off",
    "jit": "off",
    # Asleep when there is nothing to do.
    "bgwriter_lru_maxpages": "0",
    "wal_writer_delay": "1s",
    "autovacuum": "on",
    "autovacuum_max_workers": "1",
    "autovacuum_naptime": "60s",
    # The log says when the server started and died, and never quotes a statement or a value.
    "logging_collector": "off",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_autovacuum_min_duration": "-1",
    "log_checkpoints": "off",
    "log_connections": "",
    "log_lock_waits": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


@contextmanager
def hold_data_dir(data_dir: Path) -> Iterator[None]:
    """Make this process the one ``serve all`` of a data folder.

    Raises:
        Fatal: ``data_dir_busy``: another has it, and which; ``settings``: it cannot be made.
    """
    data_dir = make_data_dir(data_dir)
    with (data_dir / "serve.lock").open("a+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise Fatal(
                f"another `antirelou serve` (process {lock.read().decode() or '?'}) works in "
                f"{data_dir}: stop it, or give this one an ANTIRELOU_DATA_DIR of its own",
                code="data_dir_busy",
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        lock.flush()
        yield


@asynccontextmanager
async def open_postgres(
    data_dir: Path, *, overrides: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """Start or adopt the PostgreSQL of a data folder; the last to leave stops it.

    Several processes may share it. A server that dies while we hold it is started again.

    Args:
        data_dir: made if missing; holds ``postgres/`` (the data), ``postgres.log`` and two locks.
        overrides: server settings other than ``SETTINGS``, if it is we who start it.

    Yields:
        the URL of the database ``antirelou`` in it.

    Raises:
        Fatal: ``postgres_missing``: no server for this platform; ``postgres_version``: the data
            is another version's; ``postgres_account``: root, and no account to run as;
            ``postgres_start``: it did not come up, with what its log says.
    """
    # Whoever connects from here reads them: they mean another server than ours, all of them.
    forget_postgres(os.environ, keep=frozenset())
    server = await asyncio.to_thread(_Server, data_dir, SETTINGS | dict(overrides or {}))
    users = await asyncio.to_thread(server.enter)
    try:
        await server.ensure_database()
        watch = asyncio.create_task(server.watch())
        try:
            yield server.url(DATABASE)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
    finally:
        # Shielded by nothing: a thread cannot be cancelled, and stops the server all the same.
        await asyncio.to_thread(server.leave, users)


def find_running(data_dir: Path) -> str:
    """The URL of a data folder's server, empty where none listens. Changes and starts nothing.

    Raises:
        Fatal: ``postgres_missing``, ``postgres_version``: as ``open_postgres``; ``settings``: the
            folder cannot be made, or is another account's.
    """
    forget_postgres(os.environ, keep=frozenset())
    cluster = look_at_data_dir(data_dir) / "postgres"
    find_programs(cluster)
    folder = socket_folder(cluster)
    return _url(folder, DATABASE) if os.path.lexists(folder / ".s.PGSQL.5432") else ""


def _url(socket_dir: Path, database: str) -> str:
    return f"postgresql://antirelou@/{database}?host={quote(str(socket_dir), safe='')}"


class _Server:
    """The server of one data folder. Its methods block, but for those that are coroutines."""

    def __init__(self, data_dir: Path, settings: Mapping[str, str]) -> None:
        data_dir = make_data_dir(data_dir)
        self.data_dir, self.settings = data_dir, settings
        self.cluster = data_dir / "postgres"
        self.log_path = data_dir / "postgres.log"
        self.socket_dir = socket_folder(self.cluster)
        self._programs = find_programs(self.cluster)
        self._account = find_account(self.cluster)
        self._child: subprocess.Popen[bytes] | None = None
        self._left = threading.Event()
        for folder in {self.cluster, self.socket_dir}:
            self._make_folder(folder)
        if self._account != Account():
            let_in(self._programs.parent, self.cluster, self.socket_dir)

    def url(self, database: str) -> str:
        """Where to connect."""
        return _url(self.socket_dir, database)

    def enter(self) -> IO[bytes]:
        """Start or adopt the server and count ourselves among its users."""
        with self._gate():
            self._ensure_running()
            users = (self.data_dir / "postgres.users").open("ab")
            fcntl.flock(users, fcntl.LOCK_SH)
            return users

    def leave(self, users: IO[bytes]) -> None:
        """Stop the server unless another process still uses it."""
        with self._gate(), users:
            self._left.set()
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return
            self._stop()

    async def watch(self) -> None:
        """Start the server again when it died: nobody else would."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await asyncio.to_thread(self._revive)
            except Fatal as error:
                LOG.error("postgres_start_failed", error=str(error))  # noqa: TRY400 - it is told

    async def ensure_database(self) -> None:
        """Create our database in a new server, and see that it answers."""
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                connection = await asyncpg.connect(self.url("postgres"), timeout=10)
                try:
                    if not await connection.fetchval(
                        "SELECT 1 FROM pg_database WHERE datname = $1", DATABASE
                    ):
                        await connection.execute(f"CREATE DATABASE {DATABASE}")
                finally:
                    await connection.close(timeout=5)
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            return  # another process of this folder was first
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise self._start_failed(f"runs and does not answer ({error})") from None

    @contextmanager
    def _gate(self) -> Iterator[None]:
        """One process at a time starts or stops it. The lock ends with its holder."""
        with (self.data_dir / "postgres.gate").open("ab") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield

    def _revive(self) -> None:
        alive = self._child.poll() is None if self._child else self._find() is not None
        if alive:
            return
        with self._gate():
            if self._left.is_set():
                return  # it is down because we are done
            if self._find() is None:
                LOG.warning("postgres_died_starting_again")
            self._ensure_running()

    def _ensure_running(self) -> None:
        """Start the server unless it runs, until it is ready; it recovers what a crash left."""
        if not (self.cluster / "PG_VERSION").exists():
            self._initialize()
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            started = self._find() is None
            if started:
                self._launch()
            if self._wait_ready(deadline):
                return
            # One that we found was about to end. Of a killed one something may be left for a
            # moment. All else does not mend itself.
            waits = not started or _LEFTOVERS.search(self._log_end())
            if time.monotonic() > deadline or not waits:
                self._stop()
                raise self._start_failed("did not start")
            time.sleep(POLL_SECONDS)

    def _initialize(self) -> None:
        # Made beside and put in place whole: one that was cut short is never taken for a cluster.
        part = self.cluster.with_name("postgres.part")
        shutil.rmtree(part, ignore_errors=True)
        self._make_folder(part)
        done = subprocess.run(
            [
                self._programs / "initdb", "--pgdata", part, "--username=antirelou",
                "--auth=trust", "--encoding=UTF8", "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
            ],
            capture_output=True,
            check=False,
            timeout=START_SECONDS_MAX,
            **self._account.as_arguments(),
        )  # fmt: skip
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-500:]
            raise Fatal(
                f"PostgreSQL could not make its data folder {part}: {said}", code="postgres_start"
            )
        part.rename(self.cluster)

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._account.uid is not None and self._account.gid is not None:
            os.chown(folder, self._account.uid, self._account.gid)
        folder.chmod(0o700)  # refused, where another made it

    def _launch(self) -> None:
        command = [
            str(self._programs / "postgres"), "-D", str(self.cluster), "-k", str(self.socket_dir),
        ]  # fmt: skip
        settings = [part for item in self.settings.items() for part in ("-c", "=".join(item))]
        if self.log_path.exists() and self.log_path.stat().st_size > LOG_BYTES_MAX:
            self.log_path.unlink()
        with self.log_path.open("ab") as log:
            self._child = subprocess.Popen(
                [*command, *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us: we stop it when we are done
                **self._account.as_arguments(),
            )

    def _wait_ready(self, deadline: float) -> bool:
        """Whether it came up: it may end first, or take too long."""
        while time.monotonic() < deadline:
            # Started by us it lives before it has written its file, over that of a dead one.
            child = self._child if self._child and self._child.poll() is None else None
            server = child or self._find()
            if server is None:
                return False
            with contextlib.suppress(OSError, ValueError):
                pid, *lines = (self.cluster / "postmaster.pid").read_bytes().split(b"\n")
                if int(pid) == server.pid and b"".join(lines[6:7]).strip() == b"ready":
                    return True
            time.sleep(POLL_SECONDS)
        return False

    def _find(self) -> psutil.Process | None:
        """The server of this folder, if it runs.

        The files of a dead one stay, as PostgreSQL looks through them for processes left of it. But
        where its number is another process's by now, or a zombie's, PostgreSQL would not start:
        then they go, once nobody works here.
        """
        pid_file = self.cluster / "postmaster.pid"
        try:
            process = psutil.Process(int(pid_file.read_bytes().split(b"\n", 1)[0]))
        except (FileNotFoundError, psutil.NoSuchProcess, ValueError):
            return None
        if self._works_here(process):
            return process
        if not any(self._works_here(other) for other in psutil.process_iter()):
            pid_file.unlink(missing_ok=True)
            (self.socket_dir / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        return None

    def _works_here(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            try:
                return Path(process.cwd()) == self.cluster
            except psutil.AccessDenied:
                # Root of a container may not look at another account's. Of the server's own
                # processes only the first keeps its command line: the others all count as ours.
                command = process.cmdline()
                return str(self.cluster) in command or "".join(command).startswith("postgres:")
        return False

    def _stop(self) -> None:
        """Stop by a fast shutdown; one that hangs is killed, and recovers at the next start."""
        process = self._find()
        if process is None:
            return
        ways = ((signal.SIGINT, STOP_SECONDS_MAX), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
        for way, seconds in ways:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(way)
            deadline = time.monotonic() + seconds
            while self._works_here(process) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            if not self._works_here(process):
                break
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(1)

    def _start_failed(self, how: str) -> Fatal:
        return Fatal(
            f"PostgreSQL {how} in {self.cluster}; its log says: {self._log_end()}",
            code="postgres_start",
        )

    def _log_end(self) -> str:
        with contextlib.suppress(OSError):
            return self.log_path.read_bytes()[-800:].decode(errors="replace").strip()
        return "(nothing)"
