"""Money: integer micro-euros, and micro-units of the provider's currency. Pure."""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import NewType

MICRO = 1_000_000
AMOUNT_MICROUNITS_MAX = 10**15
"""A billion units: beyond it an amount is rubbish, and would not fit the ledger's 64 bits."""

WHOLE_DIGITS_MAX = 9
"""Of an amount that a person types."""

_PLAIN = re.compile(rf"\d{{1,{WHOLE_DIGITS_MAX}}}([.,]\d{{1,6}})?", re.ASCII)
_GROUPED = re.compile(
    r"(?P<whole>[1-9]\d{0,2}(?P<group>[ \u00a0\u202f'’.,])\d{3}(?:(?P=group)\d{3})*)"
    r"(?:(?P<mark>[.,])(?P<rest>\d{1,6}))?",
    re.ASCII,
)

Microeuros = NewType("Microeuros", int)


def parse_micro(text: str) -> int:
    """Read a decimal amount as millionths, half up.

    Args:
        text: decimal units, such as ``"0.16"``; a sign, spaces around, and an exponent are taken.

    Raises:
        ValueError: not a finite decimal number, or beyond a billion units.
    """
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal amount such as 0.16") from None
    if not amount.is_finite() or abs(amount) > AMOUNT_MICROUNITS_MAX // MICRO:
        raise ValueError(f"{text!r} is not an amount below a billion")
    return int((amount * MICRO).to_integral_value(rounding=ROUND_HALF_UP))


def read_typed_amount(text: str) -> tuple[int, ...]:
    """What an amount that a person typed may mean, millionths, the least first.

    A comma or a point may be the decimal mark, and either may part thousands, as may spaces and
    apostrophes: ``12,50`` means one amount, ``1.500`` may mean two. A euro sign is taken.

    Raises:
        ValueError: no amount, or one with a sign.
    """
    typed = text.strip().removeprefix("€").removesuffix("€").strip()
    found = set()
    if _PLAIN.fullmatch(typed):
        found.add(typed.replace(",", "."))
    if grouped := _GROUPED.fullmatch(typed):
        whole = "".join(filter(str.isdigit, grouped["whole"]))
        if len(whole) <= WHOLE_DIGITS_MAX and grouped["mark"] != grouped["group"]:
            found.add(f"{whole}.{grouped['rest'] or '0'}")
    if not found:
        raise ValueError("not an amount such as 12.50")
    return tuple(sorted(map(parse_micro, found)))


def format_euros(amount_microeuros: int, *, decimals: int = 2) -> str:
    """Write micro-euros as decimal euros, half up: ``format_euros(160_000) == "0.16"``."""
    amount = Decimal(amount_microeuros) / MICRO
    return str(amount.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def convert_microunits(amount_microunits: int, rate_micro: int) -> int:
    """Convert the provider's micro-units into micro-euros, half up.

    Args:
        amount_microunits: millionths of a unit of the provider's currency, zero or more.
        rate_micro: millionths of a euro for one unit (``PROVIDER_RATE`` times a million).
    """
    return (amount_microunits * rate_micro + MICRO // 2) // MICRO
