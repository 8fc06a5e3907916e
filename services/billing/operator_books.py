"""What the operator does with the fund and sees of it, on PostgreSQL: the whole ``OperatorStore``.

What changes the posture is decided at once, so that the answer to ``pause`` says ``suspended``.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from kernel.database.pool import Pool
from kernel.database.store import Row
from kernel.facts.records import OperatorDecided, ReplyState, SenderBlocked
from services.billing.accountant import Accountant
from services.billing.core.books import Step
from services.billing.core.gift import Part, left_to_transfer, plan_pot
from services.billing.core.ledger import (
    Account,
    Movement,
    Transfer,
    TransferKind,
    donated,
    transfer,
)
from services.billing.core.pace import HOURS_A_DAY
from services.billing.core.posture import Standing, take_back, take_donation
from services.billing.core.release import Act
from services.billing.core.reply import Entry as ReplyEntry
from services.billing.core.reply import SealedPhone, admit_test
from services.billing.core.tariff import Prices, dearer_prices
from services.billing.core.waiting import when_waited
from services.billing.gift_store import to_part
from services.billing.operator import (
    Audit,
    Cards,
    Entry,
    EntryKind,
    Fund,
    Outcome,
    ReplyWay,
    Restoration,
    SmsTest,
    Status,
    Unresolved,
    Waiting,
    Watched,
    Way,
)
from services.billing.operator import Step as WayStep
from services.billing.operator_store import PostgresDecisions
from services.billing.settings import BillingSettings
from services.billing.store import PostgresStore
from services.billing.treasurer import read_held, settle

_JUDGED, _REPLY = "judged.", "reply."


class PostgresOperatorStore(PostgresDecisions):
    """An ``OperatorStore``; see there for each method."""

    def __init__(
        self, pool: Pool, store: PostgresStore, accountant: Accountant, settings: BillingSettings
    ) -> None:
        super().__init__(pool)
        self._books, self._accountant, self._settings = store, accountant, settings

    async def read_status(self, now: datetime) -> Status:
        """See ``OperatorStore``."""
        async with self._books.transaction() as store:
            balances, standing = await store.read_balances(), await store.read_standing()
            provider, counts = await store.read_provider(), await store.read_tallies()
            floor, outlook = await self._accountant.read_outlook(store, now)
            webhook_at = (await store.fetch("read_webhook_at"))[0]["at"]
            watched = (await store.fetch("read_watched"))[0]
            day = await store.read_receiving(now - HOURS_A_DAY * self._settings.hour)
            pot, held = await store.read_pot(), await read_held(store, self._settings.gifts, now)
            lately = now - HOURS_A_DAY * self._settings.hour
            uncounted = (await store.fetch("count_uncounted", lately))[0]["count"]
        raised, _, _ = plan_pot(pot, held, self._settings.gifts)
        asked = Prices(day.receive_price_microeuros, day.reply_price_microeuros)
        return Status(
            posture=standing.posture,
            posture_cause=standing.cause,
            attached=provider.attached,
            last_webhook_at=webhook_at,
            fund=Fund(
                donated_microeuros=donated(balances),
                available_microeuros=balances[Account.FUND],
                reserved_microeuros=balances[Account.RESERVED],
                spent_receive_microeuros=balances[Account.SPENT_RECEIVE],
                spent_reply_microeuros=balances[Account.SPENT_REPLY],
                fees_microeuros=balances[Account.FEES] + balances[Account.PLATFORM_FEES],
                floor_microeuros=floor,
                provider_credit_microeuros=provider.credit_microeuros,
                raised_microeuros=raised,
                transferred_microeuros=pot.transferred_microeuros,
                held_microeuros=held,
            ),
            received=counts.get("received", 0),
            judged=_pick(counts, _JUDGED),
            replies=_pick(counts, _REPLY),
            watched=Watched(
                outlook,
                provider.checked_at,
                watched["uncertain_since"],
                watched["audit_at"] and Audit(watched["audit_at"], json.loads(watched["broken"])),
                standing.unread_at,
                dearer_prices(asked, self._settings.tariff),
                uncounted,
            ),
        )

    async def note_audit(self, audit: Audit) -> None:
        """See ``OperatorStore``."""
        await self._books.fetch("save_audit", audit.at, json.dumps(dict(audit.broken)))

    # -- the fund ---------------------------------------------------------------------------------

    async def book_entry(
        self, entry_id: str, kind: EntryKind, amount_microeuros: int, note: str, now: datetime
    ) -> Outcome:
        """See ``OperatorStore``."""
        fee = kind is EntryKind.FEE
        signed = -amount_microeuros if fee else amount_microeuros
        async with self._books.transaction() as store:
            standing = await store.load_standing()
            if not await store.fetch("add_entry", entry_id, kind, signed, note, now):
                known = (await store.fetch("load_entry", entry_id))[0]
                same = (known["kind"], known["amount_microeuros"]) == (kind, signed)
                return Outcome.REPEATED if same else Outcome.CONFLICT
            await store.add_transfers([_enter(kind, entry_id, amount_microeuros, now)])
            if not fee:
                balances = await store.read_balances()
                await store.save_standing(take_donation(standing, balances, now))
        await self._accountant.look(None, now)
        return Outcome.DONE

    async def correct_entry(
        self, entry_id: str, why: str, now: datetime, *, below_zero: bool = False
    ) -> Outcome:
        """See ``OperatorStore``."""
        async with self._books.transaction() as store:
            standing = await store.load_standing()
            found = await store.fetch("load_entry", entry_id)
            if not found:
                return Outcome.UNKNOWN
            kind, amount = EntryKind(found[0]["kind"]), found[0]["amount_microeuros"]
            if kind is EntryKind.CORRECTION:
                return Outcome.CONFLICT
            correction = f"correction:{entry_id}"
            left = (await store.read_balances())[Account.FUND] - amount
            if kind is EntryKind.DONATION and left < 0 and not below_zero:
                repeated = await store.fetch("load_entry", correction)
                return Outcome.REPEATED if repeated else Outcome.BELOW_ZERO
            if not await store.fetch(
                "add_entry", correction, EntryKind.CORRECTION, -amount, why, now
            ):
                known = (await store.fetch("load_entry", correction))[0]
                corrected = known["kind"] == EntryKind.CORRECTION
                return Outcome.REPEATED if corrected else Outcome.CONFLICT
            if kind is EntryKind.TRANSFER:
                pot = await store.load_pot()
                pot = replace(pot, transferred_microeuros=pot.transferred_microeuros - amount)
                await settle(store, standing, pot, self._settings, now)
            else:
                await store.add_transfers([_reverse(kind, entry_id, abs(amount), now)])
            if kind is EntryKind.DONATION:
                await store.save_standing(take_back(standing, await store.read_balances()))
        await self._accountant.look(None, now)
        return Outcome.DONE

    async def book_transfer(
        self, entry_id: str, amount_microeuros: int, note: str, now: datetime
    ) -> Outcome:
        """See ``OperatorStore``."""
        rules, kind = self._settings.gifts, EntryKind.TRANSFER
        async with self._books.transaction() as store:
            standing = await store.load_standing()
            known = await store.fetch("load_entry", entry_id)
            if known:
                same = (known[0]["kind"], known[0]["amount_microeuros"]) == (
                    kind,
                    amount_microeuros,
                )
                return Outcome.REPEATED if same else Outcome.CONFLICT
            pot = await store.load_pot()
            if amount_microeuros > left_to_transfer(pot, rules):
                return Outcome.BEYOND
            await store.fetch("add_entry", entry_id, kind, amount_microeuros, note, now)
            transferred = pot.transferred_microeuros + amount_microeuros
            pot = replace(pot, transferred_microeuros=transferred)
            await settle(store, standing, pot, self._settings, now)
        await self._accountant.look(None, now)
        return Outcome.DONE

    async def list_gifts(self, count_max: int) -> Sequence[Part]:
        """See ``OperatorStore``."""
        return [to_part(row) for row in await self._books.fetch("list_gift_parts", count_max)]

    async def list_uncounted(self, count_max: int) -> Sequence[Part]:
        """See ``OperatorStore``."""
        return [to_part(row) for row in await self._books.fetch("list_uncounted", count_max)]

    async def list_entries(self) -> Sequence[Entry]:
        """See ``OperatorStore``."""
        return [
            Entry(
                row["at"], EntryKind(row["kind"]), row["amount_microeuros"], row["id"], row["note"]
            )
            for row in await self._books.fetch("list_entries")
        ]

    # -- the posture ------------------------------------------------------------------------------

    async def pause(self, reason: str, now: datetime) -> Outcome:
        """See ``OperatorStore``."""
        return await self._wish(paused=reason, now=now)

    async def resume(self, now: datetime) -> Outcome:
        """See ``OperatorStore``."""
        found = await self.read_restoration()
        if found is not None and not found.resumed and found.reconciled_at is None:
            return Outcome.CONFLICT
        return await self._wish(paused=None, now=now)

    async def read_restoration(self) -> Restoration | None:
        """See ``OperatorStore``."""
        rows = await self._books.fetch("read_restoration")
        return Restoration(**rows[0]) if rows else None

    async def _wish(self, *, paused: str | None, now: datetime) -> Outcome:
        async with self._books.transaction() as store:
            standing = await store.load_standing()
            restored = None if paused is None else standing.restored
            changed = (standing.paused is None) is not (paused is None)
            changed |= standing.restored != restored
            if changed:
                await store.save_standing(replace(standing, paused=paused, restored=restored))
        await self._accountant.look(None, now)
        return Outcome.DONE if changed else Outcome.REPEATED

    async def read_waiting(self) -> Waiting:
        """See ``OperatorStore``."""
        row = (await self._books.fetch("read_waiting"))[0]
        return Waiting(row["count"], row["cost"])

    async def list_cards(self, count_max: int, now: datetime) -> Cards:
        """See ``OperatorStore``."""
        settings = self._settings
        async with self._books.transaction() as store:
            shown = settings.advance(await store.read_standing(), now).shown
            waiting = (await store.read_tallies()).get(f"{_REPLY}waiting", 0)
            cards = await store.load_cards(count_max)
        return Cards(
            waiting,
            [
                (card, when_waited(now, card.left(shown, settings.wait_longest), settings.quiet))
                for card in cards
            ],
        )

    async def release(self, act: Act) -> Outcome:
        """See ``OperatorStore``."""
        return await self._accountant.release(act)

    async def attach(self, *, attach: bool, now: datetime) -> Outcome:
        """See ``OperatorStore``."""
        async with self._books.transaction() as store:
            standing: Standing = await store.load_standing()
            changed = standing.detached is attach
            if changed:
                await store.save_standing(replace(standing, detached=not attach))
        await self._accountant.look(None, now)
        return Outcome.DONE if changed else Outcome.REPEATED

    # -- senders ----------------------------------------------------------------------------------

    async def set_blocked(self, change: SenderBlocked) -> Outcome:
        """See ``OperatorStore``. What still waits for a blocked sender is refused."""
        outcome = await super().set_blocked(change)
        if change.blocked:
            await self._accountant.refuse_blocked(change.sender, change.at)
        return outcome

    async def explain_sender(self, sender: str, count_max: int) -> Sequence[Way]:
        """See ``OperatorStore``."""
        return await self._explain(await self._books.fetch("explain_sender", sender, count_max))

    async def explain_message(self, message_id: str) -> Way | None:
        """See ``OperatorStore``."""
        ways = await self._explain(await self._books.fetch("explain_message", message_id))
        return ways[0] if ways else None

    async def _explain(self, rows: Sequence[Row]) -> list[Way]:
        found = await self._books.fetch("explain_replies", [row["id"] for row in rows])
        steps: defaultdict[str, list[Row]] = defaultdict(list)
        for step in found:
            steps[step["reply_id"]].append(step)
        return [_describe_way(row, steps[row["id"]]) for row in rows]

    async def add_test(self, test: SmsTest, now: datetime) -> Outcome:
        """See ``OperatorStore``."""
        settings = self._settings
        async with self._books.transaction() as store:
            clock = settings.advance(await store.read_standing(), now)
            entry = ReplyEntry(clock.shown, settings.age, now)
            phone = SealedPhone(test.sender, test.sender_sealed)
            reply = admit_test(test.id, phone, settings.tariff, entry)
            if not await store.add_replies([reply]):
                known = (await store.load_replies([test.id]))[test.id]
                return Outcome.REPEATED if known.sender == test.sender else Outcome.CONFLICT
            await store.add_steps([Step(reply.reply_id, now, reply.state, reply.reason)])
            await store.add_tallies({f"{_REPLY}{reply.state}": 1})
        self._accountant.note_decided([reply])
        return Outcome.DONE

    # -- what only a person can decide ------------------------------------------------------------

    async def list_unresolved(self) -> Sequence[Unresolved]:
        """See ``OperatorStore``."""
        return [
            Unresolved(row["reply_id"], row["changed_at"], row["price_microeuros"], row["reason"])
            for row in await self._books.fetch("list_unresolved")
        ]

    async def decide_unresolved(self, decided: OperatorDecided) -> Outcome:
        """See ``OperatorStore``."""
        reply_id = decided.reply_id or ""
        async with self._books.transaction() as store:
            found = await store.load_replies([reply_id])
        if reply_id not in found:
            return Outcome.UNKNOWN
        unresolved = found[reply_id].state is ReplyState.UNRESOLVED
        return await self.decide(decided, unresolved=unresolved)


def _pick(counts: dict[str, int], prefix: str) -> dict[str, int]:
    return {n.removeprefix(prefix): count for n, count in counts.items() if n.startswith(prefix)}


def _enter(kind: EntryKind, entry_id: str, amount: int, now: datetime) -> Transfer:
    if kind is EntryKind.FEE:
        movement = Movement(TransferKind.FEE, Account.FUND, Account.FEES, amount)
    else:
        movement = Movement(TransferKind.DONATION, Account.DONATIONS, Account.FUND, amount)
    return transfer(movement, entry_id, now)


def _reverse(kind: EntryKind, entry_id: str, amount: int, now: datetime) -> Transfer:
    came_from = Account.FEES if kind is EntryKind.FEE else Account.FUND
    goes_to = Account.FUND if kind is EntryKind.FEE else Account.DONATIONS
    movement = Movement(TransferKind.CORRECTION, came_from, goes_to, amount)
    return transfer(movement, entry_id, now)


def _describe_way(row: Row, steps: Sequence[Row]) -> Way:
    basis: dict[str, Any] = json.loads(row["basis"]) if row["basis"] else {}
    return Way(
        id=row["id"],
        kind="message" if row["kind"] == "reply" else row["kind"],
        received_at=row["received_at"],
        cost_microeuros=row["cost_microeuros"],
        verdict=row["decision"],
        reason=row["reason"],
        basis=basis,
        due_at=row["due_at"],
        reply=_describe_reply(steps) if steps else None,
    )


def _describe_reply(steps: Sequence[Row]) -> ReplyWay:
    last = steps[-1]
    return ReplyWay(
        steps=[WayStep(step["at"], step["state"], step["reason"]) for step in steps],
        price_microeuros=last["price_microeuros"],
        cost_microeuros=None if last["basis"] is None else last["cost_microeuros"],
    )
