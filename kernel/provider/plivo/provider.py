"""Plivo, through its SDK in threads (docs/plivo.md §4, §5, §9).

The SDK blocks, and its client is one session, so every thread has its own client; a call that was
not begun within ``STALE_SECONDS`` of being asked for is not made at all.

SMS are sent with ``log="number_only"``: Plivo then keeps the number in its log and not the text.
``"false"`` would mask the number too, in the log and in reports, and the log is the only way to
learn what became of an uncertain send: it holds no text and none of our ids, so a match is made
on number and time alone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from threading import local
from typing import Any

from kernel.provider.plivo.client import CLIENT_SECONDS_MAX, Answered, Client, Failed, call
from kernel.provider.plivo.traits import TRAITS
from kernel.provider.plivo.wire import (
    digits,
    read_account,
    read_app_id,
    read_message,
    read_message_id,
    read_page,
)
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
    Uncertain,
)
from kernel.settings.settings import Settings, require
from kernel.telemetry.metrics import Telemetry

THREADS = 32
STALE_SECONDS = 20.0
"""How long a call may wait for a thread: shorter than any lease on what it is about."""
CALL_SECONDS_MAX = 30.0
"""The SDK's time-out is for each read; this one is for the whole, against a dripping answer."""

FORBIDDEN = 403
NOT_FOUND = 404


