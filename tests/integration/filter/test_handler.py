"""The filter at work, and what it survives: crashes, repeats, others, its own lag."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as replace_struct
from prometheus_client import CollectorRegistry

from kernel.database.migrations import migrate
from kernel.facts.records import Decision, Reason, ReplyKind, ReplyState, SmsJudged, decode_as
from kernel.facts.topics import outgoing
from kernel.log.port import Outgoing, Partition
from kernel.service.port import Ports
from kernel.settings.settings import load_settings
from kernel.stage.stage import Received, StageLimits
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal, Transient
from services.filter.core.retention import Cutoffs
from services.filter.core.signature import sign_text
from services.filter.handler import FilterHandler
from services.filter.metrics import Metrics
from services.filter.service import open_filter
from services.filter.store import PostgresStore
from tests.fakes.clock import ManualClock
from tests.fakes.log import house_log
from tests.integration.filter.scene import SCHEMA, Scene, open_scene
from tests.support.eventually import eventually
from tests.unit.filter.cases import (
    CAMPAIGN_MIN,
    DAY,
    HOUR,
    KEY,
    MINUTE,
    NOW,
    RAID,
    RANGE_MIN,
    SECOND,
    SETTINGS,
    blocked,
    blocks_of,
    pseudonym,
    read_each_until,
    read_until,
    received,
    reply_ended,
)

QUICK = replace(
    SETTINGS,
    delay=0.3 * SECOND,
    quiet=0.1 * SECOND,
    longest=2 * SECOND,
    bucket=0.02 * SECOND,
)
"""An hour passes in less than a third of a second."""


@pytest.fixture
async def scene(fresh_database: str) -> AsyncIterator[Scene]:
    """In real time, far quicker than in life."""
    async with open_scene(fresh_database, settings=QUICK) as opened:
        yield opened


@pytest.fixture
async def still(fresh_database: str) -> AsyncIterator[Scene]:
    """Time stands still until the test moves it."""
    async with open_scene(fresh_database, ManualClock(NOW)) as opened:
        yield opened


def read(message_id: str, sender: int, **fields: object) -> Received:
    record = received(message_id, sender, **fields)
    return Received(record, Partition(record.TOPIC, sender % 12), record.at)


async def test_texts_go_in_and_verdicts_come_out(scene: Scene) -> None:
    member, now = scene.start(), scene.clock.now
    await scene.append(
        received("answered", 1, at=now()),
        received("too many", 1, at=now()),
        received("foreign", 2, at=now(), country="BE"),
        received("stops", 3, at=now()),
        received("stop", 3, at=now(), text="STOP"),
        *(received(f"raid-{n}", 10 + n, at=now(), text=RAID) for n in range(CAMPAIGN_MIN)),
        *(received(f"near-{n}", 50 + n, at=now(), blocks=blocks_of(n)) for n in range(RANGE_MIN)),
    )
    await scene.append(received("blocked", 4, at=now()), blocked(4, at=now()))
    verdicts = await scene.verdicts_of(6 + CAMPAIGN_MIN + RANGE_MIN)
    assert {message_id: verdict.reason for message_id, verdict in verdicts.items()} == {
        "answered": Reason.DESERVED,
        "too many": Reason.ALREADY_DELIBERATING,
        "foreign": Reason.FOREIGN,
        "stops": Reason.OPTED_OUT,
        "stop": Reason.OPTED_OUT,
        **{f"raid-{n}": Reason.CAMPAIGN for n in range(CAMPAIGN_MIN)},
        **{f"near-{n}": Reason.RANGE for n in range(RANGE_MIN)},
        "blocked": Reason.BLOCKED,
    }
    assert verdicts["answered"].sender_sealed == b"sealed-1"
    assert [v for v in scene.told() if v.decision is Decision.REPLY] == [verdicts["answered"]]
    assert verdicts["answered"].at > verdicts["answered"].due_at
    assert member.missing() == []
    await scene.stop(member)


async def test_who_got_nothing_is_answered_when_he_texts_again(scene: Scene) -> None:
    scene.start()
    await scene.append(received("m-1", at=scene.clock.now()))
    await scene.verdicts_of(1)
    await scene.append(received("m-2", at=scene.clock.now()))
    assert (await scene.verdicts_of(2))["m-2"].reason is Reason.ALREADY_ANSWERED
    await scene.append(reply_ended("m-1", state=ReplyState.EXPIRED))
    await scene.all_read("replies.changed")
    await scene.append(received("m-3", at=scene.clock.now()))
    assert (await scene.verdicts_of(3))["m-3"].reason is Reason.DESERVED
    [row] = await scene.rows("SELECT sender_sealed FROM messages WHERE id = 'm-1'")
    assert row["sender_sealed"] is None


async def test_what_is_told_once_is_counted_once(scene: Scene) -> None:
    scene.start()
    texts = [received(f"m-{n}", n, at=scene.clock.now(), text="STOP") for n in range(3)]
    await scene.append(*texts, received("waits", 9, at=scene.clock.now() + HOUR))
    await scene.append(*texts)
    await eventually(lambda: len(scene.told()) == 6, seconds_max=10)
    silent = {"decision": "silent", "reason": "opted_out"}
    assert scene.sample("antirelou_verdicts_total", **silent) == 3
    await eventually(lambda: scene.sample("antirelou_deliberating") == 1, seconds_max=10)


async def test_a_crash_between_save_and_append_loses_no_verdict(scene: Scene) -> None:
    """Both of a verdict given at once and of one that came due meanwhile."""
    now = scene.clock.now()
    early = now - 10 * SECOND
    batch = [
        read("silent", 1, at=early, text="STOP"),
        read("due", 2, at=early),
        read("later", 2, at=now),
    ]
    await scene.append(*(each.record for each in batch))
    outputs = await scene.handler().handle(batch, now)
    assert len(outputs) == 2  # and here it dies
    scene.start()
    verdicts = await scene.verdicts_of(3)
    assert verdicts["silent"].at == now
    assert verdicts["due"].reason is Reason.DESERVED
    assert verdicts["later"].reason is Reason.ALREADY_ANSWERED


async def test_a_crash_between_append_and_mark_tells_twice_the_same(scene: Scene) -> None:
    now = scene.clock.now()
    await scene.handler().handle([read("m-1", 1, at=now - 10 * SECOND)], now)
    due = await scene.handler().due(read_until(now), now)
    assert len(due.records) == 1
    await scene.log.append(due.records)  # and here it dies
    scene.start()
    await eventually(lambda: len(scene.told()) == 2, seconds_max=10)
    assert len(scene.verdicts()) == 1


async def test_an_append_whose_answer_is_lost_is_made_again(scene: Scene) -> None:
    scene.start()
    scene.log.fail_after_append = 1
    with pytest.raises(Transient):
        await scene.append(received("m-1", 1, at=scene.clock.now(), text="STOP"))
    await scene.verdicts_of(1)
    scene.log.fail_after_append = 2
    with pytest.raises(Transient):
        await scene.append(received("m-2", 2, at=scene.clock.now(), text="STOP"))
    await scene.verdicts_of(2)
    await eventually(lambda: len(scene.told()) == 3, seconds_max=10)


async def test_a_record_read_again_gives_the_same_and_changes_nothing(scene: Scene) -> None:
    scene.start()
    texts = [received(f"m-{n}", n % 5, at=scene.clock.now(), nonce=f"n-{n}") for n in range(20)]
    await scene.append(*texts)
    before = await scene.verdicts_of(20)
    kept = "SELECT id, reason, judged_at, due_at FROM messages ORDER BY id"
    senders = "SELECT * FROM senders ORDER BY sender"
    rows = await scene.rows(kept), await scene.rows(senders)
    told = len(scene.told())
    await scene.append(*texts)
    await eventually(lambda: len(scene.told()) >= told + 20, seconds_max=10)
    assert scene.verdicts() == before
    assert (await scene.rows(kept), await scene.rows(senders)) == rows


async def test_members_come_and_go_and_nobody_is_answered_twice(scene: Scene) -> None:
    """I3 and I1, with members killed in the middle of their work."""
    first, second = scene.start(), scene.start()
    for turn in range(6):
        at = scene.clock.now()
        await scene.append(*(received(f"m-{turn}-{n}", n, at=at) for n in range(40)))
        if turn == 2:
            await scene.kill(first)
        if turn == 4:
            scene.start()
            await scene.kill(second)
    verdicts = await scene.verdicts_of(240)
    replies = [v.sender for v in verdicts.values() if v.decision is Decision.REPLY]
    assert sorted(replies) == [pseudonym(n) for n in range(40)]


async def test_who_takes_over_judges_what_was_left_though_nothing_more_comes(
    scene: Scene,
) -> None:
    first, second = scene.start(), scene.start()
    at = scene.clock.now() + SECOND
    await scene.append(*(received(f"m-{n}", n, at=at) for n in range(30)))
    await scene.all_read()
    await scene.kill(first)
    assert len(await scene.verdicts_of(30)) == 30
    await scene.stop(second)


async def test_two_members_that_judge_the_same_sender_at_once_answer_him_once(
    still: Scene,
) -> None:
    """As after a rebalance that one of them has not noticed."""
    batch = [read(f"m-{n}", n) for n in range(60)]
    await still.handler().handle(batch, NOW)
    progress, later = read_until(NOW + 2 * HOUR), NOW + 2 * HOUR

    async def look(handler: FilterHandler) -> int:
        """As the stage does: once more where another was faster."""
        try:
            return len((await handler.due(progress, later)).records)
        except Transient as conflict:
            return await look(handler) if conflict.code == "filter_conflict" else 0

    assert await asyncio.gather(*(look(still.handler()) for _ in range(4))) == [60] * 4
    assert await still.rows("SELECT count(*) FROM answers") == [(60,)]
    # One of them still hears a text, the other has judged: it is heard again on what is there.
    more = [read(f"n-{n}", n, at=NOW + 3 * HOUR) for n in range(60)]
    outputs = await still.handler().handle(more, later)
    assert len(outputs) == 60
    assert await still.rows("SELECT DISTINCT reason FROM messages WHERE id LIKE 'n%'") == [
        ("already_answered",)
    ]


async def test_an_sms_that_the_log_knew_of_silences_who_waits_and_stops_nobody(
    still: Scene,
) -> None:
    handler, later = still.handler(), NOW + 2 * HOUR
    await handler.handle([read("m-1", 1), read("m-2", 2)], NOW)
    found = replace_struct(
        reply_ended("found", 1, state=ReplyState.SENT, final=False), kind=ReplyKind.RECOVERED
    )
    await handler.handle([Received(found, Partition(found.TOPIC, 1), NOW)], NOW)
    due = await handler.due(read_until(later), later)
    verdicts = {v.id: v.reason for v in map(_verdict, due.records)}
    assert verdicts == {"m-1": Reason.ALREADY_ANSWERED, "m-2": Reason.DESERVED}
    answers = await still.rows("SELECT message_id FROM answers ORDER BY sender")
    assert [row["message_id"] for row in answers] == ["found", "m-2"]


async def test_a_stage_that_lags_does_not_judge_a_troll_by_his_first_text(
    still: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.filter.service.LIMITS", StageLimits(records_max=2))
    clock = still.clock
    assert isinstance(clock, ManualClock)
    await still.append(received("m-0", 1, at=clock.now()))
    for number in range(1, 40):
        clock.advance(60)
        await still.append(received(f"m-{number}", 1, at=clock.now()))
    clock.advance(9 * 3600)
    still.start()
    verdicts = await still.verdicts_of(40)
    assert verdicts["m-0"].reason is Reason.BURST
    assert verdicts["m-0"].basis["texts"] == 40


async def test_a_verdict_waits_for_all_partitions_that_are_held(still: Scene) -> None:
    """It counts what is in all of them."""
    handler, later = still.handler(), NOW + 2 * HOUR
    await handler.handle([read("raid", 1, text=RAID)], NOW)
    behind = read_each_until(dict.fromkeys(range(12), later) | {7: NOW + MINUTE})
    due = await handler.due(behind, later)
    assert due.records == []
    assert due.next_at == NOW + HOUR
    copies = [
        read(f"copy-{n}", 7 + 12 * n, text=RAID, at=NOW + MINUTE) for n in range(CAMPAIGN_MIN - 1)
    ]
    await handler.handle(copies, later)
    due = await handler.due(read_until(later), later)
    verdicts = {v.id: v.reason for v in map(_verdict, due.records)}
    assert verdicts["raid"] is Reason.CAMPAIGN


async def test_what_was_due_long_ago_is_judged_a_bucket_at_a_time_and_at_once(
    still: Scene,
) -> None:
    """So that each learns of those before him, as he would have in time."""
    handler, later = still.handler(), NOW + DAY
    hours = [NOW + n * HOUR for n in range(3)]
    for n, at in enumerate(hours):
        await handler.handle([read(f"m-{n}", n, at=at), read(f"n-{n}", n + 6, at=at)], later)
    for n, next_at in enumerate([hours[1] + HOUR, hours[2] + HOUR, None]):
        due = await handler.due(read_until(later), later)
        assert _ids(due.records) == {f"m-{n}", f"n-{n}"}
        assert due.mark is not None
        await due.mark()
        assert next_at is None or due.next_at == next_at  # which is past: it looks at once


async def test_what_was_learnt_outlives_a_restart_and_is_everybodys(still: Scene) -> None:
    """By one member after another; all of it counts in the next one's verdict."""
    for number in range(CAMPAIGN_MIN):
        at = NOW + number * MINUTE
        await still.handler().handle([read(f"m-{number}", number, text=RAID, at=at)], at)
    later = NOW + 2 * HOUR
    due = await still.handler().due(read_until(later), later)
    assert due.mark is not None
    await due.mark()
    verdicts = [_verdict(output) for output in due.records]
    assert [v.reason for v in verdicts] == [Reason.CAMPAIGN] * CAMPAIGN_MIN
    assert {v.basis["campaign_senders"] for v in verdicts} == {CAMPAIGN_MIN}
    # And on who comes as they did before: at once, by whoever reads it.
    [silent] = await still.handler().handle([read("again", 1, at=later)], later)
    assert _verdict(silent).reason is Reason.CAMPAIGN


