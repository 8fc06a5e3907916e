"""The filter's store: the port, and its PostgreSQL adapter. The only SQL is in ``sql/``.

Senders are locked in the order of their pseudonyms before anything else is looked at, and what
another member was faster with shows as a key that is taken: then nothing is changed, and the batch
is handled again on what is there now.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from kernel.database.pool import Pool
from kernel.database.store import SqlStore, SqlTransaction, UniqueViolation, read_queries
from kernel.facts.records import SmsJudged
from kernel.values.errors import Transient
from services.filter.core.docket import Changes, Loaded
from services.filter.core.group import ReadUntil, Told
from services.filter.core.learner import Learnt
from services.filter.core.retention import Cutoffs
from services.filter.core.sender import Sender
from services.filter.core.tally import CONTACTS, DETAILS, LASTING, Counts, Question
from services.filter.rows import (
    MESSAGE_COLUMNS,
    NONCE_COLUMNS,
    SENDER_COLUMNS,
    answer_row,
    judged_row,
    message_row,
    read_senders,
    read_verdict,
    same_row,
    sender_row,
    text_row,
    wrote_only,
)


class Transaction(Protocol):
    """What can be done in one transaction."""

    async def load(
        self, senders: Collection[str], message_ids: Collection[str], nonces: Collection[str]
    ) -> Loaded:
        """What is known of these; the senders are locked."""
        ...

    async def load_due(
        self, partitions: Sequence[int], until: datetime, count_max: int
    ) -> list[Sender]:
        """Senders whose deliberation is due before ``until``, locked; if many, the longest due."""
        ...

    async def add_counts(self, counts: Counts, shard: int) -> None:
        """Add to the counts; they count at once in this transaction.

        Args:
            shard: members that count the same at once do so in different ones.
        """
        ...

    async def answer(self, questions: Sequence[Question]) -> dict[Question, int]:
        """How often each was counted."""
        ...

    async def read_contacts(self) -> dict[int, int]:
        """First contacts by bucket, as far back as they are kept."""
        ...

    async def read_learnt(self) -> Learnt:
        """What was learnt of texts."""
        ...

    async def save(self, changes: Changes, window: timedelta, shard: int) -> None:
        """Save what became of what was loaded in this transaction; called once, at its end.

        Args:
            window: of an answer; until it is over no other takes its place.
            shard: as in ``add_counts``.

        Raises:
            Transient: ``filter_conflict``: another member was faster.
        """
        ...


class Store(Protocol):
    """What the filter keeps. Everything raises ``Transient`` while the database is away."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """All or nothing; committed when the context is left without an error."""
        ...

    async def load_key(self) -> bytes:
        """The key of the hashes and of the jitter; always the same, 32 bytes."""
        ...

    async def load_unemitted(self, partitions: Sequence[int], count_max: int) -> list[SmsJudged]:
        """Verdicts of these partitions that nobody has been told yet."""
        ...

    async def mark_emitted(self, message_ids: Sequence[str], at: datetime) -> None:
        """These verdicts have been told."""
        ...

    async def next_due(self, partitions: Sequence[int]) -> datetime | None:
        """When the next deliberation of these partitions is due."""
        ...

    async def count_deliberating(self, partitions: Sequence[int]) -> int:
        """How many messages of these partitions are deliberated."""
        ...

    async def read_progress(self) -> Mapping[int, Told]:
        """How far partitions were read, as whoever held them has told; not told: not there."""
        ...

    async def tell_progress(self, read_until: ReadUntil, at: datetime) -> None:
        """So far these partitions were read, at least one; what was told never steps back."""
        ...

    async def prune(self, cutoffs: Cutoffs, count_max: int) -> bool:
        """Delete what is older, at most so many rows of each kind. False: there may be more.

        Senders of whom nothing is left are found by walking: so many are looked at, and the next
        call goes on from there.
        """
        ...


class PostgresTransaction(SqlTransaction):
    """A ``Transaction``."""

    async def load(
        self, senders: Collection[str], message_ids: Collection[str], nonces: Collection[str]
    ) -> Loaded:
        """See ``Transaction``."""
        rows = await self.fetch("load_senders", senders)
        replies = await self.fetch("load_answers", senders)
        messages = await self.fetch("load_messages", message_ids)
        seen = await self.fetch("load_nonces", nonces)
        return Loaded(
            senders=read_senders(rows, replies),
            verdicts={row["id"]: read_verdict(row) for row in messages},
            nonces={row["nonce"]: row["message_id"] for row in seen},
        )

    async def load_due(
        self, partitions: Sequence[int], until: datetime, count_max: int
    ) -> list[Sender]:
        """See ``Transaction``."""
        rows = [
            row
            for row in await self.fetch("load_due", partitions, until, count_max)
            # Not those that another put off or judged while we waited for the lock.
            if row["due_at"] is not None and row["due_at"] < until
        ]
        if not rows:
            return []
        replies = await self.fetch("load_answers", [row["sender"] for row in rows])
        return list(read_senders(rows, replies).values())

    async def add_counts(self, counts: Counts, shard: int) -> None:
        """See ``Transaction``."""
        if counts:
            rows = sorted((key, bucket, count) for (key, bucket), count in counts.items())
            await self.change("add_counts", *zip(*rows, strict=True), shard)

    async def answer(self, questions: Sequence[Question]) -> dict[Question, int]:
        """See ``Transaction``."""
        answers = dict.fromkeys(questions, 0)
        if answers:
            distinct = list(answers)
            for number, count in await self.fetch("answer", *zip(*distinct, strict=True)):
                answers[distinct[number - 1]] = count
        return answers

    async def read_contacts(self) -> dict[int, int]:
        """See ``Transaction``."""
        rows = await self.fetch("read_contacts", CONTACTS)
        return {row["bucket"]: row["count"] for row in rows}

    async def read_learnt(self) -> Learnt:
        """See ``Transaction``."""
        return Learnt.from_bytes((await self.fetch("read_learnt"))[0]["kept"])

    async def save(self, changes: Changes, window: timedelta, shard: int) -> None:
        """See ``Transaction``."""
        try:
            await self._save_senders(changes)
            await self._save_answers(changes, window)
            await self._save_messages(changes)
        except UniqueViolation:
            raise _conflict() from None
        await self.add_counts(changes.counts, shard)
        await self._learn(changes)

    async def _learn(self, changes: Changes) -> None:
        """Last, as it keeps the other members waiting until we have committed."""
        if not changes.lessons:
            return
        learnt = Learnt.from_bytes((await self.fetch("load_learnt"))[0]["kept"])
        learnt.fade(changes.fade)
        learnt.learn(changes.lessons)
        await self.change("save_learnt", learnt.to_bytes())

    async def _save_senders(self, changes: Changes) -> None:
        there = changes.before
        old = [s for s in changes.after if s.sender in there and not same_row(there[s.sender], s)]
        texts = sorted(text_row(s) for s in old if wrote_only(there[s.sender], s))
        others = sorted(sender_row(s) for s in old if not wrote_only(there[s.sender], s))
        for name, rows in (("add_texts", texts), ("update_senders", others)):
            if rows:
                _expect(len(rows), await self.change(name, *zip(*rows, strict=True)))
        new = sorted(sender_row(s) for s in changes.after if s.sender not in there)
        await self._add("senders", SENDER_COLUMNS, new)

    async def _save_answers(self, changes: Changes, window: timedelta) -> None:
        before = {s.sender: s.answer for s in changes.before.values() if s.answer is not None}
        after = {s.sender: s.answer for s in changes.after if s.answer is not None}
        gone = sorted(
            (s.sender, before[s.sender].message_id)
            for s in changes.after
            if s.sender in before
            and (s.answer is None or s.answer.message_id != before[s.sender].message_id)
        )
        put = sorted(
            answer_row(sender, answer)
            for sender, answer in after.items()
            if answer != before.get(sender)
        )
        if gone:
            await self.change("delete_answers", *zip(*gone, strict=True))
        if put:
            _expect(len(put), await self.change("put_answers", *zip(*put, strict=True), window))
        await self._save_others(changes)

    async def _save_others(self, changes: Changes) -> None:
        before = {(s.sender, o) for s in changes.before.values() for o in s.others}
        after = {(s.sender, o) for s in changes.after for o in s.others}
        kept = {other.message_id for _, other in after}
        gone = sorted(o.message_id for _, o in before - after if o.message_id not in kept)
        put = sorted(answer_row(sender, other) for sender, other in after - before)
        if gone:
            await self.change("delete_other_replies", gone)
        if put:
            await self.change("put_other_replies", *zip(*put, strict=True))

    async def _save_messages(self, changes: Changes) -> None:
        if changes.judged:
            rows = sorted(map(judged_row, changes.judged))
            columns = zip(*rows, strict=True)
            _expect(len(rows), await self.change("judge_messages", *columns, changes.at))
        await self._add(
            "messages",
            MESSAGE_COLUMNS,
            sorted(message_row(m, changes.at) for m in changes.messages),
        )
        nonces = sorted((nonce, id_, changes.at) for nonce, id_ in changes.nonces.items())
        await self._add("nonces", NONCE_COLUMNS, nonces)
        if changes.ended:
            await self.change("erase_sealed", changes.ended)

    async def _add(
        self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Insert new rows, in the order of their keys so that two members cannot deadlock."""
        if rows:
            await self.copy(table, columns, rows)


