"""The filter's store in memory: the same promises."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from msgspec.structs import replace

from kernel.facts.records import SmsJudged
from kernel.facts.topics import PARTITIONS
from kernel.values.errors import Transient
from services.filter.core.docket import Changes, Loaded, NewMessage
from services.filter.core.group import ReadUntil, Told
from services.filter.core.learner import Learnt
from services.filter.core.retention import Cutoffs
from services.filter.core.sender import Sender
from services.filter.core.tally import CONTACTS, DETAILS, Counts, Question


@dataclass(slots=True)
class Series:
    """Counts of one key; ``buckets`` in ascending order."""

    buckets: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def add(self, bucket: int, count: int) -> None:
        """Count."""
        place = bisect_left(self.buckets, bucket)
        if place < len(self.buckets) and self.buckets[place] == bucket:
            self.counts[place] += count
        else:
            self.buckets.insert(place, bucket)
            self.counts.insert(place, count)

    def between(self, first: int, last: int) -> int:
        """The sum from one bucket to another, both included."""
        start = bisect_left(self.buckets, first)
        return sum(self.counts[start : bisect_left(self.buckets, last + 1)])

    def by_bucket(self) -> dict[int, int]:
        """All of it."""
        return dict(zip(self.buckets, self.counts, strict=True))

    def cut(self, since: int) -> None:
        """Forget what was before a bucket."""
        place = bisect_left(self.buckets, since)
        del self.buckets[:place], self.counts[:place]


@dataclass(slots=True)
class Tables:
    """What is kept.

    Attributes:
        versions: of the senders: how often each was put.
        due: what is deliberated, by when it is due, and whose it is.
        unemitted: ids of messages whose verdict is to be told, in the order they were judged.
        nonces: by nonce, the message it was first seen with, and when.
        counts: by key.
    """

    senders: dict[str, Sender] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    due: list[tuple[datetime, str]] = field(default_factory=list)
    messages: dict[str, NewMessage] = field(default_factory=dict)
    unemitted: dict[str, None] = field(default_factory=dict)
    nonces: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    counts: dict[bytes, Series] = field(default_factory=dict)
    learnt: Learnt = field(default_factory=Learnt)
    progress: dict[int, Told] = field(default_factory=dict)

    def put(self, sender: Sender) -> None:
        """Insert or overwrite."""
        before = self.senders.get(sender.sender)
        self.senders[sender.sender] = sender
        self.versions[sender.sender] = self.versions.get(sender.sender, 0) + 1
        old = before.deliberation if before is not None else None
        new = sender.deliberation
        if (old and old.due_at) == (new and new.due_at):
            return
        if old is not None:
            del self.due[bisect_left(self.due, (old.due_at, sender.sender))]
        if new is not None:
            insort(self.due, (new.due_at, sender.sender))

    def count(self, counts: Counts) -> None:
        """Add to the counts."""
        for (key, bucket), count in counts.items():
            series = self.counts.get(key)
            if series is None:
                series = self.counts[key] = Series()
            series.add(bucket, count)

    def apply(self, changes: Changes) -> None:
        """Make these changes."""
        for sender in changes.after:
            self.put(sender)
        for verdict in changes.judged:
            self._replace_verdict(verdict)
            self.unemitted[verdict.id] = None
        for message in changes.messages:
            self.messages[message.message_id] = message
            if message.verdict is not None and not message.told:
                self.unemitted[message.message_id] = None
        self.nonces |= {nonce: (id_, changes.at) for nonce, id_ in changes.nonces.items()}
        for message_id in changes.ended:
            ended = self.messages.get(message_id)
            if ended is not None and ended.verdict is not None:
                self._replace_verdict(replace(ended.verdict, sender_sealed=None))
        self.count(changes.counts)
        self.learnt.fade(changes.fade)
        self.learnt.learn(changes.lessons)

    def _replace_verdict(self, verdict: SmsJudged) -> None:
        message = self.messages[verdict.id]
        self.messages[verdict.id] = replace(message, verdict=verdict)


class MemoryStore:
    """A ``Store``."""

    def __init__(self, key: bytes = bytes(32)) -> None:
        self._key = key
        self._tables = Tables()

    @property
    def tables(self) -> Tables:
        """What was committed, to look at."""
        return self._tables

    async def load(
        self, senders: Collection[str], message_ids: Collection[str], nonces: Collection[str]
    ) -> Loaded:
        """See ``Store``."""
        tables = self._tables
        found = {s: tables.senders[s] for s in senders if s in tables.senders}
        return Loaded(
            senders=found,
            verdicts={i: tables.messages[i].verdict for i in message_ids if i in tables.messages},
            nonces={n: tables.nonces[n][0] for n in nonces if n in tables.nonces},
            versions={s: tables.versions[s] for s in found},
        )

    async def load_due(self, partitions: Sequence[int], until: datetime, count_max: int) -> Loaded:
        """See ``Store``."""
        tables = self._tables
        due = islice(tables.due, bisect_left(tables.due, (until, "")))
        senders = (tables.senders[pseudonym] for _, pseudonym in due)
        held = (s for s in senders if s.deliberation and s.deliberation.partition in partitions)
        found = {s.sender: s for s in islice(held, count_max)}
        return Loaded(found, {}, {}, {s: tables.versions[s] for s in found})

    async def answer(self, questions: Sequence[Question]) -> dict[Question, int]:
        """See ``Store``."""
        counts = self._tables.counts
        return {
            question: counts[question.key].between(question.first, question.last)
            if question.key in counts
            else 0
            for question in questions
        }

    async def read_contacts(self) -> dict[int, int]:
        """See ``Store``."""
        kept = self._tables.counts.get(CONTACTS)
        return kept.by_bucket() if kept is not None else {}

    async def read_learnt(self) -> Learnt:
        """See ``Store``."""
        return self._tables.learnt

    async def save(
        self, changes: Changes, versions: Mapping[str, int], window: timedelta, shard: int
    ) -> None:
        """See ``Store``."""
        tables = self._tables
        fresh = all(
            tables.versions.get(s.sender) == versions.get(s.sender) for s in changes.after
        ) and not any(message.message_id in tables.messages for message in changes.messages)
        if not fresh:
            raise Transient("another was faster", code="filter_conflict")
        tables.apply(changes)

    async def load_key(self) -> bytes:
        """See ``Store``."""
        return self._key

    async def load_unemitted(self, partitions: Sequence[int], count_max: int) -> list[SmsJudged]:
        """See ``Store``."""
        messages = (self._tables.messages[message_id] for message_id in self._tables.unemitted)
        found = (m.verdict for m in messages if m.verdict and m.partition in partitions)
        return list(islice(found, count_max))

    async def mark_emitted(self, message_ids: Sequence[str], at: datetime) -> None:
        """See ``Store``."""
        for message_id in message_ids:
            self._tables.unemitted.pop(message_id, None)

    async def next_due(self, partitions: Sequence[int]) -> datetime | None:
        """See ``Store``."""
        return next(self._due_times(partitions), None)

    async def count_deliberating(self, partitions: Sequence[int]) -> int:
        """See ``Store``."""
        if len(partitions) == PARTITIONS:
            return len(self._tables.due)
        return sum(1 for _ in self._due_times(partitions))

    def _due_times(self, partitions: Sequence[int]) -> Iterator[datetime]:
        for at, pseudonym in self._tables.due:
            case = self._tables.senders[pseudonym].deliberation
            if case is not None and case.partition in partitions:
                yield at

    async def read_progress(self) -> Mapping[int, Told]:
        """See ``Store``."""
        return dict(self._tables.progress)

    async def tell_progress(self, read_until: ReadUntil, at: datetime) -> None:
        """See ``Store``."""
        for partition, until in read_until.items():
            told = self._tables.progress.get(partition)
            furthest = until if told is None else max(until, told.read_until)
            self._tables.progress[partition] = Told(furthest, at)

    async def prune(self, cutoffs: Cutoffs, count_max: int) -> bool:
        """See ``Store``."""
        return all(
            [
                self._prune_messages(cutoffs.messages, count_max),
                self._prune_nonces(cutoffs.messages, count_max),
                self._prune_counts(cutoffs),
                self._prune_senders(cutoffs, count_max),
            ]
        )

    def _prune_messages(self, before: datetime, count_max: int) -> bool:
        old = [
            message.message_id
            for message in self._tables.messages.values()
            if message.verdict is not None
            and message.verdict.at < before
            and message.message_id not in self._tables.unemitted
        ]
        for message_id in old[:count_max]:
            del self._tables.messages[message_id]
        return len(old) < count_max

    def _prune_nonces(self, before: datetime, count_max: int) -> bool:
        old = [nonce for nonce, (_, seen_at) in self._tables.nonces.items() if seen_at < before]
        for nonce in old[:count_max]:
            del self._tables.nonces[nonce]
        return len(old) < count_max

    def _prune_counts(self, cutoffs: Cutoffs) -> bool:
        counts = self._tables.counts
        for key in list(counts):
            counts[key].cut(cutoffs.details if key[:1] in DETAILS else cutoffs.contacts)
            if not counts[key].buckets:
                del counts[key]
        return True

    def _prune_senders(self, cutoffs: Cutoffs, count_max: int) -> bool:
        """Answers and silences that are over, and senders of whom then nothing is left."""
        senders = self._tables.senders
        over = [s for s in senders.values() if s.answer and s.answer.at < cutoffs.answers]
        for sender in over[:count_max]:
            senders[sender.sender] = replace(sender, answer=None)
        old = [s for s in senders.values() if any(o.at < cutoffs.answers for o in s.others)]
        for sender in old[:count_max]:
            kept = tuple(o for o in sender.others if o.at >= cutoffs.answers)
            senders[sender.sender] = replace(sender, others=kept)
        quiet = [s for s in senders.values() if s.silenced_at and s.silenced_at < cutoffs.silences]
        for sender in quiet[:count_max]:
            senders[sender.sender] = replace(sender, silenced=None, silenced_at=None)
        nothing = [s.sender for s in senders.values() if s == Sender(s.sender)]
        for pseudonym in nothing[:count_max]:
            del senders[pseudonym], self._tables.versions[pseudonym]
        return max(len(over), len(old), len(quiet), len(nothing)) < count_max
