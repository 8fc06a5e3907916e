"""Poison on every topic, and a flood of it: put aside, explained, put back once; all goes on."""

import asyncio
import json
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest

from antirelou.commands.demo.house import House, run_once
from antirelou.commands.demo.run import operate, read_bill
from kernel.facts.records import (
    RECORD_TYPES,
    DeadRecord,
    Decision,
    DonationKind,
    DonationReported,
    OperatorAction,
    OperatorDecided,
    Platform,
    Posture,
    PostureChanged,
    ProviderChecked,
    Reason,
    Record,
    ReplyAuthorized,
    ReplyChanged,
    ReplyState,
    SenderBlocked,
    SignatureMode,
    SmsJudged,
    SmsReceived,
    SmsReported,
    encode,
)
from kernel.facts.topics import (
    DONATIONS_GROUP,
    EVIDENCE_GROUP,
    FILTER_GROUP,
    READS,
    RESPONDER_GROUP,
    dead,
)
from kernel.log.port import Outgoing
from kernel.stage.dead import TELL_SECONDS
from kernel.values.sender import SenderKind
from tests.e2e.conftest import Built
from tests.support.audit import audit_house, violations
from tests.support.eventually import eventually
from tests.support.house import donate, status_when, text_in

AT = datetime(2017, 10, 27, 16, tzinfo=UTC)
SENDER = "f" * 32
PHONE = "+33639980002"
NUL = "poison\0"
"""What JSON carries and PostgreSQL cannot store."""

POISON_RECORDS = 20_000
BROKEN_EVERY = 200
"""Of the flood, so many apart are well-formed and break the handler."""
GOOD = 10
GOOD_SECONDS_MAX = 60.0

COMMON: dict[str, Any] = {"trace": "t", "at": AT}
VALID: dict[type[Record], dict[str, Any]] = {
    SmsReceived: {
        "sender": SENDER, "sender_kind": SenderKind.MOBILE, "sender_sealed": None, "country": "FR",
        "to_ours": True, "text": None, "signature": SignatureMode.V3,
    },
    SmsReported: {
        "sender": SENDER, "message_id": NUL, "ref": None, "status": "delivered",
        "signature": SignatureMode.V3,
    },
    SmsJudged: {
        "sender": SENDER, "decision": Decision.SILENT, "reason": Reason.BURST, "received_at": AT,
        "due_at": AT,
    },
    ReplyAuthorized: {
        "sender": SENDER, "due_at": AT, "price_microeuros": 150_000, "sender_sealed": b"x",
    },
    ReplyChanged: {
        "sender": SENDER, "reply_id": NUL, "sequence": 1, "by": "responder",
        "state": ReplyState.FAILED, "due_at": AT,
    },
    PostureChanged: {"sequence": 0, "posture": Posture.NORMAL, "cause": "calm", "attach": True},
    ProviderChecked: {"credit_microunits": 10**30},
    SenderBlocked: {"sender": SENDER, "blocked": False},
    OperatorDecided: {"action": OperatorAction.REPLY_SENT, "reply_id": NUL},
    DonationReported: {
        "source": Platform.HELLOASSO, "kind": DonationKind.GIFT, "amount_minor": 5,
        "currency": "EUR",
    },
}  # fmt: skip
"""Well-formed records of every topic; each holds a value that a database refuses, but for those
that hold nothing it could refuse."""
HARMLESS = {PostureChanged, SenderBlocked}
UNHARMED = {
    (FILTER_GROUP, ReplyChanged.TOPIC),  # it keeps nothing of a reply but its sender
    (FILTER_GROUP, SenderBlocked.TOPIC),
    (RESPONDER_GROUP, PostureChanged.TOPIC),
}
BROKEN = {"unreadable": 2, "unknown_version": 1}
"""How many of what ``spoil`` makes die of which reason, besides what breaks the handler."""


def groups_of(built: Built) -> set[str]:
    """The groups of the services that run; those of ``serve all`` alone are not of the cluster."""
    targets = {process.name for process in built.house.services}
    alone = {"evidence": EVIDENCE_GROUP, "donations": DONATIONS_GROUP}
    return set(READS) - {group for name, group in alone.items() if not targets & {"all", name}}


