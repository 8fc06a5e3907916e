"""Run a demo: start the house, let the weekend pass, wait until it is at rest, report."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from antirelou.commands.demo.broker import own_broker
from antirelou.commands.demo.house import House, clustered_house, embedded_house
from antirelou.commands.demo.report import Bill, check_outcome, print_report
from antirelou.commands.demo.watch import UNDER_WAY, Moment, call, draw
from kernel.values.errors import AntirelouError, Fatal

WEEKEND_SECONDS = 80 * 3600
"""Friday 16:00 to the end of Monday."""

DONATION_EUROS = 1500
LOOK_SECONDS = 0.5
REST_SECONDS_MAX = 120.0
PLAIN_LINES_EVERY_SECONDS = 10.0
SEED = 2017

WHAT_IS_REAL = """\
[bold]The weekend of October 2017[/], {speed:,.0f} times as fast.
Real: the services ({processes}), {log}, PostgreSQL, HTTP, signatures, sealing, the ledger.
Simulated: Plivo (signs, retries, bills, reports), the crowd, and the speed of time.
"""


def run_demo(*, log: str, scale: float, seconds: float) -> int:
    """Run the demo, showing it on the terminal. Returns the exit code.

    Args:
        log: ``embedded``: one process; ``kafka``: five, over a broker started for it.
        scale: the share of the weekend's crowd.
        seconds: how long the weekend takes.
    """
    console = Console(highlight=False)
    speed = WEEKEND_SECONDS / seconds
    shown = {
        "embedded": ("one process", "the embedded log"),
        "kafka": ("five processes", "a Kafka broker"),
    }[log]
    console.print(WHAT_IS_REAL.format(speed=speed, processes=shown[0], log=shown[1]))
    folder = Path(tempfile.mkdtemp(prefix="antirelou-demo-"))
    try:
        with stopped_once(), open_house(folder, log, demo_settings(speed)) as house:
            if log == "embedded":
                console.print(invite(house))
            status, bill = pass_weekend(house, console, scale=scale, speed=speed)
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except AntirelouError as error:
        console.print(f"[red]FAILED[/] {error}\nWhat the processes said is in {folder}")
        return 1
    checks = check_outcome(status, bill)
    print_report(console, status, bill, checks)
    if not all(check.good for check in checks):
        console.print(f"[red]FAILED[/] what the processes said is in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    console.print("[bold green]OK[/]")
    return 0


def invite(house: House) -> str:
    """The console's address, and a link into it: the weekend can be looked at while it passes."""
    asked = {"name": "demo", "role": "owner"}
    link = operate(house, "POST", "/v1/operators", asked)["link"]
    return f"The console, to look at it meanwhile:\n  {link}\n"


@contextlib.contextmanager
def stopped_once() -> Iterator[None]:
    """Ctrl-C or SIGTERM once is enough: a second must not cut short the stopping of the house."""

    def stop(*_: object) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def demo_settings(speed: float) -> dict[str, str]:
    """What a demo sets: the speed of time, and no hours of the day, which stay real."""
    return {"clock_speed": str(speed), "quiet_hours": "off"}


@contextlib.contextmanager
def open_house(folder: Path, log: str, settings: Mapping[str, str]) -> Iterator[House]:
    """A running house on the embedded log, or on a broker and a database started for it."""
    if log == "embedded":
        with embedded_house(folder, settings) as house:
            yield house
        return
    with (
        _database(folder) as database_url,
        own_broker(folder / "kafka") as bootstrap,
        clustered_house(
            folder, settings, kafka_bootstrap=bootstrap, database_url=database_url
        ) as house,
    ):
        yield house


@contextlib.contextmanager
def _database(folder: Path) -> Iterator[str]:
    """A PostgreSQL of the demo's own, that the processes share."""
    from kernel.database.postgres import open_postgres

    with asyncio.Runner() as runner:
        server = open_postgres(folder / "postgres")
        url = runner.run(server.__aenter__())
        try:
            yield url
        finally:
            runner.run(server.__aexit__(None, None, None))


def pass_weekend(
    house: House, console: Console, *, scale: float, speed: float
) -> tuple[dict[str, Any], Bill]:
    """Donate, send the weekend, and watch until everything has come to rest.

    Returns:
        the system's status and the provider's bill, both at rest.

    Raises:
        Fatal: a process ended, or it did not come to rest.
    """
    begin_weekend(house, scale=scale, speed=speed)
    began = time.monotonic()
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        said_at = began
        while True:
            moment = look(house)
            live.update(draw(moment))
            if not console.is_terminal and time.monotonic() - said_at > PLAIN_LINES_EVERY_SECONDS:
                console.print(draw(moment))
                said_at = time.monotonic()
            if is_at_rest(moment):
                break
            house.check()
            if time.monotonic() - began > WEEKEND_SECONDS / speed + REST_SECONDS_MAX:
                raise Fatal(f"did not come to rest: {moment.status}", code="restless")
            time.sleep(LOOK_SECONDS)
    return dict(look(house).status), read_bill(house)


def begin_weekend(house: House, *, scale: float, speed: float) -> None:
    """Fill the fund, and let the crowd begin to text."""
    donation = {"id": "demo", "amount_eur": str(DONATION_EUROS), "note": "crowdfunding"}
    operate(house, "POST", "/v1/donations", donation)
    crowd = {"seed": SEED, "scale": scale, "speed": speed}
    call(f"{house.provider_url}/_sim/drive", method="POST", body=crowd)


def operate(house: House, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Call the operator API of the house."""
    return call(house.operator_url + path, token=house.operator_token, method=method, body=body)


def look(house: House) -> Moment:
    """One look at the system and at the crowd."""
    drive = call(f"{house.provider_url}/_sim/drive")
    at = drive.get("at")
    return Moment(
        status=operate(house, "GET", "/v1/status"),
        delivered=drive["delivered"],
        total=drive["total"],
        weekend_at=datetime.fromisoformat(at) if at else None,
    )


def is_at_rest(moment: Moment) -> bool:
    """Everybody has texted, every message is judged, every reply has ended."""
    messages, replies = moment.status["messages"], moment.status["replies"]
    return (
        moment.delivered == moment.total > 0
        and messages["received"] == sum(messages["judged"].values())
        and messages["deliberating"] == 0
        and not any(replies[name] for name in UNDER_WAY)
        and moment.status["fund"]["reserved_microeuros"] == 0
    )


def read_bill(house: House) -> Bill:
    """The provider's side of the weekend."""
    bill = call(f"{house.provider_url}/_sim/bill")
    return Bill(**{name: bill[name] for name in Bill.__slots__})
