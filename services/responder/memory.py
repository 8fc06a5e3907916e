"""The responder's store in memory: the same promises, one transaction at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from kernel.facts.records import ReplyKind, ReplyState
from kernel.log.port import Outgoing
from services.responder.core.attachment import Attachment
from services.responder.core.backfill import Scan, ScanKind
from services.responder.core.outbox import OPEN, Reply
from services.responder.core.rate import Pace
from services.responder.core.restoration import LEFT, UNSENT, Restoration

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_SCAN_ORDER = (ScanKind.UNDELIVERED, ScanKind.ORDERED, ScanKind.WHOLE)


@dataclass(slots=True)
class Tables:
    """What is kept; the values are immutable, so a copy of the containers is a snapshot."""

    replies: dict[str, Reply] = field(default_factory=dict)
    changes: dict[int, Outgoing] = field(default_factory=dict)
    numbered: int = 0
    pace: Pace = field(default_factory=lambda: Pace(LONG_AGO))
    attachment: Attachment = field(default_factory=lambda: Attachment(LONG_AGO))
    scans: dict[str, Scan] = field(default_factory=dict)
    restoration: Restoration | None = None

    def copy(self) -> "Tables":
        """A snapshot."""
        return replace(
            self, replies=dict(self.replies), changes=dict(self.changes), scans=dict(self.scans)
        )


class MemoryTransaction:
    """A ``Transaction``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def load_replies(self, reply_ids: Sequence[str]) -> dict[str, Reply]:
        """See ``Transaction``."""
        return {i: self._tables.replies[i] for i in reply_ids if i in self._tables.replies}

    async def find_by_message(self, message_ids: Sequence[str]) -> dict[str, str]:
        """See ``Transaction``."""
        return {
            reply.message_id: reply.reply_id
            for reply in self._tables.replies.values()
            if reply.message_id is not None and reply.message_id in message_ids
        }

    async def add_replies(self, replies: Sequence[Reply]) -> set[str]:
        """See ``Transaction``."""
        new = {r.reply_id: r for r in replies if r.reply_id not in self._tables.replies}
        self._tables.replies |= new
        return set(new)

    async def save_replies(self, replies: Sequence[Reply]) -> None:
        """See ``Transaction``."""
        assert all(reply.reply_id in self._tables.replies for reply in replies)
        for reply in replies:
            self._tables.replies[reply.reply_id] = reply

    async def add_changes(self, changes: Sequence[Outgoing]) -> None:
        """See ``Transaction``."""
        for change in changes:
            self._tables.numbered += 1
            self._tables.changes[self._tables.numbered] = change

    async def load_pace(self) -> Pace:
        """See ``Transaction``."""
        return self._tables.pace

    async def save_pace(self, pace: Pace) -> None:
        """See ``Transaction``."""
        self._tables.pace = pace

    async def load_ready(self, now: datetime, count: int, *, tests_only: bool) -> list[Reply]:
        """See ``Transaction``."""
        ready = [r for r in self._sendable(tests_only=tests_only) if r.look_at and r.look_at <= now]
        return sorted(ready, key=lambda reply: (reply.due_at, reply.reply_id))[:count]

    async def next_ready_at(self, *, tests_only: bool) -> datetime | None:
        """See ``Transaction``."""
        waiting = self._sendable(tests_only=tests_only)
        return min((r.look_at for r in waiting if r.look_at is not None), default=None)

    def _sendable(self, *, tests_only: bool) -> list[Reply]:
        replies = self._tables.replies.values()
        busy = {reply.sender for reply in replies if reply.state in OPEN}
        return [
            reply
            for reply in replies
            if reply.state is ReplyState.AUTHORIZED
            and reply.sender not in busy
            and (reply.kind is ReplyKind.TEST or not tests_only)
        ]

    async def load_attachment(self) -> Attachment:
        """See ``Transaction``."""
        return self._tables.attachment

    async def save_attachment(self, attachment: Attachment) -> None:
        """See ``Transaction``."""
        self._tables.attachment = attachment

    async def save_scan(self, scan: Scan) -> None:
        """See ``Transaction``."""
        self._tables.scans[scan.name] = scan

    async def add_scan(self, scan: Scan) -> None:
        """See ``Transaction``."""
        self._tables.scans.setdefault(scan.name, scan)

    async def delete_scan(self, name: str) -> None:
        """See ``Transaction``."""
        self._tables.scans.pop(name, None)

    async def save_restoration(self, restoration: Restoration) -> None:
        """See ``Transaction``."""
        self._tables.restoration = restoration

    async def find_unsent(self, senders: Sequence[str]) -> list[Reply]:
        """See ``Transaction``."""
        return self._of(senders, lambda r: r.state in UNSENT and r.message_id is None)

    async def find_sent_to(self, senders: Sequence[str]) -> list[Reply]:
        """See ``Transaction``."""
        return self._of(
            senders,
            lambda r: r.kind is not ReplyKind.TEST and r.sending_at is not None and r.state in LEFT,
        )

    async def find_unended(self) -> list[Reply]:
        """See ``Transaction``."""
        unended = [r for r in self._tables.replies.values() if not r.final]
        return sorted(unended, key=lambda reply: reply.reply_id)

    def _of(self, senders: Sequence[str], holds: Callable[[Reply], bool]) -> list[Reply]:
        found = [r for r in self._tables.replies.values() if r.sender in senders and holds(r)]
        return sorted(found, key=lambda reply: reply.reply_id)


