"""What billing keeps of gifts: the port, and its half of the transaction in PostgreSQL.

Whoever writes here holds the standing, so one writes at a time.
"""

from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import datetime
from typing import Protocol

from kernel.database.store import Row, SqlTransaction
from kernel.facts.records import DonationKind, Platform
from services.billing.core.gift import Part, Payment, Pot


class Gifts(Protocol):
    """What can be done with gifts in one transaction."""

    async def find_parts(self, ids: Sequence[str], about: Sequence[str]) -> list[Part]:
        """All parts of the payments that these ids, or these names, are about."""
        ...

    async def save_parts(self, parts: Sequence[Part]) -> None:
        """Insert or overwrite."""
        ...

    async def load_payments(self, names: Sequence[str]) -> dict[str, Payment]:
        """These payments as booked."""
        ...

    async def save_payments(self, payments: Sequence[Payment]) -> None:
        """Insert or overwrite."""
        ...

    async def load_pot(self) -> Pot:
        """The sums, locked."""
        ...

    async def read_pot(self) -> Pot:
        """The sums, not locked."""
        ...

    async def save_pot(self, pot: Pot) -> None:
        """Overwrite."""
        ...

    async def read_held(self, card_microeuros_min: int, since: datetime) -> int:
        """What card gifts of so much or more, given since then, are worth; micro-euros."""
        ...


class PostgresGifts(SqlTransaction):
    """A ``Gifts``."""

    async def find_parts(self, ids: Sequence[str], about: Sequence[str]) -> list[Part]:
        """See ``Gifts``."""
        return [to_part(row) for row in await self.fetch("find_gift_parts", ids, about)]

    async def save_parts(self, parts: Sequence[Part]) -> None:
        """See ``Gifts``."""
        for part in parts:
            values = [getattr(part, field.name) for field in fields(Part)]
            await self.change("save_gift_part", *values, part.uncounted)

    async def load_payments(self, names: Sequence[str]) -> dict[str, Payment]:
        """See ``Gifts``."""
        rows = await self.fetch("load_payments", names)
        return {row["payment"]: Payment(**row) for row in rows}

    async def save_payments(self, payments: Sequence[Payment]) -> None:
        """See ``Gifts``."""
        for payment in payments:
            await self.change("save_payment", *astuple(payment))

    async def load_pot(self) -> Pot:
        """See ``Gifts``."""
        return Pot(**(await self.fetch("load_pot"))[0])

    async def read_pot(self) -> Pot:
        """See ``Gifts``."""
        return Pot(**(await self.fetch("read_pot"))[0])

    async def save_pot(self, pot: Pot) -> None:
        """See ``Gifts``."""
        await self.change("save_pot", *astuple(pot))

    async def read_held(self, card_microeuros_min: int, since: datetime) -> int:
        """See ``Gifts``."""
        held: int = (await self.fetch("read_held", card_microeuros_min, since))[0]["held"]
        return held


def to_part(row: Row) -> Part:
    """A row of ``gift_parts``."""
    values = dict(row) | {
        "source": Platform(row["source"]),
        "kind": DonationKind(row["kind"]),
        "about": tuple(row["about"]),
    }
    return Part(**values)
