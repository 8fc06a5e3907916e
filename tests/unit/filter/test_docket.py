"""The same in, the same out: however the log is cut, read again, and looked at (I5, I3)."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from antirelou.log.port import Outgoing, Partition
from antirelou.records import (
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
from antirelou.stage import Received
from antirelou.telemetry import Telemetry
from services.filter.core.docket import Docket, Loaded
from services.filter.handler import FilterHandler
from services.filter.memory import MemoryStore
from services.filter.metrics import Metrics
from tests.unit.filter.cases import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    RAID,
    RULES,
    SECOND,
    SETTINGS,
    arrival,
    blocked,
    pseudonym,
    read_until,
    received,
    reply_ended,
)

QUICK = replace(SETTINGS, burst=3, window=6 * HOUR)
TEXTS = ["Coucou", RAID, RAID.upper(), "STOP", "START", None]
NOTHING = Loaded({}, {}, {})
METRICS = Metrics(Telemetry(CollectorRegistry()))


def make_handler(store: MemoryStore | None = None) -> FilterHandler:
    return FilterHandler(store or MemoryStore(), QUICK, METRICS)


def read(record: Record, at: datetime) -> Received:
    """As read from the one partition there is."""
    return Received(record, Partition(record.TOPIC, 0), at)


@st.composite
def logs(draw: st.DrawFn, *, blocks: bool = False) -> list[Received]:
    """What four senders do within a day, in the order of its time.

    Without blocks: they are on another topic, and hold from when they are read.
    """
    at, log = NOW, []
    for number in range(draw(st.integers(1, 25))):
        at += draw(st.timedeltas(SECOND, HOUR))
        log.append(read(draw(_records(number, at, blocks=blocks)), at))
    return log


@st.composite
def _records(draw: st.DrawFn, number: int, at: datetime, *, blocks: bool) -> Record:
    sender = draw(st.integers(1, 4))
    if blocks and draw(st.integers(0, 9)) == 0:
        return blocked(sender, at=at, off=draw(st.booleans()))
    repeated = number > 0 and draw(st.integers(0, 5)) == 0
    message_id = f"m-{draw(st.integers(0, number - 1)) if repeated else number}"
    return received(
        message_id,
        sender,
        at=at,
        text=draw(st.sampled_from(TEXTS)),
        nonce=f"n-{draw(st.integers(0, 40))}",
    )


class Run:
    """Handles a log as it is cut, and remembers what was told."""

    def __init__(self) -> None:
        self.handler = make_handler()
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
            due = await self.handler.due(read_until(at, [0]), at)
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
        """The verdicts but for the instant at which they were given."""
        return {
            v.id: (v.decision, v.reason, v.due_at, v.received_at, v.score, v.basis, v.sender)
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
    counts: dict[Any, int] = {}
    while needed := docket.walk(counts):
        counts |= dict.fromkeys(needed, 0)
    return docket


def reasons(docket: Docket) -> dict[str, Reason]:
    return {verdict.id: verdict.reason for verdict in docket.changes().verdicts()}


def test_what_was_due_before_a_later_text_is_judged_first() -> None:
    docket = walked(arrival(), arrival("m-2", at=NOW + 3 * HOUR))
    changes = docket.changes()
    first, second = changes.messages
    assert first.verdict is not None
    assert (first.verdict.reason, first.told) == (Reason.DESERVED, False)
    assert second.verdict is not None
    assert (second.verdict.reason, second.told) == (Reason.ALREADY_ANSWERED, True)
    assert [verdict.id for verdict in docket.told()] == ["m-2"]


def test_the_walk_says_which_campaigns_it_needs_counted() -> None:
    docket = Docket(
        [arrival(text=RAID), arrival("m-2", at=NOW + 3 * HOUR)], NOTHING, RULES, NOW + DAY
    )
    [sighting] = docket.sightings()
    assert (sighting.sender, sighting.seen_at) == (pseudonym(1), NOW)
    [span] = docket.walk({})
    assert docket.walk({span: RULES.campaign.senders_min}) == []
    assert reasons(docket) == {"m-1": Reason.CAMPAIGN}


def test_what_nobody_may_answer_makes_no_campaign() -> None:
    docket = walked(arrival(text=RAID, to_ours=False), arrival("m-2", 2, text=RAID, country="BE"))
    assert docket.sightings() == []


def test_a_nonce_belongs_to_the_message_it_first_came_with() -> None:
    docket = walked(
        arrival(nonce="n"), arrival(nonce="n", at=NOW + MINUTE), arrival("m-2", 2, nonce="n")
    )
    assert reasons(docket) == {"m-2": Reason.REPLAYED}
    assert docket.changes().nonces == {"n": "m-1"}
    known = Loaded({}, {}, {"n": "m-0"})
    docket = walked(arrival(nonce="n"), loaded=known)
    assert reasons(docket) == {"m-1": Reason.REPLAYED}
    assert docket.changes().nonces == {}


def test_an_id_that_two_senders_bring_is_the_first_ones() -> None:
    docket = walked(arrival(text="STOP"), arrival(sender=2))
    assert reasons(docket) == {"m-1": Reason.OPTED_OUT}
    assert [(v.id, v.sender) for v in docket.told()] == [("m-1", pseudonym(1))] * 2
    assert [sender.sender for sender in docket.changes().after] == [pseudonym(1)]


def test_a_known_message_is_told_again_or_still_deliberated() -> None:
    silent = walked(arrival(text="STOP")).told()[0]
    known = Loaded({}, {"m-1": silent, "m-2": None}, {})
    docket = walked(arrival(), arrival("m-2", 2), loaded=known)
    assert docket.told() == [silent]
    changes = docket.changes()
    assert (changes.after, changes.messages) == ([], [])


def test_only_who_changed_is_saved() -> None:
    docket = walked(reply_ended("nothing", 1), blocked(2), reply_ended("m-3", 3))
    changes = docket.changes()
    assert [sender.sender for sender in changes.after] == [pseudonym(2)]
    assert changes.ended == ["nothing", "m-3"]


def test_a_reply_that_goes_on_ends_nothing() -> None:
    going: ReplyChanged = reply_ended(state=ReplyState.SENT, final=False)
    assert walked(going).changes().ended == []


def test_the_first_sender_of_a_campaign_is_caught_too() -> None:
    async def play() -> Run:
        run = Run()
        batch = [
            read(received(f"m-{n}", n, at=NOW + n * MINUTE, text=RAID), NOW + n * MINUTE)
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


def test_a_text_seen_a_window_before_the_first_one_no_longer_counts() -> None:
    async def play(gap: timedelta) -> Run:
        run = Run()
        for number in range(3):
            at = NOW + (gap if number else timedelta())
            await run.take([read(received(f"m-{number}", number, at=at, text=RAID), at)])
        await run.look(NOW + DAY)
        return run

    window = SETTINGS.campaign_window
    near, far = asyncio.run(play(window - SECOND)), asyncio.run(play(window))
    assert near.told["m-2"].reason is Reason.CAMPAIGN
    assert far.told["m-2"].reason is Reason.DESERVED
    # The first was due an hour after he texted: that very instant still counts for him.
    assert far.told["m-0"].reason is Reason.CAMPAIGN


def test_records_of_the_operator_are_events_like_any_other() -> None:
    block: SenderBlocked = blocked(at=NOW + MINUTE)
    docket = walked(arrival(), block, arrival("m-2", at=NOW + 2 * MINUTE))
    assert reasons(docket) == {"m-2": Reason.BLOCKED}