async def test_a_batch_writes_its_counts_and_what_it_learnt_once(still: Scene) -> None:
    """Never once a message: a row for each thing counted, however many there are of it."""
    handler = still.handler()
    await handler.handle([read(f"m-{n}", n, text=RAID) for n in range(500)], NOW)
    rows = await still.rows("SELECT count(*), sum(count) FROM counts")
    marks = rows[0][0] - 1
    assert marks <= 8
    assert rows[0][1] == 500 * (1 + marks)


async def test_a_nonce_seen_in_an_earlier_batch_is_a_replay(still: Scene) -> None:
    """As another replica of ingest lets it in, which has not seen the first."""
    handler = still.handler()
    await handler.handle([read("m-1", 1, nonce="a" * 32)], NOW)
    [forged, repeated] = [
        await handler.handle([read(message_id, sender, nonce="a" * 32)], NOW)
        for message_id, sender in (("m-2", 2), ("m-1", 1))
    ]
    assert [_verdict(output).reason for output in forged] == [Reason.REPLAYED]
    assert repeated == []  # the provider's own retry: still deliberated


async def test_nothing_is_judged_before_its_partition_was_read_past_it(still: Scene) -> None:
    handler, much_later = still.handler(), NOW + 30 * DAY
    await handler.handle([read("m-1", 1)], NOW)
    assert (await handler.due(read_until(NOW + HOUR), much_later)).records == []
    assert (await handler.due(read_until(much_later, [2, 3]), much_later)).records == []
    assert (await handler.due(read_until(much_later, []), much_later)).next_at is None
    # Nor ahead of our own clock, should the broker's be fast.
    assert (await handler.due(read_until(much_later), NOW)).records == []
    found = await handler.due(read_until(NOW + HOUR + SECOND), NOW + HOUR + SECOND)
    assert _ids(found.records) == {"m-1"}


