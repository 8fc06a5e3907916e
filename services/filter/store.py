"""The filter's store: the port, and its PostgreSQL adapter. The only SQL is in ``sql/``.

Nothing is locked while it is worked out what to save. Whoever saves locks the senders in the order
of their pseudonyms and looks whether each is still as he was read; what another member was faster
with shows there, or as a key that is taken: then nothing is changed, and the batch is handled again
on what is there now.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from kernel.database.pool import Pool
from kernel.database.store import SqlStore, SqlTransaction, UniqueViolation, read_queries
from kernel.facts.records import SmsJudged
from kernel.values.errors import Transient
from services.filter.core.docket import Changes, Loaded
from services.filter.core.group import ReadUntil, Told
from services.filter.core.learner import Learnt, Lesson, merge
from services.filter.core.retention import Cutoffs
from services.filter.core.tally import CONTACTS, DETAILS, LASTING, Question
from services.filter.rows import (
    MESSAGE_COLUMNS,
    NONCE_COLUMNS,
    SENDER_COLUMNS,
    Columns,
    Writes,
    read_loaded,
    read_verdict,
    write_changes,
)


class Store(Protocol):
    """What the filter keeps. Everything raises ``Transient`` while the database is away."""

    async def load(
        self, senders: Collection[str], message_ids: Collection[str], nonces: Collection[str]
    ) -> Loaded:
        """What is known of these."""
        ...

    async def load_due(self, partitions: Sequence[int], until: datetime, count_max: int) -> Loaded:
        """Senders whose deliberation is due before ``until``; if many, the longest due."""
        ...

    async def answer(self, questions: Sequence[Question]) -> dict[Question, int]:
        """How often each was counted."""
        ...

    async def read_contacts(self) -> dict[int, int]:
        """First contacts by bucket, as far back as they are kept."""
        ...

    async def read_learnt(self) -> Learnt:
        """What was learnt of texts, by all; read before lessons are saved."""
        ...

    async def save(
        self, changes: Changes, versions: Mapping[str, int], window: timedelta, shard: int
    ) -> None:
        """Save what became of what was loaded: all of it or nothing.

        Args:
            versions: of the senders that the changes were worked out of (``Loaded``).
            window: of an answer; until it is over no other takes its place.
            shard: members that count and learn at once do so in different ones.

        Raises:
            Transient: ``filter_conflict``: another member was faster.
        """
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


class PostgresStore(SqlStore):
    """A ``Store``.

    Args:
        pool: of the role ``antirelou_filter``.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, read_queries("services.filter"))
        self._walked_to = ""
        self._learnt: dict[int, tuple[int, Learnt]] = {}
        """By shard: its version and what it holds."""

    async def load(
        self, senders: Collection[str], message_ids: Collection[str], nonces: Collection[str]
    ) -> Loaded:
        """See ``Store``."""
        rows = await self.fetch("load_senders", senders)
        others = await self.fetch("load_others", senders)
        messages = await self.fetch("load_messages", message_ids) if message_ids else []
        seen = await self.fetch("load_nonces", nonces) if nonces else []
        return read_loaded(rows, others, messages, seen)

    async def load_due(self, partitions: Sequence[int], until: datetime, count_max: int) -> Loaded:
        """See ``Store``."""
        rows = await self.fetch("load_due", partitions, until, count_max)
        others = await self.fetch("load_others", [row["sender"] for row in rows]) if rows else []
        return read_loaded(rows, others)

    async def answer(self, questions: Sequence[Question]) -> dict[Question, int]:
        """See ``Store``."""
        answers = dict.fromkeys(questions, 0)
        if answers:
            distinct = list(answers)
            for number, count in await self.fetch("answer", *zip(*distinct, strict=True)):
                answers[distinct[number - 1]] = count
        return answers

    async def read_contacts(self) -> dict[int, int]:
        """See ``Store``."""
        rows = await self.fetch("read_contacts", CONTACTS)
        return {row["bucket"]: row["count"] for row in rows}

    async def read_learnt(self) -> Learnt:
        """See ``Store``."""
        known = {shard: version for shard, (version, _) in self._learnt.items()}
        for row in await self.fetch("read_learnt", list(known), list(known.values())):
            self._learnt[row["shard"]] = (row["version"], Learnt.from_bytes(row["kept"]))
        return merge(learnt for _, learnt in self._learnt.values())

    async def save(
        self, changes: Changes, versions: Mapping[str, int], window: timedelta, shard: int
    ) -> None:
        """See ``Store``."""
        writes = write_changes(changes, versions)
        learnt = self._learn(changes.lessons, changes.fade, shard)
        try:
            async with self.begin(SqlTransaction) as transaction:
                await _insert(transaction, writes)
                # From here on others wait for us: nothing is worked out any more.
                await _update(transaction, writes, window)
                await _add_up(transaction, writes, learnt, shard)
        except UniqueViolation:
            raise _conflict() from None

    def _learn(
        self, lessons: Sequence[Lesson], fade: int, shard: int
    ) -> tuple[bytes, int | None] | None:
        """A shard with these lessons, and its version before; None: nothing was learnt."""
        if not lessons:
            return None
        version, before = self._learnt.get(shard, (None, Learnt()))
        learnt = merge([before])
        learnt.fade(fade)
        learnt.learn(lessons)
        return learnt.to_bytes(), version

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


async def _insert(transaction: SqlTransaction, writes: Writes) -> None:
    """New rows, in the order of their keys so that two members cannot deadlock."""
    for table, columns, rows in (
        ("messages", MESSAGE_COLUMNS, writes.messages),
        ("nonces", NONCE_COLUMNS, writes.nonces),
        ("senders", SENDER_COLUMNS, writes.new_senders),
    ):
        if rows:
            await transaction.copy(table, columns, rows)


async def _update(transaction: SqlTransaction, writes: Writes, window: timedelta) -> None:
    """What there was, where it still is as it was read."""
    if writes.locks:
        [row] = await transaction.fetch("lock_senders", *writes.locks)
        _expect(len(writes.locks[0]), row["count"])
    await _change_all(transaction, "add_texts", writes.texts)
    await _change_all(transaction, "update_senders", writes.senders)
    if writes.answers_gone:
        await transaction.change("delete_answers", *writes.answers_gone)
    await _change_all(transaction, "put_answers", writes.answers, window)
    if writes.others_gone:
        await transaction.change("delete_other_replies", writes.others_gone)
    await _change_all(transaction, "put_other_replies", writes.others)
    await _change_all(transaction, "judge_messages", writes.judged, writes.at)
    if writes.ended:
        await transaction.change("erase_sealed", writes.ended)


async def _add_up(
    transaction: SqlTransaction,
    writes: Writes,
    learnt: tuple[bytes, int | None] | None,
    shard: int,
) -> None:
    await _change_all(transaction, "add_counts", writes.counts, shard)
    if learnt is not None:
        _expect(1, await transaction.change("save_learnt", shard, *learnt))


async def _change_all(
    transaction: SqlTransaction, name: str, columns: Columns, *arguments: Any
) -> None:
    """Run a query on these rows. Raises ``filter_conflict`` where it does not change them all."""
    if columns:
        _expect(len(columns[0]), await transaction.change(name, *columns, *arguments))


def _conflict() -> Transient:
    return Transient("another member was faster", code="filter_conflict")


def _expect(count: int, changed: int) -> None:
    if changed != count:
        raise _conflict()
