"""``antirelou release``: the replies that wait for a person, one card at a time, one key each."""

import getpass
import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

import typer

from antirelou.commands.client import Operator
from antirelou.commands.output import say, table
from antirelou.commands.voice import voice_of
from kernel.settings.settings import load_settings
from kernel.values.errors import Fatal
from kernel.words.gloss import Voice

KEYS = {"s": "send", "n": "skip", "l": "later"}
QUIT = "q"
TAKEN = (f"http_{HTTPStatus.CONFLICT}", f"http_{HTTPStatus.NOT_FOUND}")
"""The codes of a card that another has dealt with meanwhile."""
REFUSED = (f"http_{HTTPStatus.PAYMENT_REQUIRED}", f"http_{HTTPStatus.LOCKED}")
"""The codes of what cannot be sent now, and waits on."""


def release(
    *, actor: Annotated[str, typer.Option(help="who releases; kept with each act")] = ""
) -> None:
    """Send, skip or postpone the replies that wait for a person: a card each, one key each."""
    settings = load_settings()
    operator, voice, name = Operator(settings), voice_of(settings), actor or getpass.getuser()
    keys = read_keys()
    while True:
        found = operator.get("/v1/releases?limit=1")
        if not found["cards"]:
            say(voice.word("release", "nobody"))
            return
        card = found["cards"][0]
        table(
            voice.word("release", "card", waiting=voice.figure(found["waiting"])),
            describe_card(card, voice),
        )
        say(voice.word("release", "keys"))
        key = next((key for key in keys if key in KEYS or key == QUIT), QUIT)
        if key == QUIT:
            return
        _act(operator, card["reply_id"], KEYS[key], name, voice)
        say("")


def _act(operator: Operator, reply_id: str, action: str, actor: str, voice: Voice) -> None:
    """Do it; who comes second is told so and goes on.

    Raises:
        Fatal: it cannot be sent now, or the API does not answer.
    """
    path = f"/v1/releases/{quote(reply_id, safe='')}"
    try:
        operator.post(path, {"action": action, "actor": actor})
    except Fatal as refused:
        if refused.code in REFUSED:
            code = "no_money" if refused.code == REFUSED[0] else "held"
            raise Fatal(voice.word("release", code), code=refused.code) from None
        if refused.code not in TAKEN:
            raise
        say(voice.word("release", "taken"))
        return
    say(voice.word("release", action))


def describe_card(card: Mapping[str, Any], voice: Voice) -> dict[str, str]:
    """A card, line by line. Pure."""

    def word(code: str) -> str:
        return voice.word("release", code)

    return {
        word("first_at"): voice.time(card["first_at"]),
        word("last_at"): voice.time(card["last_at"]),
        word("texts"): voice.figure(card["texts"]),
        word("score"): voice.figure(card["score"], decimals=2),
        word("reasons"): ", ".join(word(f"by_{reason}") for reason in card["reasons"]) or "–",
        word("price"): voice.euros(card["price_microeuros"]),
        word("expires_at"): voice.time(card["expires_at"]),
    }


def read_keys() -> Iterator[str]:
    """Keys as they are pressed; where nobody sits at a terminal, letters as they are given."""
    if not sys.stdin.isatty():
        yield from (char.lower() for char in iter(lambda: sys.stdin.read(1), ""))
        return
    while True:
        yield typer.getchar().lower()
