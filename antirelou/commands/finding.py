"""What the doctor found, in both languages."""

from dataclasses import dataclass
from typing import TypeAlias

from kernel.words.gloss import Language, Term, both

Words: TypeAlias = Term | str
"""What a person is told; as a text alone what another part of the house said."""


def term(code: str, **values: object) -> Term:
    """The doctor's words for a code of ``GLOSS``."""
    return both("doctor", code, **values)


def tell(words: Words, language: Language) -> str:
    """The words in one language."""
    return words if isinstance(words, str) else str(getattr(words, language))


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor: what was looked at, what was found, and the fix if it is wrong."""

    what: Words
    good: bool
    found: Words
    fix: Words = ""
