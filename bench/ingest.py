"""Ingest against a bare aiohttp server: requests a second, side by side, in one run.

Both servers run in a process of their own and get the same signed requests over HTTP/1.1 with
keep-alive from a lean generator. The bare one parses the form and answers 200. Ingest checks the
signature, reads the form, classifies and seals, and answers 200 once the log has it durably. They
take turns; the figure is the median over the rounds. Beside it stands the CPU time that the server
itself spent on a request: on a machine with other work to do, the steadier of the two.

    .venv/bin/python bench/ingest.py --log kafka      # starts a broker through scripts/kafka.sh
"""

import argparse
import asyncio
import cProfile
import itertools
import os
import pstats
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import psutil
import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from antirelou.compose import apply_topics, open_database, open_log
from kernel.database.migrations import migrate
from kernel.http.server import listening
from kernel.log.port import Log, Outgoing
from kernel.sealing.keys import ensure_keys
from kernel.service.port import Ports
from kernel.settings.settings import Settings, load_settings
from kernel.telemetry.metrics import Telemetry, configure_logging
from kernel.values.clock import SystemClock
from services.ingest.core.signature import sign_v2
from services.ingest.service import open_ingest

TOKEN = "a-token-of-the-benchmark"
PATH = "/webhooks/plivo/message"
PUBLIC_URL = "https://sms.example.org"
REQUESTS = 20_000
SENDERS = 5_000
TARGET = 0.4


def build_requests() -> list[bytes]:
    """Distinct signed messages from distinct numbers of the fiction range, ready to be written."""
    requests = []
    for n in range(REQUESTS):
        form = {
            "From": f"3363998{n % SENDERS:04d}", "To": "33937000000", "Type": "sms",
            "Text": f"Salut c'est Ludo, on s'est vus hier soir 😊 tu réponds ? {n}",
            "MessageUUID": str(uuid.uuid4()), "Units": "1", "TotalRate": "0.01",
            "TotalAmount": "0.01", "MessageIntent": "", "PowerpackUUID": "",
        }  # fmt: skip
        body = urlencode(form).encode()
        nonce = f"{n:020d}"
        signature = sign_v2(TOKEN.encode(), f"{PUBLIC_URL}{PATH}".encode(), nonce.encode())
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "User-Agent: plivo\r\nAccept: */*\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n"
            f"X-Plivo-Signature-V2: {signature.decode()}\r\n"
            f"X-Plivo-Signature-V2-Nonce: {nonce}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests


@dataclass(frozen=True)
class Server:
    """A server under measurement."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """The CPU time that its process has spent so far."""
        spent = psutil.Process(self.pid).cpu_times()
        return spent.user + spent.system


@dataclass(frozen=True)
class Measured:
    """One round: requests answered a second, and the server's CPU time for each."""

    rate: float
    cpu_microseconds: float


class Caller(asyncio.Protocol):
    """One connection: sends the next request when the last was answered."""

    def __init__(self, requests: Iterator[bytes], counts: dict[bytes, int]) -> None:
        self._requests, self._counts = requests, counts
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        # Answers without a body come in one piece; anything else is counted and ends the run.
        status = data[9:12] if data.endswith(b"\r\n\r\n") else b"???"
        self._counts[status] = self._counts.get(status, 0) + 1
        if self._transport is not None:
            self._transport.write(next(self._requests))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


async def measure(
    server: Server, requests: Iterator[bytes], *, connections: int, seconds: float
) -> Measured:
    """Requests a second that were answered 200, and the server's own time for each."""
    counts: dict[bytes, int] = {}
    loop = asyncio.get_running_loop()
    callers = []
    for _ in range(connections):
        _, caller = await loop.create_connection(
            lambda: Caller(requests, counts), "127.0.0.1", server.port
        )
        callers.append(caller)
    await asyncio.sleep(seconds * 0.2)
    before, began, spent = counts.get(b"200", 0), time.perf_counter(), server.cpu_seconds()
    await asyncio.sleep(seconds)
    answered, spent = counts.get(b"200", 0) - before, server.cpu_seconds() - spent
    rate = answered / (time.perf_counter() - began)
    for caller in callers:
        caller.close()
    wrong = {status: count for status, count in counts.items() if status != b"200"}
    if wrong:
        raise SystemExit(f"answers other than 200: {wrong}")
    return Measured(rate, spent / max(answered, 1) * 1e6)


async def serve_bare() -> None:
    """Parse the form, answer 200."""

    async def take(request: web.Request) -> web.Response:
        form = await request.post()
        return web.Response(status=200 if form["MessageUUID"] else 400)

    app = web.Application()
    app.router.add_post(PATH, take)
    async with listening(app, "127.0.0.1:0", name="LISTEN") as url:
        await _until_told(url)


