"""The filter's store, kept by PostgreSQL and by memory alike."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace as replace_cutoffs
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from kernel.database.migrations import Schema, migrate
from kernel.database.pool import open_pool, role_of
from kernel.facts.records import Decision, Reason, ReplyChanged, ReplyState, SmsJudged, Source
from kernel.values.errors import Rejected, Transient
from services.filter.core.answer import Answer, Proof
from services.filter.core.docket import Changes, Docket, Event, Loaded, judge_due, questions_of
from services.filter.core.group import Told
from services.filter.core.learner import WEIGHT, Learnt, Lesson, find_tokens, teach_silenced
from services.filter.core.lore import Lore
from services.filter.core.retention import Cutoffs
from services.filter.core.sender import Arrival, Deliberation, Sender
from services.filter.core.tally import (
    CALM_CONTACTS,
    CONTACTS,
    Counts,
    Question,
    Traits,
    add_counts,
    bucket_of,
    calm_keys,
    contact_keys,
    mark_keys,
)
from services.filter.memory import MemoryStore
from services.filter.store import PostgresStore, Store
from tests.support.postgres import waits_or_ends
from tests.unit.filter.cases import (
    DAY,
    HOUR,
    KEY,
    MINUTE,
    NO_LORE,
    NOW,
    RAID,
    RULES,
    SECOND,
    arrival,
    blocked,
    blocks_of,
    pseudonym,
    reply_ended,
)

SCHEMA = Schema("filter", Path("services/filter/sql").resolve())
LATER = NOW + DAY
BUCKET = bucket_of(NOW, RULES.bucket)
FOREVER = Cutoffs(messages=NOW - DAY, answers=NOW - DAY, silences=NOW - DAY, contacts=0, details=0)
"""Nothing is so old."""
EVERYTHING = Cutoffs(
    messages=LATER + DAY,
    answers=LATER,
    silences=LATER,
    contacts=BUCKET + 1000,
    details=BUCKET + 1000,
)


@pytest.fixture(params=["postgres", "memory"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    url = request.getfixturevalue("fresh_database")
    await migrate(url, [SCHEMA])
    async with open_pool(url, role=role_of("filter"), schema="filter", size_max=4) as pool:
        yield PostgresStore(pool)


def keys(*events: Event) -> tuple[set[str], set[str], set[str]]:
    """The senders, message ids and nonces of these events."""
    messages = [event.message for event in events if isinstance(event, Arrival)]
    others = {event.sender for event in events if not isinstance(event, Arrival)}
    return (
        others | {message.sender for message in messages},
        {message.id for message in messages},
        {message.nonce for message in messages if message.nonce},
    )


async def take(store: Store, *events: Event, at: datetime = NOW) -> Sequence[SmsJudged]:
    """Handle a batch as the handler does. Returns what is told."""
    loaded = await load(store, *events)
    docket = Docket(events, loaded, RULES, at)
    answers: dict[Question, int] = {}
    while needed := docket.walk(answers, await read_lore(store)):
        found = await store.answer(needed)
        add_counts(found, docket.counts)
        answers |= found
    changes = docket.changes(await read_lore(store))
    await store.save(changes, loaded.versions, RULES.window, 0)
    return docket.told()


async def read_lore(store: Store) -> Lore:
    return Lore(await store.read_contacts(), await store.read_learnt())


async def judge(store: Store, until: datetime = LATER, at: datetime = LATER) -> list[SmsJudged]:
    """Judge whatever is due. Returns the verdicts."""
    loaded = await store.load_due(range(12), until, 100)
    senders = list(loaded.senders.values())
    answers = await store.answer(questions_of(senders, RULES))
    changes = judge_due(senders, answers, await read_lore(store), RULES, at)
    await store.save(changes, loaded.versions, RULES.window, 0)
    return list(changes.judged)


async def load(store: Store, *events: Event) -> Loaded:
    return await store.load(*keys(*events))


async def sender_of(store: Store, number: int = 1) -> Sender | None:
    loaded = await store.load([pseudonym(number)], [], [])
    return loaded.senders.get(pseudonym(number))


async def count(store: Store, counts: Counts, shard: int = 0) -> None:
    await store.save(Changes(at=NOW, counts=counts), {}, RULES.window, shard)


async def untold(store: Store) -> list[str]:
    found = await store.load_unemitted(range(12), 100)
    return [verdict.id for verdict in found]


async def test_the_key_is_always_the_same(store: Store) -> None:
    key = await store.load_key()
    assert len(key) == 32
    assert await store.load_key() == key


async def test_what_is_deliberated_comes_back_as_it_was_saved(store: Store) -> None:
    first = arrival(text=RAID, nonce="n-1", blocks=blocks_of(1234))
    await take(store, first, arrival("m-2", 2, text=None, sender_sealed=b"s"), blocked(3))
    expected = Docket([first], Loaded({}, {}, {}), RULES, NOW)
    expected.walk({}, None)
    [sender] = expected.changes(NO_LORE).after
    loaded = await load(store, first, arrival("m-9", 9, nonce="n-9"))
    assert loaded.senders == {pseudonym(1): sender}
    assert loaded.verdicts == {"m-1": None}
    assert loaded.nonces == {"n-1": "m-1"}
    standing = await sender_of(store, 3)
    assert standing == Sender(pseudonym(3), blocked=True, blocked_at=NOW)
    assert await sender_of(store, 9) is None


async def test_a_change_of_a_sender_replaces_him(store: Store) -> None:
    await take(store, arrival())
    await take(store, arrival("m-2", at=NOW + 45 * MINUTE), arrival("m-3", text="STOP"))
    sender = await sender_of(store)
    assert sender is not None
    assert sender.deliberation is not None
    assert sender.opted_out
    assert (sender.deliberation.texts, sender.deliberation.due_at) == (3, NOW + 75 * MINUTE)


async def test_each_thing_that_can_change_while_he_waits_is_kept(store: Store) -> None:
    """Some of it is saved by a shorter way than the rest."""
    events: list[Event] = [
        arrival(text=None, source=Source.BACKFILL),
        arrival("m-2", text="Coucou", at=NOW + 40 * MINUTE),
        arrival("m-3", text=RAID, at=NOW + 41 * MINUTE),
        arrival(text="Salut, on se voit demain ?"),
        arrival("m-4", text="STOP", at=NOW + 42 * MINUTE),
        blocked(),
        arrival("m-5", text="START", at=NOW + 43 * MINUTE),
        blocked(at=NOW + HOUR, off=True),
    ]
    expected = Docket(events, Loaded({}, {}, {}), RULES, NOW)
    expected.walk({}, None)
    [as_one] = expected.changes(NO_LORE).after
    before = None
    for event in events:
        await take(store, event)
        sender = await sender_of(store)
        assert sender != before
        before = sender
    assert before == as_one


async def test_a_verdict_told_at_once_is_kept_and_not_told_by_the_timer(store: Store) -> None:
    [told] = await take(store, arrival(text="STOP"))
    loaded = await load(store, arrival())
    assert loaded.verdicts == {"m-1": told}
    assert await untold(store) == []
    assert await take(store, arrival(text="STOP"), at=LATER) == [told]


async def test_a_verdict_at_due_is_kept_and_told_until_it_is_marked(store: Store) -> None:
    await take(store, arrival(), arrival("m-2", 2, text=RAID))
    verdicts = {verdict.id: verdict for verdict in await judge(store)}
    assert {v.decision for v in verdicts.values()} == {Decision.REPLY}
    assert verdicts["m-2"].basis == {"texts": 1}
    found = await store.load_unemitted(range(12), 100)
    assert {verdict.id: verdict for verdict in found} == verdicts
    assert await take(store, arrival(), at=LATER) == [verdicts["m-1"]]
    await store.mark_emitted(["m-1"], LATER)
    await store.mark_emitted(["m-1"], LATER)
    assert await untold(store) == ["m-2"]
    assert len(await store.load_unemitted(range(12), 1)) == 1
    assert await store.load_unemitted([5], 9) == []
    sender = await sender_of(store)
    assert sender == Sender(pseudonym(1), answer=Answer("m-1", NOW + HOUR))


async def test_an_overdue_verdict_of_a_new_message_is_left_to_the_timer(store: Store) -> None:
    [told] = await take(store, arrival(), arrival("m-2", at=NOW + 3 * HOUR))
    assert (told.id, told.reason) == ("m-2", Reason.ALREADY_ANSWERED)
    assert await untold(store) == ["m-1"]


async def test_due_are_those_whose_partition_was_read_past_it(store: Store) -> None:
    await take(
        store,
        arrival("m-1", 1),
        arrival("m-2", 2, at=NOW + MINUTE),
        arrival("m-3", 3, text=RAID),
        arrival("m-13", 13, at=NOW - MINUTE),
    )

    async def due(partitions: Sequence[int], until: datetime = LATER, count: int = 9) -> set[str]:
        found = (await store.load_due(partitions, until, count)).senders.values()
        return {s.deliberation.message_id for s in found if s.deliberation is not None}

    assert await due([]) == set()
    assert await due([1], NOW + HOUR) == {"m-13"}
    assert await due([1], NOW + HOUR + SECOND) == {"m-1", "m-13"}
    assert await due([1], count=1) == {"m-13"}
    assert await due([2, 3]) == {"m-2", "m-3"}
    assert await due([2, 3], NOW + HOUR) == set()
    assert await due([2, 3], NOW + HOUR + SECOND) == {"m-3"}
    assert await store.next_due([1, 2]) == NOW + HOUR - MINUTE
    assert await store.next_due([2]) == NOW + HOUR + MINUTE
    assert await store.next_due([7]) is None
    assert await store.count_deliberating([1, 3]) == 3
    assert await store.count_deliberating([]) == 0


async def test_counts_add_up_by_key_and_bucket_in_all_shards(store: Store) -> None:
    huge = 10**11  # of a clock that runs 20,000 times as fast
    asked = {
        Question(b"ma", BUCKET, BUCKET): 3,
        Question(b"ma", BUCKET - 9, BUCKET + 9): 10,
        Question(b"ma", BUCKET + 1, BUCKET + 9): 7,
        Question(b"ma", BUCKET + 2, BUCKET + 9): 0,
        Question(b"mb", BUCKET, BUCKET): 1,
        Question(b"m", BUCKET, BUCKET): 0,
        Question(b"", 0, -1): 0,
        Question(b"ma", huge, huge): 5,
    }
    await count(store, {})
    await count(store, {(b"ma", BUCKET): 1, (b"mb", BUCKET): 1})
    await count(store, {(b"ma", BUCKET): 1, (b"ma", huge): 5})
    await count(store, {(b"ma", BUCKET): 1, (b"ma", BUCKET + 1): 7}, 7)
    assert await store.answer(list(asked)) == asked
    assert await store.answer([*asked, *asked]) == asked
    assert await store.answer([]) == {}


async def test_first_contacts_are_told_by_bucket(store: Store) -> None:
    await take(store, arrival(), arrival("m-2", 2, at=NOW + MINUTE), arrival("m-3", text=RAID))
    await take(store, arrival("m-4", 4, at=NOW - HOUR), arrival("m-5", 5, country="BE"))
    assert await store.read_contacts() == {BUCKET: 2, BUCKET - 6: 1}
    await count(store, {(CONTACTS, BUCKET): 5, (CALM_CONTACTS, BUCKET): 9}, 3)
    assert await store.read_contacts() == {BUCKET: 7, BUCKET - 6: 1}


async def test_how_far_was_read_is_told_by_partition_and_never_steps_back(store: Store) -> None:
    assert await store.read_progress() == {}
    await store.tell_progress({7: NOW, 1: NOW + MINUTE}, NOW)
    await store.tell_progress({1: NOW, 2: NOW}, NOW + SECOND)
    assert await store.read_progress() == {
        1: Told(NOW + MINUTE, NOW + SECOND),
        2: Told(NOW, NOW + SECOND),
        7: Told(NOW, NOW),
    }


async def test_what_was_learnt_adds_up_over_all_shards_and_fades(store: Store) -> None:
    async def learn(fade: int, *lessons: Lesson, shard: int = 0) -> Learnt:
        changes = Changes(at=NOW, lessons=lessons, fade=fade)
        await store.save(changes, {}, RULES.window, shard)
        kept = (await store.read_learnt()).to_bytes()
        return Learnt.from_bytes(kept)

    assert await store.read_learnt() == Learnt()
    lessons = [teach_silenced(find_tokens(text, KEY)) for text in ("un", "deux", RAID)]
    expected = Learnt()
    expected.fade(7)
    expected.learn([*lessons, lessons[0]])
    await learn(7, *lessons)
    assert await learn(7, lessons[0], shard=5) == expected
    assert await learn(7) == expected
    expected.fade(8)
    expected.learn([lessons[1]])
    found = await learn(8, lessons[1], shard=5)
    assert found == expected
    assert found.attack_texts == 4 * WEIGHT // 2 + WEIGHT


async def test_who_was_silenced_is_kept_until_it_is_over(store: Store) -> None:
    texts = [arrival(f"m-{n}", at=NOW + n * SECOND) for n in range(RULES.burst + 1)]
    await take(store, *texts)
    [verdict] = await judge(store)
    assert verdict.reason is Reason.BURST
    silenced = Sender(pseudonym(1), silenced=Reason.BURST, silenced_at=verdict.due_at)
    assert await sender_of(store) == silenced
    await store.prune(FOREVER, 10)
    assert await sender_of(store) == silenced
    await store.prune(EVERYTHING, 10)
    assert await sender_of(store) is None


async def test_who_got_nothing_loses_his_answer_and_his_number(store: Store) -> None:
    await take(store, arrival())
    await judge(store)
    await take(store, reply_ended("m-1", state=ReplyState.FAILED))
    assert await sender_of(store) in {None, Sender(pseudonym(1))}
    [again] = await take(store, arrival())
    assert (again.reason, again.sender_sealed) == (Reason.DESERVED, None)
    await take(store, arrival("m-2", at=LATER))
    [verdict] = await judge(store, LATER + DAY, LATER + DAY)
    assert (verdict.id, verdict.reason) == ("m-2", Reason.DESERVED)


def word(reply_id: str, state: ReplyState, sequence: int, **fields: Any) -> ReplyChanged:
    """The responder's."""
    return replace(reply_ended(reply_id, state=state, **fields), by="responder", sequence=sequence)


