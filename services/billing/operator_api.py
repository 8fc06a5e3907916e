"""What the operator API does, route by route: call the store, answer. The table is in ``api``.

A number is turned into its pseudonym (and, for a test, sealed) at once; it is never kept, logged
or quoted. What an action tells other services is written with it in one transaction and appended
right after; should the log be away, billing's timer appends it later (``OperatorStore.tell``).
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import structlog

from kernel.desk.fields import Refused
from kernel.desk.route import Caller, Nothing
from kernel.facts.records import (
    OperatorAction,
    OperatorDecided,
    SenderBlocked,
    derive_id,
    derive_trace,
)
from kernel.log.port import Log
from kernel.sealing.privacy import Pseudonymizer, Sealer
from kernel.stage.dead import explain
from kernel.values.clock import Clock
from kernel.values.errors import Transient
from services.billing import operator_answers as answers
from services.billing import operator_requests as requests
from services.billing.core.release import Act, Action
from services.billing.operator import Audit, EntryKind, OperatorStore, Outcome, SmsTest
from services.billing.operator_dead import DeadTopics
from services.billing.settings import OperatorSettings

LOG = structlog.get_logger("billing")

EXPLAINED_MAX = 200
"""Messages of one sender that an explanation lists: the latest."""

GIFTS_MAX = 1000
"""What of the platforms' reports the fund's book lists: the latest."""

_UNRELEASED = {
    Outcome.UNKNOWN: (404, "reply_id", "no such reply; `antirelou release` shows what waits"),
    Outcome.CONFLICT: (409, "reply_id", "another has acted, or it waits no more"),
    Outcome.NO_MONEY: (402, "", "there is no money for it now; `antirelou status` says why"),
    Outcome.HELD: (423, "", "all replies are held back; `antirelou status` says why"),
}
"""Why a reply was not released: status, field and fix."""

Wake = Callable[[], None]


class OperatorApi:
    """Answers the operator. Arguments as ``operator_routes``."""

    def __init__(
        self,
        store: OperatorStore,
        log: Log,
        clock: Clock,
        settings: OperatorSettings,
        wake: Wake,
    ) -> None:
        self._store, self._log, self._clock, self._wake = store, log, clock, wake
        self._settings = settings
        self._dead = DeadTopics(log)
        self._pseudonymizer = Pseudonymizer(settings.pseudonym_key)
        self._sealer = Sealer(settings.sending_public_key, clock)

    # -- the fund ---------------------------------------------------------------------------

    async def get_status(self, _: Nothing, __: Caller) -> answers.StatusAnswer:
        """Posture, fund and counters."""
        status = await self._store.read_status(self._clock.now())
        dead: int | None = None
        with suppress(Transient):  # the log is away: the rest is still worth knowing
            dead = await self._dead.count()
        return answers.describe_status(status, dead)

    async def add_donation(
        self, asked: requests.EntryRequest, _: Caller
    ) -> tuple[int, answers.Booked]:
        """Book a donation."""
        return await self._book(asked, EntryKind.DONATION)

    async def add_fee(self, asked: requests.EntryRequest, _: Caller) -> tuple[int, answers.Booked]:
        """Book a fee."""
        return await self._book(asked, EntryKind.FEE)

    async def _book(
        self, asked: requests.EntryRequest, kind: EntryKind
    ) -> tuple[int, answers.Booked]:
        outcome = await self._store.book_entry(
            asked.id, kind, asked.amount_eur, asked.note, self._clock.now()
        )
        return await self._answer_booked(asked, outcome)

    async def add_transfer(
        self, asked: requests.EntryRequest, _: Caller
    ) -> tuple[int, answers.Booked]:
        """Note what was moved from a platform to the provider."""
        outcome = await self._store.book_transfer(
            asked.id, asked.amount_eur, asked.note, self._clock.now()
        )
        if outcome is Outcome.BEYOND:
            raise Refused(409, "amount_eur", "more than was raised and is not transferred yet")
        return await self._answer_booked(asked, outcome)

    async def _answer_booked(
        self, asked: requests.EntryRequest, outcome: Outcome
    ) -> tuple[int, answers.Booked]:
        if outcome is Outcome.CONFLICT:
            raise Refused(409, "id", "used before for another amount or kind; choose another id")
        self._wake()
        available = await self._read_available()
        booked = answers.Booked(asked.id, asked.amount_eur, available)
        return (201 if outcome is Outcome.DONE else 200), booked

    async def _read_available(self) -> int:
        status = await self._store.read_status(self._clock.now())
        return status.fund.available_microeuros

    async def get_fund(self, _: Nothing, __: Caller) -> answers.FundAnswer:
        """The fund and its book."""
        status = await self._store.read_status(self._clock.now())
        gifts = await self._store.list_gifts(GIFTS_MAX)
        uncounted = await self._store.list_uncounted(GIFTS_MAX)
        return answers.FundAnswer(
            status.fund,
            await self._store.list_entries(),
            [answers.describe_part(part) for part in gifts],
            [answers.describe_part(part) for part in uncounted],
        )

    async def correct_entry(
        self, asked: requests.CorrectionRequest, _: Caller
    ) -> tuple[int, answers.Corrected]:
        """Reverse an entry."""
        outcome = await self._store.correct_entry(
            asked.entry, asked.why, self._clock.now(), below_zero=asked.below_zero
        )
        if outcome is Outcome.UNKNOWN:
            raise Refused(404, "entry", "no entry has this id; `fund show` lists them")
        if outcome is Outcome.BELOW_ZERO:
            fix = "it would leave less than nothing in the fund; true reverses it all the same"
            raise Refused(409, "below_zero", fix)
        if outcome is Outcome.CONFLICT:
            raise Refused(409, "entry", "a correction stays; book the amount again instead")
        self._wake()
        corrected = answers.Corrected(asked.entry, await self._read_available())
        return (201 if outcome is Outcome.DONE else 200), corrected

    # -- the posture ------------------------------------------------------------------------

    async def pause(self, asked: requests.PauseRequest, _: Caller) -> answers.PostureAnswer:
        """Pay for nothing."""
        return await self._answer_posture(await self._store.pause(asked.reason, self._clock.now()))

    async def preview_resume(self, _: Nothing, __: Caller) -> answers.WaitingAnswer:
        """What resuming would pay for."""
        waiting = await self._store.read_waiting()
        seconds = round(waiting.count / self._settings.send_rate, 1)
        return answers.WaitingAnswer(waiting.count, waiting.cost_microeuros, seconds)

    async def resume(self, _: Nothing, __: Caller) -> answers.PostureAnswer:
        """Take the pause back."""
        outcome = await self._store.resume(self._clock.now())
        if outcome is Outcome.CONFLICT:
            raise Refused(
                409, "", "restored from a backup, and the provider's log is still being read; "
                "`antirelou status` says when it was"
            )  # fmt: skip
        return await self._answer_posture(outcome)

    async def get_restoration(self, _: Nothing, __: Caller) -> answers.RestorationAnswer:
        """The latest restore."""
        return answers.RestorationAnswer(await self._store.read_restoration())

    async def detach(self, _: Nothing, __: Caller) -> answers.PostureAnswer:
        """Want the number detached."""
        outcome = await self._store.attach(attach=False, now=self._clock.now())
        return await self._answer_posture(outcome)

    async def attach(self, _: Nothing, __: Caller) -> answers.PostureAnswer:
        """Want the number attached."""
        outcome = await self._store.attach(attach=True, now=self._clock.now())
        return await self._answer_posture(outcome)

    async def _answer_posture(self, outcome: Outcome) -> answers.PostureAnswer:
        await self._tell()
        status = await self._store.read_status(self._clock.now())
        return answers.PostureAnswer(
            status.posture, status.posture_cause, status.attached, outcome is Outcome.DONE
        )

    # -- senders ----------------------------------------------------------------------------

    async def list_blocks(self, _: Nothing, __: Caller) -> answers.BlocksAnswer:
        """The block list."""
        return answers.BlocksAnswer(await self._store.list_blocks())

    async def block(
        self, asked: requests.NumberRequest, _: Caller
    ) -> tuple[int, answers.BlockAnswer]:
        """Never answer a number."""
        answer = await self._set_blocked(asked, blocked=True)
        return (201 if answer.changed else 200), answer

    async def unblock(self, asked: requests.NumberRequest, _: Caller) -> answers.BlockAnswer:
        """Take a number off the list."""
        return await self._set_blocked(asked, blocked=False)

    async def _set_blocked(
        self, asked: requests.NumberRequest, *, blocked: bool
    ) -> answers.BlockAnswer:
        phone = requests.read_phone(asked.number, self._settings.number)
        sender, at = self._pseudonymizer.pseudonym(phone.e164), self._clock.now()
        change_id = derive_id("block", sender, at.isoformat(), int(blocked))
        change = SenderBlocked(
            id=change_id, trace=derive_trace(change_id), at=at, sender=sender, blocked=blocked
        )
        outcome = await self._store.set_blocked(change)
        await self._tell()
        return answers.BlockAnswer(sender, blocked, outcome is Outcome.DONE)

    async def explain(self, asked: requests.ExplainRequest, _: Caller) -> answers.WaysAnswer:
        """The way of a number's messages, or of one message."""
        if (asked.number is None) == (asked.id is None):
            raise Refused(422, "number", "give either number or id")
        if asked.number is not None:
            phone = requests.read_phone(asked.number, self._settings.number)
            sender = self._pseudonymizer.pseudonym(phone.e164)
            ways = await self._store.explain_sender(sender, EXPLAINED_MAX)
            return answers.describe_ways(ways)
        way = await self._store.explain_message(asked.id or "")
        if way is None:
            raise Refused(404, "id", "no message or test with this id is known")
        return answers.describe_ways([way])

    async def send_test(
        self, asked: requests.TestRequest, _: Caller
    ) -> tuple[int, answers.TestAnswer]:
        """One SMS at once."""
        phone = requests.read_phone(asked.number, self._settings.number)
        if not phone.mobile:
            fix = "a mobile phone of ours; others may cost more, or loop"
            raise Refused(422, "number", fix)
        test_id = f"test-{derive_id('test', asked.id or uuid4().hex)}"
        sealed = self._sealer.seal(phone.e164.encode())
        test = SmsTest(test_id, self._pseudonymizer.pseudonym(phone.e164), sealed)
        outcome = await self._store.add_test(test, self._clock.now())
        if outcome is Outcome.CONFLICT:
            raise Refused(409, "id", "used before for another number; choose another id")
        await self._tell()
        return (201 if outcome is Outcome.DONE else 200), answers.TestAnswer(test_id)

    # -- what only a person can decide --------------------------------------------------------

    async def list_unresolved(self, _: Nothing, __: Caller) -> answers.UnresolvedAnswer:
        """The replies of which nobody knows whether they were sent."""
        return answers.UnresolvedAnswer(await self._store.list_unresolved())

    async def decide_unresolved(
        self, asked: requests.DecisionRequest, _: Caller
    ) -> answers.DecisionAnswer:
        """Decide what became of one."""
        sent = asked.outcome == "sent"
        action = OperatorAction.REPLY_SENT if sent else OperatorAction.REPLY_VOID
        decided = self._decided(action, reply_id=asked.id, why=asked.why)
        outcome = await self._store.decide_unresolved(decided)
        if outcome is Outcome.UNKNOWN:
            raise Refused(404, "id", "no such reply; `unresolved list` lists them")
        if outcome is Outcome.CONFLICT:
            raise Refused(409, "id", "not unresolved, or decided otherwise before")
        await self._tell()
        return answers.DecisionAnswer(asked.id, asked.outcome)

    async def list_releases(
        self, asked: requests.CardsRequest, _: Caller
    ) -> answers.ReleasesAnswer:
        """What a person may release, the best first."""
        found = await self._store.list_cards(asked.limit, self._clock.now())
        return answers.describe_cards(found)

    async def release(self, asked: requests.ReleaseRequest, _: Caller) -> answers.ReleaseAnswer:
        """Send, skip or postpone one."""
        act = Act(asked.reply_id, self._clock.now(), Action(asked.action), asked.actor)
        outcome = await self._store.release(act)
        if outcome in _UNRELEASED:
            raise Refused(*_UNRELEASED[outcome])
        self._wake()
        return answers.ReleaseAnswer(asked.reply_id, asked.action, asked.actor)

    async def backfill(self, asked: requests.BackfillRequest, _: Caller) -> answers.BackfillAnswer:
        """Read the provider's log again."""
        since = requests.read_past(asked.since, self._clock.now())
        await self._store.ask_backfill(self._decided(OperatorAction.BACKFILL, since=since))
        await self._tell()
        return answers.BackfillAnswer(since)

    def _decided(self, action: OperatorAction, **more: Any) -> OperatorDecided:
        at = self._clock.now()
        about = str(more.get("reply_id") or more.get("since"))
        decided_id = derive_id("decided", action, about, at.isoformat())
        return OperatorDecided(
            id=decided_id, trace=derive_trace(about), at=at, action=action, **more
        )

    async def list_dead(self, _: Nothing, __: Caller) -> answers.DeadAnswer:
        """The dead records."""
        corpses = await self._dead.list()
        reasons = sorted({corpse.reason for corpse in corpses})
        explanations = {reason: explain(reason) for reason in reasons}
        return answers.DeadAnswer(await self._dead.count(), corpses, explanations)

    async def replay_dead(self, _: Nothing, __: Caller) -> answers.ReplayAnswer:
        """Put them back."""
        return answers.ReplayAnswer(await self._dead.replay())

    async def note_audit(self, asked: requests.AuditRequest, _: Caller) -> answers.AuditAnswer:
        """Note what an audit found."""
        await self._store.note_audit(Audit(self._clock.now(), asked.broken))
        return answers.AuditAnswer(asked.broken)

    async def _tell(self) -> None:
        """Tell the others now; what cannot be told now, billing's timer tells later."""
        try:
            await self._store.tell(self._log.append)
        except Transient as trouble:
            LOG.warning("operator_tells_later", code=trouble.code)
        self._wake()
