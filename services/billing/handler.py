"""What billing's stage does with what it reads: load, let the core decide, save.

Everything that is told is a row first and told by the timer (``due``), so a crash tells it again.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import TypeVar

from kernel.facts.records import (
    Decision,
    DonationReported,
    LoggedCost,
    ProviderChecked,
    ReceivedKind,
    Record,
    ReplyChanged,
    ReplyState,
    SmsJudged,
    SmsReceived,
    Source,
)
from kernel.log.port import Outgoing
from kernel.stage.stage import Due, Progress, Received
from kernel.values.money import convert_microunits
from services.billing.accountant import Accountant
from services.billing.core.books import Interval, ProviderState, Step
from services.billing.core.ledger import (
    Account,
    Receipt,
    Transfer,
    book_again,
    book_receipt,
    cost_received,
    open_receipt,
)
from services.billing.core.pace import HOURS_A_DAY
from services.billing.core.price import RECEIVED, SURGE_MIN, Asked, count_verdict, hour_of
from services.billing.core.reply import (
    BY,
    WITHDRAWING,
    Entry,
    Reply,
    Withdrawal,
    admit_reply,
    end_reply,
    hear_change,
    is_forgotten,
    reply_unheard_of,
)
from services.billing.core.tariff import Basis, Cost, price_received, price_segment
from services.billing.metrics import Metrics
from services.billing.settings import BillingSettings
from services.billing.store import Store, Transaction
from services.billing.treasurer import book_gifts

R = TypeVar("R", bound=Record)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTES = 60


class BillingHandler:
    """The ``Handler`` of billing's stage.

    Args:
        accountant: decides, with the timer, who is paid for.
        keep: called by the timer: what a person decided is told, the gauges are set.
    """

    def __init__(
        self,
        store: Store,
        settings: BillingSettings,
        accountant: Accountant,
        metrics: Metrics,
        keep: Callable[[datetime], Awaitable[None]],
    ) -> None:
        self._store, self._settings = store, settings
        self._accountant, self._metrics, self._keep = accountant, metrics, keep
        self._minute = settings.hour / _MINUTES

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
        """See ``stage.Handler``. What is told is told by ``due``."""
        records = [received.record for received in batch]
        if told := _of(DonationReported, records):
            await book_gifts(self._store, told, self._settings, now)
        async with self._store.transaction() as store:
            work = _Work(store, now)
            await self._book_receipts(work, _of(SmsReceived, records))
            await self._book_logged(work, _of(ProviderChecked, records))
            await self._hear_verdicts(work, _of(SmsJudged, records))
            await self._hear_changes(work, _of(ReplyChanged, records))
            await work.save()
            await self._hear_provider(store, _of(ProviderChecked, records), now)
        for on, count in work.doubted.items():
            self._metrics.doubted(on, count)
        self._accountant.note_decided(work.replies.values())
        return ()

    async def due(self, progress: Progress, now: datetime) -> Due:
        """See ``stage.Handler``: pay for what may be paid, tell what was decided."""
        await self._keep(now)
        return await self._accountant.due(progress, now)

    # -- what receiving cost ---------------------------------------------------------------------

    async def _book_receipts(self, work: "_Work", messages: Sequence[SmsReceived]) -> None:
        tariff = self._settings.tariff
        first = {message.id: message for message in reversed(messages)}
        receipts = {i: open_receipt(message, tariff) for i, message in first.items()}
        added = await work.store.add_receipts(list(receipts.values()))
        for message_id in added:
            receipt = receipts[message_id]
            work.transfers += book_receipt(receipt, work.now)
            work.tallies["received"] += receipt.kind == ReceivedKind.MESSAGE
            work.tallies["brought_back"] += receipt.source == Source.BACKFILL
            work.doubted["receive"] += receipt.basis is Basis.DOUBTED
            self._note_receiving(work, receipt, receipt.cost_microeuros, first[message_id].segments)
        if len(added) < len(messages):
            again = [m for m in messages if m.id not in added or m is not first[m.id]]
            await self._book_again(work, again)
        if added:
            await self._book_costs(work, await work.store.take_costs(sorted(added)))

    async def _book_again(self, work: "_Work", messages: Sequence[SmsReceived]) -> None:
        known = await work.store.load_receipts(sorted({message.id for message in messages}))
        changed: dict[str, Receipt] = {}
        for message in messages:
            before = changed.get(message.id) or known[message.id]
            cost = cost_received(message, self._settings.tariff)
            booked = book_again(before, cost, work.now)
            if booked.receipt is not before:
                changed[message.id] = booked.receipt
                work.transfers += booked.transfers
                difference = booked.receipt.cost_microeuros - before.cost_microeuros
                self._note_receiving(work, booked.receipt, difference, message.segments)
        await work.store.save_receipts(list(changed.values()))

    async def _book_logged(self, work: "_Work", checks: Sequence[ProviderChecked]) -> None:
        """What the provider's log says receiving cost; of what is not booked yet it is kept."""
        checks = sorted(checks, key=lambda check: check.at)
        costs = {cost.message_id: cost for check in checks for cost in check.received}
        if costs:
            booked = await self._book_costs(work, list(costs.values()))
            early = [cost for cost in costs.values() if cost.message_id not in booked]
            await work.store.keep_costs(early, work.now)

    async def _book_costs(self, work: "_Work", costs: Sequence[LoggedCost]) -> AbstractSet[str]:
        """Returns the messages that are booked."""
        known = await work.store.load_receipts(sorted(cost.message_id for cost in costs))
        changed = []
        for cost in costs:
            before = known.get(cost.message_id)
            if before is None:
                continue
            price = price_received(
                cost.amount_microunits, cost.segments, self._settings.tariff, confirmed=True
            )
            booked = book_again(before, price, work.now)
            if booked.receipt != before:
                changed.append(booked.receipt)
                work.transfers += booked.transfers
                difference = booked.receipt.cost_microeuros - before.cost_microeuros
                self._note_receiving(work, booked.receipt, difference, cost.segments)
        await work.store.save_receipts(changed)
        return known.keys()

    def _note_receiving(self, work: "_Work", receipt: Receipt, amount: int, segments: int) -> None:
        at = min(receipt.received_at, work.now)
        cost = Cost(receipt.cost_microeuros, receipt.basis)
        work.note(
            Interval(
                self._minute_of(at),
                spent_microeuros=amount,
                webhook_at=at if receipt.source == Source.WEBHOOK else None,
                receive_price_microeuros=price_segment(cost, segments),
            )
        )
        work.note_asked(hour_of(at, self._settings.hour), {RECEIVED: amount})

    def _note_replied(
        self, work: "_Work", before: Reply, after: Reply, change: ReplyChanged
    ) -> None:
        if after.basis is None or after.cost_microeuros == before.cost_microeuros:
            return
        segments = change.segments or self._settings.tariff.reply_segments
        cost = Cost(after.cost_microeuros, after.basis)
        work.note(
            Interval(
                self._minute_of(min(change.at, work.now)),
                replied_microeuros=after.cost_microeuros - before.cost_microeuros,
                reply_price_microeuros=price_segment(cost, segments),
            )
        )

    def _note_asked(self, work: "_Work", reply: Reply, verdict: SmsJudged) -> None:
        surge = verdict.basis.get("surge", 0)
        work.note(
            Interval(
                self._minute_of(verdict.due_at),
                asked_microeuros=reply.price_microeuros,
                surged=isinstance(surge, int | float) and surge >= SURGE_MIN,
            )
        )

    def _note_judged(self, work: "_Work", verdict: SmsJudged) -> None:
        hour = hour_of(min(verdict.due_at, work.now), self._settings.hour)
        work.note_asked(hour, count_verdict(verdict))

    def _minute_of(self, at: datetime) -> datetime:
        return at - (at - _EPOCH) % self._minute

    # -- who deserves a reply --------------------------------------------------------------------

    async def _hear_verdicts(self, work: "_Work", verdicts: Sequence[SmsJudged]) -> None:
        if not verdicts:
            return
        distinct = {verdict.id: verdict for verdict in reversed(verdicts)}  # the first counts
        added = await work.store.add_verdicts(list(distinct.values()))
        for message_id in added:
            verdict = distinct[message_id]
            if verdict.decision is not Decision.REPLY:
                self._note_judged(work, verdict)
            if verdict.kind is ReceivedKind.MESSAGE:
                work.tallies[f"judged.{_name_verdict(verdict)}"] += 1
        replied = [v for v in distinct.values() if v.decision is Decision.REPLY and v.id in added]
        if replied:
            await self._admit(work, replied)
        withdrawing = [v for v in distinct.values() if v.reason in WITHDRAWING]
        withdrawing.sort(key=lambda verdict: verdict.received_at)
        latest = {v.sender: Withdrawal(v.sender, v.reason, v.received_at) for v in withdrawing}
        for reply in await work.store.find_waiting(sorted(latest)):
            withdrawal = latest[reply.sender]
            if withdrawal.covers(reply):
                ended = end_reply(reply, ReplyState.REFUSED, withdrawal.reason, work.now)
                work.change(reply, ended)

    async def _admit(self, work: "_Work", replied: Sequence[SmsJudged]) -> None:
        """Let them into the waiting room."""
        standing = await work.store.read_standing()
        shown = self._settings.advance(standing, work.now).shown
        entry = Entry(shown, self._settings.age, work.now)
        admitted = [admit_reply(verdict, self._settings.tariff, entry) for verdict in replied]
        for reply, verdict in zip(admitted, replied, strict=True):
            if reply.state is ReplyState.WAITING:
                self._note_asked(work, reply, verdict)
                self._note_judged(work, verdict)
        await work.add_replies(admitted)

    # -- what became of replies ------------------------------------------------------------------

    async def _hear_changes(self, work: "_Work", changes: Sequence[ReplyChanged]) -> None:
        changes = [change for change in changes if change.by != BY]
        if not changes:
            return
        known = await work.load_replies([change.reply_id for change in changes])
        changes = [c for c in changes if not is_forgotten(known.get(c.reply_id), c)]
        strange = {
            change.reply_id: reply_unheard_of(change, work.now)
            for change in changes
            if change.reply_id not in known
        }
        await work.add_replies(list(strange.values()))
        for change in changes:
            before = work.replies[change.reply_id]
            stepped = hear_change(before, change, self._settings.tariff, work.now)
            doubted = stepped.reply.basis is Basis.DOUBTED is not before.basis
            work.doubted["reply"] += doubted
            work.change(before, stepped.reply)
            work.transfers += stepped.transfers
            self._note_replied(work, before, stepped.reply, change)

    async def _hear_provider(
        self, store: Transaction, checks: Sequence[ProviderChecked], now: datetime
    ) -> None:
        if not checks:
            return
        balances = await store.read_balances()
        spent = balances[Account.SPENT_RECEIVE] + balances[Account.SPENT_REPLY]
        rate = self._settings.tariff.rate_micro
        for check in sorted(checks, key=lambda checked: checked.at):
            if check.reconciled is not None:
                await store.note_reconciled(check.reconciled, check.at)
                continue
            if check.received:
                continue
            credit = check.credit_microunits
            euros = None if credit is None else convert_microunits(max(credit, 0), rate)
            since = spent  # of what is not kept so long nobody knows when it was
            if now - check.at <= HOURS_A_DAY * self._settings.hour:
                since = await self._read_spent_since(store, check.at)
            then = max(spent - since, 0)
            await store.save_provider(ProviderState(check.at, euros, then, check.attached))

    async def _read_spent_since(self, store: Transaction, at: datetime) -> int:
        """Booked, and not off a credit that was read then: the check was on its way meanwhile.

        What came within the same minute counts as later.
        """
        since = await store.read_receiving(at - self._minute)
        return max(since.spent_microeuros + since.replied_microeuros, 0)