def _verdict(output: Outgoing) -> SmsJudged:
    return decode_as(SmsJudged, output.value)


def _ids(outputs: Sequence[Outgoing]) -> set[str]:
    return {_verdict(output).id for output in outputs}


async def test_what_no_longer_matters_is_pruned_now_and_then(still: Scene) -> None:
    handler = still.handler()
    await handler.handle([read("m-1", 1, text=RAID, nonce="n-1"), read("m-2", 2, text="STOP")], NOW)
    later = NOW + 2 * HOUR
    due = await handler.due(read_until(later), later)
    assert due.mark is not None
    await due.mark()
    assert due.next_at is not None
    assert due.next_at <= later + SETTINGS.prune_every
    await handler.upkeep.settle()

    async def counts() -> list[int]:
        tables = ("senders", "answers", "messages", "nonces", "counts")
        return [(await still.rows(f"SELECT count(*) FROM {table}"))[0][0] for table in tables]

    marks, calm = len(sign_text(RAID, KEY)), 1 + len(sign_text(RAID, KEY))
    assert await counts() == [2, 1, 2, 1, 1 + marks + calm]
    days = NOW + 3 * DAY
    await handler.due(read_until(days), days)
    await handler.upkeep.settle()
    assert await counts() == [2, 1, 2, 1, 1 + calm]  # what the text left went first
    year = NOW + 365 * DAY
    await handler.due(read_until(year, range(1, 12)), year)
    await handler.upkeep.settle()
    assert await counts() == [2, 1, 2, 1, 1 + calm]  # whoever holds the first partition prunes
    await handler.due(read_until(year), year)
    await handler.upkeep.settle()
    assert await counts() == [1, 0, 0, 0, 0]  # STOP is for ever


