"""The replies of the store in memory, with what is looked up often kept in order."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from kernel.facts.records import ReplyKind, ReplyState
from services.billing.core.reply import ENDED_HERE, Reply, Reservation
from services.billing.core.room import order_of

_REPORTED = frozenset({ReplyState.DELIVERED, ReplyState.UNDELIVERED, ReplyState.FAILED})


def _tells_of_delivery(reply: Reply) -> bool:
    """Whether it ended; that the operator declared it never sent says nothing."""
    voided = reply.state is ReplyState.FAILED and reply.reason == "operator"
    return reply.state in _REPORTED and not voided


@dataclass(slots=True)
class ReplyTable:
    """Replies by id.

    Attributes:
        room: who waits, by ``order_of``.
        entered: who waits, by when he began to.
        of_sender: who waits, by sender.
        reported: replies with a final report, by when it came.
        told_later, authorized: ids of those that are to be told, and of those authorised.
    """

    rows: dict[str, Reply] = field(default_factory=dict)
    room: list[tuple[bool, float, str]] = field(default_factory=list)
    entered: list[tuple[timedelta, str]] = field(default_factory=list)
    of_sender: dict[str, dict[str, None]] = field(default_factory=dict)
    reported: list[tuple[datetime, str]] = field(default_factory=list)
    told_later: dict[str, None] = field(default_factory=dict)
    authorized: dict[str, None] = field(default_factory=dict)

    def copy(self) -> "ReplyTable":
        """A snapshot."""
        return ReplyTable(
            dict(self.rows),
            list(self.room),
            list(self.entered),
            {sender: dict(ids) for sender, ids in self.of_sender.items()},
            list(self.reported),
            dict(self.told_later),
            dict(self.authorized),
        )

    def put(self, reply: Reply) -> None:
        """Insert or overwrite."""
        _check(reply)
        before = self.rows.get(reply.reply_id)
        if before is not None:
            self._drop(before)
        self.rows[reply.reply_id] = reply
        reply_id = reply.reply_id
        if reply.state is ReplyState.WAITING:
            insort(self.room, order_of(reply))
            insort(self.entered, (reply.entered, reply_id))
            self.of_sender.setdefault(reply.sender, {})[reply_id] = None
        elif _tells_of_delivery(reply):
            insort(self.reported, (reply.changed_at, reply_id))
        if reply.state is ReplyState.AUTHORIZED:
            self.authorized[reply_id] = None
        if _is_untold(reply):
            self.told_later[reply_id] = None

    def _drop(self, reply: Reply) -> None:
        reply_id = reply.reply_id
        if reply.state is ReplyState.WAITING:
            del self.room[bisect_left(self.room, order_of(reply))]
            del self.entered[bisect_left(self.entered, (reply.entered, reply_id))]
            del self.of_sender[reply.sender][reply_id]
            if not self.of_sender[reply.sender]:
                del self.of_sender[reply.sender]
        elif _tells_of_delivery(reply):
            del self.reported[bisect_left(self.reported, (reply.changed_at, reply_id))]
        self.authorized.pop(reply_id, None)
        self.told_later.pop(reply_id, None)

    def waiting(self, count: int, *, tests_only: bool, tests: bool = True) -> list[Reply]:
        """The next in the room; without ``tests``: the next that are none."""
        first = 0 if tests else bisect_left(self.room, (True,))
        chosen = (self.rows[reply_id] for _, _, reply_id in islice(self.room, first, None))
        if tests_only:  # they are the first
            chosen = (reply for reply in islice(chosen, count) if reply.kind is ReplyKind.TEST)
        return list(islice(chosen, count))

    def last_rank(self) -> float:
        """The least rank in the room, tests left out; 0.0: nobody is there."""
        last = self.room[-1] if self.room else None
        return -last[1] if last is not None and last[0] else 0.0

    def waiting_of(self, senders: Iterable[str]) -> list[Reply]:
        """What waits for these senders."""
        ids = (reply_id for sender in set(senders) for reply_id in self.of_sender.get(sender, ()))
        return [self.rows[reply_id] for reply_id in sorted(ids)]

    def entered_before(self, shown: timedelta, count: int) -> list[Reply]:
        """Who began to wait before that, the longest first."""
        until = bisect_left(self.entered, (shown, ""))
        return [self.rows[reply_id] for _, reply_id in self.entered[: min(until, count)]]

    def last_reported(self, count: int) -> Sequence[Reply]:
        """Those with the latest final reports, the latest first."""
        return [self.rows[reply_id] for _, reply_id in reversed(self.reported[-count:])]

    def untold(self, of: Iterable[str], before: datetime, count: int) -> list[Reply]:
        """Those to be told, in the order of their change: of these, and of what is so old."""
        named = set(of)
        found = [self.rows[reply_id] for reply_id in self.told_later]
        found = [r for r in found if r.changed_at <= before or r.reply_id in named]
        return sorted(found, key=lambda reply: (reply.changed_at, reply.reply_id))[:count]

    def unanswered(self, told_before: datetime, count: int) -> list[Reply]:
        """Authorised ones that were told before that, and nobody answered."""
        found = [
            (reply.told_at, reply_id, reply)
            for reply_id in self.authorized
            if not (reply := self.rows[reply_id]).sequence and reply.told_at
        ]
        return [reply for at, _, reply in sorted(found)[:count] if at < told_before]


def _is_untold(reply: Reply) -> bool:
    if reply.told_at is not None:
        return False
    authorized = reply.state is ReplyState.AUTHORIZED and reply.sender_sealed is not None
    return authorized or reply.state in ENDED_HERE


def _check(reply: Reply) -> None:
    """As the constraints of the table do."""
    here = reply.state in ENDED_HERE or reply.state is ReplyState.WAITING
    assert (reply.reservation is Reservation.NONE) is here, reply.state
    assert reply.state not in ENDED_HERE or reply.sender_sealed is None
    assert reply.state is not ReplyState.WAITING or reply.sender_sealed
    assert reply.cost_microeuros >= 0
