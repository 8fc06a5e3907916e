"""The door from outside, over HTTP: each request with its answer and its record.

docs/contract.md §3.
"""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import pytest
import structlog
from prometheus_client import CollectorRegistry, generate_latest

from kernel.facts.records import Record, SmsReceived, SmsReported, decode
from kernel.sealing.privacy import Pseudonymizer, Unsealer
from kernel.service.port import Ports
from kernel.telemetry.metrics import Telemetry, configure_logging
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal
from services.ingest.core.form import BODY_BYTES_MAX
from services.ingest.service import IngestService, open_ingest
from tests.fakes.log import MemoryLog
from tests.support.eventually import eventually
from tests.support.webhooks import (
    KEYS,
    MODES,
    OWN,
    SENDER,
    call_form,
    encode_form,
    ingest_settings,
    message_form,
    report_form,
    sign,
)

FORMS = {"message": message_form, "report": report_form, "call": call_form}
TOPICS = (SmsReceived.TOPIC, SmsReported.TOPIC)


@dataclass
class Answer:
    status: int
    body: str
    headers: Mapping[str, str]

    @property
    def said(self) -> Any:
        return json.loads(self.body)


class Door:
    """The service, the log behind it, and a client in front of it."""

    def __init__(
        self,
        service: IngestService,
        log: MemoryLog,
        client: aiohttp.ClientSession,
        registry: CollectorRegistry,
    ) -> None:
        self.service, self.log, self.client, self.registry = service, log, client, registry

    async def post(
        self,
        kind: str,
        form: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: str = "",
    ) -> Answer:
        if form is None:
            form = FORMS[kind]()
        body = form if isinstance(form, bytes) else encode_form(form)
        if headers is None:
            headers = sign(kind, nonce=f"of-{hash(body)}")
        url = f"{self.service.url}/webhooks/plivo/{kind}" + (f"?{query}" if query else "")
        kept = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        async with self.client.post(url, data=body, headers=kept) as answer:
            return Answer(answer.status, await answer.text(), answer.headers)

    def records(self) -> Sequence[Record]:
        return [
            decode(topic, record.value) for topic in TOPICS for record in self.log.read_all(topic)
        ]

    def only(self) -> Any:
        (record,) = self.records()
        return record

    def count(self, kind: str, outcome: str) -> float:
        labels = {"kind": kind, "outcome": outcome}
        return self.registry.get_sample_value("antirelou_webhooks_total", labels) or 0.0

    def malformed(self, field: str) -> float:
        name = "antirelou_fields_malformed_total"
        return self.registry.get_sample_value(name, {"field": field}) or 0.0


@pytest.fixture
async def door(log: MemoryLog, request: pytest.FixtureRequest) -> AsyncIterator[Door]:
    settings = ingest_settings(**getattr(request, "param", {}))
    registry = CollectorRegistry()
    ports = Ports(log, SystemClock(), Telemetry(registry), "")
    async with open_ingest(settings, ports) as service, aiohttp.ClientSession() as client:
        yield Door(service, log, client, registry)


# -- who it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", FORMS)
async def test_every_mode_signs_every_webhook(door: Door, kind: str, mode: str) -> None:
    query = "ref=m-9&x=" if kind == "report" else ""
    headers = sign(kind, FORMS[kind](), mode=mode, query=query)
    answer = await door.post(kind, headers=headers, query=query)
    assert answer.status == 200
    assert door.only().signature == mode
    assert door.count(kind, "accepted") == 1


@pytest.mark.parametrize("kind", FORMS)
async def test_who_does_not_sign_stays_outside(door: Door, kind: str) -> None:
    answer = await door.post(kind, headers={})
    assert (answer.status, answer.said) == (403, {"error": "signature_missing"})
    assert door.records() == []
    assert door.count(kind, "signature_missing") == 1


@pytest.mark.parametrize("mode", MODES)
async def test_who_signs_wrongly_stays_outside(door: Door, mode: str) -> None:
    headers = sign("message", message_form(), mode=mode, token="another")
    answer = await door.post("message", headers=headers)
    assert (answer.status, answer.said) == (403, {"error": "signature_wrong"})
    assert door.records() == []


