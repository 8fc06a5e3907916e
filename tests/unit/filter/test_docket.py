"""The same in, the same out: however the log is cut, read again, and looked at (I5, I3)."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as replace_struct
from prometheus_client import CollectorRegistry

from kernel.facts.records import (
    Decision,
    Reason,
    Record,
    ReplyChanged,
    ReplyState,
    SenderBlocked,
    SmsJudged,
    SmsReceived,
    decode_as,
)
from kernel.log.port import Outgoing, Partition
from kernel.settings.settings import QuietHours
from kernel.stage.stage import Received
from kernel.telemetry.metrics import Telemetry
from services.filter.core import campaign, neighbours
from services.filter.core.docket import (
    Docket,
    Loaded,
    fade_of,
    is_person,
    judge_due,
    questions_of,
)
from services.filter.core.learner import (
    WEIGHT,
    Learnt,
    teach_alike,
    teach_judged,
    teach_silenced,
)
from services.filter.core.lore import Lore
from services.filter.core.sender import Sender
from services.filter.core.signature import sign_text
from services.filter.core.tally import (
    CONTACTS,
    Question,
    Traits,
    bucket_of,
    calm_keys,
    contact_keys,
    day_of,
    mark_keys,
)
from services.filter.handler import FilterHandler
from services.filter.memory import MemoryStore
from services.filter.metrics import Metrics
from services.filter.settings import FilterSettings
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
    SETTINGS,
    arrival,
    blocked,
    blocks_of,
    pseudonym,
    read_until,
    received,
    reply_ended,
)

QUICK = replace(SETTINGS, burst=3, window=6 * HOUR, silenced_for=3 * HOUR)
TEXTS = ["Coucou", RAID, RAID.upper() + " !", "STOP", "START", None]
NEAR = {1: 1, 2: 1, 3: 1, 4: 5000, 5: 100_000}
"""The first three have numbers of one hundred."""
NOTHING = Loaded({}, {}, {})
METRICS = Metrics(Telemetry(CollectorRegistry()))


@pytest.fixture(autouse=True, scope="module")
def _few() -> Iterator[None]:
    """A handful is many here, that Hypothesis may find what would take dozens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(campaign, "SENDERS_MIN", 3)
        patch.setattr(campaign, "RATIO_MIN", 2.5)
        patch.setattr(neighbours, "SENDERS_MIN", (3, 9))
        patch.setattr(neighbours, "RATIO_MIN", 2.5)
        yield


def read(record: Record, at: datetime) -> Received:
    """As read from the one partition there is."""
    return Received(record, Partition(record.TOPIC, 0), at)


@st.composite
def logs(draw: st.DrawFn, *, blocks: bool = False) -> list[Received]:
    """What five senders do within a day, in the order of its time.

    Without blocks: they are on another topic, and hold from when they are read.
    """
    at, log = NOW, []
    for number in range(draw(st.integers(1, 25))):
        at += draw(st.timedeltas(SECOND, HOUR))
        log.append(read(draw(_records(number, at, blocks=blocks)), at))
    return log


@st.composite
def _records(draw: st.DrawFn, number: int, at: datetime, *, blocks: bool) -> Record:
    sender = draw(st.integers(1, 5))
    if blocks and draw(st.integers(0, 9)) == 0:
        return blocked(sender, at=at, off=draw(st.booleans()))
    repeated = number > 0 and draw(st.integers(0, 5)) == 0
    message_id = f"m-{draw(st.integers(0, number - 1)) if repeated else number}"
    return received(
        message_id,
        sender,
        at=at,
        text=draw(st.sampled_from(TEXTS)),
        blocks=blocks_of(50 + sender * NEAR[sender]),
        nonce=f"n-{draw(st.integers(0, 40))}",
    )


class Run:
    """Handles a log as it is cut, and remembers what was told."""

    def __init__(self, rules: FilterSettings = QUICK) -> None:
        self.handler = FilterHandler(MemoryStore(), rules, METRICS)
        self.told: dict[str, SmsJudged] = {}
        self.number = 0

    async def take(self, batch: Sequence[Received], *, again: bool = False) -> None:
        outputs = await self.handler.handle(batch, batch[-1].appended_at)
        self.note(outputs)
        if again:
            repeated = await self.handler.handle(batch, batch[-1].appended_at + MINUTE)
            assert _ids(outputs) <= _ids(repeated)
            self.note(repeated)

    async def look(self, at: datetime) -> None:
        """The timer, with everything before ``at`` read."""
        while True:
            due = await self.handler.due(read_until(at), at)
            self.note(due.records)
            if due.mark is None:
                return
            await due.mark()

    def note(self, outputs: Sequence[Outgoing]) -> None:
        for output in outputs:
            verdict = decode_as(SmsJudged, output.value)
            # Told again it is the same, to the byte: the instant of the verdict included.
            assert self.told.setdefault(verdict.id, verdict) == verdict

    def essence(self) -> dict[str, tuple[Any, ...]]:
        """The verdicts but for the instant at which they were given, and the score.

        The score says what was learnt by the time the verdict was given: of texts, of how many
        usually come. It only orders, and where a log is read late more is known.
        """
        return {
            v.id: (v.decision, v.reason, v.due_at, v.received_at, _counted(v), v.sender)
            for v in self.told.values()
        }