class _Work:
    """What one batch changes, saved in one order (``store``)."""

    def __init__(self, store: Transaction, now: datetime) -> None:
        self.store, self.now = store, now
        self.replies: dict[str, Reply] = {}
        self.changed: dict[str, None] = {}
        self.steps: list[Step] = []
        self.transfers: list[Transfer] = []
        self.tallies: Counter[str] = Counter()
        self.doubted: Counter[str] = Counter()
        self.receiving: dict[datetime, Interval] = {}
        self.asked: Counter[tuple[datetime, int]] = Counter()

    def note(self, added: Interval) -> None:
        """Something was asked of the fund."""
        known = self.receiving.get(added.since)
        self.receiving[added.since] = added if known is None else known.plus(added)

    def note_asked(self, since: datetime, counted: Mapping[int, int]) -> None:
        """Something foretells what will be asked."""
        self.asked.update({(since, what): amount for what, amount in counted.items()})

    async def load_replies(self, reply_ids: Sequence[str]) -> Mapping[str, Reply]:
        """Replies as they are now, in this batch or in the store."""
        missing = [reply_id for reply_id in reply_ids if reply_id not in self.replies]
        self.replies |= await self.store.load_replies(missing)
        return self.replies

    async def add_replies(self, replies: Sequence[Reply]) -> None:
        """Replies that are new, each with its first state."""
        added = await self.store.add_replies(replies)
        for reply in replies:
            if reply.reply_id in added:
                self.replies[reply.reply_id] = reply
                self.steps.append(step_of(reply))
                self.tallies[f"reply.{reply.state}"] += 1

    def change(self, before: Reply, after: Reply) -> None:
        """A reply is another one now."""
        if after == before:
            return
        self.replies[after.reply_id] = after
        self.changed[after.reply_id] = None
        self.tallies.update(count_change(before, after))
        if (before.state, before.reason) != (after.state, after.reason):
            self.steps.append(step_of(after))

    async def save(self) -> None:
        """Save; accounts and tallies last."""
        await self.store.save_replies([self.replies[reply_id] for reply_id in self.changed])
        await self.store.add_steps(self.steps)
        await self.store.add_transfers(self.transfers)
        await self.store.add_receiving(list(self.receiving.values()))
        await self.store.add_asked([Asked(*key, n) for key, n in self.asked.items() if n])
        await self.store.add_tallies(self.tallies)


def step_of(reply: Reply) -> Step:
    """The state that a reply came into."""
    return Step(reply.reply_id, reply.changed_at, reply.state, reply.reason)


def count_change(before: Reply, after: Reply) -> dict[str, int]:
    """How the tallies change with a reply's state."""
    if before.state is after.state:
        return {}
    return {f"reply.{before.state}": -1, f"reply.{after.state}": 1}


def _name_verdict(verdict: SmsJudged) -> str:
    return Decision.REPLY if verdict.decision is Decision.REPLY else verdict.reason


def _of(kind: type[R], records: Iterable[Record]) -> list[R]:
    return [record for record in records if isinstance(record, kind)]
