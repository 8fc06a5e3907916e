"""Billing's store: the port, and its PostgreSQL adapter. The only SQL is in ``sql/``.

One method, one statement; ``transaction`` holds several together. Rows are locked in one order:
the standing, receipts and replies by id, accounts, tallies; who holds an account never waits for
a reply (he leaves out what is locked).
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import fields
from datetime import datetime, timedelta
from importlib import resources
from typing import Any, Protocol

import asyncpg

from antirelou.database import Connection, Pool, translate_errors
from antirelou.records import Posture, ReplyKind, ReplyState, SmsJudged
from services.billing.core.books import Interval, PostureStep, ProviderState, Step
from services.billing.core.ledger import Account, Balances, Receipt, Transfer
from services.billing.core.posture import Cause, Standing
from services.billing.core.reply import Reply, Reservation, Withdrawal
from services.billing.core.tariff import Basis


class Transaction(Protocol):
    """What can be done in one transaction."""

    async def add_receipts(self, receipts: Sequence[Receipt]) -> set[str]:
        """Insert those that are not there. Returns the ids of the inserted."""
        ...

    async def load_receipts(self, message_ids: Sequence[str]) -> dict[str, Receipt]:
        """These receipts, locked."""
        ...

    async def save_receipts(self, receipts: Sequence[Receipt]) -> None:
        """Overwrite cost, basis and revision of what was loaded."""
        ...

    async def add_verdicts(self, verdicts: Sequence[SmsJudged]) -> set[str]:
        """Insert those that are not there. Returns the ids of the inserted."""
        ...

    async def load_replies(self, reply_ids: Sequence[str]) -> dict[str, Reply]:
        """These replies, locked."""
        ...

    async def find_waiting(self, senders: Sequence[str]) -> list[Reply]:
        """What waits for these senders, locked."""
        ...

    async def find_withdrawals(self, senders: Sequence[str]) -> list[Withdrawal]:
        """Who of these is not to be answered any more, by the verdicts or by the operator."""
        ...

    async def load_waiting(self, count: int, *, tests_only: bool) -> list[Reply]:
        """Who is next in the waiting room (``room.order_of``), locked; what is locked is left."""
        ...

    async def load_expired(self, entered_before: timedelta, count: int) -> list[Reply]:
        """Who began to wait before that, by the waiting clock; locked, as ``load_waiting``."""
        ...

    async def add_replies(self, replies: Sequence[Reply]) -> set[str]:
        """Insert those that are not there. Returns the ids of the inserted."""
        ...

    async def save_replies(self, replies: Sequence[Reply]) -> None:
        """Overwrite what was loaded or added in this transaction."""
        ...

    async def add_steps(self, steps: Sequence[Step]) -> None:
        """Note states that replies came into."""
        ...

    async def add_transfers(self, transfers: Sequence[Transfer]) -> None:
        """Book. An id that is there already is a defect: an error, nothing is booked."""
        ...

    async def add_tallies(self, deltas: Mapping[str, int]) -> None:
        """Count."""
        ...

    async def read_tallies(self) -> dict[str, int]:
        """The counts."""
        ...

    async def add_receiving(self, intervals: Sequence[Interval]) -> None:
        """Add what receiving cost; one a ``since``."""
        ...

    async def read_receiving(self, since: datetime) -> Interval:
        """What was asked of the fund since then."""
        ...

    async def lock_balances(self) -> Balances:
        """The balances; nobody books until this transaction has ended."""
        ...

    async def read_balances(self) -> Balances:
        """The balances, not locked."""
        ...

    async def load_standing(self) -> Standing:
        """Locked: one decides at a time."""
        ...

    async def read_standing(self) -> Standing:
        """As ``load_standing``, not locked."""
        ...

    async def save_standing(self, standing: Standing) -> None:
        """Overwrite."""
        ...

    async def add_posture(self, step: PostureStep) -> None:
        """Note a change of posture; it is told later."""
        ...

    async def read_deliveries(self, count: int) -> list[bool]:
        """Of the last ended replies, whether each was delivered; the latest first."""
        ...

    async def read_provider(self) -> ProviderState:
        """What was last read at the provider."""
        ...

    async def save_provider(self, state: ProviderState) -> None:
        """Overwrite, unless something later is there; ``attached`` None: as before."""
        ...


class Store(Protocol):
    """What billing keeps. Everything raises ``Transient`` while the database is away."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """All or nothing; committed when the context is left without an error."""
        ...

    async def load_untold(self, count: int) -> list[Reply]:
        """Replies whose authorisation, or end here, was not told yet."""
        ...

    async def load_unanswered(self, told_before: datetime, count: int) -> list[Reply]:
        """Authorisations told before that and answered by nobody."""
        ...

    async def mark_told(self, reply_ids: Sequence[str], now: datetime) -> None:
        """They were told."""
        ...

    async def load_postures(self) -> list[PostureStep]:
        """Changes of posture not told yet."""
        ...

    async def mark_postures(self, sequences: Sequence[int], now: datetime) -> None:
        """They were told."""
        ...

    async def prune_receiving(self, before: datetime) -> None:
        """Forget what no hour counts any more, but the latest webhook's time."""
        ...