async def test_a_signature_is_good_for_its_own_path_alone(door: Door) -> None:
    answer = await door.post("message", headers=sign("report"))
    assert answer.said == {"error": "signature_wrong"}


async def test_the_proxied_host_does_not_matter(door: Door) -> None:
    answer = await door.post("message", headers={**sign("message"), "Host": "10.0.0.7:8080"})
    assert answer.status == 200


async def test_headers_that_are_no_ascii_fail_closed(door: Door) -> None:
    reader, writer = await asyncio.open_connection(*_address(door.service.url))
    body = encode_form(message_form())
    writer.write(
        b"POST /webhooks/plivo/message HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"X-Plivo-Signature-V2: \xe9\xff\r\nX-Plivo-Signature-V2-Nonce: \xe9\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )
    assert (await reader.read()).split(b"\r\n")[0] == b"HTTP/1.1 403 Forbidden"
    writer.close()
    await writer.wait_closed()


async def test_the_same_nonce_with_another_id_is_a_replay(door: Door) -> None:
    headers = sign("message", nonce="once")
    assert (await door.post("message", message_form("m-1"), headers)).status == 200
    again = await door.post("message", message_form("m-1"), headers)
    assert again.status == 200  # the provider's retry
    replayed = await door.post("message", message_form("m-2"), headers)
    assert (replayed.status, replayed.said) == (403, {"error": "replayed"})
    assert {record.id for record in door.records()} == {"m-1"}
    assert door.count("message", "replayed") == 1


async def test_a_report_forged_with_a_nonce_that_was_seen_is_a_replay(door: Door) -> None:
    headers = sign("report", nonce="once")
    assert (await door.post("report", report_form(), headers)).status == 200
    assert (await door.post("report", report_form(), headers)).status == 200
    forged = await door.post("report", report_form(TotalAmount="99"), headers)
    assert forged.said == {"error": "replayed"}


# -- what it says ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "form", "said"),
    [
        (
            "message",
            message_form(MessageUUID=None),
            {"error": "field_missing", "field": "MessageUUID"},
        ),
        ("message", message_form(From=None), {"error": "field_missing", "field": "From"}),
        ("message", message_form("a b"), {"error": "field_malformed", "field": "MessageUUID"}),
        (
            "message",
            b"MessageUUID=m&From=1&Text=%ff",
            {"error": "form_unreadable", "field": "Text"},
        ),
        ("message", b"", {"error": "field_missing", "field": "MessageUUID"}),
        ("message", b'{"MessageUUID": "m"}', {"error": "field_missing", "field": "MessageUUID"}),
        ("message", b"a=1&" * 250, {"error": "form_unreadable"}),
        (
            "report",
            report_form(MessageUUID=None),
            {"error": "field_missing", "field": "MessageUUID"},
        ),
        ("report", report_form(Status="?"), {"error": "field_malformed", "field": "Status"}),
        ("call", call_form(CallUUID=None), {"error": "field_missing", "field": "CallUUID"}),
    ],
)
async def test_what_cannot_be_read_is_refused_by_name(
    door: Door, kind: str, form: Mapping[str, str] | bytes, said: Mapping[str, str]
) -> None:
    answer = await door.post(kind, form)
    assert (answer.status, answer.said) == (400, said)
    assert door.records() == []
    assert door.count(kind, said["error"]) == 1


@pytest.mark.parametrize("chunked", [False, True])
async def test_what_is_too_large_is_refused(door: Door, *, chunked: bool) -> None:
    body = encode_form(message_form(Text="a" * BODY_BYTES_MAX))

    async def pieces() -> AsyncIterator[bytes]:
        yield body

    url = f"{door.service.url}/webhooks/plivo/message"
    data: Any = pieces() if chunked else body
    async with door.client.post(url, data=data, headers=sign("message")) as answer:
        assert answer.status == 413
        assert await answer.json() == {"error": "too_large"}
    assert door.records() == []
    assert door.count("message", "too_large") == 1


