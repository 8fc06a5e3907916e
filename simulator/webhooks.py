"""The webhooks of the simulated provider: inbound messages with their retries, reports, calls."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

from simulator.message import Message, count_segments, message_fields
from simulator.settings import SignatureMode
from simulator.signature import signature_headers
from simulator.webhook_client import WebhookClient
from simulator.world import World

RETRY_SECONDS = (60.0, 120.0, 240.0)
"""Waits before the second, third and last attempt (docs/plivo.md §1)."""

FORM = {"User-Agent": "Plivo", "Content-Type": "application/x-www-form-urlencoded"}


class Webhooks:
    """Calls our webhooks for the world.

    Args:
        world: whose messages they are.
        client: sends them.
    """

    def __init__(self, world: World, client: WebhookClient) -> None:
        self._world = world
        self._client = client
        speed = world.config.retry_speed or world.config.speed
        self._retry_seconds = [seconds / speed for seconds in RETRY_SECONDS]

    def take(
        self,
        sender: str,
        text: str | None,
        *,
        recipient: str | None = None,
        kind: str = "sms",
        intent: str = "",
        message_id: str | None = None,
    ) -> Message | None:
        """Take an SMS from the network, log and charge it. Nothing is delivered yet.

        Args:
            sender: as the network names it; a ``+`` is dropped.
            text: None where there is none.
            recipient: ours by default.
            kind: sms, mms or whatsapp.
            intent: optout, optin, help or empty.
            message_id: the provider's id; one that is known already is replaced by a fresh one.

        Returns:
            the message, or None where it is rejected because the number is detached.
        """
        world = self._world
        if not world.attached and world.faults.detached == "rejected":
            return None
        if message_id is None or message_id in world.messages:
            message_id = world.new_id()
        message = Message(
            uuid=message_id,
            direction="inbound",
            sender=sender.removeprefix("+"),
            recipient=(recipient or world.config.number).removeprefix("+"),
            text=text,
            at=world.now(),
            segments=count_segments(text),
            rate_microunits=world.config.price_receive_microunits,
            state="received",
            kind=kind,
            intent=intent,
        )
        if world.faults.repriced.strikes(world.random):
            world.reprice(message)
        world.add(message)
        world.charge(message)
        return message

    async def deliver(self, message: Message) -> bool:
        """Deliver an inbound message, with retries. Returns whether our webhook took it."""
        return await self.deliver_once(message) or await self.deliver_again(message)

    async def deliver_once(self, message: Message) -> bool:
        """The first attempt. Returns whether our webhook took it."""
        if self._world.faults.webhook_late.strikes(self._world.random):
            await self._world.pause(self._world.faults.webhook_late_seconds)
        return self._has_webhook and await self._attempt(message)

    async def deliver_again(self, message: Message) -> bool:
        """The three attempts after the first. Returns whether our webhook took one."""
        if not self._has_webhook:
            return False  # nobody to call: it stays `received`
        for seconds in self._retry_seconds:
            await asyncio.sleep(seconds)
            if await self._attempt(message):
                return True
        self._world.set_state(message, "undelivered")
        return False

    @property
    def _has_webhook(self) -> bool:
        return self._world.attached and bool(self._world.config.message_url)

    async def _attempt(self, message: Message) -> bool:
        """One attempt at our webhook. Returns whether it answered 2xx."""
        world = self._world
        message.attempts += 1
        if world.faults.webhook_lost.strikes(world.random):
            return False
        factor = 10 if world.faults.wrong_amount.strikes(world.random) else 1
        fields = message_fields(message, factor=factor)
        taken = await self.post(world.config.message_url, fields)
        if world.faults.webhook_duplicate.strikes(world.random):
            taken = await self.post(world.config.message_url, fields) or taken
        if taken:
            world.set_state(message, "delivered")
        return taken

    async def post_report(self, message: Message, fields: Mapping[str, str]) -> None:
        """Send a status report to the URL of its message; retried as messages are."""
        if await self.post(message.url, fields, method=message.method):
            return
        self._world.spawn(self._retry_report(message, fields))

    async def _retry_report(self, message: Message, fields: Mapping[str, str]) -> None:
        for seconds in self._retry_seconds:
            await asyncio.sleep(seconds)
            if await self.post(message.url, fields, method=message.method):
                return

    async def call(self, sender: str) -> tuple[int, str]:
        """Let somebody call the number. Returns status and body of our answer; 0: none came."""
        mode = self._world.config.signature_mode
        fields = {
            "CallUUID": self._world.new_id(),
            "From": sender.removeprefix("+"),
            "To": self._world.config.number.removeprefix("+"),
            "CallStatus": "ringing",
            "Direction": "inbound",
            "ForwardedFrom": "",
        }
        voice: SignatureMode = "ma_v3" if mode.startswith("ma_") else "v3"
        url = self._world.config.answer_url
        status, body = await self._send(url, fields, "POST", voice)
        return status, body.decode(errors="replace")

    async def post(self, url: str, fields: Mapping[str, str], *, method: str = "POST") -> bool:
        """Send a signed form. Returns whether the answer was 2xx."""
        mode = self._world.config.signature_mode
        status, _ = await self._send(url, fields, method, mode)
        return 200 <= status < 300

    async def _send(
        self, url: str, fields: Mapping[str, str], method: str, mode: SignatureMode
    ) -> tuple[int, bytes]:
        token, nonce = self._world.config.auth_token, str(self._world.random.getrandbits(64))
        if method.upper() == "GET":
            url += ("&" if "?" in url else "?") + urlencode(fields)
            headers = signature_headers(mode, token, url, nonce)
            return await self._client.send("GET", url, headers)
        headers = signature_headers(mode, token, url, nonce, fields)
        return await self._client.send("POST", url, FORM | headers, urlencode(fields).encode())