async def _handle(log: Sequence[Received], cuts: Sequence[tuple[int, bool, bool]]) -> Run:
    """Handle a log in batches of these sizes, some read twice, the timer looking after some."""
    run, place, turn = Run(), 0, 0
    while place < len(log):
        size, again, looking = cuts[turn % len(cuts)]
        batch = log[place : place + size]
        await run.take(batch, again=again)
        if looking:
            await run.look(batch[-1].appended_at)
        place, turn = place + size, turn + 1
    await run.look(NOW + 10 * DAY)
    return run


LEARNT = ("weight_text", "weight_phrases", "weight_habit")


def _counted(verdict: SmsJudged) -> dict[str, Any]:
    """What the verdict rests on, but for what was learnt."""
    return {
        name: value
        for name, value in verdict.basis.items()
        if name not in {"surge", "campaign_usual", "weight_surge", *LEARNT}
    }


def _ids(outputs: Sequence[Outgoing]) -> set[str]:
    return {decode_as(SmsJudged, output.value).id for output in outputs}


cuts = st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.booleans()), min_size=1, max_size=6)


@settings(deadline=None, max_examples=300)
@given(logs(), cuts)
def test_the_verdicts_are_the_same_however_the_log_is_cut(
    log: list[Received], cut: list[tuple[int, bool, bool]]
) -> None:
    whole = asyncio.run(_handle(log, [(len(log), False, False)]))
    parts = asyncio.run(_handle(log, cut))
    assert parts.essence() == whole.essence()


@settings(deadline=None, max_examples=150)
@given(logs(blocks=True), cuts)
def test_every_message_has_a_verdict_and_nobody_two_replies_in_a_window(
    log: list[Received], cut: list[tuple[int, bool, bool]]
) -> None:
    run = asyncio.run(_handle(log, cut))
    messages = [r.record for r in log if isinstance(r.record, SmsReceived)]
    assert set(run.told) == {message.id for message in messages}
    replies = [v for v in run.told.values() if v.decision is Decision.REPLY]
    for sender in {reply.sender for reply in replies}:
        due = sorted(reply.due_at for reply in replies if reply.sender == sender)
        for one, next_one in itertools.pairwise(due):
            assert next_one - one >= QUICK.window


def walked(*arrivals: Any, loaded: Loaded = NOTHING) -> Docket:
    docket = Docket(arrivals, loaded, RULES, NOW + DAY)
    answers: dict[Question, int] = {}
    while needed := docket.walk(answers, NO_LORE):
        answers |= dict.fromkeys(needed, 0)
    return docket


def reasons(docket: Docket) -> dict[str, Reason]:
    return {verdict.id: verdict.reason for verdict in docket.changes(NO_LORE).verdicts()}


def test_what_was_due_before_a_later_text_is_judged_first() -> None:
    docket = walked(arrival(), arrival("m-2", at=NOW + 3 * HOUR))
    changes = docket.changes(NO_LORE)
    first, second = changes.messages
    assert first.verdict is not None
    assert (first.verdict.reason, first.told) == (Reason.DESERVED, False)
    assert second.verdict is not None
    assert (second.verdict.reason, second.told) == (Reason.ALREADY_ANSWERED, True)
    assert [verdict.id for verdict in docket.told()] == ["m-2"]


