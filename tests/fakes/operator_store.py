"""The operator's store in memory, for tests of the API alone. ``away`` is its fault."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from kernel.facts.records import OperatorDecided, Posture, SenderBlocked
from kernel.facts.topics import outgoing
from kernel.log.port import Outgoing
from kernel.values.errors import Transient
from services.billing.core.gift import Part
from services.billing.operator import (
    Audit,
    Block,
    Entry,
    EntryKind,
    Fund,
    Outcome,
    Restoration,
    SmsTest,
    Status,
    Unresolved,
    Waiting,
    Way,
)


class FakeOperatorStore:
    """An ``OperatorStore``.

    Attributes:
        away: while True every call raises ``Transient``.
        ways: by message id; who sent it is in ``senders``.
        told: what is to be appended.
    """

    def __init__(self) -> None:
        self.away = False
        self.entries: dict[str, Entry] = {}
        self.paused = ""
        self.restoration: Restoration | None = None
        self.attached = True
        self.blocked: dict[str, datetime] = {}
        self.ways: dict[str, Way] = {}
        self.senders: dict[str, str] = {}
        self.tests: dict[str, SmsTest] = {}
        self.unresolved: dict[str, Unresolved] = {}
        self.decided: dict[str, OperatorDecided] = {}
        self.waiting = Waiting(0, 0)
        self.received, self.judged = 0, dict[str, int]()
        self.told: list[Outgoing] = []
        self.audit: Audit | None = None
        self.raised, self.parts = 0, list[Part]()

    async def read_status(self, now: datetime) -> Status:
        self._check()
        gifts = sum(self._total(kind) for kind in (EntryKind.DONATION, EntryKind.CORRECTION))
        fees = -self._total(EntryKind.FEE)
        fund = Fund(gifts, gifts - fees, 0, 0, 0, fees, 20_000_000, None)
        posture = Posture.SUSPENDED if self.paused else Posture.NORMAL
        cause = "operator" if self.paused else "calm"
        return Status(
            posture, cause, self.attached, None, fund, self.received, dict(self.judged), {}
        )

    async def book_entry(
        self, entry_id: str, kind: EntryKind, amount_microeuros: int, note: str, now: datetime
    ) -> Outcome:
        self._check()
        signed = -amount_microeuros if kind is EntryKind.FEE else amount_microeuros
        known = self.entries.get(entry_id)
        if known:
            same = (known.kind, known.amount_microeuros) == (kind, signed)
            return Outcome.REPEATED if same else Outcome.CONFLICT
        self.entries[entry_id] = Entry(now, kind, signed, entry_id, note)
        return Outcome.DONE

    async def correct_entry(
        self, entry_id: str, why: str, now: datetime, *, below_zero: bool = False
    ) -> Outcome:
        self._check()
        entry = self.entries.get(entry_id)
        if entry is None:
            return Outcome.UNKNOWN
        if entry.kind is EntryKind.CORRECTION:
            return Outcome.CONFLICT
        name = f"correction:{entry_id}"
        if name in self.entries:
            return Outcome.REPEATED
        left = sum(one.amount_microeuros for one in self.entries.values())
        if left < entry.amount_microeuros > 0 and not below_zero:
            return Outcome.BELOW_ZERO
        self.entries[name] = Entry(now, EntryKind.CORRECTION, -entry.amount_microeuros, name, why)
        return Outcome.DONE

    async def book_transfer(
        self, entry_id: str, amount_microeuros: int, note: str, now: datetime
    ) -> Outcome:
        self._check()
        known = self.entries.get(entry_id)
        if known:
            same = (known.kind, known.amount_microeuros) == (EntryKind.TRANSFER, amount_microeuros)
            return Outcome.REPEATED if same else Outcome.CONFLICT
        if amount_microeuros > self.raised - self._total(EntryKind.TRANSFER):
            return Outcome.BEYOND
        self.entries[entry_id] = Entry(now, EntryKind.TRANSFER, amount_microeuros, entry_id, note)
        return Outcome.DONE

    async def list_gifts(self, count_max: int) -> Sequence[Part]:
        self._check()
        return self.parts[:count_max]

    async def list_uncounted(self, count_max: int) -> Sequence[Part]:
        self._check()
        return [part for part in self.parts if part.uncounted][:count_max]

    async def list_entries(self) -> Sequence[Entry]:
        self._check()
        return list(self.entries.values())

    async def pause(self, reason: str, now: datetime) -> Outcome:
        self._check()
        changed = not self.paused
        self.paused = self.paused or reason
        return Outcome.DONE if changed else Outcome.REPEATED

    async def resume(self, now: datetime) -> Outcome:
        self._check()
        if self.restoration is not None and self.restoration.reconciled_at is None:
            return Outcome.CONFLICT
        changed, self.paused = bool(self.paused), ""
        return Outcome.DONE if changed else Outcome.REPEATED

    async def read_restoration(self) -> Restoration | None:
        self._check()
        return self.restoration

    async def read_waiting(self) -> Waiting:
        self._check()
        return self.waiting

    async def attach(self, *, attach: bool, now: datetime) -> Outcome:
        self._check()
        changed, self.attached = self.attached != attach, attach
        return Outcome.DONE if changed else Outcome.REPEATED

    async def set_blocked(self, change: SenderBlocked) -> Outcome:
        self._check()
        if (change.sender in self.blocked) == change.blocked:
            return Outcome.REPEATED
        if change.blocked:
            self.blocked[change.sender] = change.at
        else:
            del self.blocked[change.sender]
        self.told.append(outgoing(change))
        return Outcome.DONE

    async def list_blocks(self) -> Sequence[Block]:
        self._check()
        return [Block(sender, at) for sender, at in reversed(self.blocked.items())]

    async def explain_sender(self, sender: str, count_max: int) -> Sequence[Way]:
        self._check()
        return [way for way in self.ways.values() if self.senders.get(way.id) == sender][:count_max]

    async def explain_message(self, message_id: str) -> Way | None:
        self._check()
        return self.ways.get(message_id)

    async def add_test(self, test: SmsTest, now: datetime) -> Outcome:
        self._check()
        known = self.tests.setdefault(test.id, test)
        self.ways.setdefault(test.id, Way(test.id, "test", now, None))
        if known is test:
            return Outcome.DONE
        return Outcome.REPEATED if known.sender == test.sender else Outcome.CONFLICT

    async def list_unresolved(self) -> Sequence[Unresolved]:
        self._check()
        return [u for u in self.unresolved.values() if u.id not in self.decided]

    async def decide_unresolved(self, decided: OperatorDecided) -> Outcome:
        self._check()
        reply_id = decided.reply_id or ""
        if reply_id not in self.unresolved:
            return Outcome.UNKNOWN
        if reply_id in self.decided:
            same = self.decided[reply_id].action is decided.action
            return Outcome.REPEATED if same else Outcome.CONFLICT
        self.decided[reply_id] = decided
        self.told.append(outgoing(decided))
        return Outcome.DONE

    async def ask_backfill(self, decided: OperatorDecided) -> Outcome:
        self._check()
        self.told.append(outgoing(decided))
        return Outcome.DONE

    async def note_audit(self, audit: Audit) -> None:
        self._check()
        self.audit = audit

    async def tell(self, append: Callable[[Sequence[Outgoing]], Awaitable[None]]) -> int:
        self._check()
        records = list(self.told)
        if records:
            await append(records)
        del self.told[: len(records)]
        return len(records)

    def _total(self, kind: EntryKind) -> int:
        return sum(e.amount_microeuros for e in self.entries.values() if e.kind is kind)

    def _check(self) -> None:
        if self.away:
            raise Transient("the connection to the database is lost", code="database_away")
