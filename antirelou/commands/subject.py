"""``antirelou subject``: what somebody who wrote to the number may ask for (docs/privacy.md)."""

import json as json_module
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from antirelou.commands.evidence import operator, unsealer
from antirelou.commands.operate import check_number
from antirelou.commands.output import say, say_json
from kernel.sealing.keys import read_private_key
from kernel.settings.settings import load_settings
from kernel.values.errors import Fatal
from kernel.words.gloss import choose_language, gloss

subject = typer.Typer(
    help="The rights of somebody who wrote to the number: access, erasure, objection.",
    no_args_is_help=True,
)

Number = Annotated[str, typer.Argument(help="E.164, such as +33639980000")]


@subject.command()
def show(
    number: Number,
    *,
    key: Annotated[
        Path | None, typer.Option("--key", help="opens the requests: the evidence private key")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="for machines, and to hand over")] = False,
) -> None:
    """Access (GDPR art. 15): what is kept about a number, why, and until when."""
    _, answer = operator().post("/v1/subjects/show", {"number": check_number(number)})
    from services.evidence.core.verifier import reveal

    opened = [_open(told, key) for told in answer["records"]]
    if json:
        say_json({**answer, "records": opened})
        return
    say(f"{len(opened)} records.")
    for told in opened:
        record = told["record"]
        said = record.get("reason") or record.get("state") or record.get("what") or ""
        say(f"  {record['at'][:19].replace('T', ' ')}  {record['kind']}  {said}")
        if told.get("text") is not None:
            say(f"    {reveal(told['text'])}")
    if answer["objected_at"]:
        say(f"Objected on {answer['objected_at'][:10]}.")
    _say_holds(answer["holds"])
    if key is None:
        say("What he wrote is sealed; --key opens it, where the private key is.")


def _open(told: dict[str, Any], key: Path | None) -> dict[str, Any]:
    """A record decoded and, with the key, what was written."""
    from base64 import b64decode

    from services.evidence.core.verifier import read_form, text_of

    record = json_module.loads(told["record"])
    shown: dict[str, Any] = {"index": told["index"], "record": record}
    if key is not None and told["sealed"]:
        request = unsealer(read_private_key(key))(b64decode(told["sealed"]))
        shown["text"] = text_of(read_form(request.decode("utf-8", "replace") if request else None))
    return shown


@subject.command()
def erase(
    number: Number,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Erasure (art. 17): everything that no case holds, from stores and topics."""
    asked = {"number": check_number(number)}
    if not yes and not _agreed(operator().post, asked):
        raise typer.Exit(1)
    _, answer = operator().post("/v1/subjects/erase", asked)
    say(f"Erased: {answer['erased']} records, and what the topics held of it.")
    for line in answer["remains"]:
        say(f"Remains: {line}.")
    say("Backups made before still hold it, and go with their own retention (docs/privacy.md).")
    if answer["holds"]:
        _say_holds(answer["holds"])
        say("Refused for these: art. 17(3)(e), legal claims. Tell the person so, and until when.")
        raise typer.Exit(1)


def _agreed(post: Callable[..., Any], asked: dict[str, str]) -> bool:
    """Say what goes and what stays, and ask.

    Raises:
        Fatal: ``use``: nobody is there to answer.
    """
    if not sys.stdin.isatty():
        raise Fatal("--yes: nobody is there to be asked; add it to erase", code="use")
    language = choose_language(load_settings().language, os.environ)
    found = post("/v1/subjects/show", asked)[1]
    say(gloss("erase", "goes", language, count=len(found["records"])))
    for hold in found["holds"]:
        told = {**hold, "until": hold["until"][:10]}
        say(gloss("erase", "held", language, **told))
    for code in ("stays", "locks"):
        say(gloss("erase", code, language))
    agreed = typer.confirm(gloss("erase", "ask", language))
    if not agreed:
        say(gloss("erase", "kept", language))
    return agreed


@subject.command("object")
def object_(number: Number) -> None:
    """Objection (art. 21): no reply any more, and nothing kept longer than a text."""
    api = operator()
    found = check_number(number)
    _, answer = api.post("/v1/subjects/object", {"number": found})
    # Billing keeps the block list; in a cluster it answers at the operator API's own address.
    from antirelou.commands.client import Operator

    Operator(load_settings()).post("/v1/blocks", {"number": found})
    say("Noted. The number gets no reply any more, and evidence about it is kept as briefly as a")
    say("text (RETAIN_TEXT), but for what a case holds.")
    _say_holds(answer["holds"])


def _say_holds(holds: list[dict[str, Any]]) -> None:
    for hold in holds:
        say(
            f"Held: {hold['records']} records by case {hold['case']} until {hold['until'][:10]}: "
            f"{hold['reason']}"
        )