async def test_what_was_heard_of_each_reply_is_kept_until_nothing_can_change_it(
    store: Store,
) -> None:
    """The first was taken for never sent, a second is under way, then the first was delivered."""
    await take(store, arrival())
    await judge(store)
    await take(store, word("m-1", ReplyState.SENT, 2, final=False))
    first = Answer("m-1", NOW + HOUR, 2)
    assert await sender_of(store) == Sender(pseudonym(1), answer=first)
    await take(store, word("m-1", ReplyState.FAILED, 3))
    void = replace(first, sequence=3, proof=Proof.NONE)
    assert await sender_of(store) == Sender(pseudonym(1), others=(void,))
    await take(store, arrival("m-2", at=LATER))
    await judge(store, LATER + DAY, LATER + DAY)
    second = Answer("m-2", LATER + HOUR)
    assert await sender_of(store) == Sender(pseudonym(1), answer=second, others=(void,))
    await take(store, word("m-1", ReplyState.DELIVERED, 4))
    left = replace(first, sequence=4, proof=Proof.LEFT)
    assert await sender_of(store) == Sender(pseudonym(1), answer=second, others=(left,))
    await store.prune(FOREVER, 10)
    await take(store, word("m-2", ReplyState.EXPIRED, 1))
    assert await sender_of(store) == Sender(pseudonym(1), answer=left)
    await store.prune(EVERYTHING, 10)
    assert await sender_of(store) is None


