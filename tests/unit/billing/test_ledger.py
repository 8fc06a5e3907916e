"""The ledger: it balances, it repeats nothing, and whatever is told in any order it stays right."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from kernel.facts.records import (
    DonationKind,
    DonationReported,
    Platform,
    ReceivedKind,
    ReplyChanged,
    ReplyState,
    SmsReceived,
)
from kernel.settings.settings import GiftsCount
from services.billing.core.gift import (
    GiftRules,
    Part,
    Payment,
    Pot,
    book_told,
    left_to_transfer,
    settle_pot,
)
from services.billing.core.ledger import (
    EMPTY,
    OWING,
    Account,
    Balances,
    Movement,
    Receipt,
    Transfer,
    TransferKind,
    apply_transfers,
    book_again,
    book_receipt,
    cost_received,
    donated,
    move_difference,
    open_receipt,
    transfer,
)
from services.billing.core.posture import floor_for_replies, spendable
from services.billing.core.price import NOTHING_KEPT
from services.billing.core.reply import (
    Reply,
    Reservation,
    admit_reply,
    hear_change,
    pay_reply,
    reply_unheard_of,
)
from services.billing.core.room import Load, choose_replies, plan_allowance
from services.billing.core.tariff import Basis, Cost
from tests.unit.billing.cases import (
    CALM,
    EURO,
    MINUTE,
    NOW,
    ROOM,
    RULES,
    TARIFF,
    backfilled,
    changed,
    entry,
    facts,
    judged,
    received,
)

RECEIVE = Movement(TransferKind.RECEIVE, Account.FUND, Account.SPENT_RECEIVE, 10_000)


def recount(transfers: list[Transfer]) -> Balances:
    """Balances by the transfers alone."""
    return {
        account: sum(t.amount_microeuros for t in transfers if t.credit is account)
        - sum(t.amount_microeuros for t in transfers if t.debit is account)
        for account in Account
    }


def test_a_transfer_made_twice_is_the_same() -> None:
    first, later = transfer(RECEIVE, "m-1", NOW), transfer(RECEIVE, "m-1", NOW + MINUTE)
    assert first.id == later.id
    assert len(first.id) == 32


@pytest.mark.parametrize(
    "other",
    [
        transfer(RECEIVE, "m-2", NOW),
        transfer(RECEIVE, "m-1", NOW, revision=1),
        transfer(RECEIVE._replace(kind=TransferKind.ADJUSTMENT), "m-1", NOW),
        transfer(RECEIVE._replace(credit=Account.SPENT_REPLY), "m-1", NOW),
    ],
)
def test_what_makes_it_another_one(other: Transfer) -> None:
    assert transfer(RECEIVE, "m-1", NOW).id != other.id


def test_the_adjustments_of_a_message_and_of_the_reply_to_it_are_two() -> None:
    # A reply has the id of the message it answers.
    receipt = move_difference(Account.SPENT_RECEIVE, 10_000, 12_000)
    reply = move_difference(Account.SPENT_REPLY, 150_000, 152_000)
    ids = {transfer(m, "m-1", NOW, revision=1).id for m in receipt + reply}
    assert len(ids) == 2


def test_nothing_is_moved_by_nothing_or_in_place() -> None:
    with pytest.raises(AssertionError, match="moves something"):
        transfer(RECEIVE._replace(amount_microeuros=0), "m-1", NOW)
    with pytest.raises(AssertionError):
        transfer(RECEIVE._replace(credit=Account.FUND), "m-1", NOW)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (5, 5, []),
        (5, 7, [(Account.FUND, Account.FEES, 2)]),
        (5, 1, [(Account.FEES, Account.FUND, 4)]),
    ],
)
def test_a_difference_comes_from_the_fund_or_goes_back(
    before: int, after: int, expected: list[tuple[Account, Account, int]]
) -> None:
    moved = move_difference(Account.FEES, before, after)
    assert [(m.debit, m.credit, m.amount_microeuros) for m in moved] == expected


def test_a_receipt_is_as_its_record_says() -> None:
    call = received("c-1", kind=ReceivedKind.CALL, segments=0, amount_microunits=5_000)
    assert open_receipt(call, TARIFF) == Receipt(
        "c-1", call.sender, "call", "webhook", NOW, 5_000, Basis.TOLD
    )
    assert book_receipt(open_receipt(received("c-2", segments=0), TARIFF), NOW) == []
    [booked] = book_receipt(open_receipt(received(segments=3), TARIFF), NOW)
    assert (booked.debit, booked.credit) == (Account.FUND, Account.SPENT_RECEIVE)
    assert (booked.subject, booked.amount_microeuros) == ("m-1", 30_000)


@pytest.mark.parametrize(
    ("basis", "told", "counts"),
    [
        # Repeats of what is booked, and what counts less, move nothing.
        (Basis.TARIFF, Cost(12_000, Basis.TARIFF), False),
        (Basis.DOUBTED, Cost(12_000, Basis.TARIFF), False),
        (Basis.DOUBTED, Cost(12_000, Basis.DOUBTED), False),
        (Basis.TOLD, Cost(12_000, Basis.TARIFF), False),
        (Basis.TOLD, Cost(12_000, Basis.DOUBTED), False),
        (Basis.TOLD, Cost(12_000, Basis.TOLD), False),
        (Basis.CONFIRMED, Cost(12_000, Basis.TARIFF), False),
        (Basis.CONFIRMED, Cost(12_000, Basis.DOUBTED), False),
        (Basis.CONFIRMED, Cost(12_000, Basis.TOLD), False),
        # What counts more is booked; of the log's words the latest.
        (Basis.TARIFF, Cost(12_000, Basis.DOUBTED), True),
        (Basis.TARIFF, Cost(12_000, Basis.TOLD), True),
        (Basis.DOUBTED, Cost(12_000, Basis.TOLD), True),
        (Basis.TOLD, Cost(12_000, Basis.CONFIRMED), True),
        (Basis.CONFIRMED, Cost(12_000, Basis.CONFIRMED), True),
    ],
)
def test_which_figure_counts(*, basis: Basis, told: Cost, counts: bool) -> None:
    before = replace(open_receipt(received(), TARIFF), basis=basis)
    after, transfers = book_again(before, told, NOW)
    if not counts:
        assert (after, transfers) == (before, [])
        return
    assert (after.cost_microeuros, after.basis, after.revision) == (12_000, told.basis, 1)
    [moved] = transfers
    assert moved.kind is TransferKind.ADJUSTMENT
    assert (moved.debit, moved.credit) == (Account.FUND, Account.SPENT_RECEIVE)
    assert moved.amount_microeuros == 2_000
    assert book_again(after, told, NOW).transfers == []


MESSAGES = st.builds(
    lambda log, **fields: (backfilled if log else received)(**fields),
    log=st.booleans(),
    amount_microunits=st.none() | st.sampled_from([0, 8_000, 10_000, 12_000, 90_000]),
    segments=st.integers(1, 3),
)


@given(st.lists(MESSAGES, min_size=1, max_size=8))
def test_however_often_a_message_is_told_the_books_show_what_its_receipt_says(
    told: list[SmsReceived],
) -> None:
    receipt = open_receipt(told[0], TARIFF)
    transfers = book_receipt(receipt, NOW)
    for message in told[1:]:
        receipt, moved = book_again(receipt, cost_received(message, TARIFF), NOW)
        transfers += moved
    assert len({t.id for t in transfers}) == len(transfers)
    assert apply_transfers(EMPTY, transfers) == recount(transfers)
    assert recount(transfers)[Account.SPENT_RECEIVE] == receipt.cost_microeuros
    log = [m.amount_microunits for m in told if m.source == "backfill"]
    known = [amount for amount in log if amount is not None]
    if known:
        assert (receipt.cost_microeuros, receipt.basis) == (known[-1], Basis.CONFIRMED)


IDS = st.sampled_from([f"m-{n}" for n in range(4)])
AMOUNTS = st.none() | st.sampled_from([0, 60_000, 150_000, 151_000, 400_000, 900_000])
TOLD_STATES = st.sampled_from(
    [
        ReplyState.AUTHORIZED,
        ReplyState.SENDING,
        ReplyState.SENT,
        ReplyState.DELIVERED,
        ReplyState.UNDELIVERED,
        ReplyState.FAILED,
        ReplyState.UNCERTAIN,
        ReplyState.UNRESOLVED,
    ]
)


class Books(RuleBasedStateMachine):
    """The books and the waiting room under whatever comes in, in any order, repeated."""

    def __init__(self) -> None:
        super().__init__()
        self.transfers: list[Transfer] = []
        self.balances: Balances = EMPTY
        self.receipts: dict[str, Receipt] = {}
        self.replies: dict[str, Reply] = {}
        self.entries: list[Movement] = []
        self.corrected: set[int] = set()
        self.told: list[ReplyChanged] = []
        self.standing = CALM
        self.pot, self.gift_rules = Pot(), GiftRules()
        self.parts: dict[str, Part] = {}
        self.payments: dict[str, Payment] = {}

    @initialize(count=st.sampled_from(GiftsCount), hold=st.none() | st.just(10 * EURO))
    def choose_settings(self, count: GiftsCount, hold: int | None) -> None:
        self.gift_rules = GiftRules(count, hold, timedelta(days=1))

    @rule(
        n=st.integers(0, 1),
        kind=st.sampled_from(DonationKind),
        cents=st.sampled_from([1, 999, 2000, 100_000]),
        holds=st.booleans(),
        version=st.integers(0, 2),
    )
    def tell_gift(
        self, *, n: int, kind: DonationKind, cents: int, holds: bool, version: int
    ) -> None:
        told = DonationReported(
            id=f"stripe:{kind}:{n}", trace="", at=NOW, source=Platform.STRIPE, kind=kind,
            amount_minor=cents, currency="EUR", holds=holds, version=version, card=bool(n),
            about=(f"pi_{n}",),
        )  # fmt: skip
        before = [part for part in self.parts.values() if told.about[0] in part.about]
        booked = book_told(before, self.payments, self.pot, [told], NOW)
        self.parts |= {part.id: part for part in booked.parts}
        self.payments |= {one.payment: one for one in booked.payments}
        self.pot = booked.pot
        self.settle(booked.transfers)

    @rule(amount=st.sampled_from([EURO, 15 * EURO]))
    def move_to_provider(self, amount: int) -> None:
        if amount <= left_to_transfer(self.pot, self.gift_rules):
            moved = self.pot.transferred_microeuros + amount
            self.pot = replace(self.pot, transferred_microeuros=moved)
            self.settle([])

    def settle(self, moved: Sequence[Transfer]) -> None:
        hold = self.gift_rules.hold_microeuros
        held = sum(
            max(one.worth_microeuros, 0)
            for one in self.payments.values()
            if hold is not None and one.card_microeuros >= hold
        )
        after = apply_transfers(self.balances, moved)
        settled = settle_pot(self.pot, after, held, self.gift_rules, NOW)
        self.pot = settled.pot
        reserved = self.balances[Account.RESERVED]
        self.book([*moved, *settled.transfers])
        assert self.balances[Account.RESERVED] == reserved, "nothing reserved is broken"
        if settled.difference_microeuros > 0:
            at_donation = max(self.balances[Account.FUND], 0)
            self.standing = replace(self.standing, at_donation=at_donation)

    def book(self, transfers: list[Transfer]) -> None:
        self.transfers += transfers
        self.balances = apply_transfers(self.balances, transfers)

    @rule(amount=st.sampled_from([1, EURO, 20 * EURO, 21 * EURO]), fee=st.booleans())
    def enter(self, *, amount: int, fee: bool) -> None:
        entry = Movement(TransferKind.DONATION, Account.DONATIONS, Account.FUND, amount)
        if fee:
            entry = Movement(TransferKind.FEE, Account.FUND, Account.FEES, amount)
        self.book([transfer(entry, f"entry-{len(self.entries)}", NOW)])
        self.entries.append(entry)
        if not fee:
            at_donation = max(self.balances[Account.FUND], 0)
            self.standing = replace(self.standing, at_donation=at_donation)

    @precondition(lambda self: len(self.corrected) < len(self.entries))
    @rule(data=st.data())
    def correct(self, data: Any) -> None:
        left = sorted(set(range(len(self.entries))) - self.corrected)
        number = data.draw(st.sampled_from(left))
        entry = self.entries[number]
        reversed_ = Movement(
            TransferKind.CORRECTION, entry.credit, entry.debit, entry.amount_microeuros
        )
        self.book([transfer(reversed_, f"entry-{number}", NOW)])
        self.corrected.add(number)

    @rule(message_id=IDS, log=st.booleans(), segments=st.integers(0, 2), amount=AMOUNTS)
    def receive(self, message_id: str, *, log: bool, segments: int, amount: int | None) -> None:
        told = (backfilled if log else received)(
            message_id, segments=segments, amount_microunits=amount
        )
        before = self.receipts.get(message_id)
        if before is None:
            self.receipts[message_id] = opened = open_receipt(told, TARIFF)
            self.book(book_receipt(opened, NOW))
            return
        after, transfers = book_again(before, cost_received(told, TARIFF), NOW)
        self.receipts[message_id] = after
        self.book(transfers)

    @rule(reply_id=IDS)
    def judge(self, reply_id: str) -> None:
        if reply_id not in self.replies:
            verdict = judged(reply_id)
            self.replies[reply_id] = admit_reply(verdict, TARIFF, entry())

    @rule(unread=st.sampled_from([0, 0, 3, 600]), hour=st.sampled_from([0, 0, EURO]))
    def pay(self, unread: int, hour: int) -> None:
        known = facts(
            available=self.balances[Account.FUND],
            reserved=self.balances[Account.RESERVED],
            given=donated(self.balances),
            received_last_hour=hour,
        )
        load = Load(outstanding=0, ahead_max=3, unread=unread, unread_max=500, quiet=False)
        allowance = plan_allowance(self.standing, known, load, NOTHING_KEPT, ROOM)
        waiting = [r for r in self.replies.values() if r.state is ReplyState.WAITING]
        for reply in choose_replies(waiting, allowance):
            after, transfers = pay_reply(reply, [], TARIFF, NOW)
            self.replies[reply.reply_id] = after
            self.book(transfers)
            floor = floor_for_replies(known, self.standing, RULES)
            left = self.balances[Account.FUND] - unread * TARIFF.receive_microeuros
            assert left >= floor >= RULES.floor_microeuros
            assert unread <= load.unread_max

    @rule(
        reply_id=IDS,
        sequence=st.integers(1, 6),
        state=TOLD_STATES,
        amount=AMOUNTS,
        flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
        segments=st.none() | st.integers(1, 2),
    )
    def change(
        self,
        *,
        reply_id: str,
        sequence: int,
        state: ReplyState,
        amount: int | None,
        flags: tuple[bool, bool, bool],
        segments: int | None,
    ) -> None:
        confirmed, void, final = flags
        told = changed(
            reply_id, sequence, state, 0 if void else amount,
            amount_confirmed=confirmed, nothing_charged=void, final=final, segments=segments,
        )  # fmt: skip
        self.told.append(told)
        self.hear(told)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def repeat(self, data: Any) -> None:
        told = data.draw(st.sampled_from(self.told))
        count = len(self.transfers)
        before = self.replies[told.reply_id]
        self.hear(told)
        assert len(self.transfers) == count, "a repeat moves nothing"
        assert self.replies[told.reply_id] == before

    def hear(self, told: ReplyChanged) -> None:
        before = self.replies.get(told.reply_id) or reply_unheard_of(told, NOW)
        after, transfers = hear_change(before, told, TARIFF, NOW)
        self.replies[told.reply_id] = after
        self.book(transfers)

    @invariant()
    def it_balances(self) -> None:
        assert sum(self.balances.values()) == 0
        assert self.balances == recount(self.transfers)
        assert len({t.id for t in self.transfers}) == len(self.transfers)

    @invariant()
    def nothing_is_owed(self) -> None:
        assert all(self.balances[a] >= 0 for a in Account if a not in OWING)
        assert self.balances[Account.DONATIONS] <= 0

    @invariant()
    def reserved_is_what_is_pending(self) -> None:
        pending = [r for r in self.replies.values() if r.reservation is Reservation.PENDING]
        assert self.balances[Account.RESERVED] == sum(r.price_microeuros for r in pending)
        for reply in self.replies.values():
            here = reply.state in {ReplyState.WAITING, ReplyState.EXPIRED, ReplyState.REFUSED}
            assert (reply.reservation is Reservation.NONE) is here
            assert reply.reservation is not Reservation.PENDING or not reply.cost_microeuros

    @invariant()
    def spent_is_what_was_told(self) -> None:
        replies, receipts = self.replies.values(), self.receipts.values()
        assert self.balances[Account.SPENT_REPLY] == sum(r.cost_microeuros for r in replies)
        assert self.balances[Account.SPENT_RECEIVE] == sum(r.cost_microeuros for r in receipts)

    @invariant()
    def available_is_what_is_left(self) -> None:
        given = donated(self.balances)
        gone = (
            Account.SPENT_REPLY, Account.SPENT_RECEIVE, Account.FEES, Account.RESERVED,
            Account.PLATFORM_FEES,
        )  # fmt: skip
        left = given - sum(self.balances[account] for account in gone)
        assert self.balances[Account.FUND] == left
        known = facts(available=left, reserved=self.balances[Account.RESERVED])
        assert spendable(known, self.standing, RULES) <= left - RULES.floor_microeuros


Books.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestBooks = Books.TestCase
