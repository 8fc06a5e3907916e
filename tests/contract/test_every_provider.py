"""What every provider promises, whatever it can do: the fake, Plivo, phones on a server, a phone.

Each over HTTP against its simulator. What one alone does stands in ``test_provider.py`` (Plivo) and
``test_smsgate.py``.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from kernel.provider.plivo.provider import Plivo
from kernel.provider.plivo.traits import TRAITS
from kernel.provider.port import (
    Accepted,
    Account,
    Away,
    Done,
    Link,
    LoggedMessage,
    Missing,
    NotAccepted,
    Page,
    Provider,
    Uncertain,
)
from kernel.provider.smsgate import provider as smsgate
from kernel.provider.table import open_provider
from kernel.settings.settings import load_settings
from kernel.values.clock import SystemClock
from simulator.phone.server import PhoneSimulator
from simulator.phone.settings import PhoneConfig
from simulator.server import Simulator, SimulatorConfig
from tests.fakes.provider import NUMBER, FakeProvider, Taken
from tests.support.eventually import eventually
from tests.support.phones import DEVICE, SECOND_DEVICE, SIGNING_KEY

PHONE = "+33639980001"
CALLBACK = "http://127.0.0.1:8080/webhooks/plivo/report?ref=m-1"
REFUSALS = ("too_many_requests", "unauthorized", "queue_full", "no_credit")
LOST = ("accept_then_502", "accept_then_reset", "rubbish")
AUTH_ID, TOKEN = "MA" + "X" * 18, "token"
PASSWORD = "a password, of any kind"
CLOCK = SystemClock()


@dataclass
class Subject:
    """A provider, and what a test may do to its world.

    Attributes:
        sent: the numbers and texts that were taken.
        go_wrong: let the next send meet a fault; False: this world has no such fault.
        receive: somebody texts the number.
        sleep: what is taken from now on waits.
        fail: questions are not answered any more.
    """

    provider: Provider
    sent: Callable[[], list[tuple[str, str]]]
    go_wrong: Callable[[str], bool]
    receive: Callable[[str, str], Any]
    sleep: Callable[[], None]
    fail: Callable[[], None]
    closing: list[Any] = field(default_factory=list)

    async def send(self, ref: str = "m-1") -> Any:
        return await self.provider.send(to=PHONE, text="Non.", callback_url=CALLBACK, ref=ref)


def make_fake(**traits: Any) -> Subject:
    from dataclasses import replace

    world = FakeProvider(CLOCK, traits=replace(TRAITS, **traits))

    def go_wrong(fault: str) -> bool:
        if fault in LOST:
            world.script.append(Taken(Uncertain(fault)))
        else:
            world.script.append(NotAccepted(fault, retry=True))
        return True

    def sleep() -> None:
        world.asleep = True

    def fail() -> None:
        world.away = "500"

    return Subject(
        world, lambda: [(sent.to, sent.text) for sent in world.sent], go_wrong,
        lambda sender, _: world.receive(sender), sleep, fail,
    )  # fmt: skip


def strike(faults: Any, fault: str) -> bool:
    """Let a fault of a simulator happen once."""
    if not hasattr(faults, fault):
        return False
    getattr(faults, fault).count = 1
    return True


def always(faults: Any, fault: str) -> None:
    getattr(faults, fault).probability = 1.0


async def open_plivo(stack: AsyncExitStack) -> Subject:
    config = SimulatorConfig(AUTH_ID, TOKEN, NUMBER, app_id="app", speed=5000.0)
    world = await stack.enter_async_context(Simulator(config))
    pool = stack.enter_context(ThreadPoolExecutor(4))
    adapter = Plivo(auth_id=AUTH_ID, auth_token=TOKEN, api_url=world.url, number=NUMBER,
                    pool=pool, seconds_max=2.0)  # fmt: skip
    stack.callback(adapter.close)
    return Subject(
        adapter,
        lambda: [("+" + sms.recipient, sms.text or "") for sms in world.messages("outbound")],
        lambda fault: strike(world.faults, fault),
        world.receive_message,
        lambda: None,
        lambda: always(world.faults, "query_error"),
    )


async def open_phones(
    stack: AsyncExitStack, mode: Any, devices: tuple[str, ...], path: str = ""
) -> Subject:
    config = PhoneConfig("us", PASSWORD, SIGNING_KEY, devices, mode=mode, path=path, speed=200.0)
    world = await stack.enter_async_context(PhoneSimulator(config, CLOCK))
    settings = load_settings(
        provider="smsgate", number=NUMBER, smsgate_url=world.url, smsgate_user="us",
        smsgate_password=PASSWORD, smsgate_devices=list(devices), smsgate_mode=mode,
    )  # fmt: skip
    adapter = await stack.enter_async_context(open_provider(settings))
    assert isinstance(adapter, smsgate.SmsGate)
    return Subject(
        adapter,
        lambda: [(s.number, s.text) for s in world.messages if s.state != "Cancelled"],
        lambda fault: strike(world.faults, fault),
        world.receive,
        lambda: world.switch(online=False),
        lambda: always(world.faults, "query_error"),
    )


OPENERS: Mapping[str, Callable[[AsyncExitStack], Any]] = {
    "plivo": open_plivo,
    "phones": lambda stack: open_phones(stack, "private", (DEVICE, SECOND_DEVICE), "/api"),
    "phone": lambda stack: open_phones(stack, "local", (DEVICE,)),
}
FAKES: Mapping[str, Mapping[str, Any]] = {
    "fake": {},
    "repeating fake": {"repeatable": True, "searchable": False, "cancels": True},
}


@pytest.fixture(params=[*FAKES, *OPENERS])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    async with AsyncExitStack() as stack:
        if request.param in FAKES:
            yield make_fake(**FAKES[request.param])
        else:
            yield await OPENERS[request.param](stack)


async def test_a_send_is_taken_once(subject: Subject) -> None:
    assert isinstance(await subject.send(), Accepted)
    assert subject.sent() == [(PHONE, "Non.")]


@pytest.mark.parametrize("fault", REFUSALS)
async def test_a_refusal_proves_that_nothing_was_taken(subject: Subject, fault: str) -> None:
    if subject.go_wrong(fault):
        answer = await subject.send()
        assert isinstance(answer, NotAccepted)
        assert answer.retry
        assert subject.sent() == []
    assert isinstance(await subject.send(), Accepted)
    assert len(subject.sent()) == 1


@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_answer_is_uncertain_and_only_some_may_be_asked_again(
    subject: Subject, fault: str
) -> None:
    assert subject.go_wrong(fault)
    assert isinstance(await subject.send(), Uncertain)
    assert len(subject.sent()) == 1
    again = await subject.send()
    assert isinstance(again, Accepted)
    twice = len(subject.sent()) == 2
    assert twice is not subject.provider.traits.repeatable, "so the others are never asked again"


async def test_the_log_knows_what_was_taken(subject: Subject) -> None:
    taken = await subject.send()
    assert isinstance(taken, Accepted)

    async def read() -> LoggedMessage | None:
        found = await subject.provider.read_message(taken.message_id)
        return found if isinstance(found, LoggedMessage) else None

    found = await eventually(read, seconds_max=5)
    assert found.message_id == taken.message_id
    assert found.amount_microunits is None or found.amount_microunits >= 0
    assert found.ref in {None, "m-1"}
    assert PHONE.removeprefix("+") not in repr(found)
    assert await subject.provider.read_message("nobody") == Missing()


async def test_the_log_lists_what_was_sent(subject: Subject) -> None:
    taken = [await subject.send(f"m-{number}") for number in range(3)]
    since = CLOCK.now() - timedelta(minutes=3)

    async def listed() -> bool:
        page = await subject.provider.list_sent(to=None, since=since)
        assert isinstance(page, Page)
        assert not page.more
        return {one.message_id for one in page.messages} == {one.message_id for one in taken}

    await eventually(listed, seconds_max=5)


async def test_only_a_searchable_log_is_searched_by_number(subject: Subject) -> None:
    taken = await subject.send()
    since = CLOCK.now() - timedelta(minutes=3)

    async def look() -> bool:
        page = await subject.provider.list_sent(to=PHONE, since=since)
        if not subject.provider.traits.searchable:
            return isinstance(page, Away) or not isinstance(subject.provider, smsgate.SmsGate)
        assert isinstance(page, Page)
        return [one.message_id for one in page.messages] == [taken.message_id]

    await eventually(look, seconds_max=5)


async def test_what_was_received_is_read_where_there_is_an_inbox(subject: Subject) -> None:
    for number in range(25):
        done = subject.receive(f"+336399810{number:02}", f"Texte {number}")
        if hasattr(done, "__await__"):
            await done
    since, until = CLOCK.now() - timedelta(minutes=1), CLOCK.now() + timedelta(seconds=1)
    has_inbox = subject.provider.traits.has_inbox

    async def read() -> set[str]:
        seen: set[str] = set()
        offset = 0
        while True:
            page = await subject.provider.list_received(
                since=since.replace(microsecond=0), until=until, undelivered=False, offset=offset
            )
            assert isinstance(page, Page)
            assert page.unreadable == 0
            seen |= {one.sender.removeprefix("+") for one in page.messages}
            offset += len(page.messages)
            if not page.more:
                return seen

    async def all_there() -> bool:
        return len(await read()) == (25 if has_inbox else 0)

    await eventually(all_there, seconds_max=5)


async def test_what_waits_is_called_back_where_that_can_be(subject: Subject) -> None:
    subject.sleep()
    taken = await subject.send()
    assert isinstance(taken, Accepted)
    if not subject.provider.traits.cancels:
        assert await subject.provider.cancel("m-1") == Away("unsupported")
        return
    assert await subject.provider.cancel("m-1") == Done()
    assert subject.sent() == []
    found = await subject.provider.read_message(taken.message_id)
    assert isinstance(found, LoggedMessage)
    assert found.state == "cancelled"
    # Its reference is used up: the same again is not what was cancelled.
    assert await subject.send() == NotAccepted("cancelled", retry=False)


async def test_the_number_is_linked_and_unlinked(subject: Subject) -> None:
    assert await subject.provider.link("webhook") == Done()
    linked = await subject.provider.read_link()
    assert isinstance(linked, Link)
    assert linked.app_id is not None
    assert await subject.provider.link("webhook") == Done(), "twice is once"
    assert await subject.provider.link("") == Done()
    assert await subject.provider.read_link() == Link(None)


async def test_the_account_can_be_read(subject: Subject) -> None:
    account = await subject.provider.read_account()
    assert isinstance(account, Account)
    assert account.auto_recharge is False


async def test_a_question_that_fails_is_away(subject: Subject) -> None:
    subject.fail()
    now = CLOCK.now()
    traits = subject.provider.traits
    assert isinstance(await subject.provider.read_message("m-1"), Away)
    assert isinstance(await subject.provider.list_sent(to=None, since=now), Away)
    assert isinstance(await subject.provider.read_link(), Away)
    assert isinstance(await subject.provider.link("webhook"), Away)
    assert isinstance(await subject.provider.cancel("m-1"), Away)
    if traits.has_inbox:
        received = await subject.provider.list_received(since=now, until=now, undelivered=False)
        assert isinstance(received, Away)
