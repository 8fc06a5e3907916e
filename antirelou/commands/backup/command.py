"""The commands ``backup`` and ``restore``: parse, call, say."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from antirelou.commands.backup.run import Say
from antirelou.commands.output import say
from kernel.sealing.keys import read_private_key
from kernel.settings.settings import load_settings
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal


def backup(
    file: Annotated[
        Path | None, typer.Argument(help="the file to write (antirelou-TIME.backup)")
    ] = None,
) -> None:
    """Dump the database, encrypted for the backup key; the system may run meanwhile."""
    from antirelou.commands.backup.run import back_up

    settings = load_settings()
    path = file or Path(f"antirelou-{SystemClock().now():%Y%m%dT%H%M%SZ}.backup")
    with _progress() as tell:
        size = asyncio.run(back_up(settings, path, tell))
    say(f"Written: {path} ({size:,} bytes, encrypted). Keep it on another machine.")
    say("The keys are not in it: keep the settings file (or DATA_DIR/keys) safe as well.")


def restore(
    file: Annotated[Path | None, typer.Argument(help="what `antirelou backup` wrote")] = None,
    *,
    key: Annotated[Path | None, typer.Option(help="the backup private key's file")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="give up what the database holds now")
    ] = False,
    loaded: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="instead of FILE: the database is a backup of this time "
                     "already (UTC, such as 2017-10-27T16:00)"),
    ] = None,
) -> None:  # fmt: skip
    """Load a backup while nothing runs; the house then starts suspended, and says what it found."""
    from antirelou.commands.backup.run import adopt
    from antirelou.commands.backup.run import restore as restore_file

    settings = load_settings()
    with _progress() as tell:
        if loaded is not None:
            done = asyncio.run(adopt(settings, _instant(loaded), tell))
        elif file is None or key is None:
            raise Fatal("FILE and --key: both are needed (or --loaded TIME)", code="use")
        else:
            private = read_private_key(key)
            done = asyncio.run(restore_file(settings, file, private, replace=replace, say=tell))
    say(f"Restored, as of {done.backup_at:%Y-%m-%d %H:%M:%S} UTC.")
    if done.set_back:
        say(f"Kafka: {done.set_back} partitions are read again from there.")
    say("Start it now: it takes messages in, sends nothing, and reads the provider's log, which")
    say("takes ten minutes and more. `antirelou status` says what it found; `antirelou resume`")
    say("lets it send again. Enter donations and blocks made since, and read the runbook's")
    say('"Backup and restore".')


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Fatal("--loaded: a time such as 2017-10-27T16:00 (UTC)", code="use") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


@contextmanager
def _progress() -> Iterator[Say]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda said: progress.update(task, description=said)
