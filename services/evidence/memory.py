"""The evidence store in memory: the same promises, one transaction at a time."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.evidence.core.case import Case, Hold, Selection
from services.evidence.core.entry import JUDGED, RECEIVED, TERMS, Erased, Kept, Place
from services.evidence.core.merkle import TileId, Tiles, Tree
from services.evidence.core.note import Signed


@dataclass(slots=True)
class Tables:
    """What is kept; ``names`` of what was erased as well."""

    tree: Tree = field(default_factory=Tree)
    tiles: dict[TileId, bytes] = field(default_factory=dict)
    names: set[bytes] = field(default_factory=set)
    records: dict[int, Kept] = field(default_factory=dict)
    erased: dict[int, Erased] = field(default_factory=dict)

    def copy(self) -> "Tables":
        """A copy to change; what stands in it is frozen."""
        return Tables(
            self.tree, dict(self.tiles), set(self.names), dict(self.records), dict(self.erased)
        )


class MemoryTransaction:
    """A ``Transaction``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def lock_tree(self) -> Tree:
        """See ``Transaction``."""
        return self._tables.tree

    async def find_names(self, names: Collection[bytes]) -> dict[bytes, bytes | None]:
        """See ``Transaction``."""
        held = {kept.entry.name: kept.entry.record for kept in self._tables.records.values()}
        return {name: held.get(name) for name in self._tables.names & set(names)}

    async def load_tiles(self, tiles: Collection[TileId]) -> Tiles:
        """See ``Transaction``."""
        return {name: self._tables.tiles[name] for name in tiles if name in self._tables.tiles}

    async def last_terms(self) -> bytes | None:
        """See ``Transaction``."""
        terms = [kept for kept in self._tables.records.values() if kept.entry.kind == TERMS]
        return max(terms, key=lambda kept: kept.leaf).entry.record if terms else None

    async def add_records(self, records: Sequence[Kept]) -> None:
        """See ``Transaction``."""
        for kept in records:
            assert kept.leaf not in self._tables.records
            assert kept.entry.name not in self._tables.names
            self._tables.records[kept.leaf] = kept
            self._tables.names.add(kept.entry.name)

    async def save_tree(self, tree: Tree, tiles: Tiles) -> None:
        """See ``Transaction``."""
        self._tables.tree = tree
        self._tables.tiles |= tiles


