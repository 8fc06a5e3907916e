"""The door of a phone, over HTTP: each request with its answer and its record.

docs/providers.md §1.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from kernel.facts.records import Record, SignatureMode, SmsReceived, SmsReported, decode
from kernel.service.port import Ports
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal
from services.ingest.core.form import BODY_BYTES_MAX
from services.ingest.service import IngestService, open_ingest
from tests.fakes.log import MemoryLog
from tests.support.phones import PATH, encode, event, phone_settings, sign

TOPICS = (SmsReceived.TOPIC, SmsReported.TOPIC)


class Door:
    def __init__(
        self, service: IngestService, log: MemoryLog, client: aiohttp.ClientSession
    ) -> None:
        self.service, self.log, self.client = service, log, client
        self.registry = CollectorRegistry()

    async def post(
        self, body: Any, headers: Mapping[str, str] | None = None, path: str = PATH
    ) -> tuple[int, Any]:
        raw = body if isinstance(body, bytes) else encode(body)
        headers = sign(raw) if headers is None else headers
        async with self.client.post(self.service.url + path, data=raw, headers=headers) as answer:
            said = await answer.json() if answer.content_type == "application/json" else None
            return answer.status, said

    def records(self) -> Sequence[Record]:
        return [decode(topic, one.value) for topic in TOPICS for one in self.log.read_all(topic)]

    def ids(self) -> list[str]:
        return [one.id for one in self.records() if isinstance(one, SmsReceived)]


@pytest.fixture
async def door(log: MemoryLog, request: pytest.FixtureRequest) -> AsyncIterator[Door]:
    settings = phone_settings(**getattr(request, "param", {}))
    ports = Ports(log, SystemClock(), Telemetry(CollectorRegistry()), "")
    async with open_ingest(settings, ports) as service, aiohttp.ClientSession() as client:
        yield Door(service, log, client)


async def test_a_text_is_durable_before_it_is_taken(door: Door) -> None:
    written = SystemClock().now().replace(microsecond=0) - timedelta(hours=5)
    told = event("sms:received", "Ey6", message="Salut", receivedAt=written.isoformat())
    assert await door.post(told) == (200, None)
    (record,) = door.records()
    assert isinstance(record, SmsReceived)
    assert (record.id, record.text, record.at) == ("Ey6", "Salut", written)
    assert (record.signature, record.nonce) == (SignatureMode.HMAC, None)
    assert (record.to_ours, record.amount_microunits) == (True, 0)
    assert record.sender_sealed is not None
    assert record.evidence_sealed is not None


async def test_it_is_told_apart_by_the_events_id_and_never_by_its_hash(door: Door) -> None:
    first = event("sms:received", "e-1", message="Bonjour", messageId="7")
    other = event("sms:received", "e-2", message="Coucou", messageId="7")
    for body in (first, other, first):
        assert (await door.post(body))[0] == 200
    assert door.ids() == ["e-1", "e-2", "e-1"], "the same id is the same text, told again"


async def test_two_registrations_of_one_event_tell_one_text(door: Door) -> None:
    at = _recent()
    first, twin = (event("sms:received", one, receivedAt=at) for one in ("e-1", "e-2"))
    assert (await door.post(first))[0] == 200
    assert (await door.post(twin | {"webhookId": "hook-2"}))[0] == 200
    assert door.ids() == ["e-1"]
    assert (await door.post(first))[0] == 200
    assert door.ids() == ["e-1", "e-1"], "its own retry is taken as ever"


@pytest.mark.parametrize("door", [{"smsgate_mode": "local", "smsgate_devices": ["d"]}],
                         indirect=True)  # fmt: skip
async def test_where_there_is_an_inbox_it_is_known_by_what_it_says(door: Door) -> None:
    for event_id, text in (("e-1", "Bonjour"), ("e-2", "Bonjour"), ("e-3", "Coucou")):
        await door.post(event("sms:received", event_id, message=text,
                              receivedAt=_recent()))  # fmt: skip
    first, again, other = door.ids()
    assert first == again != other


def _recent() -> str:
    return SystemClock().now().replace(microsecond=0, second=0).isoformat()


async def test_a_report_names_our_reply(door: Door) -> None:
    assert (await door.post(event("sms:delivered", "e-9", messageId="m-1")))[0] == 200
    (record,) = door.records()
    assert isinstance(record, SmsReported)
    assert (record.ref, record.message_id, record.status) == ("m-1", "m-1", "delivered")
    assert record.amount_microunits == 0


@pytest.mark.parametrize("name", ["system:ping", "app:started", "mms:downloaded", "made:up"])
async def test_what_says_nothing_is_taken_and_left(door: Door, name: str) -> None:
    assert await door.post(event(name)) == (200, None)
    assert door.records() == []


def signed(**how: Any) -> dict[str, str]:
    return sign(encode(event()), **how)


@pytest.mark.parametrize(("make", "error"), [
    (dict[str, str], "signature_missing"),
    (lambda: {"X-Signature": "a" * 64}, "signature_missing"),
    (lambda: {"X-Signature": "a" * 64, "X-Timestamp": "1"}, "signature_wrong"),
    (lambda: signed(key="another-key-of-at-least-32-characters"), "signature_wrong"),
    (lambda: signed(off_seconds=-400), "signature_stale"),
    (lambda: signed(off_seconds=400), "signature_stale"),
])  # fmt: skip
async def test_who_is_not_ours_stays_outside(
    door: Door, make: Callable[[], dict[str, str]], error: str
) -> None:
    assert await door.post(event(), make()) == (403, {"error": error})
    assert door.records() == []


@pytest.mark.parametrize("door", [{"clock_speed": 3600}], indirect=True)
async def test_five_minutes_are_real_whatever_the_clock(door: Door) -> None:
    body = encode(event())
    assert (await door.post(body, sign(body, off_seconds=-290)))[0] == 200
    assert (await door.post(body, sign(body, off_seconds=-310)))[0] == 403


@pytest.mark.parametrize(("body", "said"), [
    (b"rubbish", {"error": "form_unreadable"}),
    ({"event": 7}, {"error": "field_malformed", "field": "event"}),
    (event("sms:received", ""), {"error": "field_missing", "field": "id"}),
    (event(sender=None, phoneNumber=None), {"error": "field_missing", "field": "sender"}),
])  # fmt: skip
async def test_what_cannot_be_read_is_named(door: Door, body: Any, said: Any) -> None:
    assert await door.post(body) == (400, said)
    assert door.records() == []


async def test_what_is_too_large_is_not_read(door: Door) -> None:
    assert (await door.post(b"x" * (BODY_BYTES_MAX + 1)))[0] == 413


async def test_while_the_log_is_away_the_phone_keeps_it(door: Door, log: MemoryLog) -> None:
    log.away = True
    status, _ = await door.post(event())
    assert status == 503


@pytest.mark.parametrize("path", ["/webhooks/plivo/message", "/webhooks/smsgate/x", "/"])
async def test_one_provider_a_house(door: Door, path: str) -> None:
    assert (await door.post(event(), path=path))[0] == 404


async def test_without_its_key_the_door_does_not_open(log: MemoryLog) -> None:
    ports = Ports(log, SystemClock(), Telemetry(CollectorRegistry()), "")
    with pytest.raises(Fatal, match="ANTIRELOU_SMSGATE_SIGNING_KEY"):
        async with open_ingest(phone_settings(smsgate_signing_key=""), ports):
            pass
