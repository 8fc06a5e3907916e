"""The evidence store: the port, and its PostgreSQL adapter. The only SQL is in ``sql/``.

One method, one statement; ``transaction`` holds the few together that append to the tree, under the
lock of its head: so a leaf's index is handed out once, and with its record or not at all.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from kernel.database.pool import Pool
from kernel.database.store import Row, SqlStore, SqlTransaction, read_queries
from services.evidence.core.case import Case, Hold, Selection
from services.evidence.core.entry import Entry, Erased, Kept, Place
from services.evidence.core.merkle import TileId, Tiles, Tree
from services.evidence.core.note import Signed


class Transaction(Protocol):
    """What can be done in one transaction."""

    async def lock_tree(self) -> Tree:
        """The head; nobody else appends until the transaction ends."""
        ...

    async def find_names(self, names: Collection[bytes]) -> dict[bytes, bytes | None]:
        """Which of these entries are in the log, each with its record; None: erased."""
        ...

    async def load_tiles(self, tiles: Collection[TileId]) -> Tiles:
        """Those of them that are there."""
        ...

    async def last_terms(self) -> bytes | None:
        """The record of the latest terms."""
        ...

    async def add_records(self, records: Sequence[Kept]) -> None:
        """Insert."""
        ...

    async def save_tree(self, tree: Tree, tiles: Tiles) -> None:
        """Overwrite the head and the tiles that are new or longer."""
        ...


class Store(Protocol):
    """What evidence keeps. Everything raises ``Transient`` while the database is away."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """All or nothing; committed when the context is left without an error."""
        ...

    async def read_tree(self) -> Tree:
        """The head."""
        ...

    async def load_tiles(self, tiles: Collection[TileId]) -> Tiles:
        """Those of them that are there."""
        ...

    async def add_checkpoint(self, signed: Signed) -> None:
        """Insert, unless one of its size is there."""
        ...

    async def load_checkpoints(
        self, size_max: int, count_max: int, *, stamped_only: bool = False
    ) -> list[Signed]:
        """Checkpoints up to a size, the latest first."""
        ...

    async def witnessed_size(self) -> int:
        """The largest size that the witness has cosigned; 0: none."""
        ...

    async def stamp_checkpoint(self, size: int, stamp: bytes, now: datetime) -> None:
        """Keep the authority's time stamp."""
        ...

    async def witness_checkpoint(self, size: int, note: str, now: datetime) -> None:
        """Keep the note with the witness's cosignature."""
        ...

    async def add_case(self, case: Case) -> bool:
        """Insert; False: one of its id is there, and stays."""
        ...

    async def load_cases(self, case_id: str | None = None) -> list[Case]:
        """All, or that one."""
        ...

    async def close_case(self, case_id: str, now: datetime) -> None:
        """End its hold."""
        ...

    async def case_leaves(self, selection: Selection, size: int) -> list[int]:
        """The leaves of a selection below a size, and those of all terms, ascending."""
        ...

    async def case_window(self, selection: Selection, size: int) -> tuple[int, int]:
        """The first and the last leaf between which its messages are, or were before erasure."""
        ...

    async def message_leaves(self, message_id: str) -> list[int]:
        """The leaves about a message."""
        ...

    async def subject_leaves(self, sender: str) -> list[int]:
        """The leaves about a sender."""
        ...

    async def load_records(self, leaves: Sequence[int]) -> list[Kept]:
        """Those that were not erased, in order."""
        ...

    async def load_erased(self, first: int, last: int) -> list[Erased]:
        """What was erased from one leaf to another, both included."""
        ...

    async def load_holds(self, sender: str, now: datetime) -> list[Hold]:
        """Why records of a sender may not be erased now."""
        ...

    async def erase_subject(self, sender: str, now: datetime) -> int:
        """Erase what no case holds of a sender. Returns how many."""
        ...

    async def erase_expired(
        self, before: datetime, now: datetime, after: Place, count_max: int
    ) -> tuple[int, Place | None]:
        """Look at the next records of before, the oldest first, and erase those not held.

        Returns:
            how many were erased, and how far it looked; None: there are no more.
        """
        ...

    async def erase_objected(
        self, before: datetime, now: datetime, after: str, senders_max: int, each_max: int
    ) -> tuple[int, str | None]:
        """Erase records of before that are not held, some of each of the next who objected.

        Returns:
            how many were erased, and up to whom it looked; None: there are no more.
        """
        ...

    async def add_objection(self, sender: str, now: datetime) -> None:
        """Note that he objected."""
        ...

    async def load_objection(self, sender: str) -> datetime | None:
        """When he objected."""
        ...