def spoil(kind: type[Record]) -> list[bytes]:
    """Poison for a topic: no JSON, a field missing, a version to come, what breaks the handler."""
    record = encode(kind(id=NUL, **COMMON, **VALID[kind]))
    fields = json.loads(record)
    missing = {name: value for name, value in fields.items() if name != "at"}
    later = fields | {"v": 99}
    poison = [b"\xff\xfe not json", json.dumps(missing).encode(), json.dumps(later).encode()]
    return poison if kind in HARMLESS else [*poison, record]


@pytest.mark.timeout(180)
async def test_poison_on_every_topic_is_put_aside_explained_and_put_back_once(built: Built) -> None:
    house = built.house
    donate(house, "100.00")
    async with built.reading() as (log, _):
        for kind in RECORD_TYPES:
            await log.append([Outgoing(kind.TOPIC, b"k", value) for value in spoil(kind)])
    readers = Counter(topic for group in groups_of(built) for topic in READS[group])
    read = sum(readers[kind.TOPIC] * sum(BROKEN.values()) for kind in RECORD_TYPES)
    breaking = sum(
        (group, topic) not in UNHARMED for group in groups_of(built) for topic in READS[group]
    )
    await status_when(house, lambda now: now["dead"] == read + breaking)

    found = operate(house, "GET", "/v1/dead")
    died = Counter((one["topic"], one["reason"]) for one in found["records"])
    for kind in RECORD_TYPES:
        for reason, count in BROKEN.items():
            assert died[kind.TOPIC, reason] == count * readers[kind.TOPIC], (kind, reason)
    expect_explained(
        house, causes=len({(o["topic"], o["reason"], o["error"]) for o in found["records"]})
    )
    assert await deaths_counted(house) == read + breaking

    # Put back without a mend, everything dies again, and no more than that.
    run(house, "dead", "replay")
    await status_when(house, lambda now: now["dead"] == read + breaking)
    await expect_mended_and_replayed(built, before=read + breaking)


async def expect_mended_and_replayed(built: Built, *, before: int) -> None:
    """A message that breaks two services is handled once after the mend, however often put back."""
    house = built.house
    refusals = {"billing.receipts": "message_id", "filter.messages": "id"}
    async with built.reading() as (_, url):
        connection = await asyncpg.connect(url)
        try:
            for table, column in refusals.items():
                await connection.execute(
                    f"ALTER TABLE {table} ADD CONSTRAINT planted CHECK ({column} <> 'planted')"
                )
            text_in(house, PHONE, "Salut, on s'est vus samedi", message_uuid="planted")
            text_in(house, "+33639980003", "Bonsoir, c'est Marc")
            await status_when(house, lambda now: now["replies"]["delivered"] == 1)
            await status_when(house, lambda now: now["dead"] == before + 2)
            listed = run(house, "dead", "list")
            assert "sms.received: handler_failed" in listed
            assert "1 records, put aside by billing 1, filter 1" in listed
            assert PHONE[3:] not in listed
            assert "samedi" not in listed
            for table in refusals:
                await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT planted")
        finally:
            await connection.close()
    await replay_and_crash(built, "planted")
    run(house, "dead", "replay")
    await status_when(house, lambda now: now["replies"]["delivered"] == 2)
    run(house, "dead", "replay")
    end = await status_when(house, lambda now: now["dead"] == before)
    bill = read_bill(house)
    assert (end["messages"]["received"], end["messages"]["judged"]["reply"]) == (2, 2)
    assert (bill.sent, bill.most_to_one) == (2, 1)
    assert end["fund"]["spent_receive_microeuros"] == bill.received_microunits
    assert end["fund"]["spent_reply_microeuros"] == bill.sent_microunits
    await expect_unviolated(house)


