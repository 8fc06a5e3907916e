"""Gifts: whatever order they are told in and however often, the books come to the same."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.facts.records import DonationKind, DonationReported, Platform
from kernel.settings.settings import GiftsCount
from services.billing.core.gift import (
    CENTS_MAX,
    MICROEUROS_A_CENT,
    GiftRules,
    Part,
    Payment,
    Pot,
    Uncounted,
    book_told,
    left_to_transfer,
    plan_pot,
    settle_pot,
    value_payment,
)
from services.billing.core.ledger import (
    EMPTY,
    OWING,
    Account,
    Balances,
    Movement,
    Transfer,
    TransferKind,
    apply_transfers,
    donated,
    transfer,
)
from services.billing.core.posture import FIRST, Cause, take_donation, take_gifts
from tests.unit.billing.cases import EURO, NOW

DAY = timedelta(days=1)
HORIZON = 7 * DAY
CENT = MICROEUROS_A_CENT


def told(id_: str, kind: str, cents: int, *about: str, **more: Any) -> DonationReported:
    values: dict[str, Any] = {
        "source": Platform.STRIPE, "currency": "EUR", "at": NOW, "trace": "", "about": about,
    }  # fmt: skip
    return DonationReported(
        id=f"stripe:{id_}", kind=DonationKind(kind), amount_minor=cents, **values | more
    )


class Books:
    """Billing's half of gifts, at a desk."""

    def __init__(self, rules: GiftRules | None = None) -> None:
        self.rules = rules or GiftRules()
        self.parts: dict[str, Part] = {}
        self.payments: dict[str, Payment] = {}
        self.pot, self.balances = Pot(), EMPTY
        self.ids: set[str] = set()

    def tell(self, *facts: DonationReported, now: datetime = NOW) -> int:
        """Returns how many transfers came of it."""
        ids = {fact.id for fact in facts}
        about = {name for fact in facts for name in fact.about}
        touched = {p.payment for p in self.parts.values() if p.id in ids or set(p.about) & about}
        before = [p for p in self.parts.values() if p.payment in touched]
        payments = {n: self.payments[n] for n in touched if n in self.payments}
        booked = book_told(before, payments, self.pot, facts, now)
        self.parts |= {part.id: part for part in booked.parts}
        self.payments |= {one.payment: one for one in booked.payments}
        self.pot = booked.pot
        return self.settle(now, booked.transfers)

    def settle(self, now: datetime = NOW, moved: Sequence[Transfer] = ()) -> int:
        balances = apply_transfers(self.balances, moved)
        settled = settle_pot(self.pot, balances, self.held(now), self.rules, now)
        self.pot = settled.pot
        self._apply([*moved, *settled.transfers])
        return len(moved) + len(settled.transfers)

    def transfer(self, amount: int) -> bool:
        if amount > left_to_transfer(self.pot, self.rules):
            return False
        moved = self.pot.transferred_microeuros + amount
        self.pot = replace(self.pot, transferred_microeuros=moved)
        self.settle()
        return True

    def held(self, now: datetime) -> int:
        if self.rules.hold_microeuros is None:
            return 0
        return sum(
            max(one.worth_microeuros, 0)
            for one in self.payments.values()
            if one.card_microeuros >= self.rules.hold_microeuros
            and one.card_microeuros > 0
            and one.at > now - self.rules.hold_after
        )

    def _apply(self, transfers: Sequence[Transfer]) -> None:
        for moved in transfers:
            assert moved.id not in self.ids, "an id of a transfer is used once"
            self.ids.add(moved.id)
        self.balances = apply_transfers(self.balances, transfers)
        assert all(self.balances[a] >= 0 for a in Account if a not in OWING), self.balances

    @property
    def raised(self) -> int:
        return plan_pot(self.pot, 0, self.rules)[0]

    @property
    def fees(self) -> int:
        return self.balances[Account.PLATFORM_FEES]

    @property
    def available(self) -> int:
        return self.balances[Account.FUND]