async def test_what_just_fits_is_taken(door: Door) -> None:
    empty = len(encode_form(message_form(Text="")))
    text = "a" * (BODY_BYTES_MAX - empty)
    assert (await door.post("message", message_form(Text=text))).status == 200
    assert (await door.post("message", message_form(Text=text + "a"))).status == 413


async def test_a_body_that_drips_is_given_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel.http.doors.BODY_SECONDS_MAX", 0.1)
    reader, writer = await asyncio.open_connection(*_address(door.service.url))
    writer.write(
        b"POST /webhooks/plivo/message HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nFrom="
    )
    async with asyncio.timeout(5):
        assert (await reader.readline()) == b"HTTP/1.1 408 Request Timeout\r\n"
        assert b"Connection: close" in await reader.read()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("text", "taken", "segments"),
    [
        (None, None, 1),
        ("", "", 1),
        ("a" * 1600, "a" * 1600, 11),
        ("😊", "😊", 1),
        ("a\x00b", "a\ufffdb", 1),
    ],
)
async def test_texts(door: Door, text: str | None, taken: str | None, segments: int) -> None:
    assert (await door.post("message", message_form(Text=text, Units=None))).status == 200
    assert (door.only().text, door.only().segments) == (taken, segments)


@pytest.mark.parametrize(
    ("raw", "kind", "country", "sealed"),
    [
        ("33639981234", "mobile", "FR", True),
        ("+32470000000", "mobile", "BE", True),
        ("36105", "short_code", None, False),
        ("INFO-SMS", "alphanumeric", None, False),
        (OWN, "own", "FR", False),
        ("", "unknown", None, False),
        ("\x00'; --" * 20, "unknown", None, False),
    ],
)
async def test_what_a_sender_is_never_refuses_him(
    door: Door, raw: str, kind: str, country: str | None, *, sealed: bool
) -> None:
    assert (await door.post("message", message_form(From=raw))).status == 200
    record = door.only()
    assert (record.sender_kind, record.to_ours) == (kind, True)
    assert (record.sender_sealed is not None) == sealed
    if country:
        assert record.country == country


@pytest.mark.parametrize("recipient", ["33937000001", "INFO", "", None])
async def test_what_was_not_sent_to_us_is_told_as_such(door: Door, recipient: str | None) -> None:
    assert (await door.post("message", message_form(To=recipient))).status == 200
    assert (door.only().to_ours, door.only().sender_sealed) == (False, None)


async def test_an_mms_is_taken_and_its_media_never_fetched(door: Door) -> None:
    fetched = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fetched.append(await reader.readline())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as media:
        port = media.sockets[0].getsockname()[1]
        form = message_form(Type="mms", MediaCount="1", Media1=f"http://127.0.0.1:{port}/a.jpg")
        assert (await door.post("message", form)).status == 200
        door.service.drain()
        await door.service.run()
    assert (door.only().sms_type, door.only().media_count) == ("mms", 1)
    assert fetched == []


async def test_amounts_that_are_none_are_counted_and_no_fault(door: Door) -> None:
    form = message_form(TotalAmount="free", Units="one")
    assert (await door.post("message", form)).status == 200
    assert (door.only().amount_microunits, door.only().segments) == (None, 1)
    assert (door.malformed("TotalAmount"), door.malformed("Units")) == (1, 1)


async def test_a_report_is_told_with_its_reference(door: Door) -> None:
    form = report_form(Status="undelivered", ErrorCode="20", To="33639981xxx")
    assert (await door.post("report", form, query="ref=never-heard-of")).status == 200
    record = door.only()
    assert (record.ref, record.message_id, record.status) == (
        "never-heard-of",
        "r-1",
        "undelivered",
    )
    assert (record.error_code, record.amount_microunits, record.sequence) == ("20", 150_000, 3)


# -- what is kept of it -------------------------------------------------------------------------


async def test_the_number_is_a_pseudonym_and_sealed(door: Door) -> None:
    await door.post("message")
    record = door.only()
    key = bytes.fromhex(KEYS.settings["pseudonym_key"])
    assert record.sender == Pseudonymizer(key).pseudonym(SENDER)
    sending = Unsealer(bytes.fromhex(KEYS.settings["sending_private_key"]))
    assert sending.unseal(record.sender_sealed) == SENDER.encode()


