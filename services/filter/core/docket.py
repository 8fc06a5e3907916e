"""The docket: a batch of what was read, walked sender by sender, and what changes by it.

One sender's records keep their order; senders do not touch each other, but for nonces, ids and
counts, which only whole buckets before a verdict's due time enter. So the verdicts are the same
however the log is cut into batches. A message that was due before a later record of its sender is
judged when that record is reached; the walk says what is to be counted for it.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from kernel.facts.records import (
    Reason,
    ReceivedKind,
    ReplyChanged,
    ReplyKind,
    SenderBlocked,
    SmsJudged,
)
from services.filter.core.campaign import is_suspect
from services.filter.core.habits import habit_of
from services.filter.core.learner import (
    Lesson,
    teach_alike,
    teach_contact,
    teach_judged,
    teach_silenced,
)
from services.filter.core.lore import FADE, Lore
from services.filter.core.score import INSISTENT_MAX
from services.filter.core.sender import (
    Arrival,
    Deliberation,
    Sender,
    hear_again,
    hear_block,
    hear_message,
    hear_reply,
    inquire,
    is_overdue,
    judge_deliberated,
    silence,
)
from services.filter.core.tally import (
    Counts,
    Question,
    bucket_of,
    calm_keys,
    contact_keys,
    day_of,
    mark_keys,
)
from services.filter.core.verdict import ATTACKS, Rules, judge_message

Event = Arrival | SenderBlocked | ReplyChanged

PERSON_AGAIN = timedelta(minutes=2)
"""From the first text to the last, at the least, of who is taken for a person."""
CALM_EXCESS_MAX = 0.34
"""Calm: of the contacts around, less than so large a share is beyond the usual."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a store knows of the senders, message ids and nonces of a batch.

    Attributes:
        senders: by pseudonym; only who was heard of.
        verdicts: by message id; None: deliberated. Only ids seen before.
        nonces: by nonce, the message id it was first seen with.
        versions: of the senders: another wherever one was changed since.
    """

    senders: Mapping[str, Sender]
    verdicts: Mapping[str, SmsJudged | None]
    nonces: Mapping[str, str]
    versions: Mapping[str, int] = field(default_factory=dict, compare=False)


class NewMessage(Struct, frozen=True):
    """A message id that was never seen before.

    Attributes:
        verdict: None: deliberated.
        told: the verdict is told by whoever handles the batch, again if the batch comes again;
            else the timer tells it.
    """

    message_id: str
    sender: str
    partition: int
    kind: ReceivedKind
    received_at: datetime
    verdict: SmsJudged | None
    told: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What a store saves in one transaction.

    Attributes:
        before, after: senders as they were loaded and as they are now, only those that differ;
            a sender without a ``before`` is new.
        judged: verdicts on messages that were deliberated; the timer tells them.
        ended: ids of the messages whose reply has ended: their sealed numbers go.
        counts: to be added, by key and bucket (``core/tally.py``).
        lessons: what was learnt of texts (``core/learner.py``); ``fade``: of now.
        at: when.
    """

    at: datetime
    before: Mapping[str, Sender] = field(default_factory=dict)
    after: Sequence[Sender] = ()
    messages: Sequence[NewMessage] = ()
    judged: Sequence[SmsJudged] = ()
    nonces: Mapping[str, str] = field(default_factory=dict)
    ended: Sequence[str] = ()
    counts: Counts = field(default_factory=dict)
    lessons: Sequence[Lesson] = ()
    fade: int = 0

    def verdicts(self) -> Iterable[SmsJudged]:
        """All verdicts that are new."""
        yield from self.judged
        for message in self.messages:
            if message.verdict is not None:
                yield message.verdict