def history() -> st.SearchStrategy[list[DonationReported]]:
    """What platforms may tell of a few payments, each of it as it was at some time."""
    payments = st.integers(0, 1)
    card = st.booleans()

    def gift(n: int, by_card: bool, named: bool) -> DonationReported:
        about = (f"pi_{n}", f"cs_{n}") if named else (f"cs_{n}", f"pi_{n}", f"ch_{n}")
        return told(f"session:cs_{n}", "gift", 10_000 + n, *about, card=by_card, at=NOW - n * DAY)

    def refund(n: int, which: int, rank: int) -> DonationReported:
        return told(
            f"refund:re_{n}_{which}", "refund", 10 + which, f"pi_{n}", f"ch_{n}",
            holds=rank < 3, version=rank,
        )  # fmt: skip

    def total(n: int, amount: int) -> DonationReported:
        return told(f"refunded:ch_{n}", "refund", amount, f"ch_{n}", f"pi_{n}",
                    total=True, version=amount)  # fmt: skip

    def dispute(n: int, kind: str) -> DonationReported:
        return told(f"dispute:dp_{n}:{kind}", kind, 500 + n, f"pi_{n}")

    def fee(n: int, which: int) -> DonationReported:
        return told(f"fee:txn_{n}_{which}", "fee", 25 + which, f"pi_{n}")

    def odd(n: int, currency: str, amount: int) -> DonationReported:
        return told(f"session:odd_{n}_{currency}_{amount}", "gift", amount, f"odd_{n}",
                    currency=currency)  # fmt: skip

    one = st.one_of(
        st.builds(gift, payments, card, st.booleans()),
        st.builds(refund, payments, st.integers(0, 1), st.integers(0, 3)),
        st.builds(total, payments, st.sampled_from([10, 21, 500])),
        st.builds(dispute, payments, st.sampled_from(["dispute", "reinstated"])),
        st.builds(fee, payments, st.integers(0, 1)),
        st.builds(odd, payments, st.sampled_from(["USD", "XXX"]), st.just(500)),
        st.builds(odd, payments, st.just("EUR"), st.sampled_from([0, -5, CENTS_MAX + 1])),
    )
    return st.lists(one, max_size=20)


def rules() -> st.SearchStrategy[GiftRules]:
    return st.builds(
        GiftRules, st.sampled_from(GiftsCount), st.sampled_from([None, 100 * EURO]),
        st.sampled_from([DAY, 30 * DAY]),
    )  # fmt: skip


def outcome(books: Books) -> tuple[Any, ...]:
    sums = (books.pot.worth_microeuros, books.pot.fees_microeuros)
    return (*sums, dict(books.balances))


def worth_of(facts: Sequence[DonationReported]) -> int:
    """The rules once more, in other words: by what each payment's things come to in the end."""
    last: dict[str, DonationReported] = {}
    for fact in facts:
        if fact.id not in last or fact.version >= last[fact.id].version:
            last[fact.id] = fact
    worth = 0
    for n in range(2):
        here = {i.removeprefix("stripe:"): f for i, f in last.items() if f"pi_{n}" in f.about
                or f"ch_{n}" in f.about}  # fmt: skip
        if f"session:cs_{n}" not in here:
            continue
        refunds = [f for i, f in here.items() if i.startswith("refund:")]
        held = sum(f.amount_minor for f in refunds if f.holds)
        failed = sum(f.amount_minor for f in refunds if not f.holds)
        said = here[f"refunded:ch_{n}"].amount_minor if f"refunded:ch_{n}" in here else 0
        taken = (500 + n) * (f"dispute:dp_{n}:dispute" in here)
        back = (500 + n) * (f"dispute:dp_{n}:reinstated" in here)
        worth += 10_000 + n - max(held, said - failed) - max(taken - back, 0)
    return worth * CENT


