"""What an audit reads off topics and the provider's log, and what it must not mistake."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from antirelou.commands.audit.gather import Topics
from antirelou.commands.audit.provider_log import ProviderReader, plan_stretch
from kernel.facts.records import DeadRecord, Decision, Reason, SmsJudged, derive_trace
from kernel.facts.topics import BILLING_GROUP, dead, outgoing
from kernel.log.port import Outgoing
from kernel.provider.port import LoggedMessage
from kernel.sealing.privacy import Pseudonymizer
from kernel.settings.settings import Settings
from kernel.values.clock import SystemClock
from kernel.values.errors import Transient
from tests.fakes.log import MemoryLog
from tests.fakes.provider import NUMBER, FakeProvider

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SENDER = "a" * 32
TOPIC = SmsJudged.TOPIC
KEY = Pseudonymizer(bytes(32))


def verdict(id_: str, reason: Reason = Reason.BURST) -> SmsJudged:
    return SmsJudged(
        id=id_,
        trace=derive_trace(id_),
        at=NOW,
        sender=SENDER,
        decision=Decision.SILENT,
        reason=reason,
        received_at=NOW,
        due_at=NOW,
    )


async def test_what_the_group_has_committed_is_read_and_the_rest_is_not(log: MemoryLog) -> None:
    await log.append([outgoing(verdict("m1"))])
    async with log.reader(BILLING_GROUP, [TOPIC]) as reader:
        await reader.commit(await reader.read(records_max=10, bytes_max=10**6, wait_seconds=0))
        await log.append([outgoing(verdict("m2")), outgoing(verdict("m1"))])
        found = await Topics(log, frozenset()).read(TOPIC)

    assert BILLING_GROUP not in found["m1"].unread, "its first telling was handled"
    assert BILLING_GROUP in found["m2"].unread
    assert found["m1"].said == {"silent burst"}


async def test_two_verdicts_are_both_kept_and_rubbish_is_passed_over(log: MemoryLog) -> None:
    await log.append([outgoing(verdict("m1")), outgoing(verdict("m1", Reason.CAMPAIGN))])
    await log.append([Outgoing(TOPIC, b"k", b"\xff{")])
    found = await Topics(log, frozenset()).read(TOPIC)
    assert {id_: told.said for id_, told in found.items()} == {
        "m1": {"silent burst", "silent campaign"}
    }


async def test_a_record_on_the_dead_topic_is_known_by_its_place(log: MemoryLog) -> None:
    await log.append([outgoing(verdict("m1"))])
    [record] = log.read_all(TOPIC)
    corpse = DeadRecord(
        topic=TOPIC,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        service="billing",
        reason="bad_value",
        error="",
        at=NOW,
    )
    await log.append([Outgoing(dead(TOPIC), b"k", msgspec.json.encode(corpse))])
    topics = Topics(log, frozenset())
    await topics.read_rest([TOPIC])
    assert (await topics.read(TOPIC))["m1"].dead


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b'{"to":"+33639980000"}', True),
        (b"call 0639980000, now", True),
        (b"33639980000", True),
        (b'"+33937000000"', False),  # ours
        (b'"c2VhbGVk33639980000c2VhbGVk"', False),  # within what is sealed
        (b"2026-11-25T01:22:04.063998000Z", False),
        (b"1.0639980000", False),
    ],
)
async def test_what_looks_like_a_number_is_counted_and_not_told(
    log: MemoryLog, value: bytes, *, found: bool
) -> None:
    await log.append([Outgoing("posture.changed", b"k", value)])
    await log.append([Outgoing("sms.received", b"k", value)])  # where it belongs
    topics = Topics(log, frozenset({b"+33937000000"}))
    await topics.read_rest([])
    assert topics.leaks == ({"topic posture.changed": 1} if found else {})


def reader_of(provider: FakeProvider) -> ProviderReader:
    settings = Settings.model_construct(number=NUMBER, clock_speed=10_000)
    return ProviderReader(
        provider,
        settings,
        clock=SystemClock(),
        pseudonymizer=KEY,
        say=lambda _: None,
        questions_max=50,
    )


def sms(number: int, at: datetime) -> LoggedMessage:
    recipient = f"3363998{number:04}"
    return LoggedMessage(f"u{number}", NUMBER, recipient, at, "delivered", 1, 150_000, None)


async def test_every_page_of_the_providers_log_is_read_and_its_numbers_stay_there() -> None:
    provider, now = FakeProvider(), SystemClock().now()
    for number in range(45):
        provider.logged[f"u{number}"] = "outbound", sms(number, now - timedelta(minutes=5))
    settings = Settings.model_construct(number=NUMBER, clock_speed=10_000)
    log = await reader_of(provider).read(plan_stretch(settings, timedelta(hours=1), now))
    assert len(log.sent) == 45
    assert log.sent["u7"].phone == KEY.pseudonym("+33639980007")
    assert "3363998" not in repr(log)


async def test_a_provider_that_does_not_answer_is_said() -> None:
    provider, now = FakeProvider(), SystemClock().now()
    provider.away = "timeout"
    settings = Settings.model_construct(number=NUMBER, clock_speed=10_000)
    reader = reader_of(provider)
    reader._budget = replace(reader._budget, window=timedelta(milliseconds=10))
    with pytest.raises(Transient, match="--no-provider"):
        await reader.read(plan_stretch(settings, timedelta(hours=1), now))
