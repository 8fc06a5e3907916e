"""SMS Gateway for Android over its API, a private server's or a phone's own (docs/providers.md).

A send is known by the id that we give it. The server tells ids apart by device, so a number always
has the same device; an id that it knows is answered 409, which is an acceptance unless what it
knows was cancelled. It sends the newest first unless told otherwise in the app, and holds what a
sleeping phone does not fetch: each send has a time after which it is not sent any more.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp

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
from kernel.provider.smsgate.client import MENDABLE, PROXY_STATUSES, Answered, Failed, call
from kernel.provider.smsgate.traits import describe_smsgate
from kernel.provider.smsgate.wire import (
    choose_device,
    is_about_number,
    is_queue_full,
    name_message,
    read_devices,
    read_id,
    read_message,
    read_received,
    read_registrations,
)
from kernel.settings.settings import QuietHours, Settings, require
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import Clock, SystemClock

CALL_SECONDS_MAX = 10.0
"""For the whole of a call; real time, whatever ``CLOCK_SPEED``."""
CONNECT_SECONDS_MAX = 5.0
TTL_SECONDS = 3600
TTL_SECONDS_MIN = 60
"""What is not sent within its time is not sent at all; below a minute a phone that only dozes would
miss it."""
EVENTS = (
    "sms:received", "sms:sent", "sms:delivered", "sms:failed", "sms:cancelled", "mms:received",
    "system:ping", "app:started",
)  # fmt: skip
"""What the house listens to."""

BAD_REQUEST, NOT_FOUND, CONFLICT, UNAVAILABLE, UNIMPLEMENTED = 400, 404, 409, 503, 501
T = TypeVar("T")


class SmsGate:
    """A ``Provider``.

    Args:
        base: of the API, with the path that the mode has; no slash at its end.
        devices: the pool.
        number: ours, E.164.
        webhook_url: where the phones are to call.
        speed: ``CLOCK_SPEED``.
        quiet: hours that begin no later than what is sent ends.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base: str,
        devices: Sequence[str],
        number: str,
        webhook_url: str,
        traits: Traits,
        speed: float = 1.0,
        quiet: QuietHours | None = None,
        telemetry: Telemetry | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._session, self._base, self._devices = session, base, tuple(devices)
        self._number, self.webhook_url = number, webhook_url
        self.traits = traits
        self._speed, self._quiet, self._telemetry = speed, quiet, telemetry

    async def send(self, *, to: str, text: str, callback_url: str, ref: str = "") -> SendResult:
        """See ``Provider``. Where to report stands in the registered webhooks."""
        if not ref:
            return NotAccepted("invalid", retry=False)
        message_id = name_message(ref)
        answer = await self._call(
            "send",
            "POST",
            "/messages",
            body={
                "id": message_id,
                "deviceId": choose_device(self._devices, to),
                "phoneNumbers": [to],
                "textMessage": {"text": text},
                "ttl": self._ttl(self._clock.now()),
                "withDeliveryReport": True,
                "priority": 0,
            },
        )
        if isinstance(answer, Failed):
            if answer.untaken:
                return NotAccepted(answer.reason, retry=answer.reason != "invalid")
            return Uncertain(answer.reason)
        if answer.status == CONFLICT:
            return await self._taken_before(message_id)
        return _judge_send(answer, message_id)

    async def _taken_before(self, message_id: str) -> SendResult:
        """The id is known: it was taken, but for one that was cancelled."""
        found = await self.read_message(message_id)
        if isinstance(found, LoggedMessage) and found.state == "cancelled":
            return NotAccepted("cancelled", retry=False)
        return Accepted(message_id)

    def _ttl(self, now: datetime) -> int:
        """Seconds that a send is good for: not into the quiet hours, by real clocks."""
        seconds = TTL_SECONDS / self._speed
        quiet_at = None if self._quiet is None else self._quiet.next_quiet(now)
        if quiet_at is not None and quiet_at > now:
            seconds = min(seconds, (quiet_at - now).total_seconds())
        return max(int(seconds), TTL_SECONDS_MIN)

    async def cancel(self, ref: str) -> Done | Away:
        """See ``Provider``. What is no longer pending (409, a phone's own 400) stays as it is."""
        path = f"/messages/{quote(name_message(ref), safe='')}"
        answer = await self._call("cancel", "DELETE", path)
        if isinstance(answer, Answered):
            known = {BAD_REQUEST, NOT_FOUND, CONFLICT}
            if answer.good or answer.status in known:
                return Done()
        return _away(answer)

    async def read_message(self, message_id: str) -> LoggedMessage | Missing | Away:
        """See ``Provider``, by its id or our reference.

        That it is missing is remembered for minutes by the server: no proof.
        """
        path = f"/messages/{quote(name_message(message_id), safe='')}"
        answer = await self._call("read_message", "GET", path)
        if isinstance(answer, Answered) and answer.status == NOT_FOUND:
            return Missing()
        return _read(answer, read_message)

    async def list_sent(
        self, *, to: str | None, since: datetime, until: datetime | None = None, offset: int = 0
    ) -> Page | Away:
        """See ``Provider``. By number nothing is found: numbers are hashed there."""
        if to is not None:
            return Away("unsupported")
        until = until or self._clock.now()
        return await self._list("list_sent", "/messages", (since, until), offset, read_message)

    async def list_received(
        self, *, since: datetime, until: datetime, undelivered: bool, offset: int = 0
    ) -> Page | Away:
        """See ``Provider``. An inbox does not know what our webhook took."""
        if undelivered or not self.traits.has_inbox:
            return Page([], more=False)

        def read(body: Any) -> LoggedMessage | None:
            return read_received(body, self._number)

        return await self._list("list_received", "/inbox?type=SMS", (since, until), offset, read)

    async def _list(
        self,
        name: str,
        path: str,
        window: tuple[datetime, datetime],
        offset: int,
        read: Callable[[Any], LoggedMessage | None],
    ) -> Page | Away:
        stretch = {"from": _wire_time(window[0]), "to": _wire_time(window[1])}
        paging = {"limit": str(PAGE_MAX), "offset": str(offset)}
        answer = await self._call(name, "GET", path, **stretch, **paging)
        if isinstance(answer, Failed) or not answer.good:
            return _away(answer)
        if not isinstance(answer.body, list):
            return Away("unreadable")
        found = [read(item) for item in answer.body]
        messages = [message for message in found if message is not None]
        more = len(found) >= PAGE_MAX
        if answer.total is not None and offset + len(found) >= answer.total:
            more = False
        return Page(messages, more, len(found) - len(messages))

    async def read_link(self) -> Link | Away:
        """See ``Provider``: linked is who has a webhook registered for what is received."""
        found = await self.read_registrations()
        if isinstance(found, Away):
            return found
        urls = {url for _, event, url in found if event == "sms:received"}
        return Link("webhook" if self.webhook_url in urls else None)

    async def link(self, app_id: str) -> Done | Away:
        """See ``Provider``. Registers each event under an id of its own: twice is once.

        Whoever has registered the URL himself is left alone: another registration of the same
        event would double every text.
        """
        found = await self.read_registrations()
        if isinstance(found, Away):
            return found
        ours = [(id_, event) for id_, event, url in found if url == self.webhook_url]
        steps: list[tuple[str, str, Any]] = [
            ("DELETE", f"/webhooks/{quote(id_, safe='')}", None) for id_, _ in ours if not app_id
        ]
        for event in EVENTS if app_id else ():
            if event not in {told for _, told in ours}:
                name = f"antirelou-{event.replace(':', '-')}"
                body = {"id": name, "url": self.webhook_url, "event": event}
                steps.append(("POST", "/webhooks", body))
        for method, path, asked in steps:
            answer = await self._call("link", method, path, body=asked)
            if isinstance(answer, Failed) or not answer.good:
                return _away(answer)
        return Done()

    async def read_devices(self) -> dict[str, datetime | None] | Away:
        """When the server last saw each phone, by id; None: it does not say."""
        return _read(await self._call("read_devices", "GET", "/devices"), read_devices)

    async def read_registrations(self) -> list[tuple[str, str, str]] | Away:
        """The webhooks that are registered, ours and others': id, event, URL."""
        return _read(await self._call("read_link", "GET", "/webhooks"), read_registrations)

    async def read_account(self) -> Account | Away:
        """See ``Provider``: a plan has no credit to read, and nothing that fills itself."""
        return Account(credit_microunits=None, auto_recharge=False)

    async def _call(
        self, name: str, method: str, path: str, *, body: Any = None, **query: str
    ) -> Answered | Failed:
        """Make a call, and count it."""
        asked = time.monotonic()
        answer = await call(self._session, method, self._base + path, body=body, **query)
        if self._telemetry:
            outcome = answer.reason if isinstance(answer, Failed) else str(answer.status)
            outcome = "ok" if isinstance(answer, Answered) and answer.good else outcome
            self._telemetry.counter(
                "antirelou_provider_requests_total", call=name, outcome=outcome
            ).inc()
            self._telemetry.histogram("antirelou_provider_request_seconds", call=name).observe(
                time.monotonic() - asked
            )
        return answer


