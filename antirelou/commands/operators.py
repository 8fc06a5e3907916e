"""``antirelou operator``, ``antirelou console``: who may get into the console, and itself."""

import enum
import io
from typing import Annotated
from urllib.parse import quote

import segno
import typer

from antirelou.commands.client import Operator
from antirelou.commands.output import say, table
from antirelou.commands.voice import voice_of
from kernel.settings.settings import Settings, load_settings
from kernel.values.errors import Fatal
from kernel.words.gloss import Voice

operator = typer.Typer(help="Who may get into the console.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="a letter, then letters, digits, dots or dashes")]


class RoleName(enum.StrEnum):
    """As the console has it."""

    VIEW = "view"
    OPERATE = "operate"
    OWNER = "owner"


def _open() -> tuple[Operator, Voice]:
    """The operator API where the console is: ``OPERATORS_URL``, else as for the others."""
    settings = load_settings()
    api = Operator(settings)
    api.url = settings.operators_url or api.url
    return api, voice_of(settings)


@operator.command("add")
def add(
    name: Name, *, role: Annotated[RoleName, typer.Option(help="what he may do")] = RoleName.VIEW
) -> None:
    """Let somebody in, or give him another role: prints a link and its QR code."""
    api, voice = _open()
    _, answer = api.post("/v1/operators", {"name": name, "role": role.value})
    say(voice.word("console", "link_for", name=name))
    say("")
    say(answer["link"])
    say("")
    say(_draw(answer["link"]))
    say(voice.word("console", "link_rule"))


def _draw(link: str) -> str:
    """The link as a QR code of half blocks, which a phone reads off a dark or a light terminal."""
    drawn = io.StringIO()
    segno.make(link, micro=False).terminal(out=drawn, compact=True)
    return drawn.getvalue()


@operator.command("list")
def list_() -> None:
    """Who may get in."""
    api, voice = _open()
    rows = {
        one["name"]: voice.word(
            "console", "operator_is", role=voice.word("role", one["role"]),
            passkeys=voice.figure(one["passkeys"]), sessions=voice.figure(one["sessions"]),
        )
        for one in api.get("/v1/operators")["operators"]
    }  # fmt: skip
    table(voice.word("page", "operators"), rows or {voice.word("console", "nobody"): ""})


@operator.command("remove")
def remove(name: Name) -> None:
    """Let somebody in no more: passkeys and sessions end at once."""
    api, voice = _open()
    api.call("DELETE", f"/v1/operators/{quote(name, safe='')}")
    say(voice.word("console", "removed", name=name))


def console() -> None:
    """The console by itself, beside a house that runs. ``serve`` has it already."""
    from antirelou.serve import serve

    raise typer.Exit(serve("console", beside_house(load_settings())))


def beside_house(settings: Settings) -> Settings:
    """The settings of a console beside the house of this installation.

    Raises:
        Fatal: ``use``: none runs here.
    """
    if settings.database_url.get_secret_value():
        return settings
    from antirelou.compose import find_database
    from kernel.sealing.keys import read_operator_token

    url = find_database(settings)
    if not url:
        raise Fatal("no house runs here: start `antirelou serve`, which has the console already",
                    code="use")  # fmt: skip
    found = {
        "database_url": url,
        "operator_token": read_operator_token(settings),
        "operator_url": settings.operator_url or f"http://{settings.ops_listen}",
        # The house has OPS_LISTEN; of the console alone nobody asks how it is by a fixed port.
        "ops_listen": "127.0.0.1:0",
    }
    return load_settings(**found)