async def test_what_a_lagging_stage_still_needs_is_not_pruned(still: Scene) -> None:
    handler = still.handler()
    await handler.handle([read(f"m-{n}", n, text=RAID) for n in range(CAMPAIGN_MIN)], NOW)
    week = NOW + 27 * DAY
    await handler.due(read_until(NOW + MINUTE), week - DAY)
    await handler.due(read_until(NOW + MINUTE), week)
    await handler.upkeep.settle()
    due = await handler.due(read_until(week), week)
    assert {_verdict(output).reason for output in due.records} == {Reason.CAMPAIGN}


class SlowToPrune(PostgresStore):
    """Of a database in which a prune runs into the statement's time limit, or never answers."""

    prunes, hangs = 0, False

    async def prune(self, cutoffs: Cutoffs, count_max: int) -> bool:
        self.prunes += 1
        if self.hangs:
            await asyncio.Event().wait()
        raise Transient("the database cannot now (SQLSTATE 57014)", code="database_slow")

    async def count_deliberating(self, partitions: Sequence[int]) -> int:
        raise ZeroDivisionError


@pytest.mark.parametrize("hangs", [False, True])
async def test_upkeep_that_fails_or_hangs_holds_no_verdict_back(still: Scene, hangs: Any) -> None:
    store = SlowToPrune(still.pool)
    store.hangs = hangs
    handler = FilterHandler(store, SETTINGS, Metrics(still.telemetry))
    await handler.handle([read("m-1", 1)], NOW)
    told: list[Outgoing] = []
    for hour in range(1, 5):
        now = NOW + hour * HOUR + MINUTE
        due = await asyncio.wait_for(handler.due(read_until(now), now), 5)
        told += due.records
        assert due.next_at is not None
        assert due.next_at > now  # its next time is planned, whatever becomes of it
        await asyncio.sleep(0)
    assert _ids(told) == {"m-1"}
    assert store.prunes == (1 if hangs else 4)  # one at a time, and tried again
    await handler.upkeep.stop()
    failed = {"service": "filter", "chore": "prune", "outcome": "failed"}
    assert still.sample("antirelou_upkeep_total", **failed) == (0 if hangs else 4)


