"""The responder's store: the port, and its PostgreSQL adapter. The only SQL is in ``sql/``.

One method, one statement; ``transaction`` holds several together. Rows that are going to be saved
are loaded locked, in the order of their ids.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import fields
from datetime import datetime
from typing import Any, Protocol

from kernel.database.pool import Pool
from kernel.database.store import Row, SqlStore, SqlTransaction, read_queries
from kernel.facts.records import ReplyChanged, ReplyKind, ReplyState
from kernel.log.port import Outgoing
from services.responder.core.attachment import Attachment
from services.responder.core.backfill import Scan, ScanKind
from services.responder.core.outbox import Reply
from services.responder.core.rate import Pace
from services.responder.core.restoration import UNSENT, Restoration
from services.responder.core.restoration import Stage as RestorationStage


class Transaction(Protocol):
    """What can be done in one transaction."""

    async def load_replies(self, reply_ids: Sequence[str]) -> dict[str, Reply]:
        """These replies, locked."""
        ...

    async def find_by_message(self, message_ids: Sequence[str]) -> dict[str, str]:
        """For each of the provider's ids that is known, the reply's id."""
        ...

    async def add_replies(self, replies: Sequence[Reply]) -> set[str]:
        """Insert those that are not there. Returns the ids of the inserted.

        Loading first and inserting what was not found would not do: another member may add the
        same reply, and even send it, in between.
        """
        ...

    async def save_replies(self, replies: Sequence[Reply]) -> None:
        """Overwrite what was loaded or added in this transaction."""
        ...

    async def add_changes(self, changes: Sequence[Outgoing]) -> None:
        """Note changes that are to be told (``load_changes``)."""
        ...

    async def load_pace(self) -> Pace:
        """The state of sending, locked: one claims at a time."""
        ...

    async def save_pace(self, pace: Pace) -> None:
        """Overwrite."""
        ...

    async def load_ready(self, now: datetime, count: int, *, tests_only: bool) -> list[Reply]:
        """Authorised replies that may be tried, the longest due first, locked.

        None to a number that an open send goes to; perhaps several to one number.
        """
        ...

    async def next_ready_at(self, *, tests_only: bool) -> datetime | None:
        """When the next authorised reply may be tried; None: there is none."""
        ...

    async def load_attachment(self) -> Attachment:
        """Locked."""
        ...

    async def save_attachment(self, attachment: Attachment) -> None:
        """Overwrite."""
        ...

    async def save_scan(self, scan: Scan) -> None:
        """Insert or overwrite."""
        ...

    async def add_scan(self, scan: Scan) -> None:
        """Insert unless one of that name is there."""
        ...

    async def delete_scan(self, name: str) -> None:
        """Delete."""
        ...

    async def save_restoration(self, restoration: Restoration) -> None:
        """How far it is."""
        ...

    async def find_unsent(self, senders: Sequence[str]) -> list[Reply]:
        """Replies to these numbers that no SMS is known of and may be one's, locked."""
        ...

    async def find_sent_to(self, senders: Sequence[str]) -> list[Reply]:
        """Replies to these numbers that an SMS left for, tests left out, locked."""
        ...

    async def find_unended(self) -> list[Reply]:
        """Replies that have not ended, locked."""
        ...