def test_the_walk_says_what_it_needs_counted() -> None:
    first = arrival(text=RAID, blocks=blocks_of(1))
    docket = Docket([first, arrival("m-2", at=NOW + 3 * HOUR)], NOTHING, RULES, NOW + DAY)
    needed = docket.walk({}, None)
    assert docket.needs_lore
    [sender] = walked(first).changes(NO_LORE).after
    assert sender.deliberation is not None
    assert list(needed) == questions_of([sender], RULES) != []
    counted = docket.counts
    assert set(counted.values()) == {1}
    keys = {
        *contact_keys(sender.deliberation.blocks), *mark_keys(sender.deliberation.marks)
    }  # fmt: skip
    assert set(counted) == {(key, bucket_of(NOW, RULES.bucket)) for key in keys}
    assert docket.walk(dict.fromkeys(needed, 10), None) == needed  # not without the lore
    some = [question for question in needed if question != needed[0]]
    assert docket.walk(dict.fromkeys(some, 10), NO_LORE) == needed
    assert docket.walk(dict.fromkeys(needed, 10), NO_LORE) == []
    assert reasons(docket) == {"m-1": Reason.CAMPAIGN, "m-2": Reason.CAMPAIGN}


def test_who_has_nothing_to_count_is_judged_by_the_lore_alone() -> None:
    docket = Docket([arrival(), arrival("m-2", at=NOW + 3 * HOUR)], NOTHING, RULES, NOW + DAY)
    assert docket.walk({}, None)
    assert docket.walk({}, NO_LORE) == []
    assert reasons(docket)["m-1"] is Reason.DESERVED


def test_asked_is_only_what_nobody_who_is_still_to_be_heard_can_add_to() -> None:
    """The second was due last; by then the first may have begun anew, and he counts."""
    docket = Docket(
        [
            arrival("m-1", 1, text=RAID),
            arrival("m-2", 2, text=RAID, at=NOW + 2 * HOUR),
            arrival("m-3", 1, at=NOW + 130 * MINUTE),
            arrival("m-4", 2, at=NOW + 4 * HOUR),
        ],
        NOTHING,
        RULES,
        NOW + DAY,
    )
    first = docket.walk({}, None)
    assert {question.last for question in first if question.key[:1] == b"m"} == {
        bucket_of(NOW + HOUR, RULES.bucket) - 1
    }
    second = docket.walk(dict.fromkeys(first, 0), NO_LORE)
    assert {question.last for question in second if question.key[:1] == b"m"} == {
        bucket_of(NOW + 3 * HOUR, RULES.bucket) - 1
    }
    assert docket.walk(dict.fromkeys([*first, *second], 0), NO_LORE) == []


def test_what_nobody_may_answer_is_not_counted_and_teaches_nothing() -> None:
    docket = walked(
        arrival(text=RAID, to_ours=False),
        arrival("m-2", 2, text=RAID, country="BE"),
        arrival("m-3", 3, text="STOP"),
    )
    changes = docket.changes(None)
    assert (changes.counts, changes.lessons) == ({}, [])
    assert not docket.needs_lore


def test_an_informative_text_counts_once_a_deliberation() -> None:
    docket = walked(
        arrival(text="Coucou"),
        arrival("m-2", at=NOW + MINUTE, text=RAID),
        arrival("m-3", at=NOW + 2 * MINUTE, text=RAID),
        arrival("m-2", at=NOW + 3 * MINUTE, text=RAID),
    )
    counts = docket.changes(NO_LORE).counts
    assert counts[CONTACTS, bucket_of(NOW, RULES.bucket)] == 1
    assert set(counts.values()) == {1}
    assert len(counts) == 1 + len(sign_text(RAID, KEY))


def test_a_contact_teaches_by_the_surge_he_came_in_and_a_silenced_one_the_attack() -> None:
    bucket = bucket_of(NOW, RULES.bucket)
    busy = Lore({bucket - 1: 150, bucket: 200}, Learnt())
    [calm_lesson] = walked(arrival()).changes(NO_LORE).lessons
    assert (calm_lesson.attack, calm_lesson.calm) == (0, WEIGHT)
    [busy_lesson] = walked(arrival()).changes(busy).lessons
    assert (busy_lesson.attack, busy_lesson.calm) == (WEIGHT, 0)
    flood = [arrival(f"m-{n}", at=NOW + n * SECOND) for n in range(RULES.burst + 1)]
    lessons = walked(*flood, arrival("m-late", at=NOW + 9 * HOUR)).changes(NO_LORE).lessons
    assert sorted((lesson.attack, lesson.calm) for lesson in lessons) == [(0, WEIGHT), (WEIGHT, 0)]