async def test_tables_hold_no_text(still: Scene) -> None:
    texts = [RAID, "Coucou ma belle", "STOP"]
    await still.handler().handle([read(f"m-{n}", n, text=texts[n]) for n in range(3)], NOW)
    for table in ("senders", "answers", "messages", "nonces", "counts", "learnt"):
        content = str(await still.rows(f"SELECT * FROM {table}"))
        assert not [text for text in texts if text in content]


async def test_the_service_opens_from_settings_alone(fresh_database: str) -> None:
    await migrate(fresh_database, [SCHEMA])
    log, clock = house_log(), SystemClock()
    ports = Ports(log, clock, Telemetry(CollectorRegistry()), fresh_database)
    settings = load_settings(number="+33937000000", quiet_hours="off", clock_speed=20_000)
    async with open_filter(settings, ports) as service:
        assert (service.name, service.ops_routes()) == ("filter", ())
        assert service.missing() == ["starting"]
        running = asyncio.create_task(service.run())
        await log.append([outgoing(received("m-1", at=clock.now()))])
        await eventually(lambda: log.read_all(SmsJudged.TOPIC), seconds_max=10)
        service.drain()
        await asyncio.wait_for(running, 5)


async def test_without_a_number_it_does_not_open() -> None:
    ports = Ports(house_log(), SystemClock(), Telemetry(CollectorRegistry()), "")
    with pytest.raises(Fatal, match="NUMBER"):
        async with open_filter(load_settings(number=None), ports):
            pass


async def test_while_the_database_is_away_it_waits_and_says_so(scene: Scene) -> None:
    await scene.pool.execute("SELECT 1")
    scene.pool.terminate()
    member = scene.start()
    await scene.append(received("m-1", at=scene.clock.now()))
    await eventually(lambda: "database_away" in member.missing(), seconds_max=10)
    assert scene.told() == []
    assert (await scene.log.group_lag("antirelou-filter", "sms.received"))[
        scene.log.read_all("sms.received")[0].partition
    ] == 1
