"""STOP and its synonyms: what a sender wants of us, read from a whole text.

Only a text that says nothing else counts: "stop svp" opts out; "stop mentir" and "arrête de me
parler comme ça" are said to somebody. The words are those that French and English carriers and
providers honour (Plivo's and the CTIA's lists, and their French forms). docs/judgement.md has the
rule for readers.
"""

import enum
import re
import unicodedata

from kernel.facts.records import Intent
from services.filter.core.signature import normalize

STOP_WORDS = frozenset({
    "stop", "stopall", "stopsms", "stoppub", "cancel", "end", "quit", "revoke",
    "arret", "arrete", "arreter", "arretez",
})  # fmt: skip
UNSUBSCRIBE_WORDS = frozenset({
    "unsubscribe", "optout", "desabonne", "desabonner", "desabonnez", "desabonnement",
    "desinscris", "desinscrire", "desinscrivez", "desinscription", "resilier", "resiliez",
    "resiliation",
})  # fmt: skip
"""These may say whom: "désabonnez-moi"; "arrête-moi" is said to somebody."""
START_WORDS = frozenset({"start", "unstop", "optin", "reprendre", "resubscribe"})
"""Normalised: letters and digits alone, lower case, no accents."""

CHARACTERS_MAX = 40
"""A longer text says something else; it is not looked at."""

_KIND = (
    "svp|stp|s ?il (?:vous|te) plait|please|pls|plz|merci(?: beaucoup| bien| d avance)?|thanks|thx"
    "|thank you|bonjour|bonsoir|hello|cordialement|bonne (?:journee|soiree)"
)
_ASKING = "veuillez|merci d|merci de|je (?:veux|voudrais|souhaite)"
_WHAT = (
    "(?:(?:de|d|m|envoyer|a|aux?|les?|la|l|vos|ces|des|tous|the|your|all) )*"
    "(?:sms|mms|textos?|messages?|msgs?|pubs?|publicites?|spams?|envois?)"
)
_STOP = "|".join(["s+t+o+p+", *sorted(STOP_WORDS)])
_UNSUBSCRIBE = "|".join(["opt ?out", *sorted(UNSUBSCRIBE_WORDS)])
_OPT_OUT = re.compile(
    f"(?:(?:{_KIND}) )*(?:(?:{_ASKING}) )?"
    f"(?:(?:{_STOP})(?: (?:{_STOP}))*|(?:(?:me|nous) )?(?:{_UNSUBSCRIBE})(?: (?:moi|me|nous))?)"
    f"(?: ?(?:au? )?[0-9]{{5}})?(?: {_WHAT})?(?: (?:{_KIND}))*"
)
"""Of words a space apart: greetings and thanks, the word itself, of which service (STOP 36179), of
what, thanks."""
_STEMS = ("sto", "arret", "cancel", "end", "quit", "revoke", "unsub", "optout", "desab", "desin",
          "resil")  # fmt: skip
"""One of them is in whatever matches: most texts need no closer look."""


class Wish(enum.Enum):
    """What a message asks beyond a reply."""

    NONE = enum.auto()
    OPT_OUT = enum.auto()
    OPT_IN = enum.auto()


def read_wish(text: str | None, intent: Intent) -> Wish:
    """What a message asks for; the text goes before the provider's reading of it."""
    if text is not None and len(text) <= CHARACTERS_MAX:
        word = normalize(text)
        if word in START_WORDS:
            return Wish.OPT_IN
        if _is_opt_out(word, text):
            return Wish.OPT_OUT
    if intent is Intent.OPTOUT:
        return Wish.OPT_OUT
    if intent is Intent.OPTIN:
        return Wish.OPT_IN
    return Wish.NONE


def _is_opt_out(word: str, text: str) -> bool:
    for stem in _STEMS:
        if stem in word:
            # Written in one, as "s.t.o.p" is, or in words.
            return bool(_OPT_OUT.fullmatch(word) or _OPT_OUT.fullmatch(_words(text)))
    return False


def _words(text: str) -> str:
    """Its words, normalised, a space apart."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(c if c.isalnum() else " " for c in folded if not unicodedata.combining(c))
    return " ".join(plain.split())
