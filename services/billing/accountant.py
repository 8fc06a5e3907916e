"""The accountant at work: looks at the books, decides the posture, pays for whom it can, tells.

One look is one transaction under the standing's lock, so one replica decides at a time, and who
finds another deciding lets it. Balances are locked, and looked at again, where somebody can be
paid. What is decided is rows; they are told after the commit, and again after a crash.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

import structlog

from kernel.facts.records import (
    PostureChanged,
    Reason,
    Refusal,
    ReplyKind,
    ReplyState,
    SmsReceived,
    derive_id,
    derive_trace,
)
from kernel.facts.topics import PARTITIONS, outgoing
from kernel.log.port import Outgoing
from kernel.stage.stage import Due, Progress
from kernel.values.clock import Clock
from kernel.values.errors import Transient
from kernel.values.money import format_euros
from services.billing.core.books import PostureStep, Step
from services.billing.core.ledger import Account, Balances, Transfer, donated
from services.billing.core.outlook import Outlook, plan_outlook
from services.billing.core.pace import HOURS_A_DAY, LONG_HOURS, Demand
from services.billing.core.posture import (
    DELIVERIES_JUDGED,
    HOLDING,
    Cause,
    Facts,
    Standing,
    decide_standing,
    floor_for_replies,
    until_horizon,
)
from services.billing.core.price import (
    DAYS_KEPT,
    NOTHING_KEPT,
    Reserve,
    hour_of,
    plan_reserve,
)
from services.billing.core.release import Act, Action, put_behind
from services.billing.core.reply import (
    TOLD_HERE,
    Reply,
    Withdrawal,
    describe_authorization,
    describe_end,
    end_reply,
    pay_reply,
)
from services.billing.core.room import Allowance, Load, choose_replies, plan_allowance
from services.billing.core.tariff import price_reply
from services.billing.core.unread import Unread, fresh_unread, heed_unread, sum_lags
from services.billing.core.waiting import next_quiet_or_loud
from services.billing.metrics import Metrics
from services.billing.operator import Outcome
from services.billing.settings import BillingSettings
from services.billing.store import Store, Transaction

LOG = structlog.get_logger("billing")

LOOK_SECONDS = 2.0
"""How often one looks although nothing happened: days turn, waits end, a hold of quiet is over."""
EXPIRED_MAX = 1000
TOLD_MAX = 1000
LAG_SECONDS = 1.0
"""How old the group's lag may be where other members hold partitions too."""
LAG_UNKNOWN = "lag_unknown"
"""The code of the log's refusal where a group has committed beyond the end of a partition."""
LAIN = timedelta(seconds=5)
"""What another member has decided and not told for so long is told in its place."""
RESERVES_AN_HOUR = 4
"""So often what is kept is planned anew."""
OWN_MAX = 10_000
"""Decisions remembered as one's own; any beyond are told once they have lain."""


