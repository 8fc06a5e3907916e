"""A crash at each step of a walk, before or after it took effect: every gift once, to the cent."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from kernel.facts.records import DonationReported, decode_as
from kernel.telemetry.metrics import Telemetry
from services.donations.core.helloasso import Forms, Page, read_page
from services.donations.memory import MemoryStore
from services.donations.metrics import Metrics
from services.donations.reader import Desk, HelloAssoReader
from services.donations.teller import Beginning, Teller
from tests.fakes.clock import ManualClock
from tests.fakes.log import MemoryLog, house_log
from tests.unit.billing.test_gift import Books
from tests.unit.donations.test_helloasso import payment

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
SIZE = 3
AMOUNTS: list[int] = [1000 + (1 << n) for n in range(11)]


class Crash(BaseException):
    """The process is gone."""


class Platform:
    """Pages of what a platform has, the latest change first."""

    def __init__(self) -> None:
        self.payments: dict[int, dict[str, Any]] = {}

    def have(self, number: int, at: datetime, **more: Any) -> None:
        given = self.payments.get(number) or payment(id=number, date=NOW.isoformat())
        self.payments[number] = given | {"meta": {"updatedAt": at.isoformat()}} | more

    async def page(self, token: str | None) -> Page:
        begin = int(token or 0)
        found = sorted(self.payments.values(), key=lambda p: p["meta"]["updatedAt"], reverse=True)
        body = {"data": found[begin : begin + SIZE],
                "pagination": {"continuationToken": str(begin + SIZE)}}  # fmt: skip
        return read_page(json.dumps(body).encode())


class Falling:
    """Something whose calls are counted; at one of them the process dies.

    Args:
        what: whose calls.
        step: counts them.
    """

    def __init__(self, what: Any, step: Callable[[str, bool], None]) -> None:
        self._what, self._step = what, step

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._what, name)
        if not callable(method):
            return method

        async def call(*arguments: Any) -> Any:
            self._step(name, False)
            answer = await method(*arguments)
            self._step(name, True)
            return answer

        return call


class House:
    """A reader on a store and a log that outlive it."""

    def __init__(self) -> None:
        self.platform, self.store = Platform(), MemoryStore()
        self.log: MemoryLog = house_log()
        self.clock = ManualClock(NOW)
        self.count, self.dies_at = 0, -1

    async def walk(self) -> None:
        def step(_: str, __: bool) -> None:
            self.count += 1
            if self.count == self.dies_at:
                raise Crash

        store: Any = Falling(self.store, step)
        log: Any = Falling(self.log, step)
        platform: Any = Falling(self.platform, step)
        metrics = Metrics(Telemetry(CollectorRegistry()))
        teller, beginning = Teller(store, log, metrics), Beginning(store, SINCE)
        desk = Desk(store, teller, beginning, timedelta(days=1), self.clock, metrics)
        await HelloAssoReader(platform, Forms(frozenset()), desk).read()

    async def survive(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Walk; after a crash once more, as a new process does.

        Args:
            meanwhile: what happens at the platform between the two.
        """
        try:
            await self.walk()
        except Crash:
            self.clock.advance(1)
            meanwhile()
            await self.walk()

    async def books(self) -> Books:
        books = Books()
        async for record in self.log.scan(DonationReported.TOPIC):
            books.tell(decode_as(DonationReported, record.value))
        return books


async def live(house: House) -> int:
    """Three walks through what happens to ten gifts. Returns what they are worth, cents."""

    def have(number: int, **more: Any) -> None:
        house.platform.have(number, house.clock.now(), **more)

    def take_back() -> None:
        have(0, refundOperations=[{"id": 7, "amount": 500, "status": "Processed"}])
        have(1, state="Contested")
        have(2, state="Canceled")

    def give_back() -> None:
        have(1, state="Authorized")
        have(0, state="Refunded")

    for n in range(10):
        # No two are alike: what is wrong of one is not made good by another.
        house.platform.have(n, NOW + timedelta(seconds=n), amount=AMOUNTS[n], items=None)
    await house.survive(take_back)
    house.clock.advance(7200)
    take_back()
    have(10, date=house.clock.now().isoformat(), amount=AMOUNTS[10], items=None)
    await house.survive(give_back)
    house.clock.advance(7200)
    give_back()
    await house.survive()
    return sum(AMOUNTS) - AMOUNTS[0] - AMOUNTS[2]


async def test_without_a_crash_each_is_told_once() -> None:
    house = House()
    worth = await live(house)
    books = await house.books()
    assert books.raised == worth * 10_000
    told = [record async for record in house.log.scan(DonationReported.TOPIC)]
    assert len(told) == 10 + 4 + 2


async def steps() -> int:
    house = House()
    await live(house)
    return house.count


async def test_a_crash_at_any_step_changes_nothing() -> None:
    count = await steps()
    assert count > 60
    for at in range(1, count + 1):
        house = House()
        house.dies_at = at
        worth = await live(house)
        assert (await house.books()).raised == worth * 10_000, f"died at step {at}"


@pytest.mark.parametrize("fails", [1, 2, 5])
async def test_an_append_that_is_taken_and_not_acknowledged_is_told_again(fails: int) -> None:
    house = House()
    house.log.fail_after_append = fails
    for n in range(10):
        house.platform.have(n, NOW + timedelta(seconds=n))
    from kernel.values.errors import Transient

    for _ in range(fails):
        with pytest.raises(Transient):
            await house.walk()
    await house.walk()
    assert (await house.books()).raised == 10 * 2000 * 10_000
