"""One phone: what it receives and raises events of, and what it sends."""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zlib import crc32

from kernel.values.clock import Clock
from kernel.values.text import segment_text
from simulator.phone.settings import PhoneConfig, PhoneFaults

ATTEMPTS_MAX = 16
RETRY_SECONDS = 5.0
SENDING_SECONDS = 2.0
"""From the phone's taking an SMS to its having left, at speed 1; as long again to its delivery."""
ESCAPED = {character: f"\\u{ord(character):04x}" for character in "'<>&="}
"""What the app's JSON writes as an escape."""

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]


@dataclass(slots=True)
class Sms:
    """An SMS that the server was given.

    Attributes:
        fetched: the phone has it.
        until: it is not sent later.
        sent: how many times it left; more than once is what must never be.
    """

    id: str
    device: str
    number: str
    text: str
    until: datetime
    state: str = "Pending"
    states: dict[str, datetime] = field(default_factory=dict)
    error: str | None = None
    fetched: bool = False
    sent: int = 0


@dataclass(frozen=True, slots=True)
class Registration:
    """A webhook that is registered."""

    id: str
    event: str
    url: str


@dataclass(slots=True)
class _Queued:
    url: str
    body: bytes
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """A text that the phone received; ``id`` is its 32-bit hash."""

    id: str
    sender: str
    text: str
    at: datetime