async def test_what_never_left_is_forgotten_with_its_window(store: Store) -> None:
    await take(store, arrival())
    await judge(store)
    await take(store, word("m-1", ReplyState.FAILED, 3))
    void = Answer("m-1", NOW + HOUR, 3, Proof.NONE)
    await store.prune(FOREVER, 10)
    assert await sender_of(store) == Sender(pseudonym(1), others=(void,))
    await store.prune(EVERYTHING, 10)
    assert await sender_of(store) is None


async def test_a_new_window_brings_a_new_answer(store: Store) -> None:
    await take(store, arrival())
    await judge(store)
    much_later = NOW + HOUR + RULES.window
    await take(store, arrival("m-2", at=much_later))
    await judge(store, much_later + DAY)
    sender = await sender_of(store)
    assert sender is not None
    assert sender.answer == Answer("m-2", much_later + HOUR)


async def test_what_is_saved_is_saved_whole_or_not_at_all(store: Store) -> None:
    """The last thing that is looked at refuses it."""
    await take(store, arrival())
    [stale] = (await load(store, arrival())).senders.values()
    events = [arrival("m-2", 2, text=RAID, nonce="n"), arrival("m-3", text="Coucou")]
    docket = Docket(events, Loaded({stale.sender: stale}, {}, {}), RULES, NOW)
    docket.walk({}, None)
    before = await read_lore(store)
    with pytest.raises(Transient, match="faster") as refused:
        await store.save(docket.changes(NO_LORE), {stale.sender: 12345}, RULES.window, 0)
    assert refused.value.code == "filter_conflict"
    assert await load(store, events[0]) == Loaded({}, {}, {})
    assert await sender_of(store) == stale
    after = await read_lore(store)
    assert (await store.read_contacts(), after.learnt) == ({BUCKET: 1}, before.learnt)


