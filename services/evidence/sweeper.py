"""Erasing what is past its time: beside the log, in bounded parts, and it fails alone.

One look takes at most one full part; what is left is looked at soon after. The next time is planned
before anything is tried: an erasure that fails is due again with the next round, not at once.
"""

from collections import Counter
from datetime import datetime, timedelta

import structlog

from kernel.values.errors import AntirelouError
from services.evidence.core.entry import NOBODY, START, Place
from services.evidence.metrics import Metrics
from services.evidence.settings import Retention
from services.evidence.store import Store

LOG = structlog.get_logger("evidence")

RECORDS_MAX = 1000
"""Records that one part looks at."""
OBJECTORS_MAX = 100
RECORDS_EACH_MAX = 50
"""People who objected, and records of each, in one part."""
REST = timedelta(seconds=1)
"""Between two parts."""


class Sweeper:
    """Erases what is past its time and held by no case."""

    def __init__(self, store: Store, retention: Retention, metrics: Metrics) -> None:
        self._store, self._retention, self._metrics = store, retention, metrics
        self._at: datetime | None = None
        self._place: Place | None = START
        self._objector = NOBODY

    async def look(self, now: datetime) -> datetime:
        """Do a part, if it is time. Returns when to look again; never raises."""
        if self._at is not None and now < self._at:
            return self._at
        self._at = now + self._retention.every
        more, outcome = False, "failed"
        try:
            more = await self._do_part(now)
            outcome = "done"
        except AntirelouError as error:
            LOG.warning("erasure_failed", code=error.code)
        except Exception:
            LOG.exception("erasure_failed")
        self._metrics.swept(outcome)
        if more:
            self._at = min(self._at, now + REST)
        else:
            self._place, self._objector = START, NOBODY
        return self._at

    async def _do_part(self, now: datetime) -> bool:
        """Erase some. Returns whether there may be more."""
        counts = Counter[str]()
        more = await self._erase_expired(now, counts) or await self._erase_objected(now, counts)
        if counts:
            LOG.info("records_erased", **counts)
        for why, count in counts.items():
            self._metrics.erased(why, count)
        return more

    async def _erase_expired(self, now: datetime, counts: Counter[str]) -> bool:
        if self._place is None:
            return False
        before = now - self._retention.retain
        erased, last = await self._store.erase_expired(before, now, self._place, RECORDS_MAX)
        counts.update({"retention": erased} if erased else {})
        self._place = last
        return last is not None

    async def _erase_objected(self, now: datetime, counts: Counter[str]) -> bool:
        before = now - self._retention.retain_objected
        erased, last = await self._store.erase_objected(
            before, now, self._objector, OBJECTORS_MAX, RECORDS_EACH_MAX
        )
        counts.update({"objection": erased} if erased else {})
        if erased:  # there may be more of the same
            return True
        self._objector = last or NOBODY
        return last is not None
