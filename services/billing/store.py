"""Billing's store: the port, and its PostgreSQL adapter (columns in ``rows``). SQL is in ``sql/``.

One method, one statement; ``transaction`` holds several together. Rows are locked in one order:
the standing, receipts and replies by id, accounts, tallies.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Protocol

from kernel.database.pool import Pool
from kernel.database.store import SqlStore
from kernel.facts.records import LoggedCost, Reconciled, SmsJudged
from services.billing.core.books import Interval, PostureStep, ProviderState, Step
from services.billing.core.ledger import Balances, Receipt, Transfer
from services.billing.core.posture import Standing
from services.billing.core.price import Asked
from services.billing.core.release import Act, Card
from services.billing.core.reply import Reply, Withdrawal
from services.billing.gift_store import Gifts, PostgresGifts
from services.billing.rows import (
    RECEIPT_COLUMNS,
    REPLY_COLUMNS,
    REPLY_SAVED,
    STANDING_COLUMNS,
    read_queries,
    to_act,
    to_arrays,
    to_balances,
    to_card,
    to_posture,
    to_receipt,
    to_reply,
    to_standing,
)


class Transaction(Gifts, Protocol):
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

    async def keep_costs(self, costs: Sequence[LoggedCost], now: datetime) -> None:
        """Keep what the log says of messages that are not booked yet; its latest word counts."""
        ...

    async def take_costs(self, message_ids: Sequence[str]) -> list[LoggedCost]:
        """What was kept of these, which is then kept no more."""
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

    async def load_cards(self, count: int) -> list[Card]:
        """What a person may release, as ``load_waiting`` without tests; not locked."""
        ...

    async def read_last_rank(self) -> float:
        """The least rank of those who wait; 0.0: nobody does."""
        ...

    async def add_act(self, act: Act) -> None:
        """Note what a person did with a card."""
        ...

    async def load_act(self, reply_id: str) -> Act | None:
        """What was last done with it."""
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

    async def add_asked(self, asked: Sequence[Asked]) -> None:
        """Add what was asked by the hour; one a ``since`` and ``what``."""
        ...

    async def read_asked(self, since: datetime) -> list[Asked]:
        """What was asked in the hours from then on, in their order."""
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

    async def claim_standing(self) -> Standing | None:
        """As ``load_standing``; None: another decides, which is not waited for."""
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

    async def note_reconciled(self, told: Reconciled, now: datetime) -> None:
        """After a restore: what the responder found, once; of no restore of ours: nothing."""
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

    async def load_untold(
        self, reply_ids: Sequence[str], changed_before: datetime, count: int
    ) -> list[Reply]:
        """Replies whose authorisation, or end here, was not told yet: of these and of old ones.

        Args:
            changed_before: whatever was decided by then.
        """
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

    async def prune_asked(self, before: datetime) -> None:
        """Forget what is too old to foretell anything."""
        ...

    async def prune_receiving(self, before: datetime) -> None:
        """Forget what no hour counts any more, but the latest webhook's time."""
        ...

    async def prune_costs(self, before: datetime, count_max: int) -> bool:
        """Forget costs kept before that, whose messages never came. False: there may be more."""
        ...


