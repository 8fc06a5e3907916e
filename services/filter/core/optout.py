"""STOP and its synonyms: what a sender wants of us, read from a whole text.

Only a text that says nothing else counts: "stop" opts out, "stop mentir" does not. The words are
those that French and English carriers and providers honour (Plivo's and the CTIA's lists, and
their French forms).
"""

import enum

from kernel.facts.records import Intent
from services.filter.core.signature import normalize

STOP_WORDS = frozenset({
    "stop", "stopall", "stopsms", "stoppub", "unsubscribe", "cancel", "end", "quit", "revoke",
    "optout", "arret", "arreter", "desabonner", "desabonnement", "desinscrire", "desinscription",
    "medesabonner", "medesinscrire",
})  # fmt: skip
START_WORDS = frozenset({"start", "unstop", "optin", "reprendre", "resubscribe"})
"""Normalised: letters and digits alone, lower case, no accents."""

CHARACTERS_MAX = 40
"""A longer text says something else; it is not looked at."""


class Wish(enum.Enum):
    """What a message asks beyond a reply."""

    NONE = enum.auto()
    OPT_OUT = enum.auto()
    OPT_IN = enum.auto()


def read_wish(text: str | None, intent: Intent) -> Wish:
    """What a message asks for; the text goes before the provider's reading of it."""
    word = normalize(text) if text is not None and len(text) <= CHARACTERS_MAX else ""
    if word in STOP_WORDS:
        return Wish.OPT_OUT
    if word in START_WORDS:
        return Wish.OPT_IN
    if intent is Intent.OPTOUT:
        return Wish.OPT_OUT
    if intent is Intent.OPTIN:
        return Wish.OPT_IN
    return Wish.NONE
