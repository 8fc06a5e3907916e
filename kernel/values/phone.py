"""Phone numbers: what a raw From or To is, and the one form that its pseudonym is made of.

Pure. The numbering plans are those of Google's libphonenumber (``phonenumbers``).

``canonical`` is the same for every spelling of one number, so that one sender has one pseudonym:

- a valid number: E.164. ``33…``, ``+33…``, ``0033…``, ``+33 (0)6 …`` are the same; so is the
  national ``06…``, read in our own number's country: providers always give country codes, and no
  country code begins with 0, so a single leading 0 can only be a national number at home;
- digits that no plan knows: ``+`` and the digits;
- a short code: its digits; anything else: the text, spaces reduced, in lower case.

Digits of other scripts (full width, Arabic…) count as digits; separators are dropped.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType

from kernel.values.sender import SenderKind

FICTION = re.compile(r"\+3363998\d{4}")
"""06 39 98 00 00 to 99 99: set aside for fiction by Arcep. libphonenumber calls them invalid; for
us they are French mobiles, because docs, tests, rehearsals and the simulator use no others."""

RAW_CACHED_MAX = 32
"""Longer than any spelling of a number: rubbish is classified anew and fills no memory."""

CACHE_SIZE = 8192
"""Numbers remembered, the latest used: about 4 MB."""

ALPHANUMERIC_MAX = 11
"""Characters of an alphanumeric sender (3GPP TS 23.040, 9.1.2.5)."""

HIDDEN = frozenset({
    "anonymous", "hidden", "masked", "none", "null", "private", "restricted", "unavailable",
    "unknown", "withheld",
})  # fmt: skip
"""What providers write where there is no number."""

_PLAIN = re.compile(r"\+?\d+", re.ASCII)
_SEPARATORS = re.compile(r"[\s().\-/\u00ad\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060\ufeff]+")
_MASKED = re.compile(r"\+?\d+[x*]+", re.ASCII)
_DIGITS_MIN, _DIGITS_MAX = 7, 15
_SHORT_DIGITS_MIN, _SHORT_DIGITS_MAX = 3, 6

OVERSEAS = ("GF", "GP", "MQ", "NC", "PF", "PM", "RE", "WF", "YT")
"""French territories whose numbers have country codes of their own (+262, +590…): ``FR`` does not
hold them. Numbers of Saint-Barthélemy and Saint-Martin are Guadeloupe's."""

_KINDS = {
    PhoneNumberType.MOBILE: SenderKind.MOBILE,
    # Plans such as North America's do not tell; to whom it is foreign anyway it does not matter.
    PhoneNumberType.FIXED_LINE_OR_MOBILE: SenderKind.MOBILE,
    PhoneNumberType.FIXED_LINE: SenderKind.FIXED,
}


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """What a raw number says of its holder.

    Attributes:
        e164: of a valid number, with ``+``; else None: nothing can be sent there.
        canonical: the same for all spellings; what the pseudonym is made of. May be empty.
        kind: ``OWN`` for our number; ``UNKNOWN`` for what no plan knows.
        country: ISO 3166 alpha-2 of a valid number; None for the others and for numbers of no
            country (satellites).
    """

    e164: str | None
    canonical: str
    kind: SenderKind
    country: str | None


def classify_number(raw: str, own_number: str) -> NumberFacts:
    """Say what a From or To is. Never raises, whatever it is given.

    Args:
        raw: as the provider gives it.
        own_number: ours, in E.164; its country reads national forms.
    """
    if len(raw) > RAW_CACHED_MAX:
        return _classify(raw, own_number)
    return _classify_cached(raw, own_number)


def answerable_number(facts: NumberFacts, *, to_ours: bool) -> str | None:
    """The number to seal for sending: that of a mobile who wrote to us; of nobody else.

    Which countries are answered is the filter's to decide.
    """
    return facts.e164 if to_ours and facts.kind is SenderKind.MOBILE else None


def leaves_out_overseas(countries: Collection[str]) -> bool:
    """Whether French numbers are answered, and of overseas none; whoever names one has thought."""
    return "FR" in countries and not set(OVERSEAS).intersection(countries)