async def test_a_report_has_the_pseudonym_of_the_phone_it_went_to(door: Door) -> None:
    await door.post("message")
    await door.post("report")
    message, report = door.records()
    assert isinstance(message, SmsReceived)
    assert isinstance(report, SmsReported)
    assert message.sender == report.sender


@pytest.mark.parametrize("kind", ["message", "call"])
async def test_the_evidence_is_the_request_as_it_came(door: Door, kind: str) -> None:
    form = FORMS[kind](Text="a\x00b")
    headers = sign(kind, form, mode="ma_v3", query="a=%C3%A9")
    assert (await door.post(kind, form, headers, query="a=%C3%A9")).status == 200
    record = door.only()
    opened = Unsealer(bytes.fromhex(KEYS.evidence_private_key)).unseal(record.evidence_sealed)
    evidence = json.loads(opened)
    assert evidence["body"].encode() == encode_form(form)
    assert evidence["headers"] == headers
    assert evidence["url"] == f"https://sms.example.org/webhooks/plivo/{kind}?a=%C3%A9"
    assert datetime.fromisoformat(evidence["at"]) == record.at


async def test_no_number_and_no_text_where_they_have_no_business(log: MemoryLog) -> None:
    secret, lines, registry = "Je-suis-un-texte-secret", io.StringIO(), CollectorRegistry()
    configure_logging(stream=lines)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    logging.getLogger().setLevel(logging.DEBUG)
    ports = Ports(log, SystemClock(), Telemetry(registry), "")
    try:
        async with (
            open_ingest(ingest_settings(), ports) as service,
            aiohttp.ClientSession() as client,
        ):
            said = await _say_everything(Door(service, log, client, registry), secret)
    finally:
        configure_logging()
    written = lines.getvalue()
    assert '"webhook"' in written  # debug was on
    received, reported = (
        "".join(record.value.decode() for record in log.read_all(topic)) for topic in TOPICS
    )
    places = [written, generate_latest(registry).decode(), reported]
    places += [answer.body + str(answer.headers) for answer in said]
    for place in places:
        assert secret not in place
    assert secret in received
    for place in (*places, received):
        assert SENDER.removeprefix("+33") not in place


async def _say_everything(door: Door, text: str) -> list[Answer]:
    """Requests of every kind, with every outcome."""
    said = []
    for kind, make in FORMS.items():
        for form in (make(Text=text), make(Text=text, To="x", TotalAmount="?")):
            said.append(await door.post(kind, form))
            said.append(await door.post(kind, form, {}))
            said.append(await door.post(kind, {"Text": text, "From": SENDER}))
    door.log.away = True
    said.append(await door.post("message", message_form(Text=text, Units="9")))
    door.log.away = False
    return said


# -- calls --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("door", "element"),
    [
        ({"call_answer": "reject"}, '<Hangup reason="rejected"/></Response>'),
        ({"call_answer": "busy"}, '<Response><Hangup reason="busy"/>'),
        ({"call_answer": "ring"}, '<Response><Wait length="180"/>'),
    ],
    indirect=["door"],
)
async def test_a_call_is_answered_as_the_operator_wants(door: Door, element: str) -> None:
    answer = await door.post("call")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert element in answer.body
    assert (door.only().kind, door.only().id) == ("call", "c-1")


async def test_a_call_is_answered_while_the_log_is_away_and_told_later(door: Door) -> None:
    door.log.away = True
    assert (await door.post("call")).status == 200
    assert (await door.post("call", call_form("c-2"))).status == 200
    assert (await door.post("call", call_form("c-3"), {})).status == 403
    door.log.away = False
    await eventually(lambda: len(door.records()) == 2, seconds_max=3)


