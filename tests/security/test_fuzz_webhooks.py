"""The webhooks, fuzzed: always an answer of docs/contract.md §3, never a 500; a 200 is one record.

The door runs in this process over a log in memory, so that every request is followed to its end.
"""

import asyncio
import io
import os
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from kernel.facts.records import SmsReceived, SmsReported, decode
from kernel.http.server import split_address
from kernel.service.port import Ports
from kernel.telemetry.metrics import Telemetry, configure_logging
from kernel.values.clock import SystemClock
from services.ingest.core.signature import sign_v2, sign_v3
from services.ingest.service import IngestService, open_ingest
from tests.fakes.log import MemoryLog, house_log
from tests.support.webhooks import PUBLIC_URL, TOKEN, ingest_settings

EXAMPLES = settings(
    max_examples=int(os.environ.get("ANTIRELOU_FUZZ_EXAMPLES", "60")),
    deadline=None,  # the bound is SECONDS_MAX, on the answer
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SECONDS_MAX = 8.0
"""The provider waits no longer (docs/plivo.md §1)."""

REFUSED = {400, 403, 404, 405, 408, 413, 503}
NUMBER = "33639984242"
WORDS = "zq-what-nobody-may-log-qz"
KINDS = ("message", "report", "call")
TOPICS = (SmsReceived.TOPIC, SmsReported.TOPIC)


class Door:
    """The service on a loop of its own, so that Hypothesis may ask from a plain function."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._parts = AsyncExitStack()
        self.log: MemoryLog
        self.registry = CollectorRegistry()
        self.service = self._run(self._open())

    async def _open(self) -> IngestService:
        self.log = house_log()
        ports = Ports(self.log, SystemClock(), Telemetry(self.registry), "")
        return await self._parts.enter_async_context(open_ingest(ingest_settings(), ports))

    def close(self) -> None:
        self._run(self._parts.aclose())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def send(self, request: bytes, *, end: bool = False) -> tuple[int | None, bytes]:
        """The first status and the whole answer to raw bytes; None: closed without one."""
        sent: tuple[int | None, bytes] = self._run(self._send(request, end=end))
        return sent

    async def _send(self, request: bytes, *, end: bool) -> tuple[int | None, bytes]:
        host, port = split_address(self.service.url.removeprefix("http://"))
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(request)
            if end:
                writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), SECONDS_MAX)
        finally:
            writer.close()
        return (int(answer.split(None, 2)[1]) if answer else None), answer

    def records(self) -> int:
        return sum(len(self.log.read_all(topic)) for topic in TOPICS)


@pytest.fixture(scope="module")
def said() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure_logging(stream=stream)
    yield stream
    configure_logging()


@pytest.fixture(scope="module")
def door(said: io.StringIO) -> Iterator[Door]:
    opened = Door()
    yield opened
    opened.close()
    metrics = generate_latest(opened.registry).decode()
    for place in (said.getvalue(), metrics):
        assert NUMBER not in place
        assert NUMBER[2:] not in place
        assert WORDS not in place
    assert "Traceback" not in said.getvalue()
    assert "append_failed" not in said.getvalue()


def request_of(
    kind: str, body: bytes, headers: list[tuple[bytes, bytes]], query: bytes = b""
) -> bytes:
    path = f"/webhooks/plivo/{kind}".encode() + (b"?" + query if query else b"")
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Connection: close"]
    lines += [name + b": " + value for name, value in headers]
    lines.append(b"Content-Length: " + str(len(body)).encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def signed(kind: str, nonce: str, mode: str, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    url = f"{PUBLIC_URL}/webhooks/plivo/{kind}".encode()
    if mode.endswith("v2"):
        signature = sign_v2(TOKEN.encode(), url, nonce.encode())
    else:
        signature = sign_v3(TOKEN.encode(), url, "", pairs, nonce.encode())
    version, prefix = mode[-2:].upper(), "Ma-" if mode.startswith("ma_") else ""
    return [
        (f"X-Plivo-Signature-{prefix}{version}", signature.decode()),
        (f"X-Plivo-Signature-{version}-Nonce", nonce),
    ]


def as_bytes(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers]


def encode(pairs: list[tuple[str, str]]) -> bytes:
    def quoted(text: str) -> str:
        return quote_plus(text.encode("utf-8", "surrogatepass"))

    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in pairs).encode()


header_bytes = st.binary(max_size=60).map(
    lambda raw: bytes(b for b in raw if b not in b"\r\n\x00" and (b >= 32 or b == 9))
)
signature_names = st.sampled_from(
    [
        b"X-Plivo-Signature-" + n
        for n in (b"V2", b"Ma-V2", b"V2-Nonce", b"V3", b"Ma-V3", b"V3-Nonce")
    ]
)
field_names = st.sampled_from(
    ["MessageUUID", "messageuuid", "From", "FROM", "To", "Text", "Body", "Type", "Units",
     "TotalAmount", "MessageIntent", "MediaCount", "Status", "Sequence", "ErrorCode", "CallUUID",
     "Media0", "", "\x00"]
)  # fmt: skip
wild = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(categories=["Cs", "Cc", "Co", "Lo", "So"]), max_size=12),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(
        ["null", "0" * 300, "9" * 300, "1e309", "-1", "NaN", "\x00", "\ud83d\ude00", "\udc00",
         "=", "&", "%", "%00", "%ff", "%u0041", "+" + NUMBER, NUMBER, "0639984242", WORDS,
         "ORANGE", "٣٣٦", "\u202e33", "' OR 1=1 --", "{{7*7}}", "${jndi:ldap://x}", "../../etc"]
    ),
)  # fmt: skip
forms = st.lists(st.tuples(field_names, wild), max_size=14)
raw_bodies = st.one_of(
    st.binary(max_size=300),
    forms.map(encode),
    st.just(b"a" * 16_384),
    st.just(b"a" * 16_385),
    st.integers(150, 400).map(lambda n: b"a=1&" * n),
    st.just(b'{"MessageUUID":"m","From":"' + NUMBER.encode() + b'"}'),
    st.just(b"%" * 2000),
)
content_types = st.sampled_from(
    [b"application/x-www-form-urlencoded", b"application/json", b"multipart/form-data",
     b"multipart/form-data; boundary=x", b"text/plain; charset=utf-16", b"text/plain; charset=\xff",
     b"", b";;;", b"application/x-www-form-urlencoded; charset=nonsense"]
)  # fmt: skip
queries = st.one_of(
    st.just(b""),
    st.sampled_from([b"ref=m-1", b"ref=&ref=x", b"ref=%ff", b"ref=" + b"a" * 4000, b"a&&&=&%%%"]),
    st.binary(max_size=80).map(lambda raw: bytes(b for b in raw if 33 <= b < 127 and b != 35)),
)


@EXAMPLES
@given(
    kind=st.sampled_from([*KINDS, "media", "", "%2e%2e"]),
    body=raw_bodies,
    headers=st.lists(st.tuples(signature_names, header_bytes), max_size=6),
    content_type=content_types,
    query=queries,
)
def test_unsigned_rubbish_is_refused_and_nothing_is_recorded(  # noqa: PLR0917 - Hypothesis
    door: Door,
    kind: str,
    body: bytes,
    headers: list[tuple[bytes, bytes]],
    content_type: bytes,
    query: bytes,
) -> None:
    before = door.records()
    request = request_of(kind, body, [*headers, (b"Content-Type", content_type)], query)
    status, answer = door.send(request)
    assert status in REFUSED - {503}
    assert NUMBER.encode() not in answer
    assert door.records() == before


_count = iter(range(10**9))


@EXAMPLES
@given(
    kind=st.sampled_from(KINDS),
    extra=forms,
    sender=wild,
    mode=st.sampled_from(["v2", "ma_v2"]),
    content_type=content_types,
    query=queries,
)
def test_whoever_is_signed_and_named_is_taken_whatever_he_is(  # noqa: PLR0917 - Hypothesis
    door: Door,
    kind: str,
    extra: list[tuple[str, str]],
    sender: str,
    mode: str,
    content_type: bytes,
    query: bytes,
) -> None:
    """An id and a From, of whatever form, are enough: 200, one record. Else 400 and none."""
    number = next(_count)
    named = [("CallUUID" if kind == "call" else "MessageUUID", f"m-{number}"), ("From", sender)]
    if kind == "report":
        named.append(("Status", "delivered"))
    body = encode([*named, *extra])
    before = door.records()
    headers = as_bytes(signed(kind, f"n-{number}", mode, []))
    status, answer = door.send(
        request_of(kind, body, [*headers, (b"Content-Type", content_type)], query)
    )
    unreadable = any(
        "\ud800" <= char <= "\udfff" for _, value in [*named, *extra] for char in value
    )
    if not unreadable:
        assert status == 200, answer
    assert status in {200, 400}, answer
    assert door.records() == before + (status == 200)
    for part in (NUMBER, WORDS):
        assert part.encode() not in answer


@EXAMPLES
@given(kind=st.sampled_from(KINDS), body=raw_bodies, mode=st.sampled_from(["v2", "ma_v2"]))
def test_signed_rubbish_is_taken_or_refused_by_name(
    door: Door, kind: str, body: bytes, mode: str
) -> None:
    before = door.records()
    headers = as_bytes(signed(kind, f"r-{next(_count)}", mode, []))
    status, answer = door.send(request_of(kind, body, headers))
    assert status in {200, 400, 413}, answer
    assert (status == 413) == (len(body) > 16_384)
    assert door.records() == before + (status == 200)


@EXAMPLES
@given(
    present=st.lists(st.sampled_from(["v2", "ma_v2", "v3", "ma_v3"]), unique=True, min_size=1),
    wrong=st.sets(st.sampled_from(["v2", "ma_v2", "v3", "ma_v3"])),
    extra=st.dictionaries(st.sampled_from(["Text", "Units", "X"]), st.text(max_size=8)),
)
def test_mixed_versions_hold_to_the_rule(
    door: Door, present: list[str], wrong: set[str], extra: dict[str, str]
) -> None:
    """V3 headers present: V3 or Ma-V3 must match and V2 helps nothing; else V2 or Ma-V2."""
    number = next(_count)
    extra = {name: value for name, value in extra.items() if value.isprintable()}
    form = {"MessageUUID": f"x-{number}", "From": "ORANGE", **extra}
    headers: dict[str, str] = {}
    for mode in present:
        made = dict(signed("message", f"x-{number}", mode, list(form.items())))
        if mode in wrong:
            made = {n: v if n.endswith("Nonce") else "A" * 43 + "=" for n, v in made.items()}
        headers |= made
    third = [mode for mode in present if mode.endswith("v3")]
    asked = third or present
    expected = 200 if any(mode not in wrong for mode in asked) else 403
    before = door.records()
    status, answer = door.send(
        request_of("message", urlencode(form).encode(), as_bytes(list(headers.items())))
    )
    assert status == expected, answer
    assert door.records() == before + (status == 200)


@EXAMPLES
@given(st.binary(max_size=400))
def test_what_is_no_http_is_closed(door: Door, raw: bytes) -> None:
    before = door.records()
    status, answer = door.send(raw + b"\r\n\r\n\r\n", end=True)
    assert status in REFUSED | {None}
    assert b"html" not in answer
    assert door.records() == before


def test_what_was_taken_can_be_read_by_everybody_behind(door: Door) -> None:
    """Runs last: every record of the runs above, decoded as its topic says."""
    for topic in TOPICS:
        for record in door.log.read_all(topic):
            assert decode(topic, record.value).id
    assert door.records() > EXAMPLES.max_examples
