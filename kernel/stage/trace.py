"""A message's way in the log: a line at each stage by its trace; no flood fills a disk with them.

Each stage says of each record that it handled what a person would ask: codes, never a number, a
text or a pseudonym. In a flood most are left out, and how many is said; at ``debug`` none is.
"""

import logging
import re
from collections.abc import Mapping, Sequence

import structlog

from kernel.facts.records import (
    PostureChanged,
    Record,
    ReplyAuthorized,
    ReplyChanged,
    SmsJudged,
    SmsReceived,
    SmsReported,
)

LOG = structlog.get_logger("trace")

LINES_AT_ONCE, LINES_A_SECOND = 300, 1.0
"""Of one stage: at 250 bytes a line five stages write 110 MB a day at the most, and 0.1 messages a
second, the average of the weekend of October 2017, are followed every one."""

FACTS: Mapping[type[Record], Sequence[str]] = {
    SmsReceived: ("kind", "source"),
    SmsReported: ("status",),
    SmsJudged: ("decision", "reason"),
    ReplyAuthorized: ("kind", "price_microeuros"),
    ReplyChanged: ("by", "sequence", "state"),
    PostureChanged: ("sequence", "posture"),
}
"""What a line says of a record beside its topic and its trace."""

_WORD = re.compile(r"[a-z_]{1,32}")
"""What is no such word, as a provider's status might be, is not said: it could be a number."""


class LineBudget:
    """How many lines may still be written: so many at once, then so many a second."""

    def __init__(self, at_once: int = LINES_AT_ONCE, a_second: float = LINES_A_SECOND) -> None:
        self._at_once, self._a_second = at_once, a_second
        self._left, self._at = float(at_once), float("-inf")
        self._left_out = 0

    def take(self, count: int, now: float) -> int:
        """Of so many lines, how many may be written; the others are counted as left out.

        Args:
            now: monotonic seconds.
        """
        if self._at < now:
            gained = (now - self._at) * self._a_second
            self._left, self._at = min(self._left + gained, self._at_once), now
        given = min(count, int(self._left))
        self._left -= given
        self._left_out += count - given
        return given

    def settle(self) -> int:
        """How many were left out since this was last asked."""
        left_out, self._left_out = self._left_out, 0
        return left_out


class Follower:
    """Writes the lines of one stage.

    Args:
        service: its name.
    """

    def __init__(self, service: str, budget: LineBudget | None = None) -> None:
        self._service, self._budget = service, budget or LineBudget()

    def follow(self, records: Sequence[Record], now: float) -> None:
        """A line for each of these that was handled, within the budget; at ``debug`` for all.

        Args:
            now: monotonic seconds.
        """
        told = len(records)
        if not LOG.is_enabled_for(logging.DEBUG):
            told = self._budget.take(told, now)
        if told and (left_out := self._budget.settle()):
            LOG.info("lines_left_out", service=self._service, count=left_out)
        for record in records[:told]:
            LOG.info(
                "handled",
                service=self._service,
                topic=record.TOPIC,
                trace=record.trace,
                **facts_of(record),
            )


def facts_of(record: Record) -> Mapping[str, str | int]:
    """The facts that a line says of a record."""
    values = {name: getattr(record, name) for name in FACTS.get(type(record), ())}
    return {
        name: "other" if isinstance(value, str) and not _WORD.fullmatch(value) else value
        for name, value in values.items()
    }
