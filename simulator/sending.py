"""What becomes of an SMS that we send: the account's queue, the carrier, the reports."""

import asyncio
from dataclasses import dataclass

from simulator.message import CHARGED, Message, count_segments, report_fields
from simulator.webhooks import Webhooks
from simulator.world import World

CARRIER_SECONDS = 3.0
"""From the phone network's taking it to its receipt, at speed 1."""

NO_CREDIT, EXPIRED, DELIVERED, NETWORK, INVALID = "900", "420", "000", "20", "50"


@dataclass(frozen=True, slots=True)
class Send:
    """A send request, read."""

    sender: str
    recipient: str
    text: str
    url: str = ""
    method: str = "POST"
    log: str = "true"
    kind: str = "sms"
    expiry_seconds: float = 10_799.0


class Sending:
    """Takes SMS, lets them leave at the account's rate, reports on them.

    Args:
        world: whose messages they are.
        webhooks: carries the reports.
    """

    def __init__(self, world: World, webhooks: Webhooks) -> None:
        self._world = world
        self._webhooks = webhooks
        self._next_leave = 0.0
        self._leave_seconds = 1 / (world.config.sms_per_second * world.config.speed)

    def price(self, send: Send) -> int:
        """What it would cost, in micro-units."""
        return count_segments(send.text) * self._world.config.price_reply_microunits

    def take(self, send: Send) -> Message:
        """Take an SMS for sending; it leaves in its turn, first in, first out."""
        world = self._world
        message = Message(
            uuid=world.new_id(),
            direction="outbound",
            sender=send.sender,
            recipient=send.recipient,
            text=send.text,
            at=world.now(),
            segments=count_segments(send.text),
            rate_microunits=world.config.price_reply_microunits,
            state="queued",
            kind=send.kind,
            url=send.url,
            method=send.method,
            log=send.log,
            expiry_seconds=send.expiry_seconds,
        )
        world.add(message)
        self._queue(message)
        return message

    def _queue(self, message: Message) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        leaves = max(now, self._next_leave)
        expires = now + message.expiry_seconds / self._world.config.speed
        self._world.busy += 1
        if self._world.config.report_queued:
            self._world.spawn(self._report(message))
        if leaves > expires:
            loop.call_at(expires, self._leave, message, EXPIRED)
            return
        self._next_leave = leaves + self._leave_seconds
        loop.call_at(leaves, self._leave, message, "")

    def _leave(self, message: Message, error_code: str) -> None:
        """Its turn has come, or its time has run out."""
        world = self._world
        world.busy -= 1
        if not error_code and world.credit_microunits < message.amount_microunits:
            error_code = NO_CREDIT
        if not error_code and world.faults.failed.strikes(world.random):
            error_code = INVALID
        message.error_code = error_code
        if error_code:
            world.set_state(message, "failed")
            world.spawn(self._report(message))
            return
        message.sent_at = world.now()
        world.set_state(message, "sent")
        if world.faults.repriced.strikes(world.random):
            world.reprice(message)
        world.charge(message)
        world.spawn(self._carry(message))

    async def _carry(self, message: Message) -> None:
        """From the carrier's taking it to its receipt, with a report of each."""
        world = self._world
        turned = world.faults.report_out_of_order.strikes(world.random)
        sent = self._make_report(message)
        if not turned:
            await self._send_report(message, sent)
        await world.pause(CARRIER_SECONDS)
        if world.faults.repriced_late.strikes(world.random):
            world.reprice(message)
        lost = world.faults.undelivered.strikes(world.random)
        message.error_code = NETWORK if lost else DELIVERED
        world.set_state(message, "undelivered" if lost else "delivered")
        await self._report(message)
        if turned:
            await self._send_report(message, sent)

    async def _report(self, message: Message) -> None:
        await self._send_report(message, self._make_report(message))

    def _make_report(self, message: Message) -> dict[str, str]:
        """The next report, of the state the message is in now."""
        world = self._world
        message.reports += 1
        wrong = message.state in CHARGED and world.faults.wrong_amount.strikes(world.random)
        return report_fields(message, world.now(), factor=10 if wrong else 1)

    async def _send_report(self, message: Message, fields: dict[str, str]) -> None:
        world, faults = self._world, self._world.faults
        if not message.url or faults.report_lost.strikes(world.random):
            return
        if faults.report_late.strikes(world.random):
            world.spawn(self._send_late(message, fields))
            return
        await self._webhooks.post_report(message, fields)
        if faults.report_duplicate.strikes(world.random):
            await self._webhooks.post_report(message, fields)

    async def _send_late(self, message: Message, fields: dict[str, str]) -> None:
        await self._world.pause(self._world.faults.report_late_seconds)
        await self._webhooks.post_report(message, fields)