def test_a_suspect_text_teaches_the_attack_a_little_though_he_is_answered() -> None:
    [sender] = walked(arrival(text=RAID)).changes(NO_LORE).after
    assert sender.deliberation is not None
    marks = mark_keys(sender.deliberation.marks)

    def answers(count: int) -> dict[Question, int]:
        told = {CONTACTS: 100} | dict.fromkeys(marks, count)
        return {q: told.get(q.key, 0) for q in questions_of([sender], RULES)}

    changes = judge_due([sender], answers(5), NO_LORE, RULES, NOW + DAY)
    assert [verdict.reason for verdict in changes.judged] == [Reason.DESERVED]
    once = teach_judged(sender.deliberation.tokens, 0, person=False)
    assert changes.lessons == [once, teach_alike(sender.deliberation.tokens)]
    assert 0 < changes.lessons[1].attack < WEIGHT
    assert judge_due([sender], answers(1), NO_LORE, RULES, NOW + DAY).lessons == [once]


@pytest.mark.parametrize(
    ("texts", "minutes", "person"),
    [(1, 0, False), (2, 1, False), (2, 2, True), (6, 30, True), (7, 30, False)],
)
def test_who_wrote_again_minutes_later_and_not_often_is_taken_for_a_person(
    *, texts: int, minutes: int, person: bool
) -> None:
    [sender] = walked(arrival(text=RAID)).changes(NO_LORE).after
    case = sender.deliberation
    assert case is not None
    again = case.first_at + timedelta(minutes=minutes)
    assert is_person(replace_struct(case, texts=texts, last_at=again)) is person


def test_what_is_usual_is_learnt_of_those_who_came_in_calm_and_were_answered() -> None:
    [sender] = walked(arrival(text=RAID)).changes(NO_LORE).after
    assert sender.deliberation is not None
    bucket = bucket_of(NOW, RULES.bucket)
    busy = Lore(dict.fromkeys(range(bucket - 9, bucket + 9), 100), Learnt())
    answers = dict.fromkeys(questions_of([sender], RULES), 1)

    def counted(answer: int, lore: Lore, who: Sender = sender) -> dict[tuple[bytes, int], int]:
        answers_all = dict.fromkeys(answers, answer)
        return {**judge_due([who], answers_all, lore, RULES, NOW + DAY).counts}

    keys = calm_keys(Traits(sender.deliberation.marks, sender.deliberation.blocks))
    assert counted(1, NO_LORE) == {(key, day_of(bucket)): 1 for key in keys}
    assert counted(1, busy) == {}
    assert counted(10, NO_LORE) == {}  # a campaign
    stopped = replace_struct(sender, opted_out=True)
    assert counted(1, NO_LORE, stopped) == {}
    changes = judge_due([sender], dict.fromkeys(answers, 10), NO_LORE, RULES, NOW + DAY)
    assert changes.lessons == [teach_silenced(sender.deliberation.tokens)]
    assert changes.fade == fade_of(NOW + DAY, RULES)


def test_a_nonce_belongs_to_the_message_it_first_came_with() -> None:
    docket = walked(
        arrival(nonce="n"), arrival(nonce="n", at=NOW + MINUTE), arrival("m-2", 2, nonce="n")
    )
    assert reasons(docket) == {"m-2": Reason.REPLAYED}
    assert docket.changes(NO_LORE).nonces == {"n": "m-1"}
    known = Loaded({}, {}, {"n": "m-0"})
    docket = walked(arrival(nonce="n"), loaded=known)
    assert reasons(docket) == {"m-1": Reason.REPLAYED}
    assert docket.changes(NO_LORE).nonces == {}


def test_an_id_that_two_senders_bring_is_the_first_ones() -> None:
    docket = walked(arrival(text="STOP"), arrival(sender=2))
    assert reasons(docket) == {"m-1": Reason.OPTED_OUT}
    assert [(v.id, v.sender) for v in docket.told()] == [("m-1", pseudonym(1))] * 2
    assert [sender.sender for sender in docket.changes(NO_LORE).after] == [pseudonym(1)]


def test_a_known_message_is_told_again_or_still_deliberated() -> None:
    silent = walked(arrival(text="STOP")).told()[0]
    known = Loaded({}, {"m-1": silent, "m-2": None}, {})
    docket = walked(arrival(), arrival("m-2", 2), loaded=known)
    assert docket.told() == [silent]
    changes = docket.changes(NO_LORE)
    assert (changes.after, changes.messages) == ([], [])


def test_only_who_changed_is_saved() -> None:
    docket = walked(reply_ended("nothing", 1), blocked(2), reply_ended("m-3", 3))
    changes = docket.changes(NO_LORE)
    assert [sender.sender for sender in changes.after] == [pseudonym(2)]
    assert changes.ended == ["nothing", "m-3"]