class Accountant:
    """Decides who is paid for, and what the others are told.

    Args:
        count_lag: the group's lag on the receipts, where other members hold some of them.
    """

    def __init__(
        self,
        store: Store,
        count_lag: Callable[[], Awaitable[int]],
        settings: BillingSettings,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store, self._count_lag, self._settings = store, count_lag, settings
        self._clock, self._metrics = clock, metrics
        self._lag: int | None = None
        self._lag_at = float("-inf")
        self._own: dict[str, None] = {}
        """Replies that this member decided and has not told, in that order."""
        self._own_postures: set[int] = set()
        self._reserve = NOTHING_KEPT
        self._reserved_at: tuple[datetime, datetime | None] | None = None
        self._went_by: Unread | None = None
        """What this member found itself, and wrote last."""

    async def due(self, progress: Progress, now: datetime) -> Due:
        """See ``stage.Handler``."""
        unread = await self._count_unread(progress, now)
        await self.look(unread, now, wait=False)
        replies = await self._load_untold(now)
        if not replies:
            before = now - self._settings.reappend_after
            replies = await self._store.load_unanswered(before, TOLD_MAX)
        postures = await self._store.load_postures()
        postures = [p for p in postures if p.sequence in self._own_postures or now - p.at >= LAIN]
        records = [*map(_describe_posture, postures), *map(_describe, replies)]

        async def mark() -> None:
            at = self._clock.now()
            await self._store.mark_postures([posture.sequence for posture in postures], at)
            await self._store.mark_told([reply.reply_id for reply in replies], at)
            self._own_postures.difference_update(posture.sequence for posture in postures)
            self._forget(reply.reply_id for reply in replies)

        return Due(records, mark if records else None, self._look_next(now))

    async def _load_untold(self, now: datetime) -> list[Reply]:
        """What this member decided, and what another did and has not told for so long."""
        own = list(islice(self._own, TOLD_MAX))
        found = await self._store.load_untold(own, now - LAIN, TOLD_MAX)
        if len(found) < TOLD_MAX:  # of the others somebody has told, or heard, already
            self._forget(set(own).difference(reply.reply_id for reply in found))
        return found

    def _forget(self, reply_ids: Iterable[str]) -> None:
        for reply_id in reply_ids:
            self._own.pop(reply_id, None)

    async def look(self, unread: Unread | None, now: datetime, *, wait: bool = True) -> None:
        """Decide the posture, end what waited too long, pay for whom the fund can.

        Args:
            unread: receipts that are not booked yet; None: this member cannot say.
            wait: for another who decides; without it, that one is let decide.
        """
        changes = _Changes()
        async with self._store.transaction() as store:
            before = await (store.load_standing() if wait else store.claim_standing())
            if before is None:
                return
            heeded = heed_unread(unread, self._read_others(before), now)
            standing = await self._decide(store, before, heeded, changes, now)
            await changes.save(store)
            await store.save_standing(standing)
        if unread is not None and heeded == unread:
            self._went_by = unread
        if standing.sequence != before.sequence:
            self._own_postures.add(standing.sequence)
        self.note_decided(changes.replies.values())

    async def _decide(
        self,
        store: Transaction,
        before: Standing,
        unread: Unread | None,
        changes: "_Changes",
        now: datetime,
    ) -> Standing:
        """What ``look`` does, under the standing's lock. Returns the standing from now on."""
        settings = self._settings
        counts = await store.read_tallies()
        waiting = counts.get(f"reply.{ReplyState.WAITING}", 0)
        load = self._load(counts, unread, now)
        begun = settings.advance(before, now)
        if unread is not None:
            begun = replace(begun, unread=unread.count, unread_at=unread.at)
        reserve = await self._plan_reserve(store, begun, now)
        facts = await self._read_facts(store, await store.read_balances(), waiting, now)
        facts = replace(facts, kept=reserve.most)
        standing = decide_standing(begun, facts, settings.posture, now)
        if waiting:
            await self._end_expired(store, standing, changes, now)
            allowance = plan_allowance(standing, facts, load, reserve, settings.room)
            chosen = await self._choose(store, allowance, changes)
            if chosen:
                # From here on nobody books; what was booked meanwhile counts.
                facts = await self._read_facts(store, await store.lock_balances(), waiting, now)
                facts = replace(facts, kept=reserve.most)
                standing = decide_standing(begun, facts, settings.posture, now)
                allowance = plan_allowance(standing, facts, load, reserve, settings.room)
                chosen = choose_replies(chosen, allowance)
                standing = await self._pay(store, standing, chosen, changes, now)
        if standing.sequence != before.sequence:
            await store.add_posture(_describe_step(standing, facts, waiting, now))
        return standing

    async def release(self, act: Act) -> Outcome:
        """Do what a person says with one reply that waits; see ``OperatorStore.release``."""
        changes = _Changes()
        async with self._store.transaction() as store:
            standing = await store.load_standing()
            reply = (await store.load_replies([act.reply_id])).get(act.reply_id)
            if reply is None or reply.kind is ReplyKind.TEST:
                return Outcome.UNKNOWN
            if reply.state is not ReplyState.WAITING:
                known = await store.load_act(act.reply_id)
                return Outcome.REPEATED if act.repeats(known) else Outcome.CONFLICT
            if act.action is Action.LATER:
                await store.save_replies([put_behind(reply, await store.read_last_rank())])
            elif act.action is Action.SKIP:
                changes.add(end_reply(reply, ReplyState.REFUSED, Refusal.SKIPPED, act.at))
            else:
                refused = await self._send(store, standing, reply, changes, act.at)
                if refused is not None:
                    return refused
            ended = changes.replies.get(act.reply_id)
            # He wrote STOP meanwhile, or is blocked, or the cap is another one.
            crossed = ended is not None and ended.reason not in {"", Refusal.SKIPPED}
            if not crossed:
                await store.add_act(act)
            await changes.save(store)
        self.note_decided(changes.replies.values())
        return Outcome.CONFLICT if crossed else Outcome.DONE

    async def _send(
        self,
        store: Transaction,
        before: Standing,
        reply: Reply,
        changes: "_Changes",
        now: datetime,
    ) -> Outcome | None:
        """Authorise one reply by what ``look`` goes by, under the standing's lock.

        Args:
            before: locked.

        Returns:
            why not; None: it is authorised, or refused after all.
        """
        settings = self._settings
        counts = await store.read_tallies()
        load = replace(
            self._load(counts, self._known_unread(before, now), now),
            outstanding=0,  # a person is slow enough
            quiet=False,  # he has decided; the responder keeps it until morning
        )
        if load.unread is None:
            raise Transient("what was received is being counted", code="unread_unknown")
        waiting = counts.get(f"reply.{ReplyState.WAITING}", 0)
        begun = settings.advance(before, now)
        reserve = await self._plan_reserve(store, begun, now)
        facts = await self._read_facts(store, await store.lock_balances(), waiting, now)
        facts = replace(facts, kept=reserve.most)
        standing = decide_standing(begun, facts, settings.posture, now)
        # Whom to keep money for is what he judges.
        allowance = plan_allowance(standing, facts, load, NOTHING_KEPT, settings.room)
        if not choose_replies([reply], allowance):
            held = standing.cause in HOLDING and allowance.tests_only
            return Outcome.HELD if held else Outcome.NO_MONEY
        standing = await self._pay(store, standing, [reply], changes, now)
        if standing.sequence != before.sequence:
            await store.add_posture(_describe_step(standing, facts, waiting, now))
        await store.save_standing(standing)
        return None

    def _known_unread(self, standing: Standing, now: datetime) -> Unread | None:
        """What was last gone by, if it is fresh; where receiving is free, it does not matter."""
        if not self._settings.tariff.receive_microeuros:
            return Unread(0, now)
        if standing.unread_at is None:
            return None
        return fresh_unread(Unread(standing.unread, standing.unread_at), now)

    async def refuse_blocked(self, sender: str, now: datetime) -> None:
        """End what still waits for a sender whom the operator has blocked."""
        block, changes = Withdrawal(sender, Reason.BLOCKED, None), _Changes()
        async with self._store.transaction() as store:
            for reply in await store.find_waiting([sender]):
                if block.covers(reply):
                    changes.add(end_reply(reply, ReplyState.REFUSED, block.reason, now))
            await changes.save(store)
        self.note_decided(changes.replies.values())

    def note_decided(self, replies: Collection[Reply]) -> None:
        """They are committed: tell those that billing paid for or ended, count those it ended."""
        self._metrics.ended(replies)
        if len(self._own) < OWN_MAX:
            decided = (r for r in replies if r.told_at is None and r.state in TOLD_HERE)
            self._own |= {reply.reply_id: None for reply in decided}

    async def read_outlook(self, store: Transaction, now: datetime) -> tuple[int, Outlook]:
        """What replies may not touch now, micro-euros, and how long the fund lasts."""
        facts = await self._read_facts(store, await store.read_balances(), 0, now)
        standing, rules = await store.read_standing(), self._settings.posture
        return floor_for_replies(facts, standing, rules), plan_outlook(facts, standing, rules)

    async def _read_facts(
        self, store: Transaction, balances: Balances, waiting: int, now: datetime
    ) -> Facts:
        provider = await store.read_provider()
        spent = balances[Account.SPENT_RECEIVE] + balances[Account.SPENT_REPLY]
        credit = provider.credit_microeuros
        if credit is not None:
            credit -= spent - provider.spent_microeuros + balances[Account.RESERVED]
        hour = await store.read_receiving(now - self._settings.hour)
        six_hours = await store.read_receiving(now - LONG_HOURS * self._settings.hour)
        day = await store.read_receiving(now - HOURS_A_DAY * self._settings.hour)
        price = price_reply(self._settings.tariff)
        return Facts(
            available=balances[Account.FUND],
            reserved=balances[Account.RESERVED],
            spent=spent,
            replies=balances[Account.SPENT_REPLY] + balances[Account.RESERVED],
            received_last_hour=hour.spent_microeuros,
            credit=credit,
            given=donated(balances),
            deliveries=await store.read_deliveries(DELIVERIES_JUDGED),
            next_price=price,
            today=now.astimezone(self._settings.zone).date(),
            demand=Demand(
                hour=hour.spent_microeuros + hour.asked_microeuros,
                day=day.spent_microeuros + day.asked_microeuros,
                six_hours=six_hours.spent_microeuros + six_hours.asked_microeuros,
                surged=hour.surged,
            ),
            waiting=waiting * price,
        )

    async def _plan_reserve(self, store: Transaction, standing: Standing, now: datetime) -> Reserve:
        """What is kept from whom; planned a few times an hour, and after a donation."""
        hour = self._settings.hour
        planned_at = (hour_of(now, hour / RESERVES_AN_HOUR), standing.donated_at)
        if planned_at != self._reserved_at:
            asked = await store.read_asked(hour_of(now, hour) - DAYS_KEPT * HOURS_A_DAY * hour)
            until = until_horizon(standing, self._settings.posture, now)
            price = price_reply(self._settings.tariff)
            self._reserve = plan_reserve(asked, until, price, self._settings.price, now)
            self._reserved_at = planned_at
        return self._reserve

    def _load(self, counts: dict[str, int], unread: Unread | None, now: datetime) -> Load:
        quiet = self._settings.quiet
        return Load(
            outstanding=counts.get(f"reply.{ReplyState.AUTHORIZED}", 0),
            ahead_max=self._settings.ahead_max,
            unread=None if unread is None else unread.count,
            unread_max=self._settings.unread_max,
            quiet=self._settings.by_person or (quiet is not None and quiet.covers(now)),
        )

    async def _end_expired(
        self, store: Transaction, standing: Standing, changes: "_Changes", now: datetime
    ) -> None:
        entered_before = standing.shown - self._settings.wait_longest
        expired = await store.load_expired(entered_before, EXPIRED_MAX)
        for reply in expired:
            changes.add(end_reply(reply, ReplyState.EXPIRED, "max_wait", now))

    async def _choose(
        self, store: Transaction, allowance: Allowance, changes: "_Changes"
    ) -> Sequence[Reply]:
        """Who could be paid for, locked."""
        free = not price_reply(self._settings.tariff)  # what costs nothing needs nothing
        if not allowance.count or allowance.amount_microeuros < (0 if free else 1):
            return ()
        found = await store.load_waiting(allowance.count, tests_only=allowance.tests_only)
        waiting = (reply for reply in found if reply.reply_id not in changes.replies)
        return choose_replies(waiting, allowance)

    async def _pay(
        self,
        store: Transaction,
        standing: Standing,
        chosen: Sequence[Reply],
        changes: "_Changes",
        now: datetime,
    ) -> Standing:
        """Authorise, or refuse after all. Returns the standing with the probes that are left."""
        withdrawals = await store.find_withdrawals([reply.sender for reply in chosen])
        for reply in chosen:
            stepped = pay_reply(reply, withdrawals, self._settings.tariff, now)
            changes.add(stepped.reply)
            changes.transfers += stepped.transfers
            if stepped.reply.state is ReplyState.REFUSED:
                continue
            if standing.cause is Cause.DELIVERIES_FAILING and standing.probes:
                standing = replace(standing, probes=standing.probes - 1)
        return standing

    async def _count_unread(self, progress: Progress, now: datetime) -> Unread | None:
        """Receipts in the log that are not booked; None: this member cannot say."""
        places = {*progress.lags, *progress.watermarks}
        held = [progress.lags.get(p) for p in places if p.topic == SmsReceived.TOPIC]
        if progress.at is None or not progress.lags:
            return None
        own = sum_lags(held, progress.at, now)
        if own is None or len(held) >= PARTITIONS:
            return own
        at = self._clock.monotonic()
        if at - self._lag_at > LAG_SECONDS:
            self._lag, self._lag_at = await self._count_group(), at
        return sum_lags([self._lag], progress.at, now)

    def _read_others(self, standing: Standing) -> Unread | None:
        """What another member has gone by since this one looked; None: none has."""
        if standing.unread_at is None:
            return None
        known = Unread(standing.unread, standing.unread_at)
        return None if known == self._went_by else known

    async def _count_group(self) -> int | None:
        """The group's lag; None: nobody knows it, which does not keep the posture from changing."""
        try:
            return await self._count_lag()
        except Transient as trouble:
            if trouble.code != LAG_UNKNOWN:
                raise
            LOG.warning("lag_unknown")
            return None

    def _look_next(self, now: datetime) -> datetime:
        turn = next_quiet_or_loud(now, self._settings.quiet)
        soon = now + timedelta(seconds=LOOK_SECONDS)
        return soon if turn is None else min(soon, turn)


class _Changes:
    """Replies that one look moves on from ``waiting``."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.transfers: list[Transfer] = []

    def add(self, reply: Reply) -> None:
        """A reply that waited until now."""
        self.replies[reply.reply_id] = reply

    async def save(self, store: Transaction) -> None:
        """Save; accounts and tallies last."""
        replies = list(self.replies.values())
        if not replies:
            return
        await store.save_replies(replies)
        steps = [Step(r.reply_id, r.changed_at, r.state, r.reason) for r in replies]
        await store.add_steps(steps)
        await store.add_transfers(self.transfers)
        tallies = Counter(f"reply.{reply.state}" for reply in replies)
        tallies[f"reply.{ReplyState.WAITING}"] -= len(replies)
        await store.add_tallies(tallies)


def _name_posture(sequence: int) -> str:
    """Among what is told: no reply has this id."""
    return derive_id("posture", sequence)


def _describe(reply: Reply) -> Outgoing:
    if reply.state is ReplyState.AUTHORIZED:
        return outgoing(describe_authorization(reply))
    return outgoing(describe_end(reply))


def _describe_step(standing: Standing, facts: Facts, waiting: int, now: datetime) -> PostureStep:
    """A change of posture, and what would answer all who wait, for a person."""
    detail = f"{waiting} wait; {format_euros(facts.waiting)} EUR would answer them all"
    return PostureStep(
        standing.sequence, now, standing.posture, standing.cause, standing.attach, detail
    )


def _describe_posture(step: PostureStep) -> Outgoing:
    changed_id = _name_posture(step.sequence)
    return outgoing(
        PostureChanged(
            id=changed_id,
            trace=derive_trace(changed_id),
            at=step.at,
            sequence=step.sequence,
            posture=step.posture,
            cause=step.cause,
            detail=step.detail,
            attach=step.attach,
        )
    )
