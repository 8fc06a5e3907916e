"""The provider port, kept by the fake and by Plivo's adapter over HTTP alike."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import CollectorRegistry

from kernel.provider.plivo import client as plivo_client
from kernel.provider.plivo.provider import Plivo, open_provider
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
    SendResult,
    Uncertain,
)
from kernel.settings.settings import load_settings
from kernel.telemetry.metrics import Telemetry
from simulator.server import Simulator, SimulatorConfig
from tests.contract.plivo_stand_in import (
    AUTH_ID,
    TOKEN,
    StandIn,
    at_second,
    hang,
    open_stand_in,
    raw,
    reset,
    status,
)
from tests.fakes.provider import NUMBER, FakeProvider
from tests.support.eventually import eventually
from tests.support.proxy import Proxy

PHONE = "+33639980001"
CALLBACK = "http://127.0.0.1:8080/webhooks/plivo/report?ref=m-1"


@pytest.fixture
def world() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
async def stand_in(world: FakeProvider) -> AsyncIterator[StandIn]:
    async with open_stand_in(world) as server:
        yield server


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry(CollectorRegistry())


@pytest.fixture
async def plivo(stand_in: StandIn, telemetry: Telemetry) -> AsyncIterator[Plivo]:
    with ThreadPoolExecutor(4) as pool:
        adapter = make_plivo(stand_in.url, pool, telemetry)
        yield adapter
        adapter.close()


def make_plivo(
    url: str, pool: ThreadPoolExecutor, telemetry: Telemetry | None = None, mute: str = ""
) -> Plivo:
    return Plivo(
        auth_id=AUTH_ID,
        auth_token=TOKEN,
        api_url=url,
        number=NUMBER,
        pool=pool,
        telemetry=telemetry,
        mute_app_id=mute,
        seconds_max=0.3,
    )


@pytest.fixture(params=["fake", "plivo"])
def subject(request: pytest.FixtureRequest, world: FakeProvider, plivo: Plivo) -> Provider:
    return world if request.param == "fake" else plivo


class TestEveryProvider:
    async def test_a_send_is_taken_once_and_gets_an_id(
        self, subject: Provider, world: FakeProvider
    ) -> None:
        result = await subject.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        (sent,) = world.sent
        assert result == Accepted(sent.message_id)
        assert (sent.to, sent.text, sent.callback_url) == (PHONE, "Non.", CALLBACK)

    async def test_the_log_says_what_became_of_it(
        self, subject: Provider, world: FakeProvider
    ) -> None:
        result = await subject.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        assert isinstance(result, Accepted)
        world.change(result.message_id, state="undelivered", error_code="50", amount_microunits=7)
        found = await subject.read_message(result.message_id)
        assert isinstance(found, LoggedMessage)
        assert found.recipient.removeprefix("+") == PHONE.removeprefix("+")
        assert (found.state, found.error_code) == ("undelivered", "50")
        assert (found.amount_microunits, found.segments) == (7, 1)

    async def test_what_the_log_does_not_have_is_missing(self, subject: Provider) -> None:
        assert await subject.read_message("nobody") == Missing()

    async def test_sent_are_listed_by_number_and_time(
        self, subject: Provider, world: FakeProvider
    ) -> None:
        for number in (1, 2, 1):
            await subject.send(to=f"+3363998000{number}", text="Non.", callback_url=CALLBACK)
        ids = [sent.message_id for sent in world.sent]
        for second, message_id in enumerate(ids):
            world.change(message_id, at=at_second(second))
        page = await subject.list_sent(to=PHONE, since=at_second(0))
        assert isinstance(page, Page)
        assert [m.message_id for m in page.messages] == [ids[2], ids[0]]
        page = await subject.list_sent(to=None, since=at_second(1), until=at_second(1))
        assert isinstance(page, Page)
        assert [m.message_id for m in page.messages] == [ids[1]]
        assert not page.more

    async def test_pages_are_of_twenty_and_end(
        self, subject: Provider, world: FakeProvider
    ) -> None:
        ids = {world.receive(PHONE, at=at_second(n)) for n in range(40)}
        seen: set[str] = set()
        for offset, count, more in ((0, 20, True), (20, 20, False), (40, 0, False)):
            page = await subject.list_received(
                since=at_second(0), until=at_second(59), undelivered=False, offset=offset
            )
            assert isinstance(page, Page)
            assert (len(page.messages), page.more) == (count, more)
            seen |= {message.message_id for message in page.messages}
        assert seen == ids

    async def test_received_can_be_those_our_webhook_did_not_take(
        self, subject: Provider, world: FakeProvider
    ) -> None:
        world.receive(PHONE, at=at_second(1))
        missed = world.receive(PHONE, at=at_second(2), state="undelivered")
        page = await subject.list_received(since=at_second(0), until=at_second(9), undelivered=True)
        assert isinstance(page, Page)
        (found,) = page.messages
        assert found.message_id == missed
        assert found.at == at_second(2)
        assert found.sender.removeprefix("+") == PHONE.removeprefix("+")

    async def test_the_number_is_linked_and_unlinked(self, subject: Provider) -> None:
        assert await subject.read_link() == Link("app")
        assert await subject.link("") == Done()
        assert await subject.read_link() == Link(None)
        assert await subject.link("other") == Done()
        assert await subject.read_link() == Link("other")

    async def test_the_account_has_a_credit(self, subject: Provider) -> None:
        assert await subject.read_account() == Account(25_000_000, auto_recharge=False)


class TestPlivoSending:
    async def test_the_request_keeps_the_number_in_the_log_and_not_the_text(
        self, plivo: Plivo, stand_in: StandIn
    ) -> None:
        await plivo.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        (body,) = stand_in.bodies
        assert body["log"] == "number_only"
        assert (body["src"], body["dst"]) == ("33937000000", "33639980001")
        assert (body["url"], body["method"], body["type"]) == (CALLBACK, "POST", "sms")

    @pytest.mark.parametrize("body", [{"error": "no"}, None, ["no"], "no"])
    @pytest.mark.parametrize(
        ("code", "retry"),
        [
            (400, False), (401, True), (402, True), (403, True), (404, True), (405, False),
            (409, False), (410, False), (422, False), (429, True),
        ],
    )  # fmt: skip
    async def test_a_definite_4xx_proves_that_nothing_was_accepted(
        self, plivo: Plivo, stand_in: StandIn, code: int, retry: Any, body: Any
    ) -> None:
        stand_in.script.append(status(code, body))
        result = await plivo.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        assert result == NotAccepted(str(code), retry)
        assert len(stand_in.bodies) == 1

    @pytest.mark.parametrize("code", [400, 402, 403])
    async def test_no_credit_is_known_by_its_words(
        self, plivo: Plivo, stand_in: StandIn, code: int
    ) -> None:
        stand_in.script.append(status(code, {"error": "Insufficient Credit"}))
        result = await plivo.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        assert result == NotAccepted("402", retry=True)

    @pytest.mark.parametrize("body", [{"error": "no"}, None, ["no"]])
    @pytest.mark.parametrize("code", [408, 499, 500, 502, 503, 504])
    async def test_any_other_status_is_uncertain(
        self, plivo: Plivo, stand_in: StandIn, code: int, body: Any
    ) -> None:
        stand_in.script.append(status(code, body))
        result = await plivo.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        assert result == Uncertain(str(code))
        assert len(stand_in.bodies) == 1

    @pytest.mark.parametrize(
        "text",
        ["", "rubbish", "[]", '"x"', "null", "{}", '{"message_uuid": []}', "[" * 5000,
         '{"message_uuid": [null]}', '{"message_uuid": 7}', "<html>ok</html>"],
    )  # fmt: skip
    @pytest.mark.parametrize("code", [200, 202, 204])
    async def test_a_2xx_that_cannot_be_read_is_uncertain(
        self, plivo: Plivo, stand_in: StandIn, code: int, text: str
    ) -> None:
        stand_in.script.append(raw(code, text))
        result = await plivo.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        assert result == Uncertain("unreadable")

    @pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
    async def test_a_redirect_is_not_followed(
        self, plivo: Plivo, stand_in: StandIn, code: int
    ) -> None:
        stand_in.script.append(status(code, Location=f"{stand_in.url}/elsewhere"))
        result = await plivo.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        assert result == Uncertain("redirected")
        assert len(stand_in.bodies) == 1

    async def test_a_time_out_is_uncertain(self, plivo: Plivo, stand_in: StandIn) -> None:
        stand_in.script.append(hang)
        result = await plivo.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        assert result == Uncertain("timeout")

    async def test_a_connection_cut_after_the_request_is_uncertain(
        self, plivo: Plivo, stand_in: StandIn
    ) -> None:
        stand_in.script.append(reset)
        result = await plivo.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        assert result == Uncertain("reset")

    async def test_patience_that_is_asked_for_is_told(
        self, plivo: Plivo, stand_in: StandIn
    ) -> None:
        stand_in.script.append(status(429, {"error": "slow"}, **{"Retry-After": "7"}))
        result = await plivo.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        assert result == NotAccepted("429", retry=True, after_seconds=7.0)

    async def test_a_refused_connection_proves_it(self) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        with ThreadPoolExecutor(1) as pool:
            adapter = make_plivo(f"http://127.0.0.1:{port}", pool)
            result = await adapter.send(to=PHONE, text="Non.", callback_url=CALLBACK)
            adapter.close()
        assert result == NotAccepted("refused", retry=True)

    async def test_what_the_sdk_itself_refuses_was_never_sent(
        self, plivo: Plivo, stand_in: StandIn
    ) -> None:
        result = await plivo.send(to=NUMBER, text="Non.", callback_url=CALLBACK)
        assert result == NotAccepted("invalid", retry=False)
        assert not stand_in.bodies

    async def test_a_call_that_waited_too_long_for_a_thread_is_not_made(
        self, plivo: Plivo, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kernel.provider.plivo.provider.STALE_SECONDS", -1.0)
        monkeypatch.setattr("kernel.provider.plivo.provider.CALL_SECONDS_MAX", 10.0)
        result = await plivo.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        assert result == NotAccepted("stale", retry=True)
        assert not stand_in.bodies

    async def test_calls_are_counted_by_outcome(
        self, plivo: Plivo, stand_in: StandIn, telemetry: Telemetry
    ) -> None:
        stand_in.script.append(status(402))
        await plivo.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        await plivo.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        for outcome in ("402", "ok"):
            count = telemetry.registry.get_sample_value(
                "antirelou_provider_requests_total", {"call": "send", "outcome": outcome}
            )
            assert count == 1


class TestPlivoQuestions:
    @pytest.mark.parametrize("code", [400, 401, 403, 429, 500, 503])
    @pytest.mark.parametrize("body", [{"error": "no"}, {"api_id": "a"}, None, []])
    async def test_an_error_is_away_whatever_the_sdk_makes_of_it(
        self, plivo: Plivo, stand_in: StandIn, code: int, body: Any
    ) -> None:
        since = at_second(0)
        stand_in.script.extend([status(code, body)] * 6)
        assert await plivo.list_sent(to=PHONE, since=since) == Away(str(code))
        assert await plivo.list_received(since=since, until=since, undelivered=True) == Away(
            str(code)
        )
        assert await plivo.read_message("m") == Away(str(code))
        assert await plivo.read_link() == Away(str(code))
        assert await plivo.link("app") == Away(str(code))
        assert await plivo.read_account() == Away(str(code))

    @pytest.mark.parametrize("text", ["", "rubbish", "[]", "{}", '{"objects": 7}', "null"])
    async def test_rubbish_is_away_or_unknown(
        self, plivo: Plivo, stand_in: StandIn, text: str
    ) -> None:
        stand_in.script.extend([raw(200, text)] * 4)
        assert await plivo.list_sent(to=None, since=at_second(0)) == Away("unreadable")
        assert await plivo.read_message("m") == Away("unreadable")
        assert await plivo.read_link() == Away("unreadable")
        account = await plivo.read_account()
        assert account in (Away("unreadable"), Account(None, None))

    async def test_a_record_that_cannot_be_read_leaves_the_others(
        self, plivo: Plivo, stand_in: StandIn
    ) -> None:
        good = {"message_uuid": "m", "message_time": "2024-01-02 15:34:52+05:30",
                "message_state": "Sent", "total_amount": "0.0065", "error_code": "000"}  # fmt: skip
        strange = {"message_uuid": 7, "message_time": "soon", "message_state": None}
        body = {"objects": [strange, good], "meta": {"total_count": 2, "next": None}}
        stand_in.script.append(status(200, body))
        page = await plivo.list_sent(to=None, since=at_second(0))
        assert isinstance(page, Page)
        assert page.unreadable == 1
        (found,) = page.messages
        assert found.amount_microunits == 6_500
        assert (found.state, found.error_code, found.segments) == ("sent", None, None)
        assert found.at.isoformat() == "2024-01-02T10:04:52+00:00"
        assert "m" in repr(found)

    async def test_windows_are_explicit_in_utc(self, plivo: Plivo, stand_in: StandIn) -> None:
        since = at_second(5).astimezone(ZoneInfo("Asia/Kolkata")) + timedelta(microseconds=7)
        await plivo.list_received(since=since, until=at_second(6), undelivered=True, offset=20)
        (query,) = stand_in.bodies
        assert query["message_time__gte"] == "2026-11-01 12:00:05"
        assert query["message_time__lte"] == "2026-11-01 12:00:06"
        assert (query["limit"], query["offset"]) == ("20", "20")
        assert (query["message_direction"], query["message_state"]) == ("inbound", "undelivered")

    async def test_unlinking_can_be_linking_to_a_mute_application(
        self, stand_in: StandIn, tmp_path: Path
    ) -> None:
        settings = load_settings(
            number=NUMBER, plivo_auth_id=AUTH_ID, plivo_auth_token=TOKEN, data_dir=tmp_path,
            plivo_api_url=stand_in.url, plivo_mute_app_id="mute",
        )  # fmt: skip
        async with open_provider(settings) as provider:
            assert await provider.link("") == Done()
            assert await provider.read_link() == Link("mute")


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    config = SimulatorConfig(AUTH_ID, TOKEN, NUMBER, app_id="app", speed=1000.0)
    async with Simulator(config) as running:
        yield running


@pytest.fixture
async def simulated(simulator: Simulator) -> AsyncIterator[Plivo]:
    with ThreadPoolExecutor(4) as pool:
        adapter = make_plivo(simulator.url, pool)
        yield adapter
        adapter.close()


class TestAgainstTheSimulator:
    async def test_a_send_is_taken_billed_and_logged(
        self, simulated: Plivo, simulator: Simulator
    ) -> None:
        result = await simulated.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        assert isinstance(result, Accepted)
        (taken,) = simulator.messages("outbound")
        assert (taken.uuid, taken.text) == (result.message_id, "Non.")
        await simulator.settled(10)

        async def charged() -> LoggedMessage | None:
            found = await simulated.read_message(result.message_id)
            assert isinstance(found, LoggedMessage)
            return found if found.state == "delivered" else None

        found = await eventually(charged, seconds_max=5)
        assert found.amount_microunits == 150_000
        # Its number is not masked: an uncertain send is looked for by it.
        assert found.recipient == "33639980001"

        async def listed() -> bool:
            since = found.at - timedelta(seconds=120)
            page = await simulated.list_sent(to=PHONE, since=since)
            assert isinstance(page, Page)
            return [message.message_id for message in page.messages] == [result.message_id]

        await eventually(listed, seconds_max=5)

    @pytest.mark.parametrize(
        ("fault", "expected", "taken"),
        [
            ("too_many_requests", NotAccepted("429", retry=True), 0),
            ("no_credit", NotAccepted("402", retry=True), 0),
            ("server_error", Uncertain("500"), 0),
            ("bad_gateway", Uncertain("502"), 0),
            ("unavailable", Uncertain("503"), 0),
            ("connection_reset", Uncertain("reset"), 0),
            ("accept_then_timeout", Uncertain("timeout"), 1),
            ("accept_then_502", Uncertain("502"), 1),
            ("accept_then_reset", Uncertain("reset"), 1),
            ("rubbish", Uncertain("unreadable"), 1),
        ],
    )
    async def test_what_it_does_wrong_is_told_for_what_it_proves(
        self, simulated: Plivo, simulator: Simulator, fault: str, expected: Any, taken: int
    ) -> None:
        simulator.faults.update({fault: {"count": 1}})
        result = await simulated.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        assert result == expected
        assert len(simulator.messages("outbound")) == taken
        again = await simulated.send(to=PHONE, text="Non.", callback_url=CALLBACK)
        assert isinstance(again, Accepted)

    async def test_a_country_that_is_barred_is_refused(self, simulated: Plivo) -> None:
        result = await simulated.send(to="+447700900001", text="No.", callback_url=CALLBACK)
        assert result == NotAccepted("403", retry=True)

    @pytest.mark.parametrize("way", ["empty", "other", "any"])
    async def test_the_number_is_unlinked_by_the_way_the_settings_name(
        self, simulator: Simulator, way: str
    ) -> None:
        simulator.faults.update({"unlink_by": way})
        with ThreadPoolExecutor(2) as pool:
            adapter = make_plivo(simulator.url, pool, mute="mute" if way == "other" else "")
            assert await adapter.read_link() == Link("app")
            assert await adapter.link("") == Done()
            assert await adapter.read_link() in (Link(None), Link("mute"))
            assert not simulator.attached
            assert await adapter.link("app") == Done()
            assert await adapter.read_link() == Link("app")
            adapter.close()

    async def test_the_account_and_the_limit_of_the_log(
        self, simulated: Plivo, simulator: Simulator
    ) -> None:
        simulator.credit_microunits = 12_340_000
        account = await simulated.read_account()
        assert account == Account(12_340_000, auto_recharge=False)
        simulator.faults.update({"query_error": {"count": 1}})
        assert await simulated.read_account() == Away("500")


class TestPlivoOverABadNetwork:
    """What an idle connection costs that something in between forgot without a word."""

    @pytest.fixture
    def proxy(self, stand_in: StandIn) -> Iterator[Proxy]:
        with Proxy(int(stand_in.url.rpartition(":")[2])) as opened:
            yield opened

    @contextmanager
    def adapted(self, proxy: Proxy, threads: int) -> Iterator[Plivo]:
        with ThreadPoolExecutor(threads) as pool:
            adapter = make_plivo(f"http://{proxy.address}", pool)
            yield adapter
            adapter.close()

    async def send(self, plivo: Plivo) -> SendResult:
        return await plivo.send(to=PHONE, text="Non.", callback_url=CALLBACK)

    async def test_one_that_idled_for_long_is_not_used_for_a_send(
        self, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with self.adapted(proxy, threads=1) as plivo:
            assert isinstance(await self.send(plivo), Accepted)
            assert isinstance(await self.send(plivo), Accepted)
            assert proxy.accepted == 1, "it is kept"
            monkeypatch.setattr(plivo_client, "IDLE_SECONDS_MAX", 0.0)
            proxy.forget()
            assert isinstance(await self.send(plivo), Accepted)

    async def test_after_one_that_went_silent_no_other_is_used_again(self, proxy: Proxy) -> None:
        with self.adapted(proxy, threads=4) as plivo:
            await asyncio.gather(*(self.send(plivo) for _ in range(4)))
            assert proxy.accepted > 1
            proxy.forget()
            assert await self.send(plivo) == Uncertain("timeout")
            for _ in range(8):
                assert isinstance(await self.send(plivo), Accepted)
