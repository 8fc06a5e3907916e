"""After a restore: reads what was sent since the backup, before anything is sent again.

The steps are rows (``core/restoration.py``): a crash goes on where they are. The provider's log
lags, so its reading begins so long after the restore; what was received is then read by a scan of
its own, and passed on as any backfill.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from kernel.facts.records import (
    ProviderChecked,
    Reconciled,
    ReplyState,
    derive_id,
    derive_trace,
)
from kernel.facts.topics import outgoing
from kernel.provider.port import LoggedMessage, Page
from kernel.sealing.privacy import Pseudonymizer
from kernel.values.phone import classify_number
from services.responder.core.backfill import Scan, ScanKind
from services.responder.core.outbox import Reply, apply_observation, describe_change
from services.responder.core.restoration import (
    Restoration,
    Stage,
    apply_found,
    is_answered_by,
    plan_recovered,
    take_over_all,
)
from services.responder.core.settlement import SKEW, Sweep
from services.responder.core.status import observe_logged
from services.responder.metrics import Metrics
from services.responder.settings import ResponderSettings
from services.responder.store import Store, Transaction


class Reconciler:
    """Knows how far the reconciliation is, and takes its steps.

    Args:
        noted: called when changes were committed that are to be told.
    """

    def __init__(
        self,
        store: Store,
        settings: ResponderSettings,
        metrics: Metrics,
        *,
        noted: Callable[[], None],
    ) -> None:
        self._store, self._settings, self._metrics = store, settings, metrics
        self._noted = noted
        self._pseudonymizer = Pseudonymizer(settings.pseudonym_key)
        self._done = False

    async def is_done(self) -> bool:
        """Whether nothing is to be reconciled; once so, it stays so while we run."""
        return await self._open() is None

    async def _open(self) -> Restoration | None:
        """The restoration that is not done."""
        if self._done:
            return None
        found = await self._store.read_restoration()
        if found is None or found.stage is Stage.DONE:
            self._done = True
            return None
        return found

    async def plan(self, now: datetime) -> Sweep | None:
        """The page of the provider's log to read next; None: none now."""
        restoration = await self._open()
        if restoration is None or restoration.stage is not Stage.SENT:
            return None
        if now < restoration.restored_at + self._settings.backfill.behind:
            return None  # what was sent last may not be listed yet
        since = restoration.backup_at - SKEW
        return Sweep(since, restoration.restored_at + SKEW, restoration.offset)

    async def apply_page(self, page: Page, now: datetime) -> None:
        """Hold a page against the outbox; after the last one begins the scan of the received."""
        restoration = await self._open()
        assert restoration is not None
        async with self._store.transaction() as store:
            matched, recovered = await self._match(store, page.messages, restoration, now)
            offset = restoration.offset + len(page.messages) + page.unreadable
            after = replace(
                restoration,
                offset=offset,
                matched=restoration.matched + matched,
                recovered=restoration.recovered + recovered,
            )
            if not page.more:
                after = replace(after, stage=Stage.RECEIVED)
                await store.add_scan(self._scan(restoration, now))
            await store.save_restoration(after)
        self._noted()

    def _scan(self, restoration: Restoration, now: datetime) -> Scan:
        # A webhook may be tried again so long: what came in after the backup was sent before it.
        since = restoration.backup_at - self._settings.backfill.behind - SKEW
        since = since.replace(microsecond=0)
        return Scan(_scan_name(restoration), ScanKind.ORDERED, since, None, 0, now)

    async def _match(
        self,
        store: Transaction,
        messages: Sequence[LoggedMessage],
        restoration: Restoration,
        now: datetime,
    ) -> tuple[int, int]:
        """Returns how many were a reply's that had not known, and how many nobody's here."""
        rules = self._settings.outbox
        named = await store.find_by_message([message.message_id for message in messages])
        known = await store.load_replies(list(named.values()))
        senders = {message.message_id: self._sender(message) for message in messages}
        strange = sorted(
            (message for message in messages if message.message_id not in named),
            key=lambda message: (message.at, message.message_id),
        )
        unsent = {
            reply.reply_id: reply
            for reply in await store.find_unsent([senders[m.message_id] for m in strange])
        }
        changed = {
            reply_id: apply_observation(known[reply_id], observe_logged(message), now, rules)
            for message in messages
            if (reply_id := named.get(message.message_id)) is not None
        }
        matched, new = 0, []
        for message in strange:
            reply = _choose(unsent, senders[message.message_id], message, self._settings)
            if reply is not None:
                del unsent[reply.reply_id]
                known[reply.reply_id] = reply
                changed[reply.reply_id] = apply_found(reply, message, restoration.base, now, rules)
                matched += 1
                continue
            sender = senders[message.message_id]
            recovered = plan_recovered(message, sender, restoration.base, now, rules)
            new += [] if recovered is None else [recovered]
        await store.add_replies(new)
        moved = [reply for i, reply in changed.items() if reply is not known[i]]
        await store.save_replies(moved)
        told = [reply for reply in moved if reply.sequence > known[reply.reply_id].sequence]
        await store.add_changes([outgoing(describe_change(reply)) for reply in [*told, *new]])
        self._metrics.changed_all((known[reply.reply_id], reply) for reply in moved)
        return matched, len(new)

    def _sender(self, message: LoggedMessage) -> str:
        facts = classify_number(message.recipient, self._settings.number)
        return self._pseudonymizer.pseudonym(facts.canonical)

    async def ended(self, now: datetime) -> ProviderChecked | None:
        """What was found, once all was read; None: not yet, or told before."""
        restoration = await self._open()
        if restoration is None or restoration.stage is not Stage.RECEIVED:
            return None
        if await self._store.has_scan(_scan_name(restoration)):
            return None
        checked_id = derive_id("reconciled", restoration.id)
        return ProviderChecked(
            id=checked_id,
            trace=derive_trace(checked_id),
            at=now,
            credit_microunits=None,
            reconciled=Reconciled(
                restoration=restoration.id,
                matched=restoration.matched,
                recovered=restoration.recovered,
            ),
        )

    async def end(self, now: datetime) -> None:
        """It was told: from now on what is authorised may go, once billing says so."""
        restoration = await self._open()
        assert restoration is not None
        async with self._store.transaction() as store:
            unended = {reply.reply_id: reply for reply in await store.find_unended()}
            # Those that came in while a page was held against the outbox.
            unsent = [r for r in unended.values() if r.state is ReplyState.AUTHORIZED]
            sent = await store.find_sent_to([reply.sender for reply in unsent])
            taken = take_over_all(unsent, sent, restoration, self._settings.window, now)
            await store.save_replies(list(taken.values()))
            # The books may have heard other things of the rest, after the backup.
            told = [reply for reply in (unended | taken).values() if reply.sequence]
            await store.add_changes([outgoing(describe_change(reply)) for reply in told])
            await store.save_restoration(replace(restoration, stage=Stage.DONE))
        self._noted()


def _scan_name(restoration: Restoration) -> str:
    return f"restored {restoration.id}"


def _choose(
    unsent: dict[str, Reply], sender: str, message: LoggedMessage, settings: ResponderSettings
) -> Reply | None:
    """Of the replies to the number that the SMS may be the one longest due."""
    fitting = [
        reply
        for reply in unsent.values()
        if reply.sender == sender and is_answered_by(reply, message.at, settings.window)
    ]
    return min(fitting, key=lambda reply: (reply.due_at, reply.reply_id), default=None)