class MemoryStore:
    """A ``Store``."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._lock = asyncio.Lock()
        self._checkpoints: dict[int, Signed] = {}
        self._cases: dict[str, Case] = {}
        self._objections: dict[str, datetime] = {}

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryTransaction]:
        """See ``Store``."""
        async with self._lock:
            tables = self._tables.copy()
            yield MemoryTransaction(tables)
            self._tables = tables

    async def read_tree(self) -> Tree:
        """See ``Store``."""
        return self._tables.tree

    async def load_tiles(self, tiles: Collection[TileId]) -> Tiles:
        """See ``Store``."""
        return await MemoryTransaction(self._tables).load_tiles(tiles)

    async def add_checkpoint(self, signed: Signed) -> None:
        """See ``Store``."""
        self._checkpoints.setdefault(signed.size, signed)

    async def load_checkpoints(
        self, size_max: int, count_max: int, *, stamped_only: bool = False
    ) -> list[Signed]:
        """See ``Store``."""
        found = [
            signed
            for signed in self._checkpoints.values()
            if signed.size <= size_max and (signed.stamp is not None or not stamped_only)
        ]
        return sorted(found, key=lambda signed: -signed.size)[:count_max]

    async def witnessed_size(self) -> int:
        """See ``Store``."""
        signed = self._checkpoints.values()
        return max((each.size for each in signed if each.witnessed_at is not None), default=0)

    async def stamp_checkpoint(self, size: int, stamp: bytes, now: datetime) -> None:
        """See ``Store``."""
        signed = self._checkpoints[size]
        self._checkpoints[size] = replace(signed, stamp=stamp, stamped_at=now)

    async def witness_checkpoint(self, size: int, note: str, now: datetime) -> None:
        """See ``Store``."""
        signed = self._checkpoints[size]
        self._checkpoints[size] = replace(signed, note=note, witnessed_at=now)

    async def add_case(self, case: Case) -> bool:
        """See ``Store``."""
        return self._cases.setdefault(case.id, case) is case

    async def load_cases(self, case_id: str | None = None) -> list[Case]:
        """See ``Store``."""
        cases = [case for case in self._cases.values() if case_id in (None, case.id)]
        return sorted(cases, key=lambda case: (case.opened_at, case.id))

    async def close_case(self, case_id: str, now: datetime) -> None:
        """See ``Store``."""
        case = self._cases.get(case_id)
        if case is not None and case.closed_at is None:
            self._cases[case_id] = replace(case, closed_at=now)

    def _selected(self, chosen: Selection) -> set[str]:
        records = self._tables.records.values()
        in_campaign = {
            kept.entry.message_id
            for kept in records
            if kept.entry.kind == JUDGED and kept.entry.campaign in chosen.campaigns
        }
        anybody = not (chosen.senders or chosen.campaigns)
        return {
            entry.message_id
            for entry in (kept.entry for kept in records if kept.entry.kind == RECEIVED)
            if entry.message_id is not None
            and (chosen.since is None or entry.at >= chosen.since)
            and (chosen.until is None or entry.at < chosen.until)
            and (anybody or entry.sender in chosen.senders or entry.message_id in in_campaign)
        }

    def _held(self, now: datetime) -> dict[str, set[str]]:
        return {
            case.id: self._selected(case.selection)
            for case in self._cases.values()
            if case.holds(now)
        }

    def _leaves(self, message_ids: Collection[str]) -> list[int]:
        return sorted(
            leaf for leaf, kept in self._tables.records.items()
            if kept.entry.message_id in message_ids
        )  # fmt: skip

    async def case_leaves(self, selection: Selection, size: int) -> list[int]:
        """See ``Store``."""
        terms = [leaf for leaf, k in self._tables.records.items() if k.entry.kind == TERMS]
        leaves = {*self._leaves(self._selected(selection)), *terms}
        return sorted(leaf for leaf in leaves if leaf < size)

    async def case_window(self, selection: Selection, size: int) -> tuple[int, int]:
        """See ``Store``."""
        since, until = selection.since, selection.until
        received = [
            (leaf, kept.entry.at)
            for leaf, kept in self._tables.records.items()
            if kept.entry.kind == RECEIVED and leaf < size
        ]
        before = [leaf for leaf, at in received if since is not None and at < since]
        after = [leaf for leaf, at in received if until is not None and at >= until]
        return max(before, default=-1) + 1, min(after, default=size) - 1

    async def message_leaves(self, message_id: str) -> list[int]:
        """See ``Store``."""
        return self._leaves({message_id})

    async def subject_leaves(self, sender: str) -> list[int]:
        """See ``Store``."""
        return sorted(
            leaf for leaf, kept in self._tables.records.items() if kept.entry.sender == sender
        )

    async def load_records(self, leaves: Sequence[int]) -> list[Kept]:
        """See ``Store``."""
        records = self._tables.records
        return [records[leaf] for leaf in sorted(leaves) if leaf in records]

    async def load_erased(self, first: int, last: int) -> list[Erased]:
        """See ``Store``."""
        erased = self._tables.erased
        return [erased[leaf] for leaf in sorted(erased) if first <= leaf <= last]

    async def load_holds(self, sender: str, now: datetime) -> list[Hold]:
        """See ``Store``."""
        holds = []
        for case_id, message_ids in sorted(self._held(now).items()):
            count = sum(
                1 for leaf in self._leaves(message_ids)
                if self._tables.records[leaf].entry.sender == sender
            )  # fmt: skip
            case = self._cases[case_id]
            holds += [Hold(case_id, case.reason, case.hold_until, count)] if count else []
        return holds

    async def erase_subject(self, sender: str, now: datetime) -> int:
        """See ``Store``."""
        held = set().union(*self._held(now).values())
        gone = [
            leaf for leaf, kept in self._tables.records.items()
            if kept.entry.sender == sender and kept.entry.message_id not in held
        ]  # fmt: skip
        for leaf in gone:
            self._erase(leaf, now, "request")
        return len(gone)

    async def erase_expired(
        self, before: datetime, now: datetime, after: Place, count_max: int
    ) -> tuple[int, Place | None]:
        """See ``Store``."""
        places = sorted((k.entry.at, n) for n, k in self._tables.records.items() if _ends(k))
        due = [place for place in places if after < place and place[0] < before][:count_max]
        gone = self._unheld([leaf for _, leaf in due], now)
        for leaf in gone:
            self._erase(leaf, now, "retention")
        return len(gone), due[-1] if len(due) == count_max else None

    async def erase_objected(
        self, before: datetime, now: datetime, after: str, senders_max: int, each_max: int
    ) -> tuple[int, str | None]:
        """See ``Store``."""
        asked = sorted(sender for sender in self._objections if sender > after)[:senders_max]
        erased = 0
        for sender in asked:
            his = sorted(
                (k.entry.at, n) for n, k in self._tables.records.items()
                if k.entry.sender == sender and k.entry.at < before
            )  # fmt: skip
            gone = self._unheld([leaf for _, leaf in his], now)[:each_max]
            for leaf in gone:
                self._erase(leaf, now, "objection")
            erased += len(gone)
        return erased, asked[-1] if len(asked) == senders_max else None

    def _unheld(self, leaves: Sequence[int], now: datetime) -> list[int]:
        held = set().union(*self._held(now).values())
        return [n for n in leaves if self._tables.records[n].entry.message_id not in held]

    def _erase(self, leaf: int, now: datetime, why: str) -> None:
        del self._tables.records[leaf]
        self._tables.erased[leaf] = Erased(leaf, now, why)

    async def add_objection(self, sender: str, now: datetime) -> None:
        """See ``Store``."""
        self._objections.setdefault(sender, now)

    async def load_objection(self, sender: str) -> datetime | None:
        """See ``Store``."""
        return self._objections.get(sender)


def _ends(kept: Kept) -> bool:
    """Whether it is kept for a time alone."""
    return kept.entry.kind != TERMS