_RECORD_COLUMNS = (
    "leaf", "name", "kind", "message_id", "sender", "campaign", "at", "salt", "record", "sealed",
)  # fmt: skip


class PostgresTransaction(SqlTransaction):
    """A ``Transaction``."""

    async def lock_tree(self) -> Tree:
        """See ``Transaction``."""
        return Tree(**(await self.fetch("lock_tree"))[0])

    async def find_names(self, names: Collection[bytes]) -> dict[bytes, bytes | None]:
        """See ``Transaction``."""
        return {row["name"]: row["record"] for row in await self.fetch("find_names", list(names))}

    async def load_tiles(self, tiles: Collection[TileId]) -> Tiles:
        """See ``Transaction``."""
        return _tiles(await self.fetch("load_tiles", *_split(tiles)))

    async def last_terms(self) -> bytes | None:
        """See ``Transaction``."""
        rows = await self.fetch("last_terms")
        return rows[0]["record"] if rows else None

    async def add_records(self, records: Sequence[Kept]) -> None:
        """See ``Transaction``."""
        await self.copy(
            "records",
            _RECORD_COLUMNS,
            [
                (kept.leaf, e.name, e.kind, e.message_id, e.sender, e.campaign, e.at, kept.salt,
                 e.record, e.sealed)
                for kept in records for e in (kept.entry,)
            ],
        )  # fmt: skip

    async def save_tree(self, tree: Tree, tiles: Tiles) -> None:
        """See ``Transaction``."""
        await self.fetch("save_tiles", *_split(tiles), list(tiles.values()))
        await self.fetch("save_tree", tree.size, tree.root)