class Docket:
    """Walks one batch; made, walked until nothing is needed, read once.

    Args:
        events: in the order they were read.
        now: when the verdicts are given.
    """

    def __init__(
        self, events: Sequence[Event], loaded: Loaded, rules: Rules, now: datetime
    ) -> None:
        self._loaded, self._rules, self._now = loaded, rules, now
        self._nonces = dict(loaded.nonces)
        self._senders: dict[str, Sender] = {}
        self._new: dict[str, NewMessage] = {}
        self._judged: dict[str, SmsJudged] = {}
        self._ended: dict[str, None] = {}
        self._told: list[tuple[int, str]] = []
        self._first_of: dict[str, str] = {}
        self._waiting: dict[str, deque[tuple[int, Event]]] = {}
        self._counts: Counter[tuple[bytes, int]] = Counter()
        self._contacts: list[tuple[int, bytes]] = []
        self._lessons: list[Lesson] = []
        for index, event in enumerate(events):
            self._enter(index, event)

    def _enter(self, index: int, event: Event) -> None:
        record = event.message if isinstance(event, Arrival) else event
        self._waiting.setdefault(record.sender, deque()).append((index, event))
        if isinstance(event, Arrival):
            message = event.message
            self._first_of.setdefault(message.id, message.sender)
            if message.nonce is not None:
                self._nonces.setdefault(message.nonce, message.id)

    @property
    def counts(self) -> Counts:
        """What the walk has counted so far: it enters the verdicts of those who were due since."""
        return self._counts

    def walk(self, answers: Mapping[Question, int], lore: Lore | None) -> Sequence[Question]:
        """Walk as far as these answers allow.

        Args:
            lore: None where no answer is given yet.

        Returns:
            what to count before walking on; empty: everything is judged.
        """
        for pseudonym, events in list(self._waiting.items()):
            while events and self._hear(*events[0], answers, lore):
                events.popleft()
            if not events:
                del self._waiting[pseudonym]
        return self._ask() if self._waiting else []

    def _ask(self) -> Sequence[Question]:
        """For those to whose span nobody who is still to be heard can add."""
        width = self._rules.bucket
        cases = [self._deliberation(pseudonym) for pseudonym in self._waiting]
        heard_until = min(bucket_of(_at(events[0][1]), width) for events in self._waiting.values())
        return [
            question
            for case in cases
            if bucket_of(case.due_at, width) <= heard_until
            for question in inquire(case, self._rules).questions()
        ] or [NOTHING]

    @property
    def needs_lore(self) -> bool:
        """Whether there are first contacts, which teach by how many came with them."""
        return bool(self._contacts)

    def told(self) -> Sequence[SmsJudged]:
        """The verdicts to tell now, those of repeated messages again, in the order read."""
        assert not self._waiting, "the walk has not ended"
        verdicts = (self._verdict_of(message_id) for _, message_id in sorted(self._told))
        return [verdict for verdict in verdicts if verdict is not None]

    def changes(self, lore: Lore | None) -> Changes:
        """What to save; ``lore`` only where it is needed."""
        assert not self._waiting, "the walk has not ended"
        assert lore is not None or not self._contacts, "lore is needed"
        if lore is not None:
            self._lessons += [
                teach_contact(tokens, lore.surge_before(bucket).excess_share)
                for bucket, tokens in self._contacts
            ]
        before = self._loaded.senders
        after = [
            sender
            for pseudonym, sender in self._senders.items()
            if sender != (before.get(pseudonym) or Sender(pseudonym))
        ]
        return Changes(
            at=self._now,
            before={s.sender: before[s.sender] for s in after if s.sender in before},
            after=after,
            messages=list(self._new.values()),
            judged=list(self._judged.values()),
            nonces={n: id_ for n, id_ in self._nonces.items() if n not in self._loaded.nonces},
            ended=list(self._ended),
            counts=self._counts,
            lessons=self._lessons,
            fade=fade_of(self._now, self._rules),
        )

    # -- one event ----------------------------------------------------------------------------

    def _hear(
        self, index: int, event: Event, answers: Mapping[Question, int], lore: Lore | None
    ) -> bool:
        """False: somebody must be judged first, and for him more must be counted."""
        match event:
            case Arrival():
                return self._hear_arrival(index, event, answers, lore)
            case SenderBlocked():
                self._put(hear_block(self._sender(event.sender), event))
            case ReplyChanged():
                self._put(hear_reply(self._sender(event.sender), event, self._rules))
                if event.final and event.kind is ReplyKind.REPLY:
                    self._ended[event.reply_id] = None
            case _:
                assert_never(event)
        return True

    def _hear_arrival(
        self, index: int, arrival: Arrival, answers: Mapping[Question, int], lore: Lore | None
    ) -> bool:
        message = arrival.message
        if self._is_known(message.id) or self._first_of[message.id] != message.sender:
            before = self._sender(message.sender)
            self._put(hear_again(before, arrival, self._rules))
            self._count_text(before, message.at)
            self._told.append((index, message.id))
            return True
        reason = self._judge_alone(arrival)
        if reason is not None:
            self._open(index, arrival, silence(message, reason, self._now))
            return True
        overdue = is_overdue(self._sender(message.sender), message.at)
        if overdue and not self._judge_overdue(message.sender, answers, lore):
            return False
        before = self._sender(message.sender)
        sender, verdict = hear_message(before, arrival, self._rules, self._now)
        self._put(sender)
        self._open(index, arrival, verdict)
        if verdict is None:
            self._count_contact(message.sender)
        self._count_text(before, message.at)
        return True

    def _count_contact(self, pseudonym: str) -> None:
        """A message has begun to be deliberated."""
        case = self._deliberation(pseudonym)
        bucket = bucket_of(case.first_at, self._rules.bucket)
        self._counts.update((key, bucket) for key in contact_keys(case.blocks))
        self._contacts.append((bucket, case.tokens))

    def _count_text(self, before: Sender, at: datetime) -> None:
        """His first informative text counts, once a deliberation."""
        case = self._sender(before.sender).deliberation
        if case is None or not case.marks:
            return
        earlier = before.deliberation
        if earlier is None or not earlier.marks or earlier.message_id != case.message_id:
            bucket = bucket_of(at, self._rules.bucket)
            self._counts.update((key, bucket) for key in mark_keys(case.marks))

    def _judge_alone(self, arrival: Arrival) -> Reason | None:
        message = arrival.message
        replayed = message.nonce is not None and self._nonces[message.nonce] != message.id
        return judge_message(message, replayed=replayed, rules=self._rules)

    def _judge_overdue(
        self, pseudonym: str, answers: Mapping[Question, int], lore: Lore | None
    ) -> bool:
        """False: more must be counted."""
        before = self._sender(pseudonym)
        questions = inquire(self._deliberation(pseudonym), self._rules).questions()
        if lore is None or not all(question in answers for question in questions):
            return False
        sender, verdict = judge_deliberated(before, answers, lore, self._rules, self._now)
        self._put(sender)
        counts, lessons = learn_from(before, verdict, answers, lore, self._rules)
        self._counts.update(counts)
        self._lessons += lessons
        new = self._new.get(verdict.id)
        if new is None:
            self._judged[verdict.id] = verdict
        else:
            self._new[verdict.id] = replace(new, verdict=verdict, told=False)
        return True

    def _open(self, index: int, arrival: Arrival, verdict: SmsJudged | None) -> None:
        message = arrival.message
        self._new[message.id] = NewMessage(
            message.id,
            message.sender,
            arrival.partition,
            message.kind,
            message.at,
            verdict,
            told=verdict is not None,
        )
        if verdict is not None:
            self._told.append((index, message.id))

    def _sender(self, pseudonym: str) -> Sender:
        found = self._senders.get(pseudonym) or self._loaded.senders.get(pseudonym)
        return found or Sender(pseudonym)

    def _deliberation(self, pseudonym: str) -> Deliberation:
        case = self._sender(pseudonym).deliberation
        assert case is not None, "nothing is deliberated"
        return case

    def _put(self, sender: Sender) -> None:
        self._senders[sender.sender] = sender

    def _is_known(self, message_id: str) -> bool:
        return message_id in self._new or message_id in self._loaded.verdicts

    def _verdict_of(self, message_id: str) -> SmsJudged | None:
        new = self._new.get(message_id)
        if new is not None:
            return new.verdict
        return self._judged.get(message_id) or self._loaded.verdicts.get(message_id)


