"""Sends what is authorised: claim a batch and commit, call the provider, record what it said.

Between the commit of the claim and that of the result a reply is ``sending``; whoever dies in
between leaves it to lapse into ``uncertain`` (the housekeeper sees to that). Claims and results go
in batches, a transaction each; calls go one to a thread.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeGuard

import structlog

from kernel.facts.records import ReplyState
from kernel.facts.topics import outgoing
from kernel.provider.port import NotAccepted, Provider, SendResult, Uncertain
from kernel.sealing.privacy import Unsealer
from kernel.values.clock import Clock
from kernel.values.errors import Fatal, Rejected, Transient
from services.responder.core.outbox import (
    Reply,
    apply_claim,
    apply_result,
    describe_change,
    may_be_called_back,
)
from services.responder.core.rate import (
    HOLDING_REASONS,
    apply_claimed,
    apply_results,
    decide_permit,
)
from services.responder.core.template import pick_text
from services.responder.metrics import Metrics
from services.responder.settings import ResponderSettings
from services.responder.store import Store

LOG = structlog.get_logger("responder")

IN_FLIGHT_MAX = 128
"""Calls begun and not recorded: four for each thread, so that none waits for a claim."""
CLAIM_MIN = 32
"""A claim is worth its transaction when so many calls have room (or none is in flight)."""
LOOKED_AT_MAX = 2000
"""Replies handed over that are looked through for those that a phone has not sent."""
IDLE_SECONDS = 5.0
"""How often one looks for what another replica left to send."""
RETRY_SECONDS = 1.0
FINISH_SECONDS_MAX = 15.0


@dataclass(frozen=True, slots=True)
class _Sent:
    """The result of one send."""

    reply_id: str
    attempt: int
    result: SendResult


class Dispatcher:
    """Hands replies over to the provider.

    Args:
        noted: called when changes were committed that are to be told.
        reconciled: whether it is known what was sent before a restore; until then nothing goes.
    """

    def __init__(
        self,
        store: Store,
        provider: Provider,
        settings: ResponderSettings,
        *,
        clock: Clock,
        metrics: Metrics,
        noted: Callable[[], None],
        reconciled: Callable[[], Awaitable[bool]],
    ) -> None:
        self._store, self._provider, self._settings = store, provider, settings
        self._clock, self._metrics, self._noted = clock, metrics, noted
        self._reconciled = reconciled
        self._unsealer = Unsealer(*settings.sending_private_keys)
        self._sends: set[asyncio.Task[None]] = set()
        self._results: list[_Sent] = []
        self._in_flight = 0
        self._claiming = True
        self._woken, self._answered = asyncio.Event(), asyncio.Event()
        self._draining = asyncio.Event()
        self._drained_at = 0.0
        self._holding = False
        self.trouble: str | None = None

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()

    def drain(self) -> None:
        """Claim nothing more; what is in flight is waited for and recorded."""
        if not self._draining.is_set():
            self._drained_at = self._clock.monotonic()
        self._draining.set()
        self._woken.set()
        self._answered.set()

    async def run(self) -> None:
        """Send until drained."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._run_claims())
                tasks.create_task(self._run_results())
        finally:
            for task in self._sends:
                task.cancel()

    async def _run_claims(self) -> None:
        try:
            await self._claim_until_drained()
        finally:
            self._claiming = False
            self._answered.set()

    async def _claim_until_drained(self) -> None:
        while not self._draining.is_set():
            self._woken.clear()
            try:
                claimed, next_at = await self._claim()
                self.trouble = None
            except Transient as trouble:
                self.trouble = trouble.code
                LOG.warning("dispatcher_waits", code=trouble.code)
                await _wait(self._draining, RETRY_SECONDS)
                continue
            except Fatal:
                raise
            except Exception as defect:  # noqa: BLE001 - others share the process that it would end
                self._break_down(defect)
                await _wait(self._draining, RETRY_SECONDS)
                continue
            for reply in claimed:
                self._in_flight += 1
                task = asyncio.create_task(self._send(reply))
                self._sends.add(task)
                task.add_done_callback(self._sends.discard)
            await _wait(self._woken, self._pause(next_at))

    def _pause(self, next_at: datetime | None) -> float:
        """Until when to wait, unless woken; a result that makes room wakes."""
        if self._in_flight and IN_FLIGHT_MAX - self._in_flight < CLAIM_MIN:
            return IDLE_SECONDS
        if next_at is None:
            return IDLE_SECONDS
        return min(max((next_at - self._clock.now()).total_seconds(), 0.0), IDLE_SECONDS)

    async def _claim(self) -> tuple[Sequence[Reply], datetime | None]:
        """Claim what may go now, and commit it. Returns it, and when to look again."""
        room = IN_FLIGHT_MAX - self._in_flight
        if room < CLAIM_MIN or not await self._reconciled():
            return [], None
        now = self._clock.now()
        rate = self._settings.rate
        room = min(room, await self._room_on_phones(now))
        if room <= 0:
            return [], None
        async with self._store.transaction() as store:
            pace = await store.load_pace()
            permit = decide_permit(pace, rate, now, room)
            self._holding = pace.held_until is not None
            if not permit.count:
                waiting_at = await store.next_ready_at(tests_only=permit.tests_only)
                return [], waiting_at and max(permit.next_at, waiting_at)
            ready = await store.load_ready(now, permit.count, tests_only=permit.tests_only)
            # One to a number at a time: of several the one longest due.
            chosen = {reply.sender: reply for reply in reversed(ready)}
            claimed = [apply_claim(r, now, self._settings.outbox) for r in chosen.values()]
            if not claimed:
                return [], await store.next_ready_at(tests_only=permit.tests_only)
            await store.save_replies(claimed)
            await store.add_changes([outgoing(describe_change(reply)) for reply in claimed])
            await store.save_pace(apply_claimed(pace, rate, now, len(claimed)))
        self._metrics.changed_all((r, c) for r, c in zip(chosen.values(), claimed, strict=True))
        self._noted()
        return claimed, now

    async def _room_on_phones(self, now: datetime) -> int:
        """How many more may be given to phones that have not sent all that they were given."""
        most = self._settings.unleft_max
        if most is None:
            return IN_FLIGHT_MAX
        ahead = now + timedelta(days=3650)
        given = await self._store.find_due((ReplyState.SENT,), ahead, LOOKED_AT_MAX)
        return most - self._in_flight - sum(map(may_be_called_back, given))

    async def _send(self, reply: Reply) -> None:
        try:
            result = await self._hand_over(reply)
        except Exception:
            LOG.exception("send_failed", trace=reply.trace)
            result = Uncertain("failed")
        self._results.append(_Sent(reply.reply_id, reply.attempts, result))
        self._answered.set()

    async def _hand_over(self, reply: Reply) -> SendResult:
        try:
            number = self._unsealer.unseal(reply.sender_sealed or b"").decode("ascii")
        except (Rejected, UnicodeDecodeError):
            LOG.warning("reply_unsealable", trace=reply.trace)
            return NotAccepted("unsealable", retry=False)
        text = pick_text(self._settings.texts, reply.reply_id, reply.text_index)
        callback_url = self._settings.callback_url(reply.reply_id)
        return await self._provider.send(
            to=number, text=text, callback_url=callback_url, ref=reply.reply_id
        )

    async def _run_results(self) -> None:
        """Record results as they come; while the database is away, keep them and try again."""
        while not self._is_finished():
            if not self._results:
                self._answered.clear()
                await _wait(self._answered, RETRY_SECONDS if self._draining.is_set() else None)
                continue
            results, self._results = self._results, []
            try:
                await self._record(results)
            except Transient as trouble:
                self.trouble = trouble.code
                LOG.warning("dispatcher_waits", code=trouble.code)
                self._results = [*results, *self._results]
                await asyncio.sleep(RETRY_SECONDS)
            except Fatal:
                raise
            except Exception as defect:  # noqa: BLE001 - as above
                self._break_down(defect)
                self._results = [*results, *self._results]
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._in_flight -= len(results)
                self._woken.set()

    def _break_down(self, defect: Exception) -> None:
        self.trouble = "dispatcher_failed"
        LOG.error("dispatcher_failed", exc_info=defect)

    def _is_finished(self) -> bool:
        """Drained, and everything in flight recorded, or the grace time for that is over."""
        if not self._draining.is_set() or self._claiming:
            return False
        return (
            not self._in_flight or self._clock.monotonic() > self._drained_at + FINISH_SECONDS_MAX
        )

    async def _record(self, results: Sequence[_Sent]) -> None:
        now = self._clock.now()
        said = {sent.reply_id: sent for sent in results}
        refused = {sent.result.reason for sent in results if _holds(sent.result)}
        if refused:
            # As seldom as the hold lets one try: it doubles up to its longest.
            LOG.warning("provider_refuses", reasons=sorted(refused))
        async with self._store.transaction() as store:
            if refused or self._holding:
                pace = await store.load_pace()
                values = [sent.result for sent in results]
                await store.save_pace(apply_results(pace, values, self._settings.rate, now))
            before = await store.load_replies(list(said))
            after = [
                apply_result(reply, said[i].attempt, said[i].result, now, self._settings.outbox)
                for i, reply in before.items()
            ]
            changed = [reply for reply in after if reply is not before[reply.reply_id]]
            told = [r for r in changed if r.sequence > before[r.reply_id].sequence]
            await store.save_replies(changed)
            await store.add_changes([outgoing(describe_change(reply)) for reply in told])
        self._metrics.changed_all((before[reply.reply_id], reply) for reply in changed)
        self._noted()


def _holds(result: SendResult) -> TypeGuard[NotAccepted]:
    return isinstance(result, NotAccepted) and result.reason in HOLDING_REASONS


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):  # ``wait_for`` may lose a cancellation in 3.11
            await event.wait()