class Phone:
    """A phone of the pool.

    Attributes:
        online: it can be reached, sends, and calls webhooks; what comes meanwhile waits.
        inbox: what it received.
        lost: events that it gave up after ``ATTEMPTS_MAX``.
        last_seen: by the server.
    """

    def __init__(
        self,
        device: str,
        config: PhoneConfig,
        faults: PhoneFaults,
        *,
        registrations: Sequence[Registration],
        clock: Clock,
        post: Post,
    ) -> None:
        self.device, self.online = device, True
        self.inbox: list[Text] = []
        self.lost = 0
        self.last_seen = clock.now()
        self.waiting: deque[Sms] = deque()
        self._config, self._faults = config, faults
        self._registrations, self._clock, self._post = registrations, clock, post
        self._random = Random(f"{config.seed}-{device}")
        self._new: deque[_Queued] = deque()
        self._overdue: list[tuple[float, int, _Queued]] = []
        self._count = 0
        self._sent_at: deque[datetime] = deque()
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to send and to call webhooks."""
        for work in (self._send_all, self._call_all):
            self._spawn(work())

    async def stop(self) -> None:
        """Switch it off for good."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    @property
    def idle(self) -> bool:
        """Whether nothing waits on it."""
        return not (self.waiting or self._new or self._overdue or len(self._tasks) > 2)

    # -- what it receives ------------------------------------------------------------------------

    def receive(self, sender: str, text: str | None, at: datetime, kind: str = "sms") -> list[str]:
        """Somebody texts its number. Returns the ids of the events raised, one a registration."""
        if self._faults.rcs.strikes(self._random):
            return []
        second = int(at.timestamp())
        number = crc32(f"{sender}\x1f{second}\x1f{text}".encode("utf-8", "surrogatepass"))
        message_id = str(number - 2**31)
        if self.inbox and self._faults.hash_collision.strikes(self._random):
            message_id = self.inbox[-1].id
        elif any(known.id == message_id for known in self.inbox):
            return []  # the app drops what has a hash that it has seen
        self.inbox.append(Text(message_id, sender, text or "", at))
        payload: dict[str, Any] = {
            "messageId": message_id, "phoneNumber": sender, "sender": sender, "simNumber": 1,
            "receivedAt": at.isoformat(timespec="milliseconds"),
        }  # fmt: skip
        if kind == "mms":
            payload |= {"transactionId": "T1", "attachmentCount": 1, "size": 4096}
        else:
            payload["message"] = text or ""
        return self.raise_event(f"{kind}:received", payload)

    def ping(self, *, battery: int = 90) -> list[str]:
        """Tell of its health."""
        checks = {"battery:level": {"observedValue": battery, "status": "pass"}}
        return self.raise_event("system:ping", {"health": {"status": "pass", "checks": checks}})

    def raise_event(self, event: str, payload: Mapping[str, Any]) -> list[str]:
        """Queue an event for each registration that wants it. Returns the events' ids."""
        ids = []
        for one in self._registrations:
            if one.event != event:
                continue
            event_id = secrets.token_urlsafe(16)[:21]
            body = json.dumps(
                {"deviceId": self.device, "event": event, "id": event_id, "payload": payload,
                 "webhookId": one.id},
                ensure_ascii=False,
            )  # fmt: skip
            for character, escape in ESCAPED.items():
                body = body.replace(character, escape)
            queued = _Queued(one.url, body.encode("utf-8", "surrogatepass"))
            self._new.append(queued)
            if self._faults.webhook_duplicate.strikes(self._random):
                self._new.append(_Queued(queued.url, queued.body))
            ids.append(event_id)
        self.wake()
        return ids

    async def _call_all(self) -> None:
        """Call webhooks, one after the other; new ones before those that failed."""
        while True:
            queued = self._next() if self.online else None
            if queued is None:
                await self._sleep(0.02)
                continue
            status = await self._post(queued.url, self._sign(queued.body), queued.body)
            queued.attempts += 1
            if 200 <= status < 300:
                continue
            if queued.attempts >= ATTEMPTS_MAX:
                self.lost += 1
                continue
            pause = RETRY_SECONDS * 2 ** (queued.attempts - 1) / self._config.speed
            self._count += 1
            self._overdue.append((self._clock.monotonic() + pause, self._count, queued))

    def _next(self) -> _Queued | None:
        if self._new:
            return self._new.popleft()
        ripe = [one for one in self._overdue if one[0] <= self._clock.monotonic()]
        if not ripe:
            return None
        self._overdue.remove(min(ripe))
        return min(ripe)[2]

    def _sign(self, body: bytes) -> dict[str, str]:
        at = int(self._clock.now().timestamp() + self._faults.clock_off_seconds)
        key = self._config.signing_key.encode()
        signature = hmac.new(key, body + str(at).encode(), hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json; charset=utf-8", "X-Signature": signature,
            "X-Timestamp": str(at),
        }  # fmt: skip

    # -- what it sends ---------------------------------------------------------------------------

    async def _send_all(self) -> None:
        while True:
            self.last_seen = self._clock.now() if self.online else self.last_seen
            if not self.online or not self.waiting:
                await self._sleep(0.02)
                continue
            sms = self.waiting.pop() if self._config.newest_first else self.waiting.popleft()
            if sms.state != "Pending":
                continue
            sms.fetched = True
            self.enter(sms, "Processed")
            self._spawn(self._send(sms))

    async def _send(self, sms: Sms) -> None:
        now = self._clock.now()
        if now > sms.until:
            self._fail(sms, "TTL expired")
        elif self._is_at_limit(now):
            self._fail(sms, "Send result: RESULT_ERROR_LIMIT_EXCEEDED")
        elif self._faults.failed.strikes(self._random):
            self._fail(sms, "Send result: RESULT_ERROR_GENERIC_FAILURE")
        else:
            await self._leave(sms)

    async def _leave(self, sms: Sms) -> None:
        await asyncio.sleep(SENDING_SECONDS / self._config.speed)
        sms.sent += 1
        parts = segment_text(sms.text).segments
        undelivered = self._faults.undelivered.strikes(self._random)
        early = undelivered and self._faults.out_of_order.strikes(self._random)
        self.enter(sms, "Sent")
        if not early:
            self._report(sms, "sms:sent", partsCount=parts, sentAt=self._time())
        await asyncio.sleep(SENDING_SECONDS / self._config.speed)
        if undelivered:
            self._fail(sms, "Delivery result: RESULT_CANCELED", state_sent=True)
            if early:
                self._report(sms, "sms:sent", partsCount=parts, sentAt=self._time())
            return
        self.enter(sms, "Delivered")
        for _ in range(parts):
            self._report(sms, "sms:delivered", deliveredAt=self._time())

    def _is_at_limit(self, now: datetime) -> bool:
        window = self._config.limit_window / self._config.speed
        while self._sent_at and self._sent_at[0] <= now - window:
            self._sent_at.popleft()
        if len(self._sent_at) >= self._config.limit:
            return True
        self._sent_at.append(now)
        return False

    def _fail(self, sms: Sms, reason: str, *, state_sent: bool = False) -> None:
        sms.error = reason
        assert state_sent is bool(sms.sent)
        self.enter(sms, "Failed")
        self._report(sms, "sms:failed", reason=reason, failedAt=self._time())

    def _report(self, sms: Sms, event: str, **more: Any) -> None:
        if self._faults.report_lost.strikes(self._random):
            return
        own = {"messageId": sms.id, "phoneNumber": sms.number, "recipient": sms.number}
        self.raise_event(event, {**own, "simNumber": 1, **more})

    def enter(self, sms: Sms, state: str) -> None:
        """Note a state of an SMS."""
        sms.state = state
        sms.states[state] = self._clock.now()

    def _time(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")

    async def _sleep(self, seconds: float) -> None:
        self._woken.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def time_to_live(now: datetime, seconds: int) -> datetime:
    """Until when an SMS may be sent; real time."""
    return now + timedelta(seconds=seconds)
