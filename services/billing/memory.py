"""Billing's store in memory: the same promises, one transaction at a time."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from kernel.facts.records import LoggedCost, ReceivedKind, Reconciled, ReplyState, SmsJudged
from services.billing.core.books import Interval, PostureStep, ProviderState, Step
from services.billing.core.ledger import (
    EMPTY,
    OWING,
    Account,
    Balances,
    Receipt,
    Transfer,
    TransferKind,
    apply_transfers,
)
from services.billing.core.posture import FIRST, Standing
from services.billing.core.price import Asked
from services.billing.core.release import Act, Action, Card
from services.billing.core.reply import WITHDRAWING, Reply, Withdrawal
from services.billing.memory_gifts import GiftTables, MemoryGifts
from services.billing.memory_minutes import Minutes
from services.billing.memory_replies import ReplyTable

_DELIVERED = (ReplyState.DELIVERED, ReplyState.UNDELIVERED, ReplyState.FAILED)


@dataclass(slots=True)
class Tables:
    """What is kept; the values are immutable, so a copy of the containers is a snapshot."""

    receipts: dict[str, Receipt] = field(default_factory=dict)
    costs: dict[str, tuple[datetime, LoggedCost]] = field(default_factory=dict)
    verdicts: dict[str, SmsJudged] = field(default_factory=dict)
    withdrawn: dict[str, SmsJudged] = field(default_factory=dict)
    replies: ReplyTable = field(default_factory=ReplyTable)
    steps: list[Step] = field(default_factory=list)
    transfers: dict[str, Transfer] = field(default_factory=dict)
    balances: Balances = field(default_factory=lambda: EMPTY)
    tallies: dict[str, int] = field(default_factory=dict)
    receiving: Minutes = field(default_factory=Minutes)
    asked: dict[tuple[datetime, int], int] = field(default_factory=dict)
    standing: Standing = FIRST
    reconciled: dict[str, tuple[Reconciled, datetime]] = field(default_factory=dict)
    postures: dict[int, tuple[PostureStep, bool]] = field(default_factory=dict)
    provider: ProviderState = field(default_factory=ProviderState)
    gifts: GiftTables = field(default_factory=GiftTables)
    releases: list[Act] = field(default_factory=list)

    def copy(self) -> "Tables":
        """A snapshot."""
        return replace(
            self,
            receipts=dict(self.receipts),
            costs=dict(self.costs),
            verdicts=dict(self.verdicts),
            withdrawn=dict(self.withdrawn),
            replies=self.replies.copy(),
            steps=list(self.steps),
            transfers=dict(self.transfers),
            tallies=dict(self.tallies),
            receiving=self.receiving.copy(),
            asked=dict(self.asked),
            postures=dict(self.postures),
            gifts=self.gifts.copy(),
            releases=list(self.releases),
        )


class MemoryTransaction(MemoryGifts):
    """A ``Transaction``."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables.gifts)
        self._tables = tables

    async def add_receipts(self, receipts: Sequence[Receipt]) -> set[str]:
        """See ``Transaction``."""
        new = {r.message_id: r for r in receipts if r.message_id not in self._tables.receipts}
        self._tables.receipts |= new
        return set(new)

    async def load_receipts(self, message_ids: Sequence[str]) -> dict[str, Receipt]:
        """See ``Transaction``."""
        receipts = self._tables.receipts
        return {i: receipts[i] for i in message_ids if i in receipts}

    async def save_receipts(self, receipts: Sequence[Receipt]) -> None:
        """See ``Transaction``."""
        self._tables.receipts |= {receipt.message_id: receipt for receipt in receipts}

    async def keep_costs(self, costs: Sequence[LoggedCost], now: datetime) -> None:
        """See ``Transaction``."""
        self._tables.costs |= {cost.message_id: (now, cost) for cost in costs}

    async def take_costs(self, message_ids: Sequence[str]) -> list[LoggedCost]:
        """See ``Transaction``."""
        kept = self._tables.costs
        return [kept.pop(i)[1] for i in message_ids if i in kept]

    async def add_verdicts(self, verdicts: Sequence[SmsJudged]) -> set[str]:
        """See ``Transaction``."""
        new = {v.id: v for v in verdicts if v.id not in self._tables.verdicts}
        self._tables.verdicts |= new
        for verdict in new.values():
            if verdict.reason in WITHDRAWING:
                known = self._tables.withdrawn.setdefault(verdict.sender, verdict)
                if known.received_at < verdict.received_at:
                    self._tables.withdrawn[verdict.sender] = verdict
        return set(new)

    async def load_replies(self, reply_ids: Sequence[str]) -> dict[str, Reply]:
        """See ``Transaction``."""
        rows = self._tables.replies.rows
        return {i: rows[i] for i in reply_ids if i in rows}

    async def find_waiting(self, senders: Sequence[str]) -> list[Reply]:
        """See ``Transaction``."""
        return self._tables.replies.waiting_of(senders)

    async def find_withdrawals(self, senders: Sequence[str]) -> list[Withdrawal]:
        """See ``Transaction``. Nobody blocks here."""
        found = [self._tables.withdrawn[s] for s in set(senders) if s in self._tables.withdrawn]
        return [Withdrawal(v.sender, v.reason, v.received_at) for v in found]

    async def load_waiting(self, count: int, *, tests_only: bool) -> list[Reply]:
        """See ``Transaction``."""
        return self._tables.replies.waiting(count, tests_only=tests_only)

    async def load_cards(self, count: int) -> list[Card]:
        """See ``Transaction``."""
        cards = []
        for reply in self._tables.replies.waiting(count, tests_only=False, tests=False):
            texts = [
                receipt.received_at
                for receipt in self._tables.receipts.values()
                if receipt.sender == reply.sender
                and receipt.kind == ReceivedKind.MESSAGE
                and receipt.received_at >= reply.received_at
            ]
            verdict = self._tables.verdicts.get(reply.reply_id)
            last_at = max(texts, default=reply.received_at)
            cards.append(Card(reply, last_at, len(texts), verdict.basis if verdict else {}))
        return cards

    async def read_last_rank(self) -> float:
        """See ``Transaction``."""
        return self._tables.replies.last_rank()

    async def add_act(self, act: Act) -> None:
        """See ``Transaction``."""
        known = await self.load_act(act.reply_id)
        assert known is None or known.action is Action.LATER, "one act, one message"
        self._tables.releases.append(act)

    async def load_act(self, reply_id: str) -> Act | None:
        """See ``Transaction``."""
        found = [act for act in self._tables.releases if act.reply_id == reply_id]
        return found[-1] if found else None

    async def load_expired(self, entered_before: timedelta, count: int) -> list[Reply]:
        """See ``Transaction``."""
        return self._tables.replies.entered_before(entered_before, count)

    async def add_replies(self, replies: Sequence[Reply]) -> set[str]:
        """See ``Transaction``."""
        rows = self._tables.replies.rows
        new = {reply.reply_id: reply for reply in replies if reply.reply_id not in rows}
        for reply in new.values():
            self._tables.replies.put(reply)
        return set(new)

    async def save_replies(self, replies: Sequence[Reply]) -> None:
        """See ``Transaction``."""
        for reply in replies:
            assert reply.reply_id in self._tables.replies.rows
            self._tables.replies.put(reply)

    async def add_steps(self, steps: Sequence[Step]) -> None:
        """See ``Transaction``."""
        self._tables.steps += steps

    async def add_transfers(self, transfers: Sequence[Transfer]) -> None:
        """See ``Transaction``."""
        for moved in transfers:
            assert moved.id not in self._tables.transfers, moved.kind
            self._tables.transfers[moved.id] = moved
        after = apply_transfers(self._tables.balances, transfers)
        reserving = any(moved.kind is TransferKind.RESERVE for moved in transfers)
        assert after[Account.FUND] >= 0 or not reserving, "overdrawn"
        owned = set(Account) - OWING
        assert all(after[account] >= 0 for account in owned), after
        self._tables.balances = after

    async def add_tallies(self, deltas: Mapping[str, int]) -> None:
        """See ``Transaction``."""
        for name, delta in deltas.items():
            self._tables.tallies[name] = self._tables.tallies.get(name, 0) + delta

    async def read_tallies(self) -> dict[str, int]:
        """See ``Transaction``."""
        return dict(self._tables.tallies)

    async def add_receiving(self, intervals: Sequence[Interval]) -> None:
        """See ``Transaction``."""
        for new in intervals:
            self._tables.receiving.add(new)

    async def read_receiving(self, since: datetime) -> Interval:
        """See ``Transaction``."""
        return self._tables.receiving.since(since)

    async def add_asked(self, asked: Sequence[Asked]) -> None:
        """See ``Transaction``."""
        for since, what, amount in asked:
            known = self._tables.asked.get((since, what), 0)
            self._tables.asked[since, what] = known + amount

    async def read_asked(self, since: datetime) -> list[Asked]:
        """See ``Transaction``."""
        return [Asked(*key, n) for key, n in sorted(self._tables.asked.items()) if key[0] >= since]

    async def lock_balances(self) -> Balances:
        """See ``Transaction``."""
        return self._tables.balances

    async def read_balances(self) -> Balances:
        """See ``Transaction``."""
        return self._tables.balances

    async def load_standing(self) -> Standing:
        """See ``Transaction``."""
        return self._tables.standing

    async def claim_standing(self) -> Standing | None:
        """See ``Transaction``. One at a time is here at all."""
        return self._tables.standing

    async def read_standing(self) -> Standing:
        """See ``Transaction``."""
        return self._tables.standing

    async def save_standing(self, standing: Standing) -> None:
        """See ``Transaction``."""
        self._tables.standing = standing

    async def add_posture(self, step: PostureStep) -> None:
        """See ``Transaction``."""
        assert step.sequence not in self._tables.postures
        self._tables.postures[step.sequence] = (step, False)

    async def note_reconciled(self, told: Reconciled, now: datetime) -> None:
        """See ``Transaction``."""
        self._tables.reconciled.setdefault(told.restoration, (told, now))

    async def read_deliveries(self, count: int) -> list[bool]:
        """See ``Transaction``."""
        reported = self._tables.replies.last_reported(count)
        return [reply.state is ReplyState.DELIVERED for reply in reported]

    async def read_provider(self) -> ProviderState:
        """See ``Transaction``."""
        return self._tables.provider

    async def save_provider(self, state: ProviderState) -> None:
        """See ``Transaction``."""
        known = self._tables.provider
        assert state.checked_at is not None
        if known.checked_at is None or known.checked_at < state.checked_at:
            attached = known.attached if state.attached is None else state.attached
            self._tables.provider = replace(state, attached=attached)


