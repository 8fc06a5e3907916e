"""I3 through the responder's words: taken for never sent, and then it turns out that it left."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from msgspec.structs import replace

from kernel.facts.records import (
    Decision,
    OperatorAction,
    Record,
    ReplyChanged,
    ReplyState,
    SmsJudged,
    decode_as,
)
from kernel.log.port import Partition
from kernel.provider.port import Accepted, Uncertain
from kernel.stage.stage import Received
from services.filter.handler import FilterHandler
from services.responder.core.outbox import (
    Reply,
    apply_absence,
    apply_decision,
    apply_observation,
    apply_result,
    describe_change,
)
from services.responder.core.status import observe_report
from tests.fakes.clock import ManualClock
from tests.integration.filter.scene import open_scene
from tests.unit.filter.cases import DAY, HOUR, NOW, pseudonym, read_until, received
from tests.unit.responder.cases import NOW as SENT_AT
from tests.unit.responder.cases import RULES, report, sending


def void() -> Reply:
    """Uncertain, not in the provider's log, and then the operator's ``reply void``."""
    reply = apply_result(sending(), 1, Uncertain("timeout"), SENT_AT, RULES)
    reply = apply_absence(reply, SENT_AT + 2 * HOUR, RULES)
    reply = apply_decision(reply, OperatorAction.REPLY_VOID, SENT_AT + 3 * HOUR)
    assert describe_change(reply).state is ReplyState.FAILED
    return reply


def observe(reply: Reply, status: str, sequence: int) -> Reply:
    observed = observe_report(report(status, sequence, 65_000))
    assert observed is not None
    return apply_observation(reply, observed, SENT_AT + 4 * HOUR, RULES)


def words_of(way: str) -> Sequence[ReplyChanged]:
    first = void()
    match way:
        case "accepted":  # the provider's own answer to the send, very late
            replies = [first, apply_result(first, 1, Accepted("p-1"), SENT_AT + 4 * HOUR, RULES)]
        case "failed, delivered":
            failed = observe(first, "failed", 3)
            replies = [first, failed, observe(failed, "delivered", 4)]
        case _:
            replies = [first, observe(first, way, 3)]
    return [replace(describe_change(reply), sender=pseudonym(1)) for reply in replies]


async def hear(handler: FilterHandler, record: Record) -> None:
    await handler.handle([Received(record, Partition(record.TOPIC, 1), NOW)], NOW)


async def judge(handler: FilterHandler, now: datetime) -> list[Decision]:
    due = await handler.due(read_until(now), now)
    if due.mark is not None:
        await due.mark()
    return [decode_as(SmsJudged, output.value).decision for output in due.records]


@pytest.mark.parametrize(
    "way", ["sent", "delivered", "undelivered", "failed, delivered", "accepted"]
)
async def test_who_got_an_sms_after_a_wrong_void_gets_no_second_one(
    fresh_database: str, way: str
) -> None:
    async with open_scene(fresh_database, ManualClock(NOW)) as scene:
        handler = scene.handler()
        await hear(handler, received("m-1", 1))
        assert await judge(handler, NOW + 2 * HOUR) == [Decision.REPLY]
        for word in words_of(way):
            await hear(handler, word)
        again = received("m-2", 1, at=NOW + DAY)
        await hear(handler, again)
        assert await judge(handler, NOW + DAY + 2 * HOUR) == []
        assert await scene.rows("SELECT reason FROM messages WHERE id = 'm-2'") == [
            ("already_answered",)
        ]


async def test_who_got_none_is_answered_when_he_texts_again(fresh_database: str) -> None:
    async with open_scene(fresh_database, ManualClock(NOW)) as scene:
        handler = scene.handler()
        await hear(handler, received("m-1", 1))
        assert await judge(handler, NOW + 2 * HOUR) == [Decision.REPLY]
        for word in words_of("failed"):
            await hear(handler, word)
        await hear(handler, received("m-2", 1, at=NOW + DAY))
        assert await judge(handler, NOW + DAY + 2 * HOUR) == [Decision.REPLY]
