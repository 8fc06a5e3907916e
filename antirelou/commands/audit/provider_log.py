"""Reads a stretch of the provider's message log, page by page, within a budget of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from antirelou.commands.audit.facts import Logged, ProviderLog
from kernel.provider.port import PAGE_MAX, Away, LoggedMessage, Page, Provider
from kernel.sealing.privacy import Pseudonymizer
from kernel.settings.settings import Settings
from kernel.values.clock import Clock
from kernel.values.errors import Transient
from kernel.values.phone import classify_number
from services.responder.core.budget import Budget, apply_question, apply_refusal, next_free

QUESTIONS_MAX = 10
"""A minute: half of what the provider allows, the other half is the responder's."""
REFUSALS_MAX = 5
LAG = timedelta(minutes=10)
"""The provider's log is behind, and its webhooks are tried again for seven minutes."""
LAG_MIN = timedelta(seconds=2)
SKEW = timedelta(seconds=120)
"""How far the provider's clock may be from ours."""

List = Callable[[int], Awaitable[Page | Away]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is asked for.

    Attributes:
        since, until: of the provider's time.
        sure_since: whatever we noted from here to ``until`` is listed.
    """

    since: datetime
    until: datetime
    sure_since: datetime


def plan_stretch(settings: Settings, since: timedelta, now: datetime) -> Stretch:
    """The last ``since``, but for what the provider may not list yet."""
    lag = max(settings.scaled(LAG), LAG_MIN)
    return Stretch(now - since, now - lag, now - since + lag + SKEW)


class ProviderReader:
    """Asks the provider.

    Args:
        pseudonymizer: None: who got an SMS is not known, only how many.
        say: told how far it is.
    """

    def __init__(
        self,
        provider: Provider,
        settings: Settings,
        *,
        clock: Clock,
        pseudonymizer: Pseudonymizer | None,
        say: Callable[[str], None],
        questions_max: int = QUESTIONS_MAX,
    ) -> None:
        self._provider, self._clock, self._say = provider, clock, say
        self._own, self._pseudonymizer = settings.number or "", pseudonymizer
        window = max(settings.scaled(timedelta(minutes=1)), timedelta(seconds=1))
        self._budget = Budget(questions_max, window)

    async def read(self, stretch: Stretch) -> ProviderLog:
        """Read what was received and what was sent in a stretch.

        Raises:
            Transient: the provider does not answer.
        """
        since, until = stretch.since, stretch.until
        received = await self._read_all(
            "received",
            lambda offset: self._provider.list_received(
                since=since, until=until, undelivered=False, offset=offset
            ),
        )
        sent = await self._read_all(
            "sent",
            lambda offset: self._provider.list_sent(
                to=None, since=since, until=until, offset=offset
            ),
        )
        return ProviderLog(
            stretch.sure_since,
            until,
            {one.message_id: self._note(one, one.sender) for one in received},
            {one.message_id: self._note(one, one.recipient) for one in sent},
        )

    def _note(self, message: LoggedMessage, other: str) -> Logged:
        phone = None
        if self._pseudonymizer is not None:
            phone = self._pseudonymizer.pseudonym(classify_number(other, self._own).canonical)
        return Logged(message.state, message.amount_microunits, phone)

    async def _read_all(self, what: str, ask: List) -> list[LoggedMessage]:
        found: list[LoggedMessage] = []
        offset, refused, more = 0, 0, True
        while more:
            self._say(f"the provider's log: {offset:,} {what}")
            answer = await self._ask(ask, offset)
            if isinstance(answer, Away):
                refused += 1
                if refused >= REFUSALS_MAX:
                    raise Transient(
                        f"the provider does not answer ({answer.reason}): audit again later, or "
                        "with --no-provider",
                        code="provider_away",
                    )
                continue
            refused, more = 0, answer.more
            found += answer.messages
            offset += PAGE_MAX
        return found

    async def _ask(self, ask: List, offset: int) -> Page | Away:
        now = self._clock.now()
        await asyncio.sleep(max((next_free(self._budget, now) - now).total_seconds(), 0))
        now = self._clock.now()
        self._budget = apply_question(self._budget, now)
        answer = await ask(offset)
        if isinstance(answer, Away):
            self._budget = apply_refusal(self._budget, now, answer.after_seconds)
        return answer
