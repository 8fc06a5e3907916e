"""``antirelou page``: the public page."""

from pathlib import Path
from typing import Annotated

import typer

from antirelou.commands.output import say
from antirelou.commands.voice import voice_of
from kernel.settings.settings import load_settings
from kernel.values.clock import SystemClock

page = typer.Typer(help="The public page.", no_args_is_help=True)


@page.callback()
def _page() -> None:
    pass


@page.command("build")
def build(folder: Annotated[Path, typer.Argument(help="the folder to write")]) -> None:
    """The page in French and English, its figures as JSON, a QR code and a card to print."""
    from antirelou.page.publisher import ask_status, build_page

    settings = load_settings()
    for path in build_page(folder, settings, ask_status(settings), SystemClock().now()):
        say(str(path))
    if not settings.publisher:
        say(voice_of(settings).word("public", "no_publisher"))
