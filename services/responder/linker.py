"""Keeps the number linked as billing wishes, and tells what the provider says of it."""

import contextlib
from datetime import datetime, timedelta

import structlog

from kernel.facts.records import ProviderChecked, derive_id, derive_trace
from kernel.facts.topics import outgoing
from kernel.log.port import Log
from kernel.provider.port import Account, Away, Link, Provider
from kernel.values.clock import Clock
from kernel.values.errors import Transient
from services.responder.core.attachment import apply_away, apply_seen, apply_try
from services.responder.rounds import Rounds
from services.responder.settings import ResponderSettings
from services.responder.store import Store

LOG = structlog.get_logger("responder")


TICK_SECONDS = 1.0
"""How soon another replica's wish is seen."""
LEASE_SECONDS = 2.0
"""Taken anew in each round. After a crash nobody links for so long; should it end during a slow
call, two replicas link for a moment, to the same."""


class Linker:
    """Reconciles the wish about the number with the provider, until a later look confirms it.

    Beside the housekeeper, not within: a question that hangs must not keep the number on while
    a flood eats the floor.

    Args:
        holder: unique among the replicas.
    """

    def __init__(
        self,
        store: Store,
        provider: Provider,
        settings: ResponderSettings,
        *,
        clock: Clock,
        log: Log,
        holder: str,
    ) -> None:
        self._store, self._provider, self._settings = store, provider, settings
        self._clock, self._log, self._holder = clock, log, holder
        self.rounds = Rounds("linker", self._keep, TICK_SECONDS)

    async def run(self) -> None:
        """Keep the number linked as wished until drained."""
        await self.rounds.run()
        with contextlib.suppress(Transient):
            await self._lead(0)

    async def _lead(self, seconds: float) -> bool:
        now = self._clock.now()
        until = now + timedelta(seconds=seconds)
        return await self._store.take_lease("linking", self._holder, now, until)

    async def _keep(self) -> float:
        """Try to fulfil the wish if it is time; look if it is time or if something was tried.

        Returns:
            the seconds to the next round.
        """
        if not await self._lead(LEASE_SECONDS):
            return TICK_SECONDS
        now = self._clock.now()
        attachment = await self._store.read_attachment()
        wanting = attachment.link_at is not None and attachment.link_at <= now
        if wanting and self._settings.attachment.enabled:
            await self._try(now)
            await self._check()
        elif attachment.check_at <= now:
            await self._check()
        return TICK_SECONDS

    async def _try(self, now: datetime) -> None:
        async with self._store.transaction() as store:
            tried = apply_try(await store.load_attachment(), self._settings.attachment, now)
            await store.save_attachment(tried)
        wish = self._settings.attachment.wish(tried)
        answer = await self._provider.link(self._settings.app_id if wish else "")
        if isinstance(answer, Away):
            LOG.warning("link_failed", reason=answer.reason, attach=wish)
            async with self._store.transaction() as store:
                away = apply_away(
                    await store.load_attachment(),
                    self._settings.attachment,
                    self._clock.now(),
                    answer.after_seconds,
                )
                await store.save_attachment(away)

    async def _check(self) -> None:
        link = await self._provider.read_link()
        now = self._clock.now()
        attached = self._is_attached(link)
        async with self._store.transaction() as store:
            attachment = await store.load_attachment()
            rules = self._settings.attachment
            seen = apply_seen(attachment, attached=attached, rules=rules, now=now)
            await store.save_attachment(seen)
        account = await self._provider.read_account()
        if isinstance(account, Away):
            LOG.warning("provider_away", reason=account.reason)
            account = Account(None, None)
            if attached is None:
                return
        checked_id = derive_id("provider.checked", now.isoformat())
        checked = ProviderChecked(
            id=checked_id,
            trace=derive_trace(checked_id),
            at=now,
            credit_microunits=account.credit_microunits,
            auto_recharge=account.auto_recharge,
            attached=attached,
        )
        await self._log.append([outgoing(checked)])

    def _is_attached(self, link: Link | Away) -> bool | None:
        if isinstance(link, Away):
            return None
        if not self._settings.app_id:
            return link.app_id is not None
        return link.app_id == self._settings.app_id
