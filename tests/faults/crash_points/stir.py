"""What makes the points come up: a flood, an operator who does all he can, a provider at its worst.

What the operator asks is asked until it is answered, with the same id: a donation of which he did
not see the answer is given once all the same.
"""

import asyncio
import contextlib
import json
import random
import urllib.error
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from antirelou.commands.demo.house import House
from antirelou.commands.demo.run import operate
from antirelou.commands.demo.watch import call
from tests.support.eventually import eventually

CROWD = {"scale": 0.006, "speed": 20_000}
EVERY_SECONDS = 0.5
HARMS = {"accept_then_502": 0.05, "connection_reset": 0.05, "report_lost": 0.1,
         "report_duplicate": 0.1, "webhook_duplicate": 0.1}  # fmt: skip


@dataclass
class Stir:
    """Stirs a house.

    Attributes:
        asked: what was asked and not answered yet, oldest first.
        donated_microeuros: by donations, less what was corrected.
    """

    house: House
    chance: random.Random
    number: int = 0
    donated_microeuros: int = 0
    asked: list[tuple[str, str, Mapping[str, Any] | None]] = field(default_factory=list)

    @asynccontextmanager
    async def stirring(self) -> AsyncIterator[None]:
        """Stir while this is open; then all is as before: nobody is blocked, nothing paused."""
        self._harm(HARMS)
        calm = asyncio.Event()
        task = asyncio.create_task(self._run(calm))
        try:
            yield
        finally:
            calm.set()
            self._harm(dict.fromkeys(HARMS, 0))
            await task
        await eventually(self._ask_all, seconds_max=60, every=0.5)

    async def _run(self, calm: asyncio.Event) -> None:
        while not calm.is_set():
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._begin_crowd)
                await asyncio.to_thread(self._look_around)
            if not self.asked:
                self._ask_something()
            await asyncio.to_thread(self._ask_all)
            await asyncio.sleep(EVERY_SECONDS)

    def _begin_crowd(self) -> None:
        drive = call(f"{self.house.provider_url}/_sim/drive")
        if drive["delivered"] == drive["total"]:
            body = {"seed": self.chance.randrange(10**6), **CROWD}
            call(f"{self.house.provider_url}/_sim/drive", method="POST", body=body)

    def _harm(self, harms: Mapping[str, float]) -> None:
        call(f"{self.house.provider_url}/_sim/faults", method="POST", body=harms)

    def _ask_something(self) -> None:
        """The next of the operator's acts.

        No test SMS: its number may be one of a crowd's. No detaching: what comes meanwhile is
        found by the scan of the whole log, which takes its time.
        """
        self.number += 1
        number, turn = divmod(self.number, 4)
        if turn == 0:
            gift = {"id": f"gift-{number}", "amount_eur": "20", "note": "stir"}
            self.asked.append(("POST", "/v1/donations", gift))
            self.donated_microeuros += 20_000_000
        elif turn == 1:
            someone = {"number": f"+3363998{self.chance.randrange(4500):04d}"}
            self.asked += [("POST", "/v1/blocks", someone), ("DELETE", "/v1/blocks", someone)]
        elif turn == 2:
            self.asked += [("POST", "/v1/pause", {"reason": "stir"}), ("POST", "/v1/resume", None)]
        else:
            fee = {"id": f"fee-{number}", "amount_eur": "1", "note": "stir"}
            self.asked += [
                ("POST", "/v1/fees", fee),
                ("POST", "/v1/fund/corrections", {"entry": f"fee-{number}", "why": "stir"}),
            ]

    def _ask_all(self) -> bool:
        """Ask in order, as long as there is an answer. Returns whether all were answered."""
        while self.asked:
            method, path, body = self.asked[0]
            try:
                operate(self.house, method, path, body)
            except urllib.error.HTTPError as refused:
                said = json.loads(refused.read() or b"{}")
                if refused.code < 500:
                    raise AssertionError(f"{method} {path}: {refused.code} {said}") from None
                return False
            except OSError:
                return False
            del self.asked[0]
        return True

    def _look_around(self) -> None:
        """What changes nothing; and what became clear to a person who looks at the provider's."""
        for path in ("/v1/fund", "/v1/blocks", "/v1/resume"):
            operate(self.house, "GET", path)
        for reply in operate(self.house, "GET", "/v1/unresolved")["replies"]:
            self._decide(reply["id"])

    def _decide(self, reply_id: str) -> None:
        """Void what the provider has certainly not sent: nothing to that number is in its log."""
        messages = call(f"{self.house.provider_url}/_sim/messages")["messages"]
        whose = {m["message_uuid"]: m["from"] for m in messages if m["direction"] == "inbound"}
        sent_to = {m["to"] for m in messages if m["direction"] == "outbound"}
        if reply_id in whose and whose[reply_id] not in sent_to:
            body = {"outcome": "void", "why": "stir"}
            operate(self.house, "POST", f"/v1/unresolved/{reply_id}", body)
