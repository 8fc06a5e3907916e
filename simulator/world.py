"""What the simulated provider knows: messages, credit, the number's link, what is under way."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

from kernel.values.clock import Clock
from simulator.faults import REPRICED_PERCENT, Faults
from simulator.message import Direction, Message
from simulator.settings import SimulatorConfig

LOOK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Bill:
    """What the provider charges, in millionths of its currency, and what it counted.

    Attributes:
        received, received_microunits: messages charged inbound, and their sum.
        sent, sent_microunits: SMS taken for sending, the failed ones included; what was charged.
        failed: SMS that never left; not charged.
        accepted: distinct inbound messages that our webhook answered with 2xx.
        lost: distinct inbound messages whose every attempt failed.
        senders: distinct senders of what was accepted.
        most_to_one: the most SMS that left for any one phone.
        by_message: the charge of each message by its id; free ones are not in it.
    """

    received: int
    received_microunits: int
    sent: int
    sent_microunits: int
    failed: int
    accepted: int
    lost: int
    senders: int
    most_to_one: int
    by_message: dict[str, int]


@dataclass(frozen=True, slots=True)
class LinkCall:
    """Somebody asked to link the number.

    Attributes:
        at: Unix seconds.
        app_id: as asked for.
        changed: whether the number was linked otherwise before.
        attached: whether it is linked to our application now.
        received_microunits: charged inbound until then.
    """

    at: float
    app_id: str
    changed: bool
    attached: bool
    received_microunits: int


class World:
    """The provider's state, in memory.

    Args:
        config: of this account.
        clock: real time.
    """

    def __init__(self, config: SimulatorConfig, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.random = Random(config.seed)
        self.faults = Faults()
        self.messages: dict[str, Message] = {}
        self.listed: dict[Direction, list[Message]] = {"inbound": [], "outbound": []}
        self.credit_microunits = config.credit_microunits
        self.app_id = config.app_id
        self.link_calls: list[LinkCall] = []
        self.busy = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def attached(self) -> bool:
        """Whether the number is linked to our application."""
        return self.app_id == self.config.app_id

    def now(self) -> float:
        """Unix seconds."""
        return self.clock.now().timestamp()

    def new_id(self) -> str:
        """A fresh id, drawn from the seed."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def add(self, message: Message) -> None:
        """Log a message."""
        self.messages[message.uuid] = message
        self.listed[message.direction].append(message)

    def charge(self, message: Message) -> None:
        """Put a message on the bill, once."""
        if not message.charged:
            message.charged = True
            self.credit_microunits -= message.amount_microunits

    def reprice(self, message: Message) -> None:
        """What the carrier asks for it is not the tariff."""
        before = message.amount_microunits
        message.rate_microunits = message.rate_microunits * REPRICED_PERCENT // 100
        if message.charged:
            self.credit_microunits -= message.amount_microunits - before

    def link(self, app_id: str, *, works: bool) -> None:
        """Somebody asked to link the number; it is, where that works."""
        changed = works and app_id != self.app_id
        if works:
            self.app_id = app_id
        received = sum(m.amount_microunits for m in self.listed["inbound"] if m.charged)
        call = LinkCall(self.now(), app_id, changed, self.attached, received)
        self.link_calls.append(call)

    def set_state(self, message: Message, state: str) -> None:
        """Move a message on."""
        message.state = state
        message.updated_at = self.now()

    async def pause(self, seconds: float) -> None:
        """Wait as the provider does: divided by the speed."""
        await asyncio.sleep(seconds / self.config.speed)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something beside; the world is not settled before it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def pending(self) -> int:
        """How much is under way: webhooks, their retries, the queue, reports."""
        return len(self._tasks) + self.busy

    async def settle(self, seconds_max: float) -> bool:
        """Wait until nothing is under way. Returns whether that came in time."""
        deadline = asyncio.get_running_loop().time() + seconds_max
        while self.pending:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True

    async def close(self) -> None:
        """Drop what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def bill(self) -> Bill:
        """What was charged and counted so far."""
        inbound, outbound = self.listed["inbound"], self.listed["outbound"]
        accepted = [message for message in inbound if message.state == "delivered"]
        charged_in = [message for message in inbound if message.charged]
        charged_out = [message for message in outbound if message.charged]
        per_phone = Counter(message.recipient for message in charged_out)
        return Bill(
            received=len(charged_in),
            received_microunits=sum(message.amount_microunits for message in charged_in),
            sent=len(outbound),
            sent_microunits=sum(message.amount_microunits for message in charged_out),
            failed=sum(message.state == "failed" for message in outbound),
            accepted=len(accepted),
            lost=sum(message.state == "undelivered" for message in inbound),
            senders=len({message.sender for message in accepted}),
            most_to_one=max(per_phone.values(), default=0),
            by_message={m.uuid: m.amount_microunits for m in (*charged_in, *charged_out)},
        )
