"""The voice of the commands: the settings' language and clock, and questions to a person."""

import os
import sys
from zoneinfo import ZoneInfo

import typer

from kernel.settings.settings import Settings
from kernel.values.errors import Fatal
from kernel.values.money import format_euros, read_typed_amount
from kernel.words.gloss import Voice, choose_language

YES = frozenset({"o", "oui", "y", "yes"})


def voice_of(settings: Settings) -> Voice:
    """The voice that the settings ask for."""
    return Voice(choose_language(settings.language, os.environ), ZoneInfo(settings.timezone))


def confirm(question: str, voice: Voice) -> bool:
    """Ask yes or no.

    Raises:
        Fatal: ``use``: nobody is there to answer.
    """
    try:
        answer = typer.prompt(
            f"{question} {voice.word('say', 'yes_no')}", default="", show_default=False
        )
    except typer.Abort:
        if sys.stdin.isatty():  # he does not want to answer
            raise
        raise Fatal(voice.word("wrong", "nobody"), code="use") from None
    return answer.strip().casefold() in YES


def tell_exactly(amount_microeuros: int, voice: Voice) -> str:
    """An amount to its last digit: what was typed, not what it rounds to."""
    return voice.euros(amount_microeuros, decimals=_decimals(amount_microeuros))


def _decimals(amount_microeuros: int) -> int:
    return next(n for n in (2, 3, 6) if amount_microeuros % 10 ** (6 - n) == 0)


def settle_amount(text: str, voice: Voice, *, argument: str = "AMOUNT", zero: bool = False) -> int:
    """The amount that was typed, micro-euros; asks where it may mean two.

    Args:
        zero: whether nothing is an amount too.

    Raises:
        Fatal: ``use``: it is none, or nobody is there to say which of two is meant.
    """
    try:
        small, *larger = read_typed_amount(text)
    except ValueError:
        small, larger = 0, []
        text = ""
    if not text or (small == 0 and not zero):
        raise Fatal(
            voice.word("wrong", "amount_or_none" if zero else "amount", argument=argument),
            code="use",
        )
    if not larger:
        return small
    readings = {"1": small, "2": larger[0]}
    shown = {
        "typed": text, "small": tell_exactly(small, voice), "large": tell_exactly(larger[0], voice),
    }  # fmt: skip
    if not sys.stdin.isatty():
        raise Fatal(
            voice.word(
                "wrong", "amount_twofold", **shown, argument=argument,
                small_plain=format_euros(small, decimals=_decimals(small)),
                large_plain=format_euros(larger[0], decimals=0),
            ),
            code="use",
        )  # fmt: skip
    answer = typer.prompt(voice.word("wrong", "which_amount", **shown))
    if answer.strip() not in readings:
        raise typer.Abort
    return readings[answer.strip()]