class MemoryStore:
    """A ``Store``.

    Args:
        snapshots: an error in a transaction leaves nothing of it; False: it may leave a part, for
            one who ends with it, as a rehearsal does.
    """

    def __init__(self, *, snapshots: bool = True) -> None:
        self._tables = Tables()
        self._snapshots = snapshots
        self._lock = asyncio.Lock()

    @property
    def tables(self) -> Tables:
        """What was committed, to look at."""
        return self._tables

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryTransaction]:
        """See ``Store``."""
        async with self._lock:
            tables = self._tables.copy() if self._snapshots else self._tables
            yield MemoryTransaction(tables)
            self._tables = tables

    async def load_untold(
        self, reply_ids: Sequence[str], changed_before: datetime, count: int
    ) -> list[Reply]:
        """See ``Store``."""
        return self._tables.replies.untold(reply_ids, changed_before, count)

    async def load_unanswered(self, told_before: datetime, count: int) -> list[Reply]:
        """See ``Store``."""
        return self._tables.replies.unanswered(told_before, count)

    async def mark_told(self, reply_ids: Sequence[str], now: datetime) -> None:
        """See ``Store``."""
        async with self._lock:
            for reply_id in reply_ids:
                reply = self._tables.replies.rows[reply_id]
                self._tables.replies.put(replace(reply, told_at=now))

    async def load_postures(self) -> list[PostureStep]:
        """See ``Store``."""
        return [step for _, (step, told) in sorted(self._tables.postures.items()) if not told]

    async def mark_postures(self, sequences: Sequence[int], now: datetime) -> None:
        """See ``Store``."""
        async with self._lock:
            for sequence in sequences:
                step, _ = self._tables.postures[sequence]
                self._tables.postures[sequence] = (step, True)

    async def prune_asked(self, before: datetime) -> None:
        """See ``Store``."""
        async with self._lock:
            kept = {key: n for key, n in self._tables.asked.items() if key[0] >= before}
            self._tables.asked = kept

    async def prune_receiving(self, before: datetime) -> None:
        """See ``Store``."""
        async with self._lock:
            self._tables.receiving.prune(before)

    async def prune_costs(self, before: datetime, count_max: int) -> bool:
        """See ``Store``."""
        async with self._lock:
            old = [i for i, (at, _) in self._tables.costs.items() if at < before]
            for message_id in old[:count_max]:
                del self._tables.costs[message_id]
        return len(old) < count_max