async def test_pruned_is_what_is_old_told_and_without_meaning(store: Store) -> None:
    await take(
        store,
        arrival("m-1", 1, nonce="n-1", text=RAID),
        arrival("m-2", 2, text="STOP"),
        arrival("m-3", 3),
        reply_ended("nothing", 4),
    )
    await judge(store)  # told by nobody yet
    assert await store.prune(FOREVER, 10)
    assert await store.prune(EVERYTHING, 100)
    loaded = await load(store, arrival("m-1", 1, nonce="n-1"), arrival("m-2", 2))
    assert set(loaded.senders) == {pseudonym(2)}  # he said STOP
    assert set(loaded.verdicts) == {"m-1"}
    assert loaded.nonces == {}
    await store.mark_emitted(["m-1", "m-3"], LATER)
    assert await store.prune(EVERYTHING, 10)
    assert await load(store, arrival("m-1", 1), arrival("m-3", 3)) == Loaded({}, {}, {})


async def test_counts_of_marks_and_blocks_go_before_the_others(store: Store) -> None:
    mark, block = mark_keys(b"m" * 8)[0], contact_keys(b"b" * 8)[1]
    kept = [*calm_keys(Traits(b"k" * 8, b"B" * 24)), CONTACTS]
    counts = {(key, BUCKET + n): 1 for key in (mark, block, *kept) for n in range(4)}

    async def left() -> set[tuple[bytes, int]]:
        found = await store.answer([Question(key, bucket, bucket) for key, bucket in counts])
        return {(key, first) for (key, first, _), count in found.items() if count}

    await count(store, counts)
    cutoffs = replace_cutoffs(FOREVER, contacts=BUCKET + 1, details=BUCKET + 3)
    while not await store.prune(cutoffs, 5):
        pass
    assert await left() == {
        (key, bucket)
        for key, bucket in counts
        if bucket >= (BUCKET + 1 if key in kept else BUCKET + 3)
    }


