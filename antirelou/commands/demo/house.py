"""The processes of a demo: the simulated provider, the broker, and the system itself.

Everything is a process of its own, as it is in earnest, on loopback ports that were free, in a
folder of its own. Each is stopped by its pid; what it wrote is kept beside it for the curious.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from kernel.sealing.keys import new_keys
from kernel.settings.sources import PREFIX
from kernel.values.errors import Fatal

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 30.0
POLL_SECONDS = 0.1
PORTS = range(10_240, 32_768)
SERVICES = ("evidence", "responder", "billing", "filter", "ingest")

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """A loopback port that nobody holds at this moment.

    Below those that outgoing connections take: a process that is killed and started again finds
    it free still.
    """
    while True:
        port = secrets.choice(PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class Process:
    """A command of ours, running.

    Attributes:
        name: for messages and its log file.
        arguments: after ``python -m antirelou``.
        settings: lower-case names to values, given as environment.
        folder: where its output goes, ``<name>.log``.
        ready_url: answers 200 when it is ready.
        program: what Python runs.
    """

    name: str
    arguments: Sequence[str]
    settings: Mapping[str, str]
    folder: Path
    ready_url: str
    program: Sequence[str] = ("-m", "antirelou")
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it. Started again after it ended, it appends to the same log."""
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.program, *self.arguments],
                env=_environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops all in order
            )

    def wait_ready(self) -> None:
        """Wait until it answers.

        Raises:
            Fatal: it ended, or did not answer in time; names its log.
        """
        deadline = time.monotonic() + START_SECONDS_MAX
        while not answers(self.ready_url):
            self.check()
            if time.monotonic() > deadline:
                raise Fatal(f"{self.name} is not ready: {self._tail()}", code="start")
            time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Raise ``Fatal`` if it has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            code = self._process.returncode
            raise Fatal(f"{self.name} ended with {code}: {self._tail()}", code="ended")

    @property
    def exit_code(self) -> int | None:
        """What it ended with; None: it runs, or was never started."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End it as a crash does, with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """Let it drain, then end it. Returns its exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            code = -signal.SIGKILL
        self._process = None
        return code

    def _tail(self) -> str:
        path = self.folder / f"{self.name}.log"
        lines = path.read_text(errors="replace").strip().splitlines()
        return f"{lines[-1] if lines else 'it said nothing'} (all of it: {path})"


def answers(url: str) -> bool:
    """Whether a GET of the URL is answered with 200."""
    try:
        with _DIRECT.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


@dataclass(frozen=True)
class House:
    """All processes of one demo.

    Attributes:
        settings: what the services were started with.
        provider: the simulated Plivo.
        services: one (``all``) or five.
        operator_url, operator_token: the operator API.
        provider_url: the simulator's base URL.
    """

    folder: Path
    settings: Mapping[str, str]
    provider: Process
    services: Sequence[Process]
    operator_url: str
    operator_token: str
    provider_url: str

    def check(self) -> None:
        """Raise ``Fatal`` if any process has ended by itself."""
        for process in (self.provider, *self.services):
            process.check()


@contextlib.contextmanager
def embedded_house(folder: Path, settings: Mapping[str, str]) -> Iterator[House]:
    """The five services in one process on embedded defaults, and a provider.

    Args:
        folder: for data and logs; must exist.
        settings: beyond the house's own, such as ``clock_speed``.
    """
    house = _plan(folder, settings, {}, targets=("all",))
    with _started(house):
        yield house


