"""The doors of gifts on ``LISTEN``: HelloAsso's bell and Stripe's webhook (docs/contract.md §7).

Neither quotes, logs or appends a byte of what came: a bell proves nothing, and of an event only
what money needs is told.
"""

import asyncio
import hmac
from collections.abc import Callable, Mapping

from aiohttp import web

from kernel.facts.records import Platform
from kernel.facts.topics import outgoing
from kernel.http.doors import Entry, Find
from kernel.http.server import RETRY_LATER
from kernel.log.port import Log
from kernel.values.clock import Clock
from kernel.values.errors import Rejected, Transient
from services.donations.core.signature import is_signed
from services.donations.core.stripe import Event, Unreadable, read_event, report_event
from services.donations.metrics import Metrics
from services.donations.settings import DonationsSettings, StripeSettings
from services.donations.teller import Beginning

BELL_PATH = "/webhooks/donations/helloasso/"
STRIPE_PATH = "/webhooks/donations/stripe"
BELL_BYTES_MAX = 65_536
EVENT_BYTES_MAX = 524_288
ANSWER_SECONDS_MAX = 6.0
SIGNATURE_HEADER = "Stripe-Signature"


class StripeDoor:
    """Takes Stripe's events: 200 once the log has durably what they say."""

    def __init__(
        self,
        settings: StripeSettings,
        beginning: Beginning,
        log: Log,
        *,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._settings, self._beginning, self._log = settings, beginning, log
        self._clock, self._metrics = clock, metrics

    async def answer(self, headers: Mapping[str, str], body: bytes) -> web.Response:
        """Answer one event."""
        outcome = await self._take(headers.get(SIGNATURE_HEADER, ""), body)
        self._metrics.answered(Platform.STRIPE, outcome)
        if outcome in _REFUSED:
            return web.json_response({"error": outcome}, status=400)
        if outcome in _TAKEN:
            return web.Response()
        return web.json_response({"error": outcome}, status=503, headers=RETRY_LATER)

    async def _take(self, signature: str, body: bytes) -> str:
        if not is_signed(signature, body, self._settings.secrets, self._clock.now()):
            return "signature_wrong"
        try:
            event = read_event(body)
        except Unreadable:
            return "form_unreadable"
        if event.live is not self._settings.live:
            return "other_mode"
        try:
            return await self._tell(event)
        except Transient as trouble:
            return trouble.code
        except (TimeoutError, Rejected):
            return "log_away"

    async def _tell(self, event: Event) -> str:
        facts = report_event(event, await self._beginning.since(self._clock.now()))
        if not facts:
            return "nothing_to_tell"
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            await self._log.append([outgoing(fact) for fact in facts])
        self._metrics.told(Platform.STRIPE, len(facts))
        return "accepted"


_REFUSED = frozenset({"signature_wrong", "form_unreadable"})
_TAKEN = frozenset({"accepted", "nothing_to_tell", "other_mode"})


def make_find(
    settings: DonationsSettings, ring: Callable[[], None], stripe: StripeDoor, metrics: Metrics
) -> Find:
    """What answers on which path; a platform that is not set has none."""
    bell = settings.helloasso.bell.encode() if settings.helloasso else b""

    async def answer_bell(_: Mapping[str, str], __: bytes) -> web.Response:
        metrics.answered(Platform.HELLOASSO, "accepted")
        ring()
        return web.Response()

    bell_entry = Entry(answer_bell, BELL_BYTES_MAX, cut=True)
    event_entry = Entry(stripe.answer, EVENT_BYTES_MAX)

    def find(path: str) -> Entry | None:
        if path == STRIPE_PATH:
            return event_entry if settings.stripe.secrets else None
        if bell and path.startswith(BELL_PATH):
            given = path.removeprefix(BELL_PATH).encode("utf-8", "replace")
            return bell_entry if hmac.compare_digest(given, bell) else None
        return None

    return find