async def test_pruning_takes_so_many_at_a_time(store: Store) -> None:
    for number in range(5):
        await take(store, arrival(f"m-{number}", number, text="STOP", nonce=f"n-{number}"))
    assert not await store.prune(EVERYTHING, 2)
    assert not await store.prune(EVERYTHING, 2)
    assert await store.prune(EVERYTHING, 2)
    events = [arrival(f"m-{number}", number) for number in range(5)]
    loaded = await load(store, *events)
    assert (loaded.verdicts, len(loaded.senders)) == ({}, 5)


# -- PostgreSQL alone: members that run at once ---------------------------------------------------


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Any]:
    await migrate(fresh_database, [SCHEMA])
    async with open_pool(
        fresh_database, role=role_of("filter"), schema="filter", size_max=6
    ) as opened:
        yield opened


async def at_once(store: Store, batches: Sequence[Sequence[Event]]) -> list[list[SmsJudged]]:
    """Each batch by a member of its own, again and again while another is faster."""

    async def member(batch: Sequence[Event]) -> list[SmsJudged]:
        for _ in range(20):
            try:
                return list(await take(store, *batch))
            except Transient:
                continue
        raise AssertionError("never got through")

    return await asyncio.gather(*(member(batch) for batch in batches))


async def test_members_that_take_the_same_batch_at_once_keep_one_of_each(pool: Any) -> None:
    store = PostgresStore(pool)
    batch = [
        arrival(f"m-{n}", n % 40, nonce=f"n-{n}", text=RAID, at=NOW + n * SECOND) for n in range(80)
    ]
    reverse = list(reversed(batch[40:]))
    told = await at_once(store, [batch, batch, batch, [*batch[:40], *reverse]])
    assert await pool.fetchval("SELECT count(*) FROM messages") == 80
    assert await pool.fetchval("SELECT count(*) FROM senders WHERE texts = 2") == 40
    verdicts = [{v.id: v for v in verdicts} for verdicts in told]
    assert all(each == verdicts[0] for each in verdicts[:3])