class PostgresStore(SqlStore):
    """A ``Store``.

    Args:
        pool: of the role ``antirelou_filter``.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, read_queries("services.filter"))
        self._walked_to = ""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """See ``Store``."""
        return self.begin(PostgresTransaction)

    async def load_key(self) -> bytes:
        """See ``Store``."""
        key: bytes = (await self.fetch("load_key"))[0]["key"]
        return key

    async def load_unemitted(self, partitions: Sequence[int], count_max: int) -> list[SmsJudged]:
        """See ``Store``."""
        rows = await self.fetch("load_unemitted", partitions, count_max)
        return [verdict for verdict in map(read_verdict, rows) if verdict is not None]

    async def mark_emitted(self, message_ids: Sequence[str], at: datetime) -> None:
        """See ``Store``."""
        await self.fetch("mark_emitted", message_ids, at)

    async def next_due(self, partitions: Sequence[int]) -> datetime | None:
        """See ``Store``."""
        at: datetime | None = (await self.fetch("next_due", partitions))[0]["at"]
        return at

    async def count_deliberating(self, partitions: Sequence[int]) -> int:
        """See ``Store``."""
        return int((await self.fetch("count_deliberating", partitions))[0]["count"])

    async def read_progress(self) -> Mapping[int, Told]:
        """See ``Store``."""
        return {partition: Told(*told) for partition, *told in await self.fetch("read_progress")}

    async def tell_progress(self, read_until: ReadUntil, at: datetime) -> None:
        """See ``Store``."""
        await self.fetch("tell_progress", *zip(*sorted(read_until.items()), strict=True), at)

    async def prune(self, cutoffs: Cutoffs, count_max: int) -> bool:
        """See ``Store``."""
        kinds = [*DETAILS, *LASTING]
        befores = [cutoffs.details] * len(DETAILS) + [cutoffs.contacts] * len(LASTING)
        done = True
        for name, *arguments in (
            ("prune_messages", cutoffs.messages),
            ("prune_nonces", cutoffs.messages),
            ("prune_counts", kinds, befores),
            ("prune_answers", cutoffs.answers),
            ("prune_other_replies", cutoffs.answers),
            ("prune_silences", cutoffs.silences),
        ):
            done &= await self.change(name, *arguments, count_max) < count_max
        return await self._forget_senders(count_max) and done

    async def _forget_senders(self, count_max: int) -> bool:
        """Walk on; at the end it begins anew. False: many were to be forgotten."""
        [row] = await self.fetch("prune_senders", self._walked_to, count_max)
        at_the_end = row["looked"] < count_max
        self._walked_to = "" if at_the_end else row["last"]
        return at_the_end or bool(row["gone"] <= count_max / 2)


def _conflict() -> Transient:
    return Transient("another member was faster", code="filter_conflict")


def _expect(count: int, changed: int) -> None:
    if changed != count:
        raise _conflict()
