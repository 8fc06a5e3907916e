"""The tariff: what a message and a reply cost, and which of the provider's figures is booked.

What the provider charged is booked as it is. The tariff is the estimate before, the answer where
the figure is missing, and the answer to a figure beyond belief until the provider's own log
confirms it: a webhook's body may be unsigned (docs/plivo.md §3).
"""

import enum
from dataclasses import dataclass
from typing import NamedTuple

from kernel.values.money import convert_microunits

IMPLAUSIBLE_FACTOR = 3
"""A figure beyond so many times the tariff is not believed (docs/design.md §5)."""


SEGMENTS_MAX = 24
"""Of the longest SMS, 1,600 characters; that there were more is believed of the log alone."""


class Basis(enum.IntEnum):
    """What a booked cost rests on; the higher counts."""

    TARIFF = 0
    """The provider told no figure."""
    DOUBTED = 1
    """It told one beyond belief: booked at the tariff."""
    TOLD = 2
    """As told by a webhook or a report."""
    CONFIRMED = 3
    """As read in the provider's log."""


class Cost(NamedTuple):
    """What is booked for one message or reply, and why."""

    amount_microeuros: int
    basis: Basis


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices a segment, micro-euros.

    Attributes:
        receive_microeuros, reply_microeuros: of one segment received, and sent.
        reply_segments: of the longest of our texts: a reservation covers any of them.
        cap_microeuros: what one exchange may cost: a reply and one segment received.
        rate_micro: millionths of a euro for one unit of the provider's currency.
    """

    receive_microeuros: int
    reply_microeuros: int
    reply_segments: int
    cap_microeuros: int
    rate_micro: int


class Prices(NamedTuple):
    """What the provider asks for a segment, micro-euros; 0: not known, or within the tariff."""

    receive_microeuros: int = 0
    reply_microeuros: int = 0


WITHIN_TARIFF = Prices()
ROUNDING_MICROEUROS = 1
"""What converting from the provider's currency may add to a price."""


def dearer_prices(asked: Prices, tariff: Tariff) -> Prices:
    """Those above the tariff."""
    receive, reply = (
        price if price > expected + ROUNDING_MICROEUROS else 0
        for price, expected in zip(
            asked, (tariff.receive_microeuros, tariff.reply_microeuros), strict=True
        )
    )
    return Prices(receive, reply)


def price_segment(cost: Cost, segments: int) -> int:
    """What the provider asked for one segment; 0: it named no price that is believed."""
    return cost.amount_microeuros // segments if segments and cost.basis >= Basis.TOLD else 0


def price_reply(tariff: Tariff) -> int:
    """What a reply is expected to cost at most, micro-euros."""
    return tariff.reply_microeuros * tariff.reply_segments


def is_over_cap(price_microeuros: int, tariff: Tariff) -> bool:
    """Whether a reply at this price, with one segment received, is above the cap."""
    return price_microeuros + tariff.receive_microeuros > tariff.cap_microeuros


def price_received(
    amount_microunits: int | None, segments: int, tariff: Tariff, *, confirmed: bool
) -> Cost:
    """What receiving cost.

    Args:
        amount_microunits: as the provider says, in its currency; None: it does not say.
        segments: 0 for a call, which has no tariff.
        confirmed: read in the provider's log.
    """
    expected = tariff.receive_microeuros * _believe(segments, confirmed=confirmed)
    return _price(amount_microunits, expected, tariff, confirmed=confirmed)


def price_sent(
    amount_microunits: int | None, segments: int | None, tariff: Tariff, *, confirmed: bool
) -> Cost:
    """What a reply cost; arguments as ``price_received``. Segments not told: the longest text's."""
    believed = _believe(segments or tariff.reply_segments, confirmed=confirmed)
    expected = tariff.reply_microeuros * believed
    return _price(amount_microunits, expected, tariff, confirmed=confirmed)


def _believe(segments: int, *, confirmed: bool) -> int:
    return segments if confirmed else min(segments, SEGMENTS_MAX)


def _price(
    amount_microunits: int | None, expected: int, tariff: Tariff, *, confirmed: bool
) -> Cost:
    if amount_microunits is None:
        return Cost(expected, Basis.TARIFF)
    told = convert_microunits(amount_microunits, tariff.rate_micro)
    if confirmed:
        return Cost(told, Basis.CONFIRMED)
    # Where the tariff is nothing (a call), anything up to a received segment's limit is believed.
    limit = IMPLAUSIBLE_FACTOR * (expected or tariff.receive_microeuros)
    if told > limit:
        return Cost(expected, Basis.DOUBTED)
    return Cost(told, Basis.TOLD)