async def test_two_that_judge_the_same_sender_at_once_answer_him_once(pool: Any) -> None:
    store = PostgresStore(pool)
    await take(store, *(arrival(f"m-{n}", n) for n in range(50)))
    rounds = await asyncio.gather(*(judge(store) for _ in range(4)), return_exceptions=True)
    done = [verdicts for verdicts in rounds if isinstance(verdicts, list)]
    assert sorted(verdict.id for verdicts in done for verdict in verdicts) == sorted(
        f"m-{n}" for n in range(50)
    )
    assert {e.code for e in rounds if isinstance(e, Transient)} <= {"filter_conflict"}
    assert await pool.fetchval("SELECT count(*) FROM answers") == 50


CHANGES: dict[str, Callable[[Sender], Sender]] = {
    "a text more": lambda s: replace(s, deliberation=replace(_case(s), texts=2, last_at=LATER)),
    "the list": lambda s: replace(s, blocked=True, blocked_at=NOW),
    "an answer": lambda s: replace(s, answer=Answer("m-0", NOW)),
    "another reply": lambda s: replace(s, others=(Answer("m-0", NOW, 2, Proof.NONE),)),
}


def _case(sender: Sender) -> Deliberation:
    assert sender.deliberation is not None
    return sender.deliberation


async def change(store: Store, how: str, loaded: Loaded) -> Sender:
    [before] = loaded.senders.values()
    after = CHANGES[how](before)
    changes = Changes(at=NOW, before={before.sender: before}, after=[after])
    await store.save(changes, loaded.versions, RULES.window, 0)
    return after


@pytest.mark.parametrize("second", CHANGES)
@pytest.mark.parametrize("first", CHANGES)
async def test_whoever_was_changed_meanwhile_is_not_saved(
    store: Store, first: str, second: str
) -> None:
    """Else he would be as he was before, and the other's change be undone."""
    await take(store, arrival())
    loaded = await load(store, arrival())
    after = await change(store, first, loaded)
    with pytest.raises(Transient, match="faster"):
        await change(store, second, loaded)
    assert await sender_of(store) == after


@pytest.mark.parametrize("first", ["an answer", "another reply"])
async def test_an_answer_alone_changes_him_for_whoever_has_read_him(
    store: Store, first: str
) -> None:
    await take(store, blocked())
    loaded = await load(store, blocked())
    after = await change(store, first, loaded)
    with pytest.raises(Transient, match="faster"):
        await change(store, "an answer", loaded)
    assert await sender_of(store) == after


