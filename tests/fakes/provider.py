"""A provider in memory: keeps the port's promises, bills, logs, and fails as it is told to."""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from kernel.provider.plivo.traits import TRAITS
from kernel.provider.port import (
    PAGE_MAX,
    Accepted,
    Account,
    Away,
    Done,
    Link,
    LoggedMessage,
    Missing,
    NotAccepted,
    Page,
    SendResult,
    Traits,
    Uncertain,
)
from kernel.values.clock import Clock, SystemClock

NUMBER = "+33937000000"


@dataclass(frozen=True, slots=True)
class Sent:
    """An SMS that was taken."""

    message_id: str
    to: str
    text: str
    callback_url: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A scripted answer to a send: the SMS is taken, and the answer is lost all the same."""

    answer: Uncertain


class FakeProvider:
    """A ``Provider``.

    Attributes:
        script: answers to the next sends; when empty, they are accepted.
        away: while set, questions are not answered, with this reason.
        sent: what was taken, in order.
        sends: how many sends were tried.
        asked: how many questions were asked.
        logged: the provider's log.
        app_id: what the number is linked to.
        obeys: a change of the link has an effect.
        latency: of every call, seconds.
        hidden: ids that the log does not show yet.
        refs: of the sends, in order.
        sought: the numbers that the log of what was sent was asked for; None: all of it.
        asleep: what is taken waits, and can be called back where the traits say so.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        price_microunits: int = 65_000,
        traits: Traits = TRAITS,
    ) -> None:
        self._clock = clock or SystemClock()
        self._ids = (f"fake-{number:06}" for number in itertools.count(1))
        self._price = price_microunits
        self.script: deque[SendResult | Taken] = deque()
        self.away: str | None = None
        self.sent: list[Sent] = []
        self.sends = 0
        self.asked = 0
        self.refs: list[str] = []
        self.sought: list[str | None] = []
        self.traits = traits
        self.asleep = False
        self.links: list[str] = []
        self.logged: dict[str, tuple[str, LoggedMessage]] = {}
        self.hidden: set[str] = set()
        self.app_id: str | None = "app"
        self.obeys = True
        self.account = Account(25_000_000, auto_recharge=False)
        self.latency = 0.0
        self.in_flight = self.in_flight_max = 0

    async def send(self, *, to: str, text: str, callback_url: str, ref: str = "") -> SendResult:
        self.sends += 1
        self.refs.append(ref)
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        try:
            await asyncio.sleep(self.latency)
        finally:
            self.in_flight -= 1
        answer = self.script.popleft() if self.script else None
        if isinstance(answer, NotAccepted | Uncertain):
            return answer
        message_id = ref if self.traits.repeatable else next(self._ids)
        if message_id in self.logged:
            state = self.logged[message_id][1].state
            cancelled = state == "cancelled"
            return NotAccepted("cancelled", retry=False) if cancelled else Accepted(message_id)
        self.sent.append(Sent(message_id, to, text, callback_url))
        state = "queued" if self.asleep else "sent"
        self._log("outbound", message_id, sender=NUMBER, recipient=to, state=state)
        if isinstance(answer, Taken):
            return answer.answer
        return answer or Accepted(message_id)

    def receive(
        self,
        sender: str,
        *,
        message_id: str | None = None,
        at: datetime | None = None,
        state: str = "delivered",
        amount_microunits: int | None = 10_000,
    ) -> str:
        """Somebody texts our number. Returns the id."""
        message_id = message_id or next(self._ids)
        self._log("inbound", message_id, sender=sender, recipient=NUMBER, state=state, at=at)
        self.change(message_id, amount_microunits=amount_microunits)
        return message_id

    def change(self, message_id: str, **fields: object) -> None:
        """Change a record of the log."""
        direction, message = self.logged[message_id]
        self.logged[message_id] = direction, replace(message, **fields)  # type: ignore[arg-type]

    def _log(
        self,
        direction: str,
        message_id: str,
        *,
        sender: str,
        recipient: str,
        state: str,
        at: datetime | None = None,
    ) -> None:
        at = (at or self._clock.now()).astimezone(UTC).replace(microsecond=0)
        message = LoggedMessage(message_id, sender, recipient, at, state, 1, self._price, None)
        self.logged[message_id] = direction, message

    async def cancel(self, ref: str) -> Done | Away:
        await self._ask()
        if not self.traits.cancels or self.away:
            return Away(self.away or "unsupported")
        if ref in self.logged and self.logged[ref][1].state == "queued":
            self.change(ref, state="cancelled", amount_microunits=0)
            self.sent = [sent for sent in self.sent if sent.message_id != ref]
        return Done()

    async def read_message(self, message_id: str) -> LoggedMessage | Missing | Away:
        await self._ask()
        if self.away:
            return Away(self.away)
        if message_id not in self.logged or message_id in self.hidden:
            return Missing()
        return self.logged[message_id][1]

    async def list_sent(
        self, *, to: str | None, since: datetime, until: datetime | None = None, offset: int = 0
    ) -> Page | Away:
        self.sought.append(to)

        def wanted(message: LoggedMessage) -> bool:
            return to is None or message.recipient == to

        return await self._list("outbound", since, until, offset, wanted)

    async def list_received(
        self, *, since: datetime, until: datetime, undelivered: bool, offset: int = 0
    ) -> Page | Away:
        if not self.traits.has_inbox:
            return Page([], more=False)

        def wanted(message: LoggedMessage) -> bool:
            return not undelivered or message.state == "undelivered"

        return await self._list("inbound", since, until, offset, wanted)

    async def _list(
        self,
        direction: str,
        since: datetime,
        until: datetime | None,
        offset: int,
        wanted: Callable[[LoggedMessage], bool],
    ) -> Page | Away:
        await self._ask()
        if self.away:
            return Away(self.away)
        # The window is in whole seconds, both ends included.
        since = since.replace(microsecond=0)
        found: Sequence[LoggedMessage] = [
            message
            for kind, message in self.logged.values()
            if kind == direction
            and message.at >= since
            and (until is None or message.at <= until)
            and message.message_id not in self.hidden
            and wanted(message)
        ]
        newest_first = sorted(found, key=lambda m: (m.at, m.message_id), reverse=True)
        page = newest_first[offset : offset + PAGE_MAX]
        return Page(page, more=len(newest_first) > offset + PAGE_MAX)

    async def read_link(self) -> Link | Away:
        await self._ask()
        return Away(self.away) if self.away else Link(self.app_id)

    async def link(self, app_id: str) -> Done | Away:
        await self._ask()
        if self.away:
            return Away(self.away)
        self.links.append(app_id)
        if self.obeys:
            self.app_id = app_id or None
        return Done()

    async def read_account(self) -> Account | Away:
        await self._ask()
        return Away(self.away) if self.away else self.account

    async def _ask(self) -> None:
        self.asked += 1
        await asyncio.sleep(0)