class Plivo:
    """A ``Provider``.

    Args:
        api_url: scheme, host and port.
        number: ours, E.164.
        mute_app_id: the application to link to instead of to none; empty: to none.
    """

    traits = TRAITS

    def __init__(
        self,
        *,
        auth_id: str,
        auth_token: str,
        api_url: str,
        number: str,
        pool: ThreadPoolExecutor,
        mute_app_id: str = "",
        telemetry: Telemetry | None = None,
        seconds_max: float = CLIENT_SECONDS_MAX,
    ) -> None:
        self._make = partial(Client, auth_id, auth_token, api_url, seconds_max)
        self._number, self._mute_app_id = digits(number), mute_app_id
        self._pool, self._telemetry = pool, telemetry
        self._local = local()
        self._clients: list[Client] = []
        self._failed_at = 0.0

    async def send(self, *, to: str, text: str, callback_url: str, ref: str = "") -> SendResult:
        """See ``Provider``. It takes no reference: ours goes into the callback's URL."""
        answer = await self._call(
            "send",
            lambda client: client.messages.create(
                src=self._number,
                dst=digits(to),
                text=text,
                url=callback_url,
                method="POST",
                log="number_only",
            ),
        )
        if isinstance(answer, Failed):
            if answer.untaken:
                return NotAccepted(answer.reason, answer.retry, answer.after_seconds)
            return Uncertain(answer.reason)
        message_id = read_message_id(answer.body)
        return Accepted(message_id) if message_id else Uncertain("unreadable")

    async def cancel(self, ref: str) -> Done | Away:
        """See ``Provider``: Plivo calls nothing back."""
        return Away("unsupported")

    async def read_message(self, message_id: str) -> LoggedMessage | Missing | Away:
        """See ``Provider``."""
        answer = await self._call("read_message", lambda client: client.messages.get(message_id))
        if isinstance(answer, Failed):
            return Missing() if answer.status == NOT_FOUND else _away(answer)
        return read_message(answer.body) or Away("unreadable")

    async def list_sent(
        self, *, to: str | None, since: datetime, until: datetime | None = None, offset: int = 0
    ) -> Page | Away:
        """See ``Provider``."""
        window = {"message_time__gte": _wire_time(since)}
        if until is not None:
            window["message_time__lte"] = _wire_time(until)
        if to is not None:
            window["to_number"] = digits(to)
        return await self._list("list_sent", offset, message_direction="outbound",
                                from_number=self._number, **window)  # fmt: skip

    async def list_received(
        self, *, since: datetime, until: datetime, undelivered: bool, offset: int = 0
    ) -> Page | Away:
        """See ``Provider``."""
        state = {"message_state": "undelivered"} if undelivered else {}
        return await self._list(
            "list_received",
            offset,
            message_direction="inbound",
            message_time__gte=_wire_time(since),
            message_time__lte=_wire_time(until),
            to_number=self._number,
            **state,
        )

    async def _list(self, name: str, offset: int, **query: Any) -> Page | Away:
        answer = await self._call(
            name, lambda client: client.messages.list(limit=PAGE_MAX, offset=offset, **query)
        )
        if isinstance(answer, Failed):
            return _away(answer)
        return read_page(answer.body, offset) or Away("unreadable")

    async def read_link(self) -> Link | Away:
        """See ``Provider``."""
        answer = await self._call("read_link", lambda client: client.numbers.get(self._number))
        if isinstance(answer, Failed):
            return _away(answer)
        found, app_id = read_app_id(answer.body)
        return Link(app_id) if found else Away("unreadable")

    async def link(self, app_id: str) -> Done | Away:
        """See ``Provider``. The SDK drops None, so none is told by the empty string."""
        wanted = app_id or self._mute_app_id
        answer = await self._call(
            "link", lambda client: client.numbers.update(self._number, app_id=wanted)
        )
        return _away(answer) if isinstance(answer, Failed) else Done()

    async def read_account(self) -> Account | Away:
        """See ``Provider``."""
        answer = await self._call("read_account", _read_account)
        return _away(answer) if isinstance(answer, Failed) else read_account(answer.body)

    async def _call(self, name: str, ask: Callable[[Client], Any]) -> Answered | Failed:
        """Make a call in a thread, and count it."""
        asked = time.monotonic()
        running = asyncio.get_running_loop().run_in_executor(self._pool, self._work, ask, asked)
        done, _ = await asyncio.wait({running}, timeout=CALL_SECONDS_MAX + STALE_SECONDS)
        answer = running.result() if done else Failed("timeout")
        if self._telemetry:
            outcome = answer.reason if isinstance(answer, Failed) else "ok"
            self._telemetry.counter(
                "antirelou_provider_requests_total", call=name, outcome=outcome
            ).inc()
            self._telemetry.histogram("antirelou_provider_request_seconds", call=name).observe(
                time.monotonic() - asked
            )
        return answer

    def _work(self, ask: Callable[[Client], Any], asked: float) -> Answered | Failed:
        if time.monotonic() - asked > STALE_SECONDS:
            return Failed("stale", untaken=True)
        client = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._make()
            self._clients.append(client)
        answer = call(client, ask, self._failed_at)
        if isinstance(answer, Failed) and answer.status is None:
            # Where one connection went silent the others have, and each would cost a send.
            self._failed_at = time.monotonic()
        return answer

    def close(self) -> None:
        """Close the connections. What is still being asked ends in an error."""
        for client in self._clients:
            client.session.close()
            client.multipart_session.close()


@asynccontextmanager
async def open_provider(
    settings: Settings, telemetry: Telemetry | None = None
) -> AsyncIterator[Plivo]:
    """Plivo as the settings name it.

    Raises:
        Fatal: ``settings``: the number or the credentials are missing.
    """
    require(settings, "number", "plivo_auth_id", "plivo_auth_token")
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="plivo")
    provider = Plivo(
        auth_id=settings.plivo_auth_id or "",
        auth_token=settings.plivo_auth_token.get_secret_value(),
        api_url=settings.plivo_api_url,
        number=settings.number or "",
        pool=pool,
        mute_app_id=settings.plivo_mute_app_id,
        telemetry=telemetry,
    )
    try:
        yield provider
    finally:
        provider.close()
        pool.shutdown(wait=False, cancel_futures=True)


def _read_account(client: Client) -> Any:
    return client.account.get()


def _away(failed: Failed) -> Away:
    return Away(failed.reason, failed.after_seconds)


def _wire_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
