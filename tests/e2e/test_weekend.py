"""A small weekend through the real house, and what must be true when it has passed."""

import asyncio
import urllib.request
from collections.abc import AsyncIterator

import asyncpg
from rich.console import Console

from antirelou.commands.demo.report import check_outcome
from antirelou.commands.demo.run import SEED, pass_weekend
from kernel.facts.records import SmsJudged, SmsReceived, decode_as
from kernel.facts.topics import READS, dead
from simulator.weekend import weekend
from tests.e2e.conftest import SPEED, Built
from tests.support.audit import expect_clean

SCALE = 0.04


async def test_the_weekend_passes_and_leaves_no_trace_of_anybody(built: Built) -> None:
    status, bill = pass_weekend(built.house, Console(quiet=True), scale=SCALE, speed=SPEED)

    assert [check for check in check_outcome(status, bill) if not check.good] == []
    assert bill.accepted > 500
    assert status["replies"]["delivered"] > 50
    await expect_one_verdict_each(built)
    await expect_no_number_and_no_text(built)
    await expect_clean(built.house)


async def expect_one_verdict_each(built: Built) -> None:
    """I1 on the topics themselves."""
    async with built.reading() as (log, _):
        received = {
            decode_as(SmsReceived, record.value).id async for record in log.scan("sms.received")
        }
        verdicts: dict[str, set[str]] = {}
        async for record in log.scan("sms.judged"):
            judged = decode_as(SmsJudged, record.value)
            verdicts.setdefault(judged.id, set()).add(f"{judged.decision} {judged.reason}")
    assert received == set(verdicts)
    assert [said for said in verdicts.values() if len(said) != 1] == []


async def expect_no_number_and_no_text(built: Built) -> None:
    """I6: not in a log, a metric, a table or a topic but ``sms.received`` and its twin."""
    arrivals = list(weekend(SEED, SCALE))
    # Alphanumeric and short senders are words and digits that occur by chance.
    needles = {a.sender.lstrip("+").encode() for a in arrivals if len(a.sender) > 8}
    needles |= {b"0" + needle[2:] for needle in needles if needle.startswith(b"33")}
    needles -= {b"33937000000", b"0937000000"}  # ours, which is published
    texts = {a.text.encode() for a in arrivals if a.text and a.text.isascii() and len(a.text) > 12}
    texts = {text for text in texts if b'"' not in text and b"\\" not in text}
    assert len(needles) > 100
    assert len(texts) > 20
    found, seen_in_place = [], 0
    async for place, content in everything(built):
        hits = [needle for needle in needles | texts if needle in content]
        if place in {"topic sms.received", "topic sms.received.dead"}:
            seen_in_place += len(texts.intersection(hits))
            hits = [hit for hit in hits if hit not in texts]
        found += [(place, len(hits))] if hits else []
    assert found == []
    assert seen_in_place > 20, "the search itself finds what is there"


async def everything(built: Built) -> AsyncIterator[tuple[str, bytes]]:
    """All that the house wrote: (where, content)."""
    for process in built.house.services:
        log_file = built.house.folder / f"{process.name}.log"
        yield f"log {process.name}", log_file.read_bytes()
        metrics = process.ready_url.replace("/readyz", "/metrics")
        yield f"metrics {process.name}", await asyncio.to_thread(read, metrics)
    async with built.reading() as (log, url):
        for topic in sorted({topic for topics in READS.values() for topic in topics}):
            for name in (topic, dead(topic)):
                values = [record.value async for record in log.scan(name)]
                yield f"topic {name}", b"\n".join(values)
        async for place, content in tables(url):
            yield place, content


def read(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        content: bytes = answer.read()
        return content


async def tables(url: str) -> AsyncIterator[tuple[str, bytes]]:
    """Every table of ours but the embedded log's own, whose records were read as topics."""
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname <> ALL($1)",
            ["pg_catalog", "information_schema", "log"],
        )
        assert len(names) > 5
        for schema, table in names:
            rows = await connection.fetch(f'SELECT t::text FROM "{schema}"."{table}" t')
            yield f"table {schema}.{table}", "\n".join(row[0] for row in rows).encode()
    finally:
        await connection.close()
