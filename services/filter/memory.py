"""The filter's store in memory: the same promises, one transaction at a time."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from antirelou.records import SmsJudged
from services.filter.core.campaign import Sighting, Span, bucket_of
from services.filter.core.docket import Changes, Loaded, NewMessage
from services.filter.core.retention import Cutoffs
from services.filter.core.sender import Sender


@dataclass(slots=True)
class Tables:
    """What is kept.

    Attributes:
        emitted: ids of messages whose verdict was told.
        nonces: by nonce, the message it was first seen with, and when.
        sightings: by digest; by bucket and sender, when.
    """

    senders: dict[str, Sender] = field(default_factory=dict)
    messages: dict[str, NewMessage] = field(default_factory=dict)
    emitted: set[str] = field(default_factory=set)
    nonces: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    sightings: dict[bytes, dict[tuple[int, str], datetime]] = field(default_factory=dict)


class MemoryTransaction:
    """A ``Transaction``: notes what to change, and changes it at the end."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._sightings: list[Sighting] = []
        self._changes: Changes | None = None

    async def load(
        self, senders: Collection[str], message_ids: Collection[str], nonces: Collection[str]
    ) -> Loaded:
        """See ``Transaction``."""
        tables = self._tables
        return Loaded(
            senders={s: tables.senders[s] for s in senders if s in tables.senders},
            verdicts={i: tables.messages[i].verdict for i in message_ids if i in tables.messages},
            nonces={n: tables.nonces[n][0] for n in nonces if n in tables.nonces},
        )

    async def load_due(
        self, horizons: Mapping[int, datetime], campaigns_until: datetime, count_max: int
    ) -> list[Sender]:
        """See ``Transaction``."""
        due = []
        for sender in self._tables.senders.values():
            case = sender.deliberation
            if case is None or case.partition not in horizons:
                continue
            if case.digest is not None and case.due_at >= campaigns_until:
                continue
            if case.due_at < horizons[case.partition]:
                due.append((case.due_at, sender.sender))
        chosen = sorted(due)[:count_max]
        return [self._tables.senders[pseudonym] for _, pseudonym in chosen]

    async def add_sightings(self, sightings: Sequence[Sighting]) -> None:
        """See ``Transaction``."""
        self._sightings += sightings

    async def count_campaigns(
        self, spans: Sequence[Span], window: timedelta, senders_max: int
    ) -> dict[Span, int]:
        """See ``Transaction``."""
        return {span: min(len(self._senders_of(span, window)), senders_max) for span in spans}

    def _senders_of(self, span: Span, window: timedelta) -> set[str]:
        buckets = range(bucket_of(span.since, window), bucket_of(span.until, window) + 1)
        there = dict(self._tables.sightings.get(span.digest, {}))
        for sighting in self._sightings:
            if sighting.digest == span.digest:
                there.setdefault((sighting.bucket, sighting.sender), sighting.seen_at)
        return {
            sender
            for (bucket, sender), seen_at in there.items()
            if bucket in buckets and span.since < seen_at <= span.until
        }

    async def save(self, changes: Changes, window: timedelta) -> None:  # noqa: ARG002
        """See ``Transaction``."""
        self._changes = changes

    def commit(self) -> None:
        """Change what was noted."""
        for sighting in self._sightings:
            there = self._tables.sightings.setdefault(sighting.digest, {})
            there.setdefault((sighting.bucket, sighting.sender), sighting.seen_at)
        if self._changes is not None:
            self._apply(self._changes)

    def _apply(self, changes: Changes) -> None:
        tables = self._tables
        tables.senders |= {sender.sender: sender for sender in changes.after}
        for verdict in changes.judged:
            self._replace_verdict(verdict)
        for message in changes.messages:
            assert message.message_id not in tables.messages  # noqa: S101
            tables.messages[message.message_id] = message
            if message.told:
                tables.emitted.add(message.message_id)
        tables.nonces |= {nonce: (id_, changes.at) for nonce, id_ in changes.nonces.items()}
        for message_id in changes.ended:
            ended = tables.messages.get(message_id)
            if ended is not None and ended.verdict is not None:
                self._replace_verdict(replace(ended.verdict, sender_sealed=None))

    def _replace_verdict(self, verdict: SmsJudged) -> None:
        message = self._tables.messages[verdict.id]
        self._tables.messages[verdict.id] = replace(message, verdict=verdict)