class PostgresStore(SqlStore):
    """A ``Store``.

    Args:
        pool: of the role ``antirelou_evidence``.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, read_queries("services.evidence"))

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """See ``Store``."""
        return self.begin(PostgresTransaction)

    async def read_tree(self) -> Tree:
        """See ``Store``."""
        return Tree(**(await self.fetch("read_tree"))[0])

    async def load_tiles(self, tiles: Collection[TileId]) -> Tiles:
        """See ``Store``."""
        return _tiles(await self.fetch("load_tiles", *_split(tiles)))

    async def add_checkpoint(self, signed: Signed) -> None:
        """See ``Store``."""
        await self.fetch("add_checkpoint", signed.size, signed.note, signed.at)

    async def load_checkpoints(
        self, size_max: int, count_max: int, *, stamped_only: bool = False
    ) -> list[Signed]:
        """See ``Store``."""
        rows = await self.fetch("load_checkpoints", size_max, count_max, not stamped_only)
        return [Signed(**row) for row in rows]

    async def witnessed_size(self) -> int:
        """See ``Store``."""
        size: int = (await self.fetch("witnessed_size"))[0]["size"]
        return size

    async def stamp_checkpoint(self, size: int, stamp: bytes, now: datetime) -> None:
        """See ``Store``."""
        await self.fetch("stamp_checkpoint", size, stamp, now)

    async def witness_checkpoint(self, size: int, note: str, now: datetime) -> None:
        """See ``Store``."""
        await self.fetch("witness_checkpoint", size, note, now)

    async def add_case(self, case: Case) -> bool:
        """See ``Store``."""
        added = await self.change(
            "add_case", case.id, case.reason, case.hold_until, *_selection(case.selection),
            case.opened_at,
        )  # fmt: skip
        return added == 1

    async def load_cases(self, case_id: str | None = None) -> list[Case]:
        """See ``Store``."""
        return [_case(row) for row in await self.fetch("load_cases", case_id)]

    async def close_case(self, case_id: str, now: datetime) -> None:
        """See ``Store``."""
        await self.fetch("close_case", case_id, now)

    async def case_leaves(self, selection: Selection, size: int) -> list[int]:
        """See ``Store``."""
        rows = await self.fetch("case_leaves", *_selection(selection), size)
        return [row["leaf"] for row in rows]

    async def case_window(self, selection: Selection, size: int) -> tuple[int, int]:
        """See ``Store``."""
        row = (await self.fetch("case_window", selection.since, selection.until, size))[0]
        return row["first"], row["last"]

    async def message_leaves(self, message_id: str) -> list[int]:
        """See ``Store``."""
        return [row["leaf"] for row in await self.fetch("message_leaves", message_id)]

    async def subject_leaves(self, sender: str) -> list[int]:
        """See ``Store``."""
        return [row["leaf"] for row in await self.fetch("subject_leaves", sender)]

    async def load_records(self, leaves: Sequence[int]) -> list[Kept]:
        """See ``Store``."""
        return [_kept(row) for row in await self.fetch("load_records", list(leaves))]

    async def load_erased(self, first: int, last: int) -> list[Erased]:
        """See ``Store``."""
        rows = await self.fetch("load_erased", first, last)
        return [Erased(row["leaf"], row["erased_at"], row["erased_why"]) for row in rows]

    async def load_holds(self, sender: str, now: datetime) -> list[Hold]:
        """See ``Store``."""
        rows = await self.fetch("load_holds", sender, now)
        return [Hold(row["id"], row["reason"], row["hold_until"], row["records"]) for row in rows]

    async def erase_subject(self, sender: str, now: datetime) -> int:
        """See ``Store``."""
        return len(await self.fetch("erase_subject", sender, now))

    async def erase_expired(
        self, before: datetime, now: datetime, after: Place, count_max: int
    ) -> tuple[int, Place | None]:
        """See ``Store``."""
        rows = await self.fetch("erase_expired", before, now, *after, count_max)
        if not rows:
            return 0, None
        (row,) = rows
        return row["erased"], (row["at"], row["leaf"]) if row["looked"] == count_max else None

    async def erase_objected(
        self, before: datetime, now: datetime, after: str, senders_max: int, each_max: int
    ) -> tuple[int, str | None]:
        """See ``Store``."""
        rows = await self.fetch("erase_objected", before, now, after, senders_max, each_max)
        if not rows:
            return 0, None
        (row,) = rows
        return row["erased"], row["sender"] if row["looked"] == senders_max else None

    async def add_objection(self, sender: str, now: datetime) -> None:
        """See ``Store``."""
        await self.fetch("add_objection", sender, now)

    async def load_objection(self, sender: str) -> datetime | None:
        """See ``Store``."""
        rows = await self.fetch("load_objection", sender)
        return rows[0]["at"] if rows else None


def _split(tiles: Collection[TileId]) -> tuple[list[int], list[int]]:
    return [level for level, _ in tiles], [number for _, number in tiles]


def _tiles(rows: Sequence[Row]) -> dict[TileId, bytes]:
    return {(row["level"], row["number"]): row["hashes"] for row in rows}


def _selection(selection: Selection) -> tuple[list[str], list[str], Any, Any]:
    return (
        list(selection.senders), list(selection.campaigns), selection.since, selection.until,
    )  # fmt: skip


def _case(row: Row) -> Case:
    chosen = Selection(tuple(row["senders"]), tuple(row["campaigns"]), row["since"], row["until"])
    return Case(
        row["id"], row["reason"], row["hold_until"], chosen, row["opened_at"], row["closed_at"]
    )


def _kept(row: Row) -> Kept:
    entry = Entry(
        row["name"], row["kind"], row["message_id"], row["sender"], row["campaign"], row["at"],
        row["record"], row["sealed"],
    )  # fmt: skip
    return Kept(row["leaf"], row["salt"], entry)