class Store(Protocol):
    """What the responder keeps. Everything raises ``Transient`` while the database is away."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """All or nothing; committed when the context is left without an error."""
        ...

    async def load_changes(self, count_max: int) -> list[tuple[int, Outgoing]]:
        """Changes that were not told yet, in the order they were noted."""
        ...

    async def delete_changes(self, numbers: Sequence[int]) -> None:
        """They were told."""
        ...

    async def take_lease(self, name: str, holder: str, now: datetime, until: datetime) -> bool:
        """Take or prolong a lease; False: another holds it."""
        ...

    async def find_due(
        self, states: Sequence[ReplyState], now: datetime, count_max: int
    ) -> list[Reply]:
        """Replies whose ``look_at`` has come, in the order of the states, the earliest first."""
        ...

    async def read_attachment(self) -> Attachment:
        """As ``load_attachment``, not locked."""
        ...

    async def count_sent(self, since: datetime, until: datetime, count_max: int) -> int:
        """How many were handed over between the two, ``count_max`` at most."""
        ...

    async def find_scan(self, now: datetime) -> Scan | None:
        """The scan to go on with: undelivered first, ordered before whole."""
        ...

    async def has_scan(self, name: str) -> bool:
        """Whether a scan goes on."""
        ...

    async def read_restoration(self) -> Restoration | None:
        """The latest restore; None: this database never was restored."""
        ...


_COLUMNS = tuple(field.name for field in fields(Reply))


class PostgresTransaction(SqlTransaction):
    """A ``Transaction``."""

    async def load_replies(self, reply_ids: Sequence[str]) -> dict[str, Reply]:
        """See ``Transaction``."""
        if not reply_ids:
            return {}
        rows = await self.fetch("load_replies", sorted(set(reply_ids)))
        return {row["reply_id"]: _reply(row) for row in rows}

    async def find_by_message(self, message_ids: Sequence[str]) -> dict[str, str]:
        """See ``Transaction``."""
        if not message_ids:
            return {}
        rows = await self.fetch("find_by_message", sorted(set(message_ids)))
        return {row["message_id"]: row["reply_id"] for row in rows}

    async def add_replies(self, replies: Sequence[Reply]) -> set[str]:
        """See ``Transaction``."""
        if not replies:
            return set()
        rows = await self.fetch("add_replies", *_columns(replies))
        return {row["reply_id"] for row in rows}

    async def save_replies(self, replies: Sequence[Reply]) -> None:
        """See ``Transaction``."""
        if replies:
            await self.fetch("save_replies", *_columns(replies))

    async def add_changes(self, changes: Sequence[Outgoing]) -> None:
        """See ``Transaction``."""
        if changes:
            assert all(change.topic == ReplyChanged.TOPIC for change in changes)
            await self.fetch(
                "add_changes",
                [change.key for change in changes],
                [change.value for change in changes],
            )

    async def load_pace(self) -> Pace:
        """See ``Transaction``."""
        row = (await self.fetch("load_pace"))[0]
        return Pace(**row)

    async def save_pace(self, pace: Pace) -> None:
        """See ``Transaction``."""
        await self.fetch("save_pace", *(getattr(pace, field.name) for field in fields(Pace)))

    async def load_ready(self, now: datetime, count: int, *, tests_only: bool) -> list[Reply]:
        """See ``Transaction``."""
        rows = await self.fetch("load_ready", now, count, tests_only)
        return sorted(map(_reply, rows), key=lambda reply: (reply.due_at, reply.reply_id))

    async def next_ready_at(self, *, tests_only: bool) -> datetime | None:
        """See ``Transaction``."""
        found: datetime | None = (await self.fetch("next_ready_at", tests_only))[0]["at"]
        return found

    async def load_attachment(self) -> Attachment:
        """See ``Transaction``."""
        return Attachment(**(await self.fetch("load_attachment"))[0])

    async def save_attachment(self, attachment: Attachment) -> None:
        """See ``Transaction``."""
        values = (getattr(attachment, field.name) for field in fields(Attachment))
        await self.fetch("save_attachment", *values)

    async def save_scan(self, scan: Scan) -> None:
        """See ``Transaction``."""
        await self.fetch("save_scan", *(getattr(scan, field.name) for field in fields(Scan)))

    async def add_scan(self, scan: Scan) -> None:
        """See ``Transaction``."""
        await self.fetch("add_scan", *(getattr(scan, field.name) for field in fields(Scan)))

    async def delete_scan(self, name: str) -> None:
        """See ``Transaction``."""
        await self.fetch("delete_scan", name)

    async def save_restoration(self, restoration: Restoration) -> None:
        """See ``Transaction``."""
        told = restoration
        await self.fetch(
            "save_restoration", told.id, told.stage, told.offset, told.matched, told.recovered
        )

    async def find_unsent(self, senders: Sequence[str]) -> list[Reply]:
        """See ``Transaction``."""
        return [_reply(row) for row in await self.fetch("find_unsent", senders, sorted(UNSENT))]

    async def find_sent_to(self, senders: Sequence[str]) -> list[Reply]:
        """See ``Transaction``."""
        return [_reply(row) for row in await self.fetch("find_sent_to", senders)]

    async def find_unended(self) -> list[Reply]:
        """See ``Transaction``."""
        return [_reply(row) for row in await self.fetch("find_unended")]


class PostgresStore(SqlStore):
    """A ``Store``.

    Args:
        pool: of the role ``antirelou_responder``.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, read_queries("services.responder", columns=", ".join(_COLUMNS)))

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """See ``Store``."""
        return self.begin(PostgresTransaction)

    async def load_changes(self, count_max: int) -> list[tuple[int, Outgoing]]:
        """See ``Store``."""
        rows = await self.fetch("load_changes", count_max)
        return [
            (row["number"], Outgoing(ReplyChanged.TOPIC, row["key"], row["value"])) for row in rows
        ]

    async def delete_changes(self, numbers: Sequence[int]) -> None:
        """See ``Store``."""
        await self.fetch("delete_changes", list(numbers))

    async def take_lease(self, name: str, holder: str, now: datetime, until: datetime) -> bool:
        """See ``Store``."""
        return bool(await self.fetch("take_lease", name, holder, now, until))

    async def find_due(
        self, states: Sequence[ReplyState], now: datetime, count_max: int
    ) -> list[Reply]:
        """See ``Store``."""
        return [_reply(row) for row in await self.fetch("find_due", states, now, count_max)]

    async def read_attachment(self) -> Attachment:
        """See ``Store``."""
        return Attachment(**(await self.fetch("read_attachment"))[0])

    async def count_sent(self, since: datetime, until: datetime, count_max: int) -> int:
        """See ``Store``."""
        return int((await self.fetch("count_sent", since, until, count_max))[0]["count"])

    async def find_scan(self, now: datetime) -> Scan | None:
        """See ``Store``."""
        rows = await self.fetch("find_scan", now)
        if not rows:
            return None
        row = dict(rows[0])
        return Scan(**row | {"kind": ScanKind(row["kind"])})

    async def has_scan(self, name: str) -> bool:
        """See ``Store``."""
        return bool((await self.fetch("has_scan", name))[0]["there"])

    async def read_restoration(self) -> Restoration | None:
        """See ``Store``."""
        rows = await self.fetch("read_restoration")
        if not rows:
            return None
        row = dict(rows[0])
        return Restoration(**row | {"stage": RestorationStage(row["stage"])})


def _columns(replies: Sequence[Reply]) -> list[list[Any]]:
    """The replies column by column, in the order of their ids, for ``unnest``."""
    ordered = sorted(replies, key=lambda reply: reply.reply_id)
    return [[getattr(reply, name) for reply in ordered] for name in _COLUMNS]


def _reply(row: Row) -> Reply:
    values = dict(row)
    values["kind"], values["state"] = ReplyKind(values["kind"]), ReplyState(values["state"])
    return Reply(**values)