@contextlib.contextmanager
def clustered_house(
    folder: Path,
    settings: Mapping[str, str],
    *,
    kafka_bootstrap: str,
    database_url: str,
    own: Mapping[str, Mapping[str, str]] | None = None,
    provider_port: int | None = None,
) -> Iterator[House]:
    """The five services, a process each, over a given broker and database, and a provider.

    Args:
        own: by name of a service, settings of it alone: how it reaches what the others reach too.
        provider_port: None: a free one.
    """
    keys = dict(new_keys().settings)
    given = {"kafka_bootstrap": kafka_bootstrap, "database_url": database_url, **keys}
    house = _plan(
        folder, settings, given, targets=SERVICES, own=own or {}, provider_port=provider_port
    )
    for arguments in (["migrate"], ["topics", "apply"]):
        run_once(arguments, house.settings, folder)
    with _started(house):
        yield house


def run_once(arguments: Sequence[str], settings: Mapping[str, str], folder: Path) -> str:
    """Run a command to its end. Returns what it printed; raises ``Fatal`` if it failed."""
    done = try_once(arguments, settings, folder)
    if done.returncode:
        raise Fatal(f"antirelou {' '.join(arguments)}: {done.stderr.strip()}", code="failed")
    return done.stdout


def try_once(
    arguments: Sequence[str], settings: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whichever that is."""
    return subprocess.run(
        [sys.executable, "-m", "antirelou", *arguments],
        env=_environment(settings),
        cwd=folder,
        stdin=subprocess.DEVNULL,  # nobody sees what it would ask
        capture_output=True,
        text=True,
        check=False,
    )


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Ours, and of the caller's all but his own house's settings."""
    kept = {
        name: value for name, value in os.environ.items()
        if not name.startswith(PREFIX) and name != "SETTINGS_FILE"
    }  # fmt: skip
    return kept | {PREFIX + name.upper(): value for name, value in settings.items()}


def _plan(
    folder: Path,
    settings: Mapping[str, str],
    given: Mapping[str, str],
    *,
    targets: Sequence[str],
    own: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    provider_port: int | None = None,
) -> House:
    """Who listens where, and with what settings; nothing is started."""
    provider_port, webhook_port = provider_port or free_port(), free_port()
    provider_url = f"http://127.0.0.1:{provider_port}"
    credentials = {
        "number": "+33937000000",
        "plivo_auth_id": "MADEMODEMODEMODEMODE",
        "plivo_auth_token": secrets.token_hex(20),
        "plivo_app_id": "1000000000000000",
    }
    common = {
        "data_dir": str(folder / "data"),
        "listen": f"127.0.0.1:{webhook_port}",
        "public_url": f"http://127.0.0.1:{webhook_port}",
        "plivo_api_url": provider_url,
        "operator_token": secrets.token_urlsafe(32),
        **credentials, **given, **settings,
    }  # fmt: skip
    services = []
    for target in targets:
        ops = f"127.0.0.1:{free_port()}"
        console = f"127.0.0.1:{free_port()}"
        its = {
            **common, "ops_listen": ops, "console_listen": console,
            "console_url": f"http://{console.replace('127.0.0.1', 'localhost')}",
            **own.get(target, {}),
        }  # fmt: skip
        ready = f"http://{ops}/readyz"
        services.append(Process(target, ["serve", target], its, folder, ready))
    operator = next(one for one in services if one.name in {"all", "billing"})
    common["operator_url"] = operator.ready_url.removesuffix("/readyz")
    keeper = next(one for one in services if one.name in {"all", "evidence"})
    common["evidence_url"] = keeper.ready_url.removesuffix("/readyz")
    provider = Process(
        "provider",
        ["simulate", "plivo", "--listen", f"127.0.0.1:{provider_port}"],
        common,
        folder,
        f"{provider_url}/_sim/bill",
    )
    return House(
        folder, common, provider, services, common["operator_url"], common["operator_token"],
        provider_url,
    )  # fmt: skip


@contextlib.contextmanager
def _started(house: House) -> Iterator[None]:
    """Start the provider, then the services; stop in reverse."""
    with contextlib.ExitStack() as stack:
        for process in (house.provider, *house.services):
            process.start()
            stack.callback(process.stop)
        for process in (house.provider, *house.services):
            process.wait_ready()
        yield