class PostgresTransaction(PostgresGifts):
    """A ``Transaction``."""

    async def add_receipts(self, receipts: Sequence[Receipt]) -> set[str]:
        """See ``Transaction``."""
        if not receipts:
            return set()
        ordered = sorted(receipts, key=lambda receipt: receipt.message_id)
        rows = await self.fetch("add_receipts", *to_arrays(ordered, RECEIPT_COLUMNS))
        return {row["message_id"] for row in rows}

    async def load_receipts(self, message_ids: Sequence[str]) -> dict[str, Receipt]:
        """See ``Transaction``."""
        if not message_ids:
            return {}
        rows = await self.fetch("load_receipts", list(message_ids))
        return {row["message_id"]: to_receipt(row) for row in rows}

    async def save_receipts(self, receipts: Sequence[Receipt]) -> None:
        """See ``Transaction``."""
        if receipts:
            names = ("message_id", "cost_microeuros", "basis", "revision")
            await self.fetch("save_receipts", *to_arrays(receipts, names))

    async def keep_costs(self, costs: Sequence[LoggedCost], now: datetime) -> None:
        """See ``Transaction``."""
        if costs:
            ordered = sorted(costs, key=lambda cost: cost.message_id)
            names = ("message_id", "segments", "amount_microunits")
            await self.fetch("keep_costs", *to_arrays(ordered, names), now)

    async def take_costs(self, message_ids: Sequence[str]) -> list[LoggedCost]:
        """See ``Transaction``."""
        return [LoggedCost(**row) for row in await self.fetch("take_costs", message_ids)]

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
        return {row["reply_id"]: to_reply(row) for row in rows}

    async def find_waiting(self, senders: Sequence[str]) -> list[Reply]:
        """See ``Transaction``."""
        if not senders:
            return []
        return [to_reply(row) for row in await self.fetch("find_waiting", list(senders))]

    async def find_withdrawals(self, senders: Sequence[str]) -> list[Withdrawal]:
        """See ``Transaction``."""
        if not senders:
            return []
        distinct = sorted(set(senders))
        rows = await self.fetch("find_withdrawals", distinct, distinct)
        return [Withdrawal(row["sender"].hex, row["reason"], row["received_at"]) for row in rows]

    async def load_waiting(self, count: int, *, tests_only: bool) -> list[Reply]:
        """See ``Transaction``."""
        return [to_reply(row) for row in await self.fetch("load_waiting", count, tests_only)]

    async def load_cards(self, count: int) -> list[Card]:
        """See ``Transaction``."""
        return [to_card(row) for row in await self.fetch("load_cards", count)]

    async def read_last_rank(self) -> float:
        """See ``Transaction``."""
        rows = await self.fetch("read_last_rank")
        return rows[0]["rank"] if rows else 0.0

    async def add_act(self, act: Act) -> None:
        """See ``Transaction``."""
        await self.fetch("add_act", *act)

    async def load_act(self, reply_id: str) -> Act | None:
        """See ``Transaction``."""
        rows = await self.fetch("load_act", reply_id)
        return to_act(rows[0]) if rows else None

    async def load_expired(self, entered_before: timedelta, count: int) -> list[Reply]:
        """See ``Transaction``."""
        return [to_reply(row) for row in await self.fetch("load_expired", entered_before, count)]

    async def add_replies(self, replies: Sequence[Reply]) -> set[str]:
        """See ``Transaction``."""
        if not replies:
            return set()
        ordered = sorted(replies, key=lambda reply: reply.reply_id)
        rows = await self.fetch("add_replies", *to_arrays(ordered, REPLY_COLUMNS))
        return {row["reply_id"] for row in rows}

    async def save_replies(self, replies: Sequence[Reply]) -> None:
        """See ``Transaction``."""
        if replies:
            await self.fetch("save_replies", *to_arrays(replies, REPLY_SAVED))

    async def add_steps(self, steps: Sequence[Step]) -> None:
        """See ``Transaction``."""
        if steps:
            await self.copy("steps", ("reply_id", "at", "state", "reason"), steps)

    async def add_transfers(self, transfers: Sequence[Transfer]) -> None:
        """See ``Transaction``."""
        if transfers:
            names = ("id", "kind", "subject", "debit", "credit", "amount_microeuros", "at")
            rows = (tuple(getattr(moved, name) for name in names) for moved in transfers)
            await self.copy("transfers", names, rows)

    async def add_tallies(self, deltas: Mapping[str, int]) -> None:
        """See ``Transaction``."""
        changed = {name: delta for name, delta in deltas.items() if delta}
        if changed:
            counted = await self._count(changed)
            new = {name: delta for name, delta in changed.items() if name not in counted}
            if new:
                await self.fetch("ensure_tallies", sorted(new))
                await self._count(new)

    async def _count(self, deltas: Mapping[str, int]) -> set[str]:
        """Returns the counts that are there; one call where all are: the accounts are locked."""
        rows = await self.fetch("add_tallies", list(deltas), list(deltas.values()))
        return {row["name"] for row in rows}

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
        return Interval(
            since,
            row["spent"],
            row["asked"],
            row["surged"],
            replied_microeuros=row["replied"],
            receive_price_microeuros=row["receive_price"],
            reply_price_microeuros=row["reply_price"],
        )

    async def add_asked(self, asked: Sequence[Asked]) -> None:
        """See ``Transaction``."""
        if asked:
            columns = zip(*sorted(asked), strict=True)
            await self.fetch("add_asked", *(list(column) for column in columns))

    async def read_asked(self, since: datetime) -> list[Asked]:
        """See ``Transaction``."""
        return [Asked(**row) for row in await self.fetch("read_asked", since)]

    async def lock_balances(self) -> Balances:
        """See ``Transaction``."""
        return to_balances(await self.fetch("lock_balances"))

    async def read_balances(self) -> Balances:
        """See ``Transaction``."""
        return to_balances(await self.fetch("read_balances"))

    async def load_standing(self) -> Standing:
        """See ``Transaction``."""
        return to_standing((await self.fetch("load_standing"))[0])

    async def claim_standing(self) -> Standing | None:
        """See ``Transaction``."""
        rows = await self.fetch("claim_standing")
        return to_standing(rows[0]) if rows else None

    async def read_standing(self) -> Standing:
        """See ``Transaction``."""
        return to_standing((await self.fetch("read_standing"))[0])

    async def save_standing(self, standing: Standing) -> None:
        """See ``Transaction``."""
        await self.fetch("save_standing", *(getattr(standing, name) for name in STANDING_COLUMNS))

    async def add_posture(self, step: PostureStep) -> None:
        """See ``Transaction``."""
        await self.fetch("add_posture", *step)

    async def note_reconciled(self, told: Reconciled, now: datetime) -> None:
        """See ``Transaction``."""
        found = (told.restoration, now, told.matched, told.recovered)
        await self.fetch("note_reconciled", *found)

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


