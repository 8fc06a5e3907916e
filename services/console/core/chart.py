"""Charts as values, which templates draw as SVG: where a part begins, how wide it is. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH = 600
"""Of every chart, in its own units."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar.

    Attributes:
        code: what it is of, in the catalogue.
        amount: as it is told; never below zero.
        at, width: in the chart's units.
    """

    code: str
    amount: int
    at: float
    width: float


def split_bar(amounts: Mapping[str, int]) -> Sequence[Part]:
    """A bar of parts side by side, each as wide as its share; what is nothing or less has none."""
    total = sum(amount for amount in amounts.values() if amount > 0)
    parts: list[Part] = []
    at = 0.0
    for code, amount in amounts.items():
        if amount > 0:
            width = WIDTH * amount / total
            parts.append(Part(code, amount, round(at, 2), round(width, 2)))
            at += width
    return parts
