"""``antirelou simulate``: a Plivo to develop against, and the weekend of October 2017."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from antirelou.commands.output import say
from antirelou.files import writing
from antirelou.signals import told_to_stop
from kernel.http.server import split_address
from kernel.settings.settings import Settings, load_settings
from kernel.telemetry.streams import output_is_lost
from kernel.values.errors import Fatal

LISTEN = "127.0.0.1:8090"
RETRY_SPEED_MAX = 30.0
"""A webhook is tried again after 2, 4 and 8 seconds at the least: what these waits must outlast,
a restart of ours, takes real time, whatever the speed of the rest."""

SIGNATURES = ("v2", "ma_v2", "v3", "ma_v3")

simulate = typer.Typer(help="A Plivo to develop against, and its crowd.", no_args_is_help=True)


@simulate.command()
def plivo(
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 takes a free one")] = LISTEN,
    signature: Annotated[str, typer.Option(help=", ".join(SIGNATURES))] = "ma_v3",
    credit: Annotated[float, typer.Option(help="prepaid, in the provider's currency")] = 5000.0,
    seed: Annotated[int, typer.Option(help="of every draw")] = 2017,
) -> None:
    """Run a simulated Plivo for the account, number and webhooks of the settings."""
    if signature not in SIGNATURES:
        raise Fatal(
            f"--signature: was {signature!r}, accepted: {', '.join(SIGNATURES)}", code="use"
        )
    settings = load_settings()
    try:
        asyncio.run(_serve(settings, listen, signature, credit, seed))
    except OSError as error:
        raise Fatal(f"--listen: {listen} cannot be had: {error.strerror}", code="listen") from None


async def _serve(settings: Settings, listen: str, signature: str, credit: float, seed: int) -> None:
    from simulator.server import Simulator, SimulatorConfig

    if not settings.number or not settings.plivo_auth_id:
        raise Fatal("NUMBER, PLIVO_AUTH_ID: needed to simulate the provider", code="settings")
    host, port = split_address(listen)
    base = f"{settings.public_url.rstrip('/')}/webhooks/plivo"
    config = SimulatorConfig(
        auth_id=settings.plivo_auth_id,
        auth_token=settings.plivo_auth_token.get_secret_value(),
        number=settings.number,
        app_id=settings.plivo_app_id,
        message_url=f"{base}/message",
        answer_url=f"{base}/call",
        host=host,
        port=port,
        speed=settings.clock_speed,
        retry_speed=min(settings.clock_speed, RETRY_SPEED_MAX),
        seed=seed,
        signature_mode=signature,  # type: ignore[arg-type] # one of SIGNATURES
        price_receive_microunits=settings.price_receive,
        price_reply_microunits=settings.price_reply,
        credit_microunits=round(credit * 1_000_000),
    )
    stop = told_to_stop()
    async with Simulator(config) as simulator:
        say(f"a simulated Plivo answers on {simulator.url}, its webhooks go to {base}")
        await stop.wait()


@simulate.command()
def weekend(
    out: Annotated[Path | None, typer.Option(help="a file; else standard output")] = None,
    seed: Annotated[int, typer.Option(help="the same gives the same")] = 2017,
    scale: Annotated[float, typer.Option(help="the share of the crowd", min=0.0001)] = 1.0,
    live: Annotated[
        str | None, typer.Option(help="a running simulator's URL: send it as webhooks")
    ] = None,
    speed: Annotated[float, typer.Option(help="with --live: how fast time goes", min=0.01)] = 1.0,
) -> None:
    """The weekend of October 2017, as a trace to rehearse or as live webhooks."""
    if live is not None:
        _drive(live, seed, scale, speed)
        return
    if out is None:
        for line in _trace(seed, scale):
            sys.stdout.write(line)
            if output_is_lost():
                return
        return
    try:
        with writing(out) as file:
            file.writelines(line.encode() for line in _trace(seed, scale))
    except OSError as error:
        raise Fatal(f"--out: {out}: {error.strerror}", code="use") from None


def _trace(seed: int, scale: float) -> Iterator[str]:
    """The weekend in the format of docs/contract.md §6, a line each."""
    from simulator.weekend import weekend as crowd

    for arrival in crowd(seed, scale):
        line = {
            "at": arrival.at.isoformat(),
            "id": arrival.id,
            "from": arrival.sender,
            "text": arrival.text,
        }
        yield json.dumps(line, ensure_ascii=False) + "\n"


def _drive(url: str, seed: int, scale: float, speed: float) -> None:
    """Start the weekend on a running simulator."""
    from antirelou.commands.demo.watch import call

    drive_url = f"{url.rstrip('/')}/_sim/drive"
    body = {"seed": seed, "scale": scale, "speed": speed}
    try:
        begun = call(drive_url, method="POST", body=body)
    except (OSError, ValueError) as error:
        raise Fatal(f"--live: {url} did not take it: {error}", code="use") from None
    say(f"{begun['total']:,} messages are on their way; GET {drive_url} says how far they are")