class MemoryStore:
    """A ``Store``."""

    def __init__(self, key: bytes = bytes(32)) -> None:
        self._key = key
        self._tables = Tables()
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryTransaction]:
        """See ``Store``."""
        async with self._lock:
            transaction = MemoryTransaction(self._tables)
            yield transaction
            transaction.commit()

    async def load_key(self) -> bytes:
        """See ``Store``."""
        return self._key

    async def load_unemitted(self, partitions: Sequence[int], count_max: int) -> list[SmsJudged]:
        """See ``Store``."""
        found = [
            message.verdict
            for message in self._tables.messages.values()
            if message.verdict is not None
            and message.partition in partitions
            and message.message_id not in self._tables.emitted
        ]
        return sorted(found, key=lambda verdict: verdict.at)[:count_max]

    async def mark_emitted(self, message_ids: Sequence[str], at: datetime) -> None:  # noqa: ARG002
        """See ``Store``."""
        self._tables.emitted.update(message_ids)

    async def next_due(self, partitions: Sequence[int]) -> datetime | None:
        """See ``Store``."""
        return min(self._due_times(partitions), default=None)

    async def count_deliberating(self, partitions: Sequence[int]) -> int:
        """See ``Store``."""
        return len(self._due_times(partitions))

    def _due_times(self, partitions: Sequence[int]) -> list[datetime]:
        cases = (sender.deliberation for sender in self._tables.senders.values())
        return [case.due_at for case in cases if case and case.partition in partitions]

    async def prune(self, cutoffs: Cutoffs, count_max: int) -> bool:
        """See ``Store``."""
        async with self._lock:
            return all(
                [
                    self._prune_messages(cutoffs.messages, count_max),
                    self._prune_nonces(cutoffs.messages, count_max),
                    self._prune_sightings(cutoffs.sightings, count_max),
                    self._prune_senders(cutoffs.answers, count_max),
                ]
            )

    def _prune_messages(self, before: datetime, count_max: int) -> bool:
        old = [
            id_
            for id_, message in self._tables.messages.items()
            if id_ in self._tables.emitted and message.verdict and message.verdict.at < before
        ]
        for message_id in old[:count_max]:
            del self._tables.messages[message_id]
            self._tables.emitted.discard(message_id)
        return len(old) < count_max

    def _prune_nonces(self, before: datetime, count_max: int) -> bool:
        old = [nonce for nonce, (_, seen_at) in self._tables.nonces.items() if seen_at < before]
        for nonce in old[:count_max]:
            del self._tables.nonces[nonce]
        return len(old) < count_max

    def _prune_sightings(self, before: datetime, count_max: int) -> bool:
        old = [
            (digest, key)
            for digest, there in self._tables.sightings.items()
            for key, seen_at in there.items()
            if seen_at < before
        ]
        for digest, key in old[:count_max]:
            del self._tables.sightings[digest][key]
        return len(old) < count_max

    def _prune_senders(self, answered_before: datetime, count_max: int) -> bool:
        """Answers whose window is over, and senders of whom then nothing is left."""
        senders = self._tables.senders
        over = [s for s in senders.values() if s.answer and s.answer.at < answered_before]
        for sender in over[:count_max]:
            senders[sender.sender] = replace(sender, answer=None)
        nothing = [s.sender for s in senders.values() if s == Sender(s.sender)]
        for pseudonym in nothing[:count_max]:
            del senders[pseudonym]
        return max(len(over), len(nothing)) < count_max
