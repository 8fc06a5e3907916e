"""The door as bytes on a connection: what HTTP allows is served, what it forbids is refused."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry

from kernel.http.connections import LINGERING_SECONDS
from kernel.http.server import split_address
from kernel.service.port import Ports
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import SystemClock
from services.ingest.core.form import BODY_BYTES_MAX
from services.ingest.service import open_ingest
from tests.fakes.log import MemoryLog
from tests.support.webhooks import encode_form, ingest_settings, message_form, sign

PATH = "/webhooks/plivo/message"
FORM = "Content-Type: application/x-www-form-urlencoded"


@dataclass
class Door:
    log: MemoryLog
    url: str

    @property
    def taken(self) -> int:
        return len(self.log.read_all("sms.received"))

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*split_address(self.url.removeprefix("http://")))

    async def say(self, request: bytes) -> bytes:
        """All that is answered until the door closes the connection."""
        reader, writer = await self.open()
        writer.write(request)
        try:
            async with asyncio.timeout(LINGERING_SECONDS + 3):
                return await reader.read()
        finally:
            writer.close()


@pytest.fixture
async def door(log: MemoryLog) -> AsyncIterator[Door]:
    ports = Ports(log, SystemClock(), Telemetry(CollectorRegistry()), "")
    async with open_ingest(ingest_settings(), ports) as service:
        yield Door(log, service.url)


def head(
    *more: str,
    name: str = "raw",
    target: str = PATH,
    method: str = "POST",
    version: str = "1.1",
    length: int | None = None,
    last: bool = True,
    query: str = "",
) -> bytes:
    """A signed request's head; with ``last`` the connection ends with it."""
    signed = sign("message", message_form(name), nonce=f"of-{name}", mode="v3", query=query)
    lines = [
        f"{method} {target} HTTP/{version}",
        "Host: sms.example.org",
        *(f"{header}: {value}" for header, value in signed.items()),
        *more,
        *([] if length is None else [f"Content-Length: {length}"]),
        *(["Connection: close"] if last else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def body(name: str = "raw") -> bytes:
    return encode_form(message_form(name))


def statuses(answered: bytes) -> list[int]:
    return [int(line.split()[1]) for line in answered.split(b"\r\n") if line.startswith(b"HTTP/1.")]


async def test_who_waits_to_be_asked_for_the_body_is_asked(door: Door) -> None:
    reader, writer = await door.open()
    writer.write(head(FORM, "Expect: 100-Continue", length=len(body())))
    async with asyncio.timeout(1):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body())
    async with asyncio.timeout(1):
        assert statuses(await reader.read()) == [200]
    assert door.taken == 1
    writer.close()


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        # What is refused by its head is refused before its body comes.
        ({"target": "/nowhere"}, [404]),
        ({"method": "PUT"}, [405]),
        ({"length": BODY_BYTES_MAX + 1}, [413]),
    ],
)
async def test_who_is_refused_is_not_asked_for_the_body(
    door: Door, asked: dict[str, object], answered: list[int]
) -> None:
    given = {"length": len(body())} | asked
    assert statuses(await door.say(head(FORM, "Expect: 100-continue", **given))) == answered  # type: ignore[arg-type]
    assert door.taken == 0


async def test_who_does_not_wait_is_answered_once(door: Door) -> None:
    whole = head(FORM, "Expect: 100-continue", length=len(body())) + body()
    assert statuses(await door.say(whole))[-1] == 200
    old = head(FORM, "Expect: 100-continue", version="1.0", name="o", length=len(body("o")))
    assert statuses(await door.say(old + body("o"))) == [200]
    assert door.taken == 2


@pytest.mark.parametrize(
    "before", ["http://sms.example.org", "https://sms.example.org:443", "HTTP://10.0.0.1:8080"]
)
async def test_a_whole_url_is_routed_and_the_signature_is_of_ours(door: Door, before: str) -> None:
    name = "absolute"
    asked = head(FORM, name=name, target=before + PATH, length=len(body(name)))
    assert statuses(await door.say(asked + body(name))) == [200]
    asked = head(
        FORM, name="query", target=f"{before}{PATH}?a=b", query="a=b", length=len(body("query"))
    )
    assert statuses(await door.say(asked + body("query"))) == [200]
    forged = head(FORM, name=name, target=before + PATH, length=len(body("forged")))
    assert statuses(await door.say(forged + body("forged"))) == [403]
    assert door.taken == 2


@pytest.mark.parametrize(
    "target",
    [
        f"{PATH}/", f"/{PATH}", "//webhooks/plivo/message", "/webhooks//plivo/message", "/",
        "*", "http://sms.example.org", "http://sms.example.org?" + PATH, f"ftp://x{PATH}",
        "/webhooks/plivo/%6dessage", f"http:{PATH}",
    ],
)  # fmt: skip
async def test_any_other_target_is_nowhere(door: Door, target: str) -> None:
    answered = await door.say(head(FORM, target=target, length=len(body())) + body())
    assert statuses(answered)[:1] in ([404], [400])
    assert door.taken == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_any_other_method_is_refused_and_told_the_right_one(door: Door, method: str) -> None:
    answered = await door.say(head(method=method, length=0))
    assert statuses(answered) == [405]
    assert b"\r\nAllow: POST\r\n" in answered
    assert answered.endswith(b"\r\n\r\n") or method != "HEAD"


async def test_a_body_in_chunks(door: Door) -> None:
    whole = body()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (whole[:7], whole[7:]))
    asked = head(FORM, "Transfer-Encoding: chunked")
    assert statuses(await door.say(asked + chunks + b"0\r\n\r\n")) == [200]
    assert door.taken == 1
    swollen = b"%x\r\n%b\r\n" % (BODY_BYTES_MAX + 1, b"x" * (BODY_BYTES_MAX + 1))
    assert statuses(await door.say(asked + swollen + b"0\r\n\r\n")) == [413]
    assert statuses(await door.say(asked + b"zz\r\n")) == [400]
    assert door.taken == 1


async def test_one_after_the_other_on_a_connection(door: Door) -> None:
    asked = b"".join(
        head(FORM, name=name, length=len(body(name)), last=name == "c") + body(name)
        for name in ("a", "b", "c")
    )
    assert statuses(await door.say(asked)) == [200, 200, 200]
    assert door.taken == 3


async def test_the_old_version(door: Door) -> None:
    asked = head(FORM, version="1.0", length=len(body()), last=False)
    assert statuses(await door.say(asked + body())) == [200]  # and the connection ends
    assert door.taken == 1


@pytest.mark.parametrize(
    "lengths",
    [
        ["Content-Length: x"], ["Content-Length: -1"], ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
    ],
)  # fmt: skip
async def test_two_lengths_or_none_that_is_one_are_refused(door: Door, lengths: list[str]) -> None:
    assert statuses(await door.say(head(FORM, *lengths) + body())) == [400]
    assert door.taken == 0


async def test_a_length_too_short_takes_no_signed_half(door: Door) -> None:
    answered = await door.say(head(FORM, length=len(body()) - 5) + body())
    assert statuses(answered)[0] == 400  # its last field has no value
    assert door.taken == 0


async def test_two_content_types_are_no_form(door: Door) -> None:
    asked = head(FORM, "Content-Type: text/plain", length=len(body()))
    assert statuses(await door.say(asked + body())) == [400]