async def serve_ingest(log_name: str, bootstrap: str) -> None:
    """The real door over the log that is asked for."""
    with tempfile.TemporaryDirectory(prefix="antirelou-bench-") as folder:
        settings = ensure_keys(
            load_settings(
                number="+33937000000",
                plivo_auth_token=TOKEN,
                public_url=PUBLIC_URL,
                listen="127.0.0.1:0",
                data_dir=folder,
                kafka_bootstrap=bootstrap,
            )
        )
        async with AsyncExitStack() as stack:
            log = await stack.enter_async_context(_open_log(log_name, settings))
            telemetry = Telemetry(CollectorRegistry())
            ports = Ports(log, SystemClock(), telemetry, "")
            service = await stack.enter_async_context(open_ingest(settings, ports))
            running = asyncio.create_task(service.run())
            await _until_told(service.url)
            service.drain()
            await running


class Nowhere:
    """Acknowledges and forgets: shows what the door costs without its log."""

    async def append(self, records: Sequence[Outgoing]) -> None:
        """Nothing."""

    async def probe(self) -> None:
        """Nothing."""


@asynccontextmanager
async def _open_log(name: str, settings: Settings) -> AsyncIterator[Log]:
    if name == "none":
        yield cast("Log", Nowhere())
        return
    async with AsyncExitStack() as stack:
        url = ""
        if name == "embedded":
            from antirelou.compose import schemas

            url = await stack.enter_async_context(open_database(settings))
            await migrate(url, [schema for schema in schemas() if schema.name == "log"])
        log = await stack.enter_async_context(open_log(settings, url))
        await apply_topics(log, settings)
        yield log


async def _until_told(url: str) -> None:
    print(url.rpartition(":")[2], flush=True)
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()


@contextmanager
def server(role: str, *, log: str, bootstrap: str, profile: str) -> Iterator[Server]:
    """A server in a process of its own."""
    command = [sys.executable, __file__, "--role", role, "--log", log, "--bootstrap", bootstrap]
    if profile and role == "ingest":
        command += ["--profile", profile]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"{role} did not start")
            yield Server(int(line), process.pid)
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def broker(log: str, bootstrap: str) -> Iterator[str]:
    """The bootstrap address to use; starts a broker of the project's own where none is given."""
    if log != "kafka" or bootstrap:
        yield bootstrap
        return
    from tests.support.kafka import open_broker

    with open_broker() as address:
        yield address


def run(options: argparse.Namespace) -> int:
    """Take turns, print the table. Returns the exit status."""
    console = Console()
    found: dict[str, list[Measured]] = {"bare": [], "ingest": []}
    stream = itertools.cycle(build_requests())
    with (
        broker(options.log, options.bootstrap) as bootstrap,
        server("bare", log="none", bootstrap="", profile="") as bare,
        server("ingest", log=options.log, bootstrap=bootstrap, profile=options.profile) as ingest,
        Progress(console=console, transient=True) as progress,
    ):
        task = progress.add_task("measuring", total=options.rounds * 2)
        for _ in range(options.rounds):
            for name, target in (("bare", bare), ("ingest", ingest)):
                measuring = measure(
                    target, stream, connections=options.connections, seconds=options.seconds
                )
                found[name].append(uvloop.run(measuring))
                progress.advance(task)
    ratio = show(console, found, options)
    if options.profile:
        pstats.Stats(options.profile).sort_stats("tottime").print_stats(35)
    return 0 if ratio >= TARGET else 1


def show(
    console: Console, found: Mapping[str, Sequence[Measured]], options: argparse.Namespace
) -> float:
    """Print the table and the ratio. Returns the median ratio."""
    table = Table(
        title=f"{options.connections} connections, {options.rounds} rounds of {options.seconds} s"
    )
    for column in ("server", "median requests/s", "lowest", "highest", "CPU µs a request"):
        table.add_column(column, justify="left" if column == "server" else "right")
    names = {"bare": "bare aiohttp", "ingest": f"ingest, log: {options.log}"}
    for key, name in names.items():
        rates = [measured.rate for measured in found[key]]
        spent = statistics.median(measured.cpu_microseconds for measured in found[key])
        figures = (f"{f(rates):,.0f}" for f in (statistics.median, min, max))
        table.add_row(name, *figures, f"{spent:.0f}")
    console.print(table)
    ratios = [a.rate / b.rate for a, b in zip(found["ingest"], found["bare"], strict=True)]
    ratio = statistics.median(ratios)
    console.print(f"median ratio {ratio:.2f} (target {TARGET}), rounds: "
                  + " ".join(f"{r:.2f}" for r in ratios))  # fmt: skip
    return ratio


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--log", choices=("kafka", "embedded", "none"), default="kafka")
    parser.add_argument("--bootstrap", default=os.environ.get("ANTIRELOU_KAFKA_BOOTSTRAP", ""))
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--profile", default="", help="write ingest's profile here and print it")
    parser.add_argument("--role", choices=("bare", "ingest"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role is None:
        return run(options)
    configure_logging()
    work = serve_bare() if options.role == "bare" else serve_ingest(options.log, options.bootstrap)
    if options.profile:
        profile = cProfile.Profile()
        profile.runcall(uvloop.run, work)
        profile.dump_stats(options.profile)
    else:
        uvloop.run(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
