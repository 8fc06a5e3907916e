"""``antirelou witness``: watches that a log only grows; for a friend's machine."""

import asyncio
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from antirelou.commands.output import say
from antirelou.signals import told_to_stop
from kernel.http.server import listening
from kernel.sealing.keys import write_secret
from kernel.settings.data_dir import make_data_dir
from kernel.settings.values import check_address
from kernel.telemetry.metrics import configure_logging
from kernel.telemetry.streams import open_log
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal

if TYPE_CHECKING:
    from services.evidence.witness_server import Witness


def witness(
    *,
    log: Annotated[list[str], typer.Option("--log", help="a log's key (`evidence status`)")],
    name: Annotated[str, typer.Option(help="under which it signs, such as witness.example.org")],
    folder: Annotated[Path, typer.Option(help="its key and its memory")] = Path("witness"),
    listen: Annotated[str, typer.Option(help="HOST:PORT")] = "127.0.0.1:9200",
) -> None:
    """Cosign the checkpoints of a log as long as it only grows; refuse a fork."""
    from services.evidence.core.note import Signer
    from services.evidence.core.verifier import COSIGNATURE, Malformed, read_key
    from services.evidence.witness_server import Memory, Witness

    try:
        keys = [read_key(text) for text in log]
    except Malformed as error:
        raise Fatal(f"--log: {error}; `antirelou evidence status` shows it", code="use") from None
    if not name or any(char.isspace() or char == "+" for char in name):
        raise Fatal("--name: without spaces and without +", code="use")
    try:
        check_address(listen)
    except ValueError as error:
        raise Fatal(f"--listen: accepted: {error}", code="use") from None
    path = make_data_dir(folder) / "key"
    if not path.exists():
        write_secret(path, secrets.token_hex(32))
    signer = Signer(name, bytes.fromhex(path.read_text(encoding="utf-8").strip()), COSIGNATURE)
    memory = Memory(path.with_name("heads.json"))
    server = Witness(signer, {key.name: key for key in keys}, memory, SystemClock())
    say(f"ANTIRELOU_WITNESS_KEY={signer.key}")
    configure_logging(stream=open_log())
    asyncio.run(_serve(server, listen))


async def _serve(server: "Witness", listen: str) -> None:
    stopping = told_to_stop()
    async with listening(server.application(), listen, name="listen") as url:
        say(f"ANTIRELOU_WITNESS_URL={url}")
        await stopping.wait()