# -- the log ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["message", "report"])
async def test_while_the_log_is_away_the_provider_is_to_come_again(door: Door, kind: str) -> None:
    assert not door.service.missing()
    door.log.away = True
    for _ in range(2):
        answer = await door.post(kind)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert answer.said == {"error": "log_away"}
    assert door.service.missing() == ("log_away",)
    assert door.records() == []
    door.log.away = False

    async def taken() -> bool:
        return (await door.post(kind)).status == 200  # the same nonce: a retry

    await eventually(taken, seconds_max=2)
    assert not door.service.missing()
    assert len(door.records()) == 1
    assert door.count(kind, "log_away") >= 2


async def test_the_door_opens_while_the_log_is_away(log: MemoryLog) -> None:
    log.away = True
    ports = Ports(log, SystemClock(), Telemetry(CollectorRegistry()), "")
    async with open_ingest(ingest_settings(), ports) as service:
        assert service.missing() == ("log_away",)
        log.away = False
        await eventually(lambda: not service.missing(), seconds_max=2)


async def test_many_requests_at_once_are_each_answered_when_durable(door: Door) -> None:
    door.log.append_seconds = 0.05
    posts = [
        door.post("message", message_form(f"m-{n}"), sign("message", nonce=str(n)))
        for n in range(60)
    ]
    answers = await asyncio.gather(*posts)
    assert {answer.status for answer in answers} == {200}
    assert len(door.records()) == 60


async def test_draining_finishes_what_is_in_hand(door: Door) -> None:
    door.log.append_seconds = 0.2
    running = asyncio.create_task(door.service.run())
    post = asyncio.create_task(door.post("message"))
    await eventually(lambda: _has_waiting(door), seconds_max=2, every=0.005)
    door.service.drain()
    door.service.drain()
    assert (await post).status == 200
    await asyncio.wait_for(running, 5)
    assert door.only().id == "m-1"
    with pytest.raises(aiohttp.ClientConnectionError):
        await door.post("message")


async def test_a_draining_door_says_so_and_serves_a_last_call(door: Door) -> None:
    """A load balancer that has not heard of it yet is not turned away, and is told to go."""
    running = asyncio.create_task(door.service.run())
    assert door.service.missing() == ()
    door.service.drain()
    assert door.service.missing() == ("draining",)
    await asyncio.sleep(0.1)  # the door's own time: long after its listener would have closed
    answer = await door.post("message")
    assert (answer.status, answer.headers["Connection"]) == (200, "close")
    await asyncio.wait_for(running, 5)
    assert door.only().id == "m-1"


def _has_waiting(door: Door) -> bool:
    appender = door.service._appender
    return not appender.away and appender.in_hand > 0


# -- nothing else -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/metrics", 404),
        ("GET", "/healthz", 404),
        ("POST", "/webhooks/plivo/", 404),
        ("POST", "/webhooks/plivo/message/", 404),
        ("POST", "/webhooks/plivo/media", 404),
        ("GET", "/webhooks/plivo/message", 405),
        ("PUT", "/webhooks/plivo/report", 405),
        ("HEAD", "/webhooks/plivo/call", 405),
    ],
)
async def test_there_is_nothing_else(door: Door, method: str, path: str, status: int) -> None:
    async with door.client.request(method, f"{door.service.url}{path}") as answer:
        assert answer.status == status
        if status == 405:
            assert answer.headers["Allow"] == "POST"


async def test_an_address_that_is_taken_is_named(log: MemoryLog, door: Door) -> None:
    host, port = _address(door.service.url)
    ports = Ports(log, SystemClock(), Telemetry(CollectorRegistry()), "")
    with pytest.raises(Fatal, match="ANTIRELOU_LISTEN"):
        async with open_ingest(ingest_settings(listen=f"{host}:{port}"), ports):
            raise AssertionError("unreachable")


async def test_what_is_needed_is_named(log: MemoryLog) -> None:
    ports = Ports(log, SystemClock(), Telemetry(CollectorRegistry()), "")
    with pytest.raises(Fatal, match="ANTIRELOU_PLIVO_AUTH_TOKEN"):
        async with open_ingest(ingest_settings(plivo_auth_token=""), ports):
            raise AssertionError("unreachable")


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return host, int(port)
