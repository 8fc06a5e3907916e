"""Erasing a sender: from the evidence, from the topics, and from the bytes under both.

What a case holds stays. What the topics hold of him is redacted as soon as every group has read it.
A row that was deleted is still in its file and in the write-ahead log, so both are written anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog

from kernel.database.store import scrub
from kernel.facts.topics import READS, dead
from kernel.log.port import Log
from services.evidence.core.case import Hold
from services.evidence.core.redaction import redact
from services.evidence.metrics import Metrics
from services.evidence.store import Store

LOG = structlog.get_logger("evidence")


@dataclass(frozen=True, slots=True)
class Erasure:
    """What came of an erasure.

    Attributes:
        erased: records.
        holds: the cases that hold what was not erased.
        remains: what could not be erased now, each a sentence that says until when.
    """

    erased: int
    holds: Sequence[Hold]
    remains: list[str] = field(default_factory=list)


class Eraser:
    """Erases senders.

    Args:
        database_url: a login that owns the tables, or may not: then the bytes stay until vacuumed.
        kafka: the log keeps the bytes of what it dropped for a while.
    """

    def __init__(
        self, store: Store, log: Log, database_url: str, metrics: Metrics, *, kafka: bool = False
    ) -> None:
        self._store, self._log, self._metrics = store, log, metrics
        self._database_url, self._kafka = database_url, kafka

    async def erase(self, sender: str, now: datetime) -> Erasure:
        """Erase what no case holds of a sender."""
        erased = await self._store.erase_subject(sender, now)
        holds = await self._store.load_holds(sender, now)
        remains: list[str] = []
        unread = await self._forget(sender)
        if unread:
            remains.append(
                f"{unread} records of the topics: this log cannot change them, or not every "
                "service has read them yet; they go with their retention, or ask again"
            )
        if self._kafka:
            remains.append(
                "bytes of what the topics dropped: the broker deletes them with their segment, "
                "within a seventh of the topic's retention"
            )
        remains += await self._scrub()
        LOG.info("subject_erased", erased=erased, held=bool(holds), unread=unread)
        if erased:
            self._metrics.erased("request", erased)
        return Erasure(erased, holds, remains)

    async def _forget(self, sender: str) -> int:
        """Redact the topics. Returns how many records of the sender's are left as they were."""
        unread = 0
        for topic in sorted({topic for topics in READS.values() for topic in topics}):
            groups = [group for group, topics in READS.items() if topic in topics]
            for name, readers in ((topic, groups), (dead(topic), [])):
                unread += await self._log.forget(
                    name, sender.encode(), readers, partial(redact, name)
                )
        return unread

    async def _scrub(self) -> list[str]:
        """Write tables and write-ahead log anew, without what was deleted."""
        if await scrub(self._database_url):
            return []
        LOG.warning("scrub_failed")
        return [
            "bytes of deleted rows in the database's files: let its owner run VACUUM FULL and "
            "CHECKPOINT"
        ]