class PostgresStore(SqlStore):
    """A ``Store``.

    Args:
        pool: of the role ``antirelou_billing``.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, read_queries())

    def transaction(self) -> AbstractAsyncContextManager[PostgresTransaction]:
        """See ``Store``."""
        return self.begin(PostgresTransaction)

    async def load_untold(
        self, reply_ids: Sequence[str], changed_before: datetime, count: int
    ) -> list[Reply]:
        """See ``Store``."""
        found = await self.fetch("load_untold", list(reply_ids), changed_before, count)
        return [to_reply(row) for row in found]

    async def load_unanswered(self, told_before: datetime, count: int) -> list[Reply]:
        """See ``Store``."""
        return [to_reply(row) for row in await self.fetch("load_unanswered", told_before, count)]

    async def mark_told(self, reply_ids: Sequence[str], now: datetime) -> None:
        """See ``Store``."""
        if reply_ids:
            await self.fetch("mark_told", list(reply_ids), now)

    async def load_postures(self) -> list[PostureStep]:
        """See ``Store``."""
        return [to_posture(row) for row in await self.fetch("load_postures")]

    async def mark_postures(self, sequences: Sequence[int], now: datetime) -> None:
        """See ``Store``."""
        if sequences:
            await self.fetch("mark_postures", list(sequences), now)

    async def prune_asked(self, before: datetime) -> None:
        """See ``Store``."""
        await self.fetch("prune_asked", before)

    async def prune_receiving(self, before: datetime) -> None:
        """See ``Store``."""
        await self.fetch("prune_receiving", before)

    async def prune_costs(self, before: datetime, count_max: int) -> bool:
        """See ``Store``."""
        return await self.change("prune_costs", before, count_max) < count_max
