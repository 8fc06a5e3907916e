"""Keeps the number linked as billing wishes, and tells what the provider says of it."""

from datetime import datetime

import structlog

from antirelou.clock import Clock
from antirelou.log.port import Log
from antirelou.provider.port import Account, Away, Link, Provider
from antirelou.records import ProviderChecked, derive_id, derive_trace
from antirelou.topics import outgoing
from services.responder.core.attachment import apply_seen, apply_try
from services.responder.settings import ResponderSettings
from services.responder.store import Store

LOG = structlog.get_logger("responder")


class Linker:
    """Reconciles the wish about the number with the provider, until a later look confirms it."""

    def __init__(
        self, store: Store, provider: Provider, settings: ResponderSettings, clock: Clock, log: Log
    ) -> None:
        self._store, self._provider, self._settings = store, provider, settings
        self._clock, self._log = clock, log

    async def keep(self) -> None:
        """Try to fulfil the wish if it is time; look if it is time or if something was tried."""
        now = self._clock.now()
        attachment = await self._store.read_attachment()
        wanting = attachment.link_at is not None and attachment.link_at <= now
        if wanting and self._settings.attachment.enabled:
            await self._try(now)
        elif attachment.check_at > now:
            return
        await self._check()

    async def _try(self, now: datetime) -> None:
        async with self._store.transaction() as store:
            tried = apply_try(await store.load_attachment(), self._settings.attachment, now)
            await store.save_attachment(tried)
        answer = await self._provider.link(self._settings.app_id if tried.attach else "")
        if isinstance(answer, Away):
            LOG.warning("link_failed", reason=answer.reason, attach=tried.attach)

    async def _check(self) -> None:
        link, account = await self._provider.read_link(), await self._provider.read_account()
        now = self._clock.now()
        attached = self._is_attached(link)
        async with self._store.transaction() as store:
            attachment = await store.load_attachment()
            rules = self._settings.attachment
            seen = apply_seen(attachment, attached=attached, rules=rules, now=now)
            await store.save_attachment(seen)
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