@settings(max_examples=200, deadline=None)
@given(history(), rules(), st.randoms(use_true_random=False))
def test_any_order_any_batches_any_repeats_come_to_the_same(
    facts: list[DonationReported], chosen: GiftRules, random: Any
) -> None:
    straight = Books(chosen)
    for fact in facts:
        straight.tell(fact)
    shuffled = [*facts, *random.sample(facts, len(facts) // 2)]
    random.shuffle(shuffled)
    other = Books(chosen)
    while shuffled:
        size = random.randint(1, 4)
        batch, shuffled = shuffled[:size], shuffled[size:]
        other.tell(*batch)
    expected = worth_of([f for f in facts if f.currency == "EUR" and f.amount_minor > 0])
    assert straight.pot.worth_microeuros == expected
    assert (other.pot.worth_microeuros, other.pot.fees_microeuros) == (
        straight.pot.worth_microeuros, straight.pot.fees_microeuros,
    )  # fmt: skip
    gone = {Account.SPENT_REPLY, Account.SPENT_RECEIVE, Account.RESERVED, Account.FEES}
    for books in (straight, other):
        assert books.available == donated(books.balances) - books.fees
        assert all(books.balances[account] == 0 for account in gone)


@settings(deadline=None)
@given(history(), rules())
def test_told_again_nothing_moves(facts: list[DonationReported], chosen: GiftRules) -> None:
    books = Books(chosen)
    books.tell(*facts)
    last = {fact.id: fact for fact in facts}
    before = outcome(books)
    moved = books.tell(
        *(f for f in last.values() if f.version >= 0 and f.id not in _several(facts))
    )
    assert (moved, outcome(books)) == (0, before)


def _several(facts: Sequence[DonationReported]) -> set[str]:
    """Ids that were told in two ways: the second telling of the first way is news."""
    said: dict[str, set[Any]] = {}
    for fact in facts:
        said.setdefault(fact.id, set()).add((fact.version, fact.holds, fact.card, fact.about))
    return {id_ for id_, ways in said.items() if len(ways) > 1}


@settings(deadline=None)
@given(history(), rules(), rules(), st.lists(st.integers(1, 200), max_size=4))
def test_another_setting_or_a_hold_that_ends_moves_the_difference_alone(
    facts: list[DonationReported], first: GiftRules, then: GiftRules, transfers: list[int]
) -> None:
    books, anew = Books(first), Books(then)
    for fact in facts:
        books.tell(fact)
        anew.tell(fact)
    moved = [amount * EURO for amount in transfers if books.transfer(amount * EURO)]
    anew.pot = replace(anew.pot, transferred_microeuros=sum(moved))
    books.rules = then
    later = NOW + 20 * DAY
    books.settle(later)
    anew.settle(later)
    assert books.balances == anew.balances
    assert books.settle(later) == 0


def test_raised_counts_at_once_and_fees_are_paid_from_the_fund() -> None:
    books = Books()
    books.tell(told("session:cs_1", "gift", 2000, "cs_1", "pi_1"))
    books.tell(told("fee:txn_1", "fee", 55, "pi_1"))
    assert (books.raised, books.available, books.fees) == (2000 * CENT, 1945 * CENT, 55 * CENT)
    books.tell(told("refund:re_1", "refund", 2000, "pi_1"))
    assert (books.raised, books.available, books.fees) == (0, -55 * CENT, 55 * CENT)


def test_transferred_counts_net_of_fees_and_never_more_than_was_raised() -> None:
    books = Books(GiftRules(GiftsCount.TRANSFERRED))
    books.tell(told("session:cs_1", "gift", 2000, "cs_1", "pi_1"), told("fee:t", "fee", 55, "pi_1"))
    assert (books.raised, books.available, books.fees) == (1945 * CENT, 0, 0)
    assert not books.transfer(1946 * CENT)
    assert books.transfer(1000 * CENT)
    assert books.available == 1000 * CENT
    books.tell(told("dispute:dp_1:w", "dispute", 1500, "pi_1"), told("fee:d", "fee", 1500, "pi_1"))
    assert (books.raised, books.available) == (-1055 * CENT, -1055 * CENT)


def test_a_refund_whose_gift_is_not_counted_takes_nothing_and_one_that_comes_early_waits() -> None:
    books = Books()
    books.tell(told("refund:re_1", "refund", 500, "pi_1"), told("fee:txn_1", "fee", 30, "pi_1"))
    books.tell(told("session:usd", "gift", 900, "pi_2", currency="USD"))
    books.tell(told("refund:re_2", "refund", 900, "pi_2", currency="USD"))
    assert (books.raised, books.available, books.fees) == (0, 0, 0)
    books.tell(told("session:cs_1", "gift", 2000, "cs_1", "pi_1"))
    assert (books.raised, books.fees) == (1500 * CENT, 30 * CENT)


def test_refunds_are_taken_once_whether_one_by_one_or_in_all() -> None:
    books = Books()
    books.tell(told("session:cs_1", "gift", 2000, "cs_1", "pi_1"))
    books.tell(told("refunded:ch", "refund", 300, "ch", "pi_1", total=True, version=300))
    assert books.raised == 1700 * CENT
    books.tell(told("refund:re_1", "refund", 300, "pi_1", version=0))
    assert books.raised == 1700 * CENT
    books.tell(told("refund:re_1", "refund", 300, "pi_1", holds=False, version=3))
    assert books.raised == 2000 * CENT
    books.tell(told("refund:re_1", "refund", 300, "pi_1", version=2))
    assert books.raised == 2000 * CENT, "what it was before comes late"
    books.tell(told("refund:re_2", "refund", 500, "pi_1", version=2))
    books.tell(told("refunded:ch", "refund", 800, "ch", "pi_1", total=True, version=800))
    assert books.raised == 1500 * CENT


def test_two_names_of_one_payment_that_were_taken_for_two_become_one() -> None:
    books = Books()
    books.tell(told("invoice:in_1", "gift", 1000, "in_1"))
    books.tell(told("session:cs_1", "gift", 1000, "cs_1", "pi_1"))
    books.tell(told("refund:re_1", "refund", 300, "pi_1"))
    assert books.raised == 1700 * CENT
    books.tell(told("invoice:in_1", "gift", 1, "in_1", "pi_1", version=-1))
    assert books.raised == 700 * CENT
    assert books.balances[Account.GIFTS] == -700 * CENT


def test_a_fee_that_nobody_names_a_payment_for_is_one_all_the_same() -> None:
    books = Books()
    books.tell(told("fee:txn_1", "fee", 40), told("fee:txn_2", "fee", -15))
    assert (books.raised, books.fees, books.available) == (0, 25 * CENT, -25 * CENT)


@pytest.mark.parametrize(
    ("currency", "cents", "why"),
    [
        ("EUR", 1, None), ("EUR", CENTS_MAX, None), ("EUR", CENTS_MAX + 1, Uncounted.ABSURD),
        ("EUR", 0, Uncounted.ZERO), ("EUR", -1, Uncounted.NEGATIVE), ("USD", 5, Uncounted.CURRENCY),
        ("XXX", 0, Uncounted.CURRENCY),
    ],
)  # fmt: skip
def test_euros_alone_are_counted_and_what_is_absurd_is_not(
    currency: str, cents: int, why: Uncounted | None
) -> None:
    books = Books()
    books.tell(told("session:cs_1", "gift", cents, "pi_1", currency=currency))
    [part] = books.parts.values()
    assert part.uncounted is why
    assert books.available == (cents * CENT if why is None else 0)


def test_a_hold_lets_card_gifts_of_so_much_or_more_wait() -> None:
    books = Books(GiftRules(hold_microeuros=100 * EURO, hold_after=14 * DAY))
    books.tell(told("session:a", "gift", 10_000, "pi_a", card=True))
    books.tell(told("session:b", "gift", 9_999, "pi_b", card=True))
    books.tell(told("session:c", "gift", 50_000, "pi_c", card=False))
    assert books.raised == 69_999 * CENT
    assert books.available == 59_999 * CENT
    books.settle(NOW + 14 * DAY - timedelta(seconds=1))
    assert books.available == 59_999 * CENT
    books.settle(NOW + 14 * DAY)
    assert books.available == 69_999 * CENT


def test_value_of_nothing_but_a_void_is_nothing() -> None:
    books = Books()
    books.tell(told("session:a", "gift", 10_000, "pi_a", holds=False))
    [part] = books.parts.values()
    assert value_payment("x", [part], None).worth_microeuros == 0


# -- what the posture makes of it ------------------------------------------------------------------


def with_fund(amount: int) -> Balances:
    gift = Movement(TransferKind.DONATION, Account.DONATIONS, Account.FUND, amount)
    return apply_transfers(EMPTY, [transfer(gift, "x", NOW)])


def test_a_small_gift_does_not_begin_the_pace_anew() -> None:
    first = take_donation(FIRST, with_fund(100 * EURO), NOW)
    later = take_gifts(first, with_fund(101 * EURO), EURO, HORIZON, NOW + DAY)
    assert (later.donated_at, later.at_donation) == (NOW, 101 * EURO)
    assert later.replies_before == first.replies_before


def test_the_first_gift_and_one_after_the_horizon_begin_it() -> None:
    first = take_gifts(FIRST, with_fund(5 * EURO), 5 * EURO, HORIZON, NOW)
    assert (first.donated_at, first.at_donation) == (NOW, 5 * EURO)
    again = take_gifts(first, with_fund(9 * EURO), 4 * EURO, HORIZON, NOW + HORIZON)
    assert (again.donated_at, again.at_donation) == (NOW + HORIZON, 9 * EURO)


def test_what_a_platform_takes_back_begins_no_pace_and_a_gift_after_it_is_one() -> None:
    standing = replace(take_donation(FIRST, with_fund(50 * EURO), NOW), given_then=50 * EURO)
    back = take_gifts(standing, with_fund(10 * EURO), -40 * EURO, HORIZON, NOW + 8 * DAY)
    assert (back.donated_at, back.given_then) == (NOW, 10 * EURO)
    assert back.cause is Cause.CALM
