"""What the responder's stage does with what it reads: load, let the core decide, save, tell."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from kernel.facts.records import (
    OperatorAction,
    OperatorDecided,
    PostureChanged,
    Record,
    ReplyAuthorized,
    ReplyState,
    SmsReported,
)
from kernel.facts.topics import outgoing
from kernel.log.port import Outgoing
from kernel.stage.stage import Due, Progress, Received
from services.responder.core.attachment import AttachmentRules, apply_wish
from services.responder.core.backfill import Scan, ScanKind
from services.responder.core.outbox import (
    OutboxRules,
    Reply,
    apply_decision,
    apply_observation,
    apply_repeat,
    describe_change,
    is_about,
    plan_reply,
)
from services.responder.core.rate import apply_posture
from services.responder.core.restoration import (
    Restoration,
    hold_older,
    is_held,
    release_held,
    take_over_all,
)
from services.responder.core.status import observe_report
from services.responder.metrics import Metrics
from services.responder.store import Store, Transaction

R = TypeVar("R", bound=Record)

CHANGES_MAX = 1000
LOOK_SECONDS = 5
"""How often changes are looked for that a crashed replica noted and did not tell."""


class ResponderHandler:
    """The ``Handler`` of the responder's stage.

    What a batch changes is its output; what the dispatcher and the housekeeper change is noted as
    ``changes`` in the same transaction and told by the timer.

    Args:
        send: called after a batch was committed: there may be something to send.
        ask: likewise: there may be something to ask the provider.
        window: of one answer to a number.
    """

    def __init__(
        self,
        store: Store,
        rules: OutboxRules,
        attachment: AttachmentRules,
        *,
        metrics: Metrics,
        send: Callable[[], None],
        ask: Callable[[], None],
        window: timedelta,
    ) -> None:
        self._store, self._rules, self._attachment = store, rules, attachment
        self._metrics, self._send, self._ask = metrics, send, ask
        self._window = window
        self._restoration: Restoration | None = None
        self._looked = False

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
        """See ``stage.Handler``. A record read again gives the reply's present state again."""
        records = [received.record for received in batch]
        restoration = await self._load_restoration()
        async with self._store.transaction() as store:
            await self._handle_posture(store, _of(PostureChanged, records), now)
            before, after, touched = await self._handle_replies(store, records, now)
            if restoration is not None:
                were, taken = await self._take_over(store, restoration, after, records, now)
                before, after = were | before, after | taken
                touched = list(dict.fromkeys([*touched, *taken]))
            await _order_scans(store, _of(OperatorDecided, records), now)
        self._metrics.changed_all((before[i], after[i]) for i in touched)
        if any(isinstance(record, ReplyAuthorized | PostureChanged) for record in records):
            self._send()
        if any(isinstance(record, PostureChanged | OperatorDecided) for record in records):
            self._ask()
        return [outgoing(describe_change(after[i])) for i in touched if after[i].sequence]

    async def due(self, progress: Progress, now: datetime) -> Due:
        """Tell what the dispatcher and the housekeeper changed."""
        found = await self._store.load_changes(CHANGES_MAX)
        numbers = [number for number, _ in found]
        return Due(
            records=[change for _, change in found],
            mark=partial(self._store.delete_changes, numbers) if numbers else None,
            next_at=now + timedelta(seconds=LOOK_SECONDS),
        )

    async def _handle_posture(
        self, store: Transaction, changes: Sequence[PostureChanged], now: datetime
    ) -> None:
        if not changes:
            return
        pace, attachment = await store.load_pace(), await store.load_attachment()
        for changed in sorted(changes, key=lambda change: change.sequence):
            if changed.sequence > attachment.sequence:
                pace = apply_posture(pace, changed.posture, changed.cause)
                attachment = apply_wish(attachment, changed, self._attachment, now)
        await store.save_pace(pace)
        await store.save_attachment(attachment)

    async def _handle_replies(
        self, store: Transaction, records: Sequence[Record], now: datetime
    ) -> tuple[dict[str, Reply], dict[str, Reply], list[str]]:
        """Returns the replies as they were and as they are, and whose state is to be told."""
        reports = _of(SmsReported, records)
        decided = [d for d in _of(OperatorDecided, records) if d.reply_id is not None]
        authorized = {r.id: r for r in _of(ReplyAuthorized, records)}
        planned = {i: self._plan(record, now) for i, record in authorized.items()}
        added = await store.add_replies(list(planned.values()))
        targets = await self._find_targets(store, reports)
        before = await store.load_replies(
            [
                *(reply_id for reply_id in planned if reply_id not in added),
                *targets.values(),
                *(decision.reply_id or "" for decision in decided),
            ]
        )
        before = {reply_id: planned[reply_id] for reply_id in added} | before
        repeated = [reply_id for reply_id in planned if reply_id not in added]
        after = before | {i: self._repeat(before[i], authorized[i], now) for i in repeated}
        touched = dict.fromkeys(repeated)
        for report in reports:
            reply = self._observe(after.get(targets[report.id]), report, now)
            if reply is not None:
                after[reply.reply_id] = reply
                touched[reply.reply_id] = None
        for decision in decided:
            reply = after.get(decision.reply_id or "")
            if reply is not None:
                after[reply.reply_id] = apply_decision(reply, decision.action, now)
                touched[reply.reply_id] = None
        await store.save_replies([r for i, r in after.items() if before[i] is not r])
        return before, after, list(touched)

    def _plan(self, record: ReplyAuthorized, now: datetime) -> Reply:
        planned = plan_reply(record, now)
        if self._restoration is None:
            return planned
        return hold_older(planned, record, self._restoration)

    def _repeat(self, reply: Reply, record: ReplyAuthorized, now: datetime) -> Reply:
        if self._restoration is not None and is_held(reply):
            return release_held(reply, record, self._restoration, now)
        return apply_repeat(reply, now)

    async def _load_restoration(self) -> Restoration | None:
        """Looked up once: a database is restored while nothing runs on it."""
        if not self._looked:
            self._restoration = await self._store.read_restoration()
            self._looked = True
        return self._restoration

    async def _take_over(
        self,
        store: Transaction,
        restoration: Restoration,
        after: Mapping[str, Reply],
        records: Sequence[Record],
        now: datetime,
    ) -> tuple[dict[str, Reply], dict[str, Reply]]:
        """What was authorised and had been sent before the restore is sent no more.

        Returns:
            the replies that change by it, as they were and as they are.
        """
        authorized = [after[record.id] for record in _of(ReplyAuthorized, records)]
        unsent = {r.reply_id: r for r in authorized if r.state is ReplyState.AUTHORIZED}
        if not unsent:
            return {}, {}
        sent = await store.find_sent_to(sorted({r.sender for r in unsent.values()}))
        taken = take_over_all(unsent.values(), sent, restoration, self._window, now)
        await store.save_replies(list(taken.values()))
        return unsent | {other.reply_id: other for other in sent}, taken

    async def _find_targets(
        self, store: Transaction, reports: Sequence[SmsReported]
    ) -> dict[str, str]:
        """Which reply each report is about: by our reference, else by the provider's id."""
        # After a restore the reply that the reference names may be unknown, and its SMS recovered;
        # and a reference that is the provider's id may be the hash of ours.
        by_id = [
            r.message_id
            for r in reports
            if not r.ref or r.ref == r.message_id or self._restoration is not None
        ]
        by_message = await store.find_by_message(by_id)
        return {
            report.id: by_message.get(report.message_id) or report.ref or "" for report in reports
        }

    def _observe(self, reply: Reply | None, report: SmsReported, now: datetime) -> Reply | None:
        """The reply after a report; None: the report is about no reply of ours, ignore it."""
        observed = observe_report(report)
        if observed is None:
            self._metrics.ignored("unknown_status")
        elif reply is None:
            self._metrics.ignored("unknown")
        elif not is_about(reply, observed):
            self._metrics.ignored("other_message")
        else:
            return apply_observation(reply, observed, now, self._rules)
        return None


async def _order_scans(
    store: Transaction, decisions: Sequence[OperatorDecided], now: datetime
) -> None:
    for decision in decisions:
        if decision.action is OperatorAction.BACKFILL and decision.since is not None:
            since = decision.since.replace(microsecond=0)
            name = f"ordered {decision.id}"
            await store.add_scan(Scan(name, ScanKind.ORDERED, since, None, 0, now))


def _of(kind: type[R], records: Iterable[Record]) -> list[R]:
    return [record for record in records if isinstance(record, kind)]
