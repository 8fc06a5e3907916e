"""Asking a platform over HTTP: what it answers, or when to ask again."""

from collections.abc import Mapping
from datetime import datetime

import structlog

from kernel.facts.records import Platform
from kernel.http.server import Reply, Unanswered, call
from kernel.values.clock import Clock
from kernel.values.errors import Transient
from services.donations.core.walk import read_retry_after
from services.donations.metrics import Metrics

LOG = structlog.get_logger("donations")

ANSWER_SECONDS_MAX = 20.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024


class Away(Transient):
    """A platform does not answer as it should.

    Attributes:
        until: it asks for patience until then; None: it does not.
        status: 0: there was no answer.
    """

    def __init__(self, code: str, *, status: int = 0, until: datetime | None = None) -> None:
        super().__init__("a platform of gifts did not answer as it should", code=code)
        self.status, self.until = status, until


class Asker:
    """Asks one platform."""

    def __init__(self, source: Platform, clock: Clock, metrics: Metrics) -> None:
        self._source, self._clock, self._metrics = source, clock, metrics

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> bytes:
        """What it answers, whole.

        Raises:
            Away: it does not, or with another status than 200.
        """
        try:
            reply = await call(
                method, url, headers=headers, body=body,
                seconds_max=ANSWER_SECONDS_MAX, bytes_max=ANSWER_BYTES_MAX,
            )  # fmt: skip
        except Unanswered:
            self._metrics.asked(self._source, "away")
            raise Away("platform_away") from None
        return self._check(reply)

    def unreadable(self) -> Away:
        """What it answered cannot be read."""
        self._metrics.asked(self._source, "unreadable")
        return Away("platform_unreadable", status=200)

    def _check(self, reply: Reply) -> bytes:
        if reply.status == 200 and reply.whole:
            self._metrics.asked(self._source, "done")
            return reply.body
        if reply.status == 200:
            raise self.unreadable()
        self._metrics.asked(self._source, "away" if reply.status >= 500 else "refused")
        LOG.warning("platform_refused", source=self._source.value, status=reply.status)
        until = read_retry_after(reply.retry_after, self._clock.now())
        raise Away(f"platform_{reply.status}", status=reply.status, until=until)