class MemoryStore:
    """A ``Store``."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._lock = asyncio.Lock()
        self._leases: dict[str, tuple[str, datetime]] = {}

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryTransaction]:
        """See ``Store``."""
        async with self._lock:
            tables = self._tables.copy()
            yield MemoryTransaction(tables)
            self._tables = tables

    async def load_changes(self, count_max: int) -> list[tuple[int, Outgoing]]:
        """See ``Store``."""
        return sorted(self._tables.changes.items(), key=lambda item: item[0])[:count_max]

    async def delete_changes(self, numbers: Sequence[int]) -> None:
        """See ``Store``."""
        async with self._lock:
            for number in numbers:
                self._tables.changes.pop(number, None)

    async def take_lease(self, name: str, holder: str, now: datetime, until: datetime) -> bool:
        """See ``Store``."""
        held_by, held_until = self._leases.get(name, (holder, now))
        if held_by != holder and held_until > now:
            return False
        self._leases[name] = (holder, until)
        return True

    async def find_due(
        self, states: Sequence[ReplyState], now: datetime, count_max: int
    ) -> list[Reply]:
        """See ``Store``."""
        due = [
            (states.index(reply.state), reply.look_at, reply.reply_id, reply)
            for reply in self._tables.replies.values()
            if reply.state in states and reply.look_at is not None and reply.look_at <= now
        ]
        return [row[-1] for row in sorted(due, key=lambda row: row[:3])][:count_max]

    async def read_attachment(self) -> Attachment:
        """See ``Store``."""
        return self._tables.attachment

    async def count_sent(self, since: datetime, until: datetime, count_max: int) -> int:
        """See ``Store``."""
        replies = self._tables.replies.values()
        sent = sum(1 for r in replies if r.sending_at and since <= r.sending_at <= until)
        return min(sent, count_max)

    async def find_scan(self, now: datetime) -> Scan | None:
        """See ``Store``."""
        due = [scan for scan in self._tables.scans.values() if scan.look_at <= now]
        return min(due, key=lambda s: (_SCAN_ORDER.index(s.kind), s.look_at, s.name), default=None)

    async def has_scan(self, name: str) -> bool:
        """See ``Store``."""
        return name in self._tables.scans

    async def read_restoration(self) -> Restoration | None:
        """See ``Store``."""
        return self._tables.restoration