async def replay_and_crash(built: Built, message_id: str) -> None:
    """A replay that dies after its append: put back, and still on the dead topic."""
    async with built.reading() as (log, _):
        async for record in log.scan(dead(SmsReceived.TOPIC)):
            corpse = msgspec.json.decode(record.value, type=DeadRecord)
            if message_id.encode() in corpse.value:
                await log.append([Outgoing(corpse.topic, corpse.key, corpse.value)])


@pytest.mark.timeout(180)
async def test_a_flood_of_poison_stops_nobody_and_fills_nothing(built: Built) -> None:
    house = built.house
    donate(house, "100.00")
    broken = encode(SmsReceived(id=NUL, **COMMON, **VALID[SmsReceived]))
    poison = [
        Outgoing(
            SmsReceived.TOPIC, b"%d" % n, broken if n % BROKEN_EVERY == 0 else b"rubbish %d" % n
        )
        for n in range(POISON_RECORDS)
    ]
    async with built.reading() as (log, _):
        parts = [poison[n : n + 2000] for n in range(0, len(poison), 2000)]
        began = time.monotonic()
        for number, part in enumerate(parts):
            await log.append(part)
            for phone in range(number * GOOD // len(parts), (number + 1) * GOOD // len(parts)):
                text_in(house, f"+3363998{phone * 997:04d}", f"Bonsoir, on se voit à {phone} h ?")
    end = await status_when(
        house, lambda now: now["replies"]["delivered"] == GOOD, seconds_max=GOOD_SECONDS_MAX
    )
    seconds = time.monotonic() - began
    deaths = POISON_RECORDS * sum(SmsReceived.TOPIC in READS[group] for group in groups_of(built))
    await status_when(house, lambda now: now["dead"] == deaths, seconds_max=GOOD_SECONDS_MAX)
    print(f"\n{POISON_RECORDS} poisoned records; {GOOD} good ones answered after {seconds:.1f} s, "
          f"{deaths} deaths after {time.monotonic() - began:.1f} s")  # fmt: skip
    assert end["messages"]["received"] == GOOD

    async def are_counted() -> bool:
        return await deaths_counted(house) == deaths  # a death is counted once it is on its topic

    await eventually(are_counted, seconds_max=5)
    told = lines_told(house)
    lines_max = 2 * len(groups_of(built)) * (2 + (time.monotonic() - began) / TELL_SECONDS)
    assert 0 < len(told) <= lines_max
    expect_explained(house, causes=2)
    await expect_unviolated(house)


# -- helpers -------------------------------------------------------------------------------------


def run(house: House, *arguments: str) -> str:
    """A command, as an operator runs it."""
    return run_once(arguments, house.settings, house.folder)


def expect_explained(house: House, *, causes: int) -> None:
    """``dead list`` says of every cause what, where, when, why and what to do; no value."""
    listed = run(house, "dead", "list")
    for word in ("what  ", "where ", "when  ", "why   ", "means ", "do    "):
        assert listed.count(f"\n  {word}") == causes, word
    assert NUL not in listed
    assert "rubbish" not in listed
    assert SENDER not in listed


async def expect_unviolated(house: House) -> None:
    """Every invariant holds; what is dead is under way, as far as an audit can say."""
    judgements = await audit_house(house)
    assert violations(judgements) == []
    left = {found.what for judgement in judgements for found in judgement.under_way}
    assert all(what.startswith("on the dead topic") for what in left), left


async def deaths_counted(house: House) -> int:
    """``antirelou_dead_total`` over all processes."""

    def read() -> int:
        total = 0.0
        for process in house.services:
            url = process.ready_url.replace("/readyz", "/metrics")
            with urllib.request.urlopen(url, timeout=5) as answer:
                page = answer.read().decode()
            total += sum(
                float(value)
                for value in re.findall(r"^antirelou_dead_total\{.*\} (\S+)$", page, re.MULTILINE)
            )
        return round(total)

    return await asyncio.to_thread(read)


def lines_told(house: House) -> Sequence[dict[str, Any]]:
    """The log lines about dead records."""
    return [
        json.loads(line)
        for process in house.services
        for line in (house.folder / f"{process.name}.log").read_text().splitlines()
        if '"record_dead"' in line
    ]
