"""What billing keeps of gifts, in memory: the same promises as ``gift_store``."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.billing.core.gift import Part, Payment, Pot


@dataclass(slots=True)
class GiftTables:
    """What is kept; the values are immutable."""

    parts: dict[str, Part] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    pot: Pot = field(default_factory=Pot)

    def copy(self) -> "GiftTables":
        """A snapshot."""
        return replace(self, parts=dict(self.parts), payments=dict(self.payments))


class MemoryGifts:
    """A ``gift_store.Gifts``."""

    def __init__(self, tables: GiftTables) -> None:
        self._gifts = tables

    async def find_parts(self, ids: Sequence[str], about: Sequence[str]) -> list[Part]:
        """See ``Gifts``."""
        parts = self._gifts.parts
        named = {p.payment for p in parts.values() if p.id in ids or set(p.about) & set(about)}
        return [parts[i] for i in sorted(parts) if parts[i].payment in named]

    async def save_parts(self, parts: Sequence[Part]) -> None:
        """See ``Gifts``."""
        self._gifts.parts |= {part.id: part for part in parts}

    async def load_payments(self, names: Sequence[str]) -> dict[str, Payment]:
        """See ``Gifts``."""
        return {n: self._gifts.payments[n] for n in names if n in self._gifts.payments}

    async def save_payments(self, payments: Sequence[Payment]) -> None:
        """See ``Gifts``."""
        self._gifts.payments |= {payment.payment: payment for payment in payments}

    async def load_pot(self) -> Pot:
        """See ``Gifts``."""
        return self._gifts.pot

    async def read_pot(self) -> Pot:
        """See ``Gifts``."""
        return self._gifts.pot

    async def save_pot(self, pot: Pot) -> None:
        """See ``Gifts``."""
        self._gifts.pot = pot

    async def read_held(self, card_microeuros_min: int, since: datetime) -> int:
        """See ``Gifts``."""
        return sum(
            max(payment.worth_microeuros, 0)
            for payment in self._gifts.payments.values()
            if payment.card_microeuros > 0
            and payment.card_microeuros >= card_microeuros_min
            and payment.at > since
        )