def _at(event: Event) -> datetime:
    return event.message.at if isinstance(event, Arrival) else event.at


NOTHING = Question(b"", 0, -1)
"""Asked where there is nothing to count but the lore is needed."""


def fade_of(now: datetime, rules: Rules) -> int:
    """How often what was learnt must have been halved by now, counted from 1970."""
    return bucket_of(now, rules.bucket) // FADE


def is_person(case: Deliberation) -> bool:
    """Whether he wrote again as people do: minutes later, and not many times."""
    again = case.last_at - case.first_at
    return 1 < case.texts <= INSISTENT_MAX and again >= PERSON_AGAIN


def learn_from(
    before: Sender, verdict: SmsJudged, answers: Mapping[Question, int], lore: Lore, rules: Rules
) -> tuple[Mapping[tuple[bytes, int], int], list[Lesson]]:
    """What a verdict teaches: how the attack writes, or what is usual in calm hours."""
    case = before.deliberation
    assert case is not None
    if verdict.reason in ATTACKS:
        return {}, [teach_silenced(case.tokens)]
    inquiry = inquire(case, rules)
    alike = inquiry.alike(answers)
    calm = lore.surge_around(inquiry.first, inquiry.last).excess_share < CALM_EXCESS_MAX
    if verdict.reason is not Reason.DESERVED:
        return {}, []
    lessons = [teach_judged(case.tokens, habit_of(case.texts), person=is_person(case))]
    if not calm:
        return {}, lessons
    lessons += [teach_alike(case.tokens)] if is_suspect(alike) else []
    day = day_of(inquiry.first)
    return dict.fromkeys(((key, day) for key in calm_keys(inquiry.traits)), 1), lessons


def questions_of(senders: Sequence[Sender], rules: Rules) -> list[Question]:
    """What to count before all of these can be judged."""
    return [
        question
        for sender in senders
        if sender.deliberation is not None
        for question in inquire(sender.deliberation, rules).questions()
    ]


def judge_due(
    senders: Sequence[Sender],
    answers: Mapping[Question, int],
    lore: Lore,
    rules: Rules,
    now: datetime,
) -> Changes:
    """Judge what these senders' deliberations came to; all of them are due.

    Args:
        answers: to ``questions_of`` them.
    """
    after, judged = [], []
    counts: Counter[tuple[bytes, int]] = Counter()
    lessons: list[Lesson] = []
    for sender in senders:
        judged_sender, verdict = judge_deliberated(sender, answers, lore, rules, now)
        after.append(judged_sender)
        judged.append(verdict)
        learnt_counts, learnt_lessons = learn_from(sender, verdict, answers, lore, rules)
        counts.update(learnt_counts)
        lessons += learnt_lessons
    return Changes(
        at=now,
        before={sender.sender: sender for sender in senders},
        after=after,
        judged=judged,
        counts=counts,
        lessons=lessons,
        fade=fade_of(now, rules),
    )