async def test_whoever_saves_waits_for_who_is_saving_and_is_refused(pool: Any) -> None:
    """What the other has not committed is not seen by reading: the lock tells."""
    store = PostgresStore(pool)
    await take(store, arrival())
    loaded = await load(store, arrival())
    [before] = loaded.senders.values()
    blocked = Changes(
        at=NOW,
        before={before.sender: before},
        after=[replace(before, blocked=True, blocked_at=NOW)],
    )
    async with pool.acquire() as other, other.transaction():
        await other.execute("UPDATE senders SET opted_out = true")
        saving = asyncio.create_task(store.save(blocked, loaded.versions, RULES.window, 0))
        await waits_or_ends(pool, saving)
        assert not saving.done()
    with pytest.raises(Transient, match="faster"):
        await saving
    assert await pool.fetch("SELECT opted_out, blocked FROM senders") == [(True, False)]


async def test_nobody_waits_for_who_has_only_read(pool: Any) -> None:
    store = PostgresStore(pool)
    await take(store, *(arrival(f"m-{n}", n) for n in range(9)))
    async with pool.acquire() as other, other.transaction():
        await other.execute("SELECT * FROM senders FOR UPDATE")
        await other.execute("SELECT * FROM learnt FOR UPDATE")
        await other.execute("SELECT * FROM counts FOR UPDATE")
        async with asyncio.timeout(5):
            loaded = await store.load_due(range(12), LATER, 9)
            assert loaded.versions.keys() == loaded.senders.keys()
            assert (await load(store, arrival())).verdicts == {"m-1": None}
            await read_lore(store)


async def test_a_second_answer_in_the_window_is_refused_by_its_key(pool: Any) -> None:
    """As a member that did not see the first would try."""
    store = PostgresStore(pool)
    await take(store, arrival())
    sender = await sender_of(store)
    assert sender is not None
    stale = judge_due([sender], {}, NO_LORE, RULES, LATER)
    await judge(store)
    fresh = (await load(store, arrival())).versions
    with pytest.raises(Transient, match="faster") as refused:
        await store.save(stale, fresh, RULES.window, 0)
    assert refused.value.code == "filter_conflict"
    without = Changes(at=LATER, before=stale.before, after=stale.after)
    other = without.after[0].answer
    assert other is not None
    second = replace(without.after[0], answer=Answer("m-2", other.at + MINUTE))
    changes = Changes(at=LATER, before=stale.before, after=[second])
    with pytest.raises(Transient):
        await store.save(changes, fresh, RULES.window, 0)
    assert await pool.fetch("SELECT message_id FROM answers") == [("m-1",)]


async def test_the_database_itself_guards_what_it_holds(pool: Any) -> None:
    store = PostgresStore(pool)
    await take(store, arrival(text="STOP"))
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await pool.execute("INSERT INTO answers VALUES ('nobody', 'm', now())")
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute("UPDATE messages SET decision = 'reply'")
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute("UPDATE messages SET sender_sealed = 'x'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("DELETE FROM learnt")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("UPDATE secret SET key = key")
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute("UPDATE senders SET texts = 1")


async def test_members_that_count_the_same_at_once_lose_nothing(pool: Any) -> None:
    store = PostgresStore(pool)
    batches = [
        [arrival(f"m-{m}-{n}", 100 * m + n, text=RAID, blocks=blocks_of(n)) for n in range(40)]
        for m in range(4)
    ]
    await at_once(store, batches)
    assert await store.read_contacts() == {BUCKET: 160}
    learnt = await store.read_learnt()
    assert learnt.attack_texts + learnt.calm_texts == 160 * WEIGHT
    assert {v.reason for v in await judge(store)} == {Reason.CAMPAIGN}


async def test_what_cannot_be_stored_is_rejected_and_not_quoted(pool: Any) -> None:
    with pytest.raises(Rejected) as refused:
        await take(PostgresStore(pool), arrival("bad\x00id"))
    assert refused.value.code == "bad_value"
    assert "bad" not in str(refused.value)
