"""What is asked of the provider within the budget of questions: what became of sends, its log.

One replica at a time does it, by a lease, so that there is one budget of questions. What only
needs the clock (a lapsed send, the end of ``sent``) is done here as well.
"""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from kernel.facts.records import ReplyKind, ReplyState
from kernel.facts.topics import outgoing
from kernel.log.port import Log
from kernel.provider.port import PAGE_MAX, Accepted, Away, LoggedMessage, Missing, Provider
from kernel.sealing.privacy import Unsealer
from kernel.values.clock import Clock
from kernel.values.errors import Rejected, Transient
from services.responder.backfiller import Backfiller
from services.responder.core.backfill import Scan, ScanKind, apply_page, is_over, open_scan
from services.responder.core.budget import (
    Work,
    apply_question,
    apply_refusal,
    choose_work,
    next_free,
)
from services.responder.core.outbox import (
    OPEN,
    SEARCHED,
    Reply,
    Search,
    apply_absence,
    apply_lapse,
    apply_observation,
    apply_result,
    describe_change,
    is_long_sought,
    may_ask_again,
    may_be_called_back,
    needs_log,
)
from services.responder.core.rate import apply_claimed, decide_permit
from services.responder.core.settlement import SKEW, Sweep, match_uncertain, plan_sweep
from services.responder.core.status import observe_logged
from services.responder.core.template import pick_text
from services.responder.metrics import Metrics
from services.responder.reconciler import Reconciler
from services.responder.rounds import Rounds
from services.responder.settings import ResponderSettings
from services.responder.store import Store

LOG = structlog.get_logger("responder")

LEASE_SECONDS = 6.0
"""Taken anew before each question. After a crash nobody asks for so long; should it end during a
slow question, two replicas ask for a moment, which changes nothing."""
TICK_SECONDS = 3.0
"""How often one looks for what has come due."""
DUE_MAX = 500
QUESTIONS_MAX = 20
"""In one round."""

LOOKED_AT = (
    ReplyState.SENDING,
    ReplyState.UNCERTAIN,
    ReplyState.SENT,
    ReplyState.DELIVERED,
    ReplyState.UNDELIVERED,
    ReplyState.FAILED,
    ReplyState.UNRESOLVED,
)

T = TypeVar("T")
Change = Callable[[Reply], Reply]
"""A step of the core, ready to be applied to the reply as it then is."""


