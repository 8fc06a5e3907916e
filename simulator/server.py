"""The simulated Plivo as a server, and in a test as an object."""

from types import TracebackType
from typing import Self

from aiohttp import web

from kernel.values.clock import Clock, SystemClock
from simulator.api import PlivoApi
from simulator.control import Control
from simulator.faults import Faults
from simulator.message import Direction, Message
from simulator.sending import Sending
from simulator.settings import SimulatorConfig
from simulator.webhook_client import WebhookClient
from simulator.webhooks import Webhooks
from simulator.world import Bill, World

BODY_BYTES_MAX = 16 * 1024 * 1024
SHUTDOWN_SECONDS = 0.2

__all__ = ["Bill", "Simulator", "SimulatorConfig"]


class Simulator:
    """A Plivo that runs while the context is open.

    Args:
        config: its account, and where its webhooks go.
        clock: real time.
    """

    def __init__(self, config: SimulatorConfig, clock: Clock | None = None) -> None:
        self.config = config
        self.url = ""
        self._world = World(config, clock or SystemClock())
        self._client = WebhookClient(config.webhooks_open_max)
        self._webhooks = Webhooks(self._world, self._client)
        self._sending = Sending(self._world, self._webhooks)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        self._client.open()
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.add_routes(PlivoApi(self._world, self._sending).routes())
        app.add_routes(Control(self._world, self._webhooks).routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.config.host, self.config.port)
        try:
            await site.start()
        except OSError:
            await self._client.close()
            await self._runner.cleanup()
            raise
        port = self._runner.addresses[0][1]
        self.url = f"http://{self.config.host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._world.close()
        await self._client.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def faults(self) -> Faults:
        """What goes wrong; change it at any time."""
        return self._world.faults

    @property
    def attached(self) -> bool:
        """Whether the number is linked to our application."""
        return self._world.attached

    @property
    def credit_microunits(self) -> int:
        """The prepaid credit that is left."""
        return self._world.credit_microunits

    @credit_microunits.setter
    def credit_microunits(self, value: int) -> None:
        self._world.credit_microunits = value

    async def receive_message(
        self,
        sender: str,
        text: str | None = None,
        *,
        recipient: str | None = None,
        kind: str = "sms",
        intent: str = "",
        message_id: str | None = None,
    ) -> str | None:
        """Somebody texts the number; its first webhook is attempted, further ones go on beside.

        Returns:
            the provider's id, or None where the number is detached and rejects.
        """
        message = self._webhooks.take(
            sender, text, recipient=recipient, kind=kind, intent=intent, message_id=message_id
        )
        if message is None:
            return None
        if not await self._webhooks.deliver_once(message):
            self._world.spawn(self._webhooks.deliver_again(message))
        return message.uuid

    async def receive_call(self, sender: str) -> tuple[int, str]:
        """Somebody calls the number. Returns status and body of our answer; 0: none came."""
        return await self._webhooks.call(sender)

    def bill(self) -> Bill:
        """What is charged so far."""
        return self._world.bill()

    def messages(self, direction: Direction) -> list[Message]:
        """The messages of one direction, in the order they were taken."""
        return list(self._world.listed[direction])

    async def settled(self, seconds_max: float) -> bool:
        """Wait until nothing is under way: queue, webhooks, retries, reports."""
        return await self._world.settle(seconds_max)