def write_national(e164: str) -> str:
    """A number as people of its country write it, such as ``09 39 98 00 00``."""
    parsed = phonenumbers.parse(e164)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)


def _classify(raw: str, own_number: str) -> NumberFacts:
    if (found := _mobiles().fullmatch(raw)) and raw[-9:] != own_number[-9:]:
        e164 = f"+33{found[1]}"
        return NumberFacts(e164, e164, SenderKind.MOBILE, "FR")
    digits = _read_digits(raw)
    if digits is None:
        return _classify_text(raw)
    facts = _classify_digits(digits, own_number)
    if own_number and facts.canonical == own_number:
        return NumberFacts(facts.e164, own_number, SenderKind.OWN, facts.country)
    return facts


@lru_cache(maxsize=1)
def _mobiles() -> re.Pattern[str]:
    """French mobiles as providers give them: the plan's own words, without the way to them.

    It is what nearly everybody has who writes to us; a tenth of the time of all the rest.
    """
    plan = phonenumbers.PhoneMetadata.metadata_for_region("FR")
    assert plan is not None
    assert plan.mobile is not None
    mobiles = plan.mobile.national_number_pattern
    return re.compile(rf"(?:\+|00)?33(63998\d{{4}}|{mobiles})", re.ASCII)


_classify_cached = lru_cache(maxsize=CACHE_SIZE)(_classify)


def _read_digits(raw: str) -> str | None:
    """The digits, with a ``+`` where there was one; None where it holds anything else."""
    if _PLAIN.fullmatch(raw):
        return raw
    text = _SEPARATORS.sub("", raw)
    if not text.isascii():
        text = "".join(_ascii_digit(char) for char in text)
    return text if _PLAIN.fullmatch(text) else None


def _ascii_digit(char: str) -> str:
    value = unicodedata.decimal(char, None)
    if value is not None:
        return str(value)
    return "+" if char == "\uff0b" else char


def _classify_digits(digits: str, own_number: str) -> NumberFacts:
    if not digits.startswith("+") and _SHORT_DIGITS_MIN <= len(digits) <= _SHORT_DIGITS_MAX:
        return NumberFacts(None, digits, SenderKind.SHORT_CODE, None)
    digits = digits.removeprefix("00")
    if digits.startswith("0"):
        found = _parse(digits, _region(own_number))
    else:
        digits = "+" + digits.removeprefix("+")
        found = _parse(digits, None)
    if found is None:
        return NumberFacts(None, digits, SenderKind.UNKNOWN, None)
    return _classify_parsed(found)


def _classify_parsed(number: PhoneNumber) -> NumberFacts:
    e164 = f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    if FICTION.fullmatch(e164):
        return NumberFacts(e164, e164, SenderKind.MOBILE, "FR")
    number_type = phonenumbers.number_type(number)
    if number_type == PhoneNumberType.UNKNOWN:  # exactly when ``is_valid_number`` is false
        return NumberFacts(None, e164, SenderKind.UNKNOWN, None)
    region = phonenumbers.region_code_for_number(number)
    country = None if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY else region
    return NumberFacts(e164, e164, _KINDS.get(number_type, SenderKind.OTHER), country)


def _parse(digits: str, region: str | None) -> PhoneNumber | None:
    if not _DIGITS_MIN <= len(digits.removeprefix("+")) <= _DIGITS_MAX:
        return None
    try:
        return phonenumbers.parse(digits, region)
    except NumberParseException:
        return None


@lru_cache(maxsize=8)
def _region(own_number: str) -> str | None:
    """The country in which a national number is read: our own number's."""
    own = _parse(own_number, None)
    if own is None or own.country_code is None:
        return None
    return phonenumbers.region_code_for_country_code(own.country_code)


def _classify_text(raw: str) -> NumberFacts:
    """What holds no number: a name, a hidden sender, a masked number, rubbish."""
    text = " ".join(raw.replace("\x00", " ").split()).casefold()
    named = (
        len(text) <= ALPHANUMERIC_MAX
        and any(char.isalpha() for char in text)
        and text not in HIDDEN
        and not _MASKED.fullmatch(text)
    )
    return NumberFacts(None, text, SenderKind.ALPHANUMERIC if named else SenderKind.UNKNOWN, None)