def test_a_reply_that_goes_on_ends_nothing() -> None:
    going: ReplyChanged = reply_ended(state=ReplyState.SENT, final=False)
    assert walked(going).changes(NO_LORE).ended == []


def test_the_first_sender_of_a_campaign_is_caught_too() -> None:
    async def play() -> Run:
        run = Run()
        apart = 20 * MINUTE  # the others come in later buckets than the first
        batch = [
            read(received(f"m-{n}", n, at=NOW + n * apart, text=RAID), NOW + n * apart)
            for n in range(3)
        ]
        await run.take(batch)
        await run.look(NOW + DAY)
        return run

    run = asyncio.run(play())
    assert {verdict.reason for verdict in run.told.values()} == {Reason.CAMPAIGN}
    assert len(run.told) == 3


def test_two_are_no_campaign_and_neither_is_one_who_says_it_thrice() -> None:
    async def play() -> Run:
        run = Run()
        texts = [(1, 0), (2, 1), (2, 2), (2, 90)]
        for number, (sender, minutes) in enumerate(texts):
            at = NOW + minutes * MINUTE
            await run.take([read(received(f"m-{number}", sender, at=at, text=RAID), at)])
        await run.look(NOW + DAY)
        return run

    run = asyncio.run(play())
    assert run.told["m-0"].reason is Reason.DESERVED
    assert run.told["m-0"].basis["campaign_senders"] == 2


@pytest.mark.parametrize(
    ("gap", "reasons"),
    [
        # The buckets are of ten minutes: within the day before counts, and until due.
        (40 * MINUTE, (Reason.CAMPAIGN, Reason.CAMPAIGN)),
        (59 * MINUTE, (Reason.CAMPAIGN, Reason.CAMPAIGN)),
        (69 * MINUTE, (Reason.DESERVED, Reason.CAMPAIGN)),
        (DAY + 9 * MINUTE, (Reason.DESERVED, Reason.CAMPAIGN)),
        (DAY + 10 * MINUTE, (Reason.DESERVED, Reason.DESERVED)),
    ],
)
def test_a_text_counts_from_a_day_before_the_first_until_the_reply_is_due(
    gap: timedelta, reasons: tuple[Reason, Reason]
) -> None:
    async def play() -> Run:
        run = Run()
        for number in range(3):
            at = NOW + (gap if number else timedelta())
            await run.take([read(received(f"m-{number}", number, at=at, text=RAID), at)])
        await run.look(NOW + 3 * DAY)
        return run

    run = asyncio.run(play())
    assert (run.told["m-0"].reason, run.told["m-2"].reason) == reasons


def test_numbers_of_one_hundred_are_a_range_the_first_included() -> None:
    async def play() -> Run:
        run = Run()
        for number in range(4):
            at, near = NOW + number * MINUTE, number if number < 3 else 70_000
            record = received(f"m-{number}", number, at=at, blocks=blocks_of(near))
            await run.take([read(record, at)])
        await run.look(NOW + DAY)
        return run

    run = asyncio.run(play())
    assert {v.id: v.reason for v in run.told.values()} == {
        "m-0": Reason.RANGE, "m-1": Reason.RANGE, "m-2": Reason.RANGE, "m-3": Reason.DESERVED,
    }  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(logs(), st.sampled_from(["Coucou", RAID]), st.integers(0, 9_999_999))
def test_who_waits_through_the_night_is_judged_no_worse(
    log: list[Received], text: str, number: int
) -> None:
    """Nothing else happens while he waits: the night only puts his reply off."""
    at = log[-1].appended_at + SECOND
    genuine = read(received("genuine", 9, at=at, text=text, blocks=blocks_of(number)), at)
    night = QuietHours(
        (at + 30 * MINUTE).time(), (at + 11 * HOUR).time(), ZoneInfo("UTC")
    )  # fmt: skip

    async def play(hours: QuietHours | None) -> SmsJudged:
        run = Run(replace(QUICK, hours=hours))
        for batch in (log, [genuine]):
            await run.take(batch)
        await run.look(at + 2 * DAY)
        return run.told["genuine"]

    at_once, later = asyncio.run(play(None)), asyncio.run(play(night))
    assert later.due_at >= at_once.due_at + 9 * HOUR
    if at_once.decision is Decision.REPLY:
        assert later.reason is Reason.DESERVED


def test_records_of_the_operator_are_events_like_any_other() -> None:
    block: SenderBlocked = blocked(at=NOW + MINUTE)
    docket = walked(arrival(), block, arrival("m-2", at=NOW + 2 * MINUTE))
    assert reasons(docket) == {"m-2": Reason.BLOCKED}