_COLUMNS = tuple(field.name for field in fields(Reply))
_SAVED = (
    "reply_id", "state", "reason", "sender_sealed", "changed_at", "reservation",
    "cost_microeuros", "basis", "revision", "sequence", "told_at",
)  # fmt: skip
_RECEIPT = tuple(field.name for field in fields(Receipt))
_STANDING = tuple(field.name for field in fields(Standing))


def read_queries() -> dict[str, str]:
    """Each ``sql/queries/*.sql`` by its name. In them, ``{columns}`` is the columns of a reply."""
    folder = resources.files("services.billing") / "sql" / "queries"
    columns = ", ".join(_COLUMNS)
    return {
        path.name.removesuffix(".sql"): path.read_text("utf-8").replace("{columns}", columns)
        for path in folder.iterdir()
        if path.name.endswith(".sql")
    }


class PostgresTransaction:
    """A ``Transaction``."""

    def __init__(self, connection: Connection, queries: dict[str, str]) -> None:
        self._connection, self._queries = connection, queries

    async def fetch(self, name: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run a query of ``sql/queries``."""
        return await self._connection.fetch(self._queries[name], *arguments)

    async def add_receipts(self, receipts: Sequence[Receipt]) -> set[str]:
        """See ``Transaction``."""
        if not receipts:
            return set()
        ordered = sorted(receipts, key=lambda receipt: receipt.message_id)
        rows = await self.fetch("add_receipts", *_arrays(ordered, _RECEIPT))
        return {row["message_id"] for row in rows}

    async def load_receipts(self, message_ids: Sequence[str]) -> dict[str, Receipt]:
        """See ``Transaction``."""
        if not message_ids:
            return {}
        rows = await self.fetch("load_receipts", list(message_ids))
        return {row["message_id"]: _receipt(row) for row in rows}

    async def save_receipts(self, receipts: Sequence[Receipt]) -> None:
        """See ``Transaction``."""
        if receipts:
            names = ("message_id", "cost_microeuros", "basis", "revision")
            await self.fetch("save_receipts", *_arrays(receipts, names))

    async def add_verdicts(self, verdicts: Sequence[SmsJudged]) -> set[str]:
        """See ``Transaction``."""
        if not verdicts:
            return set()
        ordered = sorted(verdicts, key=lambda verdict: verdict.id)
        rows = await self.fetch(
            "add_verdicts",
            [verdict.id for verdict in ordered],
            [verdict.sender for verdict in ordered],
            [verdict.received_at for verdict in ordered],
            [verdict.decision for verdict in ordered],
            [verdict.reason for verdict in ordered],
            [json.dumps(verdict.basis) if verdict.basis else "{}" for verdict in ordered],
            [verdict.due_at for verdict in ordered],
        )
        return {row["message_id"] for row in rows}

    async def load_replies(self, reply_ids: Sequence[str]) -> dict[str, Reply]:
        """See ``Transaction``."""
        if not reply_ids:
            return {}
        rows = await self.fetch("load_replies", sorted(set(reply_ids)))
        return {row["reply_id"]: _reply(row) for row in rows}

    async def find_waiting(self, senders: Sequence[str]) -> list[Reply]:
        """See ``Transaction``."""
        if not senders:
            return []
        return [_reply(row) for row in await self.fetch("find_waiting", list(senders))]

    async def find_withdrawals(self, senders: Sequence[str]) -> list[Withdrawal]:
        """See ``Transaction``."""
        if not senders:
            return []
        distinct = sorted(set(senders))
        rows = await self.fetch("find_withdrawals", distinct, distinct)
        return [Withdrawal(row["sender"].hex, row["reason"], row["received_at"]) for row in rows]

    async def load_waiting(self, count: int, *, tests_only: bool) -> list[Reply]:
        """See ``Transaction``."""
        return [_reply(row) for row in await self.fetch("load_waiting", count, tests_only)]

    async def load_expired(self, entered_before: timedelta, count: int) -> list[Reply]:
        """See ``Transaction``."""
        return [_reply(row) for row in await self.fetch("load_expired", entered_before, count)]

    async def add_replies(self, replies: Sequence[Reply]) -> set[str]:
        """See ``Transaction``."""
        if not replies:
            return set()
        ordered = sorted(replies, key=lambda reply: reply.reply_id)
        rows = await self.fetch("add_replies", *_arrays(ordered, _COLUMNS))
        return {row["reply_id"] for row in rows}

    async def save_replies(self, replies: Sequence[Reply]) -> None:
        """See ``Transaction``."""
        if replies:
            await self.fetch("save_replies", *_arrays(replies, _SAVED))

    async def add_steps(self, steps: Sequence[Step]) -> None:
        """See ``Transaction``."""
        if steps:
            await self._connection.copy_records_to_table(
                "steps", columns=["reply_id", "at", "state", "reason"], records=steps
            )

    async def add_transfers(self, transfers: Sequence[Transfer]) -> None:
        """See ``Transaction``."""
        if transfers:
            names = ("id", "kind", "subject", "debit", "credit", "amount_microeuros", "at")
            rows = (tuple(getattr(moved, name) for name in names) for moved in transfers)
            await self._connection.copy_records_to_table("transfers", columns=names, records=rows)

    async def add_tallies(self, deltas: Mapping[str, int]) -> None:
        """See ``Transaction``."""
        names = sorted(name for name, delta in deltas.items() if delta)
        if names:
            await self.fetch("ensure_tallies", names)
            await self.fetch("add_tallies", names, [deltas[name] for name in names])

    async def read_tallies(self) -> dict[str, int]:
        """See ``Transaction``."""
        return {row["name"]: row["count"] for row in await self.fetch("read_tallies")}

    async def add_receiving(self, intervals: Sequence[Interval]) -> None:
        """See ``Transaction``."""
        if intervals:
            columns = zip(*sorted(intervals, key=lambda i: i.since), strict=True)
            await self.fetch("add_receiving", *(list(column) for column in columns))

    async def read_receiving(self, since: datetime) -> Interval:
        """See ``Transaction``."""
        row = (await self.fetch("read_receiving", since))[0]
        return Interval(since, row["spent"], row["asked"], row["surged"])

    async def lock_balances(self) -> Balances:
        """See ``Transaction``."""
        return _balances(await self.fetch("lock_balances"))

    async def read_balances(self) -> Balances:
        """See ``Transaction``."""
        return _balances(await self.fetch("read_balances"))

    async def load_standing(self) -> Standing:
        """See ``Transaction``."""
        return _standing((await self.fetch("load_standing"))[0])

    async def read_standing(self) -> Standing:
        """See ``Transaction``."""
        return _standing((await self.fetch("read_standing"))[0])

    async def save_standing(self, standing: Standing) -> None:
        """See ``Transaction``."""
        await self.fetch("save_standing", *(getattr(standing, name) for name in _STANDING))

    async def add_posture(self, step: PostureStep) -> None:
        """See ``Transaction``."""
        await self.fetch("add_posture", *step)

    async def read_deliveries(self, count: int) -> list[bool]:
        """See ``Transaction``."""
        return [row["delivered"] for row in await self.fetch("read_deliveries", count)]

    async def read_provider(self) -> ProviderState:
        """See ``Transaction``."""
        return ProviderState(**(await self.fetch("read_provider"))[0])

    async def save_provider(self, state: ProviderState) -> None:
        """See ``Transaction``."""
        values = (getattr(state, field.name) for field in fields(ProviderState))
        await self.fetch("save_provider", *values)


class PostgresStore:
    """A ``Store``.

    Args:
        pool: of the role ``antirelou_billing``.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._queries = read_queries()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """See ``Store``."""
        with translate_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                yield PostgresTransaction(connection, self._queries)

    async def fetch(self, name: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run a query of ``sql/queries`` by itself."""
        with translate_errors():
            return await self._pool.fetch(self._queries[name], *arguments)

    async def load_untold(self, count: int) -> list[Reply]:
        """See ``Store``."""
        return [_reply(row) for row in await self.fetch("load_untold", count)]

    async def load_unanswered(self, told_before: datetime, count: int) -> list[Reply]:
        """See ``Store``."""
        return [_reply(row) for row in await self.fetch("load_unanswered", told_before, count)]

    async def mark_told(self, reply_ids: Sequence[str], now: datetime) -> None:
        """See ``Store``."""
        if reply_ids:
            await self.fetch("mark_told", list(reply_ids), now)

    async def load_postures(self) -> list[PostureStep]:
        """See ``Store``."""
        return [
            PostureStep(
                row["sequence"], row["at"], Posture(row["posture"]), Cause(row["cause"]),
                row["attach"], row["detail"],
            )
            for row in await self.fetch("load_postures")
        ]  # fmt: skip

    async def mark_postures(self, sequences: Sequence[int], now: datetime) -> None:
        """See ``Store``."""
        if sequences:
            await self.fetch("mark_postures", list(sequences), now)

    async def prune_receiving(self, before: datetime) -> None:
        """See ``Store``."""
        await self.fetch("prune_receiving", before)


def _arrays(rows: Sequence[Any], names: Sequence[str]) -> list[list[Any]]:
    """Values column by column, for ``unnest``."""
    return [[getattr(row, name) for row in rows] for name in names]


def _receipt(row: asyncpg.Record) -> Receipt:
    values = dict(row)
    return Receipt(**values | {"sender": row["sender"].hex, "basis": Basis(row["basis"])})


def _reply(row: asyncpg.Record) -> Reply:
    values = dict(row)
    values |= {
        "sender": row["sender"].hex,
        "kind": ReplyKind(row["kind"]),
        "state": ReplyState(row["state"]),
        "reservation": Reservation(row["reservation"]),
        "basis": None if row["basis"] is None else Basis(row["basis"]),
    }
    return Reply(**values)


def _standing(row: asyncpg.Record) -> Standing:
    values = dict(row)
    return Standing(**values | {"posture": Posture(row["posture"]), "cause": Cause(row["cause"])})


def _balances(rows: Sequence[asyncpg.Record]) -> Balances:
    return {Account(row["name"]): row["balance_microeuros"] for row in rows}