class Housekeeper:
    """Asks the provider.

    Args:
        holder: unique among the replicas.
        noted: called when changes were committed that are to be told.
        reconciler: after a restore, what is read before all else.
    """

    def __init__(
        self,
        store: Store,
        provider: Provider,
        settings: ResponderSettings,
        *,
        clock: Clock,
        log: Log,
        metrics: Metrics,
        holder: str,
        noted: Callable[[], None],
        reconciler: Reconciler,
    ) -> None:
        self._store, self._provider, self._settings = store, provider, settings
        self._clock, self._log, self._metrics = clock, log, metrics
        self._holder, self._noted = holder, noted
        self._reconciler = reconciler
        self._called_back: set[str] = set()
        self._unsealer = Unsealer(*settings.sending_private_keys)
        self._backfiller = Backfiller(settings, clock)
        self._budget = settings.budget
        self._sweep: Sweep | None = None
        self._begun = False
        self.rounds = Rounds("housekeeper", self._tick, TICK_SECONDS)

    async def run(self) -> None:
        """Keep house until drained."""
        await self.rounds.run()
        with contextlib.suppress(Transient):
            await self._lead(0)

    async def _tick(self) -> float:
        """One round. Returns how long to wait for the next."""
        for _ in range(QUESTIONS_MAX):
            if self.rounds.is_draining or not await self._lead(LEASE_SECONDS):
                return TICK_SECONDS
            await self._begin()
            if not await self._ask_next():
                return self._pause()
        return 0.0

    async def _lead(self, seconds: float) -> bool:
        """Whether this replica is the one that asks; for so long nobody else does."""
        now = self._clock.now()
        until = now + timedelta(seconds=seconds)
        return await self._store.take_lease("housekeeping", self._holder, now, until)

    async def _begin(self) -> None:
        """Read the log from the first start on; what was before is not ours."""
        if self._begun:
            return
        now = self._clock.now()
        since = now.replace(microsecond=0)
        async with self._store.transaction() as store:
            for kind in (ScanKind.UNDELIVERED, ScanKind.WHOLE):
                await store.add_scan(Scan(kind.value, kind, since, None, 0, now))
        self._begun = True

    def _pause(self) -> float:
        """Until the budget allows the next question, or what is due may have come."""
        longest = min(TICK_SECONDS, self._settings.page_pause.total_seconds())
        free_in = (next_free(self._budget, self._clock.now()) - self._clock.now()).total_seconds()
        return min(max(free_in, TICK_SECONDS / 6), longest) if free_in > 0 else longest

    # -- what became of sends --------------------------------------------------------------------

    async def _ask_next(self) -> bool:
        """Do the most urgent thing. Returns whether there may be more to do now."""
        now = self._clock.now()
        due = await self._store.find_due(LOOKED_AT, now, DUE_MAX)
        if await self._apply_clock(due, now) or await self._call_back(now):
            return True
        reconciled = await self._reconcile(now) if next_free(self._budget, now) <= now else False
        if reconciled is not None:
            return reconciled
        searched = [reply for reply in due if reply.state in SEARCHED]
        unsettled = [reply for reply in due if reply.state not in OPEN | SEARCHED]
        scan = None if searched or unsettled else await self._store.find_scan(now)
        work = choose_work(
            uncertain=bool(searched), unsettled=bool(unsettled), unread=scan is not None
        )
        match work:
            case Work.UNCERTAIN:
                return await self._search(searched[0])
            case Work.SETTLEMENT:
                return await self._settle(unsettled)
            case Work.BACKFILL if scan is not None:
                return await self._read_scan(scan)
            case _:
                return False

    async def _apply_clock(self, due: Sequence[Reply], now: datetime) -> bool:
        """What needs no question: lapsed sends, and the end of ``sent`` with a sure amount."""
        rules = self._settings.outbox
        steps: dict[str, Change] = {}
        for reply in due:
            if reply.state is ReplyState.SENDING:
                steps[reply.reply_id] = lambda r: apply_lapse(r, now, rules)
            elif reply.state not in OPEN | SEARCHED and not needs_log(reply, rules):
                steps[reply.reply_id] = lambda r: apply_absence(r, now, rules)
        await self._change(steps)
        return bool(steps)

    async def _call_back(self, now: datetime) -> bool:
        """While the operator pauses: what the provider has not sent yet, where it can be had.

        Asked for once a pause; what became of it is asked for as well, for nobody tells.
        """
        if not self._provider.traits.cancels:
            return False
        async with self._store.transaction() as store:
            paused = (await store.load_pace()).paused
        if not paused:
            self._called_back.clear()
            return False
        found = await self._store.find_due((ReplyState.SENT,), now + timedelta(days=3650), DUE_MAX)
        waiting = [r for r in found if may_be_called_back(r)]
        chosen = next((r for r in waiting if r.reply_id not in self._called_back), None)
        if chosen is None or next_free(self._budget, now) > now:
            return False
        asked = await self._question(self._provider.cancel(chosen.reply_id))
        if isinstance(asked, Away):
            return False
        answer: LoggedMessage | Missing | Away
        answer = await self._question(self._provider.read_message(chosen.reply_id))
        if isinstance(answer, Away):
            return False
        self._called_back.add(chosen.reply_id)
        if isinstance(answer, LoggedMessage):
            await self._change({chosen.reply_id: self._step(answer)})
        return True

    async def _search(self, reply: Reply) -> bool:
        """Find out what became of an uncertain send."""
        number = self._unseal(reply)
        if number is None:
            await self._change({reply.reply_id: self._step(Search.UNSEALABLE)})
            return True
        if self._provider.traits.repeatable:
            found = await self._ask_by_reference(reply, number)
        else:
            found = await self._look_by_number(reply, number)
        if isinstance(found, Away):
            return False
        step = found if callable(found) else self._step(found)
        if found is Search.ABSENT and is_long_sought(
            reply, self._clock.now(), self._settings.outbox
        ):
            went_on = await self._log_went_on(reply)
            if isinstance(went_on, Away):
                return False
            step = self._step(found, log_went_on=went_on)
        await self._change({reply.reply_id: step})
        return True

    async def _look_by_number(self, reply: Reply, number: str) -> LoggedMessage | Search | Away:
        """In the provider's log, which knows no reference of ours."""
        since = (reply.sending_at or reply.authorized_at) - SKEW
        page = await self._question(self._provider.list_sent(to=number, since=since))
        if isinstance(page, Away):
            return page
        async with self._store.transaction() as store:
            known = await store.find_by_message([one.message_id for one in page.messages])
        lease = self._settings.outbox.lease
        return match_uncertain(reply, page.messages, known.keys(), lease)

    async def _ask_by_reference(
        self, reply: Reply, number: str
    ) -> LoggedMessage | Search | Change | Away:
        """Under our reference: whether it is known, and if not, for the send itself once more.

        That it is not known yet proves nothing; asked for again it is sent once all the same.
        """
        answer: LoggedMessage | Missing | Away
        answer = await self._question(self._provider.read_message(reply.reply_id))
        if not isinstance(answer, Missing):
            return answer
        now, rules = self._clock.now(), self._settings.outbox
        if not may_ask_again(reply, now, rules) or not await self._permit(reply, now):
            return Search.ABSENT
        result = await self._provider.send(
            to=number,
            text=pick_text(self._settings.texts, reply.reply_id, reply.text_index),
            callback_url=self._settings.callback_url(reply.reply_id),
            ref=reply.reply_id,
        )
        if not isinstance(result, Accepted):
            return Search.ABSENT  # a refusal now says nothing of the ask before
        at = self._clock.now()
        return lambda seen: apply_result(seen, seen.attempts, result, at, rules)

    async def _permit(self, reply: Reply, now: datetime) -> bool:
        """Whether one more may go now, by rate, quiet hours and pause; counted if so."""
        rate = self._settings.rate
        async with self._store.transaction() as store:
            pace = await store.load_pace()
            permit = decide_permit(pace, rate, now, 1)
            if not permit.count or (permit.tests_only and reply.kind is not ReplyKind.TEST):
                return False
            await store.save_pace(apply_claimed(pace, rate, now, 1))
        return True

    async def _log_went_on(self, reply: Reply) -> bool | Away:
        """Whether the log shows what was sent after a send that it does not show."""
        since = (reply.sending_at or reply.authorized_at) + self._settings.outbox.lease + SKEW
        page = await self._question(self._provider.list_sent(to=None, since=since))
        return page if isinstance(page, Away) else bool(page.messages)

    def _unseal(self, reply: Reply) -> str | None:
        try:
            return self._unsealer.unseal(reply.sender_sealed or b"").decode("ascii")
        except (Rejected, UnicodeDecodeError):
            return None

    async def _settle(self, unsettled: Sequence[Reply]) -> bool:
        """Read what sent replies cost that were not reported on."""
        if self._sweep is None and len(unsettled) > 1:
            times = [reply.sending_at for reply in unsettled if reply.sending_at is not None]
            enough = PAGE_MAX * len(unsettled)  # for a sweep to be no better
            count = await self._store.count_sent(min(times), max(times), enough) if times else 0
            self._sweep = plan_sweep(unsettled, count)
        if self._sweep is not None:
            return await self._read_sweep(self._sweep, unsettled)
        reply = unsettled[0]
        if reply.message_id is None:  # decided by the operator, or never told: nothing to ask by
            await self._change({reply.reply_id: self._step(Search.ABSENT)})
            return True
        answer = await self._question(self._provider.read_message(reply.message_id))
        if isinstance(answer, Away):
            return False
        found = answer if isinstance(answer, LoggedMessage) else Search.ABSENT
        await self._change({reply.reply_id: self._step(found)})
        return True

    async def _read_sweep(self, sweep: Sweep, unsettled: Sequence[Reply]) -> bool:
        """Read one page of a stretch in which many replies are unsettled."""
        page = await self._question(
            self._provider.list_sent(
                to=None, since=sweep.since, until=sweep.until, offset=sweep.offset
            )
        )
        if isinstance(page, Away):
            return False
        listed = {message.message_id: message for message in page.messages}
        steps = {
            reply.reply_id: self._step(listed[reply.message_id])
            for reply in unsettled
            if reply.message_id in listed
        }
        read = len(page.messages) + page.unreadable
        self._sweep = Sweep(sweep.since, sweep.until, sweep.offset + read) if page.more else None
        if not page.more:  # what was on no page of its stretch is looked for later
            missed = [r for r in unsettled if r.reply_id not in steps and sweep.covers(r)]
            steps |= {reply.reply_id: self._step(Search.ABSENT) for reply in missed}
        await self._change(steps)
        return True

    def _step(self, found: LoggedMessage | Search, *, log_went_on: bool = False) -> Change:
        """What a look into the log means for a reply."""
        now, rules = self._clock.now(), self._settings.outbox

        def step(reply: Reply) -> Reply:
            seen = reply
            if isinstance(found, LoggedMessage):
                seen = apply_observation(reply, observe_logged(found), now, rules)
            # Not there, or not charged yet: look again later.
            if seen.look_at is not None and seen.look_at <= now:
                search = found if isinstance(found, Search) else Search.ABSENT
                seen = apply_absence(seen, now, rules, search=search, log_went_on=log_went_on)
            return seen

        return step

    async def _change(self, steps: dict[str, Change]) -> None:
        """Apply steps to the replies as they are now, and note what is to be told."""
        if not steps:
            return
        async with self._store.transaction() as store:
            before = await store.load_replies(list(steps))
            after = [steps[i](reply) for i, reply in before.items()]
            changed = [reply for reply in after if reply is not before[reply.reply_id]]
            told = [r for r in changed if r.sequence > before[r.reply_id].sequence]
            await store.save_replies(changed)
            await store.add_changes([outgoing(describe_change(reply)) for reply in told])
        self._metrics.changed_all((before[reply.reply_id], reply) for reply in changed)
        if told:
            self._noted()

    # -- after a restore -------------------------------------------------------------------------

    async def _reconcile(self, now: datetime) -> bool | None:
        """Read a page of what was sent since the backup; None: there is nothing to read now."""
        sweep = await self._reconciler.plan(now)
        if sweep is None:
            await self._tell_reconciled(now)
            return None
        page = await self._question(
            self._provider.list_sent(
                to=None, since=sweep.since, until=sweep.until, offset=sweep.offset
            )
        )
        if isinstance(page, Away):
            return False
        await self._reconciler.apply_page(page, self._clock.now())
        return True

    async def _tell_reconciled(self, now: datetime) -> None:
        record = await self._reconciler.ended(now)
        if record is not None:  # told first, noted after
            await self._log.append([outgoing(record)])
            await self._reconciler.end(now)

    # -- what we never saw -----------------------------------------------------------------------

    async def _read_scan(self, scan: Scan) -> bool:
        now, rules = self._clock.now(), self._settings.backfill
        scan = open_scan(scan, rules, now)
        if scan.until is None:
            async with self._store.transaction() as store:
                await store.save_scan(scan)
            return True
        page = await self._question(self._backfiller.read(self._provider, scan))
        if isinstance(page, Away):
            return False
        # Told first, noted after: a crash in between tells it again, which changes nothing.
        await self._log.append(self._backfiller.records(scan, page, now))
        read = len(page.messages) + page.unreadable
        gone = apply_page(scan, read, more=page.more, rules=rules, now=now)
        async with self._store.transaction() as store:
            if is_over(gone):
                await store.delete_scan(gone.name)
            else:
                await store.save_scan(self._backfiller.space(gone, now))
        return True

    async def _question(self, question: Awaitable[T | Away]) -> T | Away:
        """Ask one question, within the budget."""
        self._budget = apply_question(self._budget, self._clock.now())
        answer = await question
        if isinstance(answer, Away):
            LOG.warning("provider_away", reason=answer.reason)
            self._budget = apply_refusal(self._budget, self._clock.now(), answer.after_seconds)
        return answer