def _judge_send(answer: Answered, message_id: str) -> SendResult:
    """What a status says of a send, but for 409."""
    status = str(answer.status)
    if answer.good:
        taken = read_id(answer.body) == message_id
        return Accepted(message_id) if taken else Uncertain("unreadable")
    if 300 <= answer.status < 400:
        return Uncertain("redirected")
    if answer.status == UNAVAILABLE and is_queue_full(answer.body):
        return NotAccepted(status, retry=True, after_seconds=answer.after_seconds)
    if 400 <= answer.status < 500 and answer.status not in PROXY_STATUSES:
        # A device that is not there is a 400 too, and can be mended.
        mendable = answer.status == BAD_REQUEST and not is_about_number(answer.body)
        retry = mendable or answer.status in MENDABLE
        return NotAccepted(status, retry, answer.after_seconds)
    return Uncertain(status)


def _read(answer: Answered | Failed, read: Callable[[Any], T | None]) -> T | Away:
    if isinstance(answer, Failed) or not answer.good:
        return _away(answer)
    found = read(answer.body)
    return Away("unreadable") if found is None else found


def _away(answer: Answered | Failed) -> Away:
    if isinstance(answer, Failed):
        return Away(answer.reason)
    return Away(str(answer.status), answer.after_seconds)


def _wire_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def api_base(settings: Settings) -> str:
    """Where the API stands, with the path that the mode has."""
    return settings.smsgate_url + ("/3rdparty/v1" if settings.smsgate_mode == "private" else "")


@asynccontextmanager
async def open_provider(
    settings: Settings, telemetry: Telemetry | None = None
) -> AsyncIterator[SmsGate]:
    """SMSGate as the settings name it.

    Raises:
        Fatal: ``settings``: one that it needs is missing.
    """
    require(
        settings, "number", "smsgate_url", "smsgate_user", "smsgate_password", "smsgate_devices"
    )
    timeout = aiohttp.ClientTimeout(total=CALL_SECONDS_MAX, sock_connect=CONNECT_SECONDS_MAX)
    login = aiohttp.encode_basic_auth(
        settings.smsgate_user, settings.smsgate_password.get_secret_value(), "utf-8"
    )
    async with aiohttp.ClientSession(timeout=timeout, headers={"Authorization": login}) as session:
        yield SmsGate(
            session,
            base=api_base(settings),
            devices=settings.smsgate_devices,
            number=settings.number or "",
            webhook_url=f"{settings.public_url}/webhooks/smsgate",
            traits=describe_smsgate(settings),
            speed=settings.clock_speed,
            quiet=settings.quiet,
            telemetry=telemetry,
        )
