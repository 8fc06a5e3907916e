"""Stripe's events: what each says of money, whatever order and shape they come in."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import DonationKind, DonationReported, encode
from services.donations.core.stripe import (
    EVENT_KINDS,
    Balance,
    Unreadable,
    choose_until,
    compare_balance,
    read_balance,
    read_event,
    read_list,
    report_event,
    report_fee,
)
from tests.unit.donations.test_walk import fact

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2017, 10, 27, tzinfo=UTC)
HOUR = timedelta(hours=1)


def event(kind: str, subject: dict[str, Any], **more: Any) -> bytes:
    whole = {"id": "evt_1", "object": "event", "type": kind, "livemode": True,
             "created": int(NOW.timestamp()), "data": {"object": subject}}  # fmt: skip
    return json.dumps(whole | more).encode()


def report(kind: str, *, since: datetime = LONG_AGO, **subject: Any) -> list[DonationReported]:
    return report_event(read_event(event(kind, subject)), since)


SESSION: dict[str, Any] = {
    "id": "cs_1", "amount_total": 2000, "currency": "eur", "payment_status": "paid",
    "payment_intent": "pi_1", "mode": "payment",
}  # fmt: skip
COMPLETED, LATER = "checkout.session.completed", "checkout.session.async_payment_succeeded"
REFUND: dict[str, Any] = {
    "id": "re_1",
    "amount": 500,
    "currency": "eur",
    "payment_intent": "pi_1",
    "charge": "ch",
}
DISPUTE: dict[str, Any] = {
    "id": "dp_1", "amount": 500, "currency": "eur", "charge": "ch", "payment_intent": "pi_1",
    "status": "lost",
    "balance_transactions": [{"id": "txn_1", "amount": -500, "fee": 1500, "currency": "eur"}],
}  # fmt: skip


def test_a_session_that_is_paid_is_a_gift() -> None:
    [gift] = report(COMPLETED, **SESSION)
    assert (gift.id, gift.kind) == ("stripe:session:cs_1", DonationKind.GIFT)
    assert (gift.amount_minor, gift.currency, gift.at) == (2000, "EUR", NOW)
    assert (gift.about, gift.card) == (("cs_1", "pi_1"), True)
    [later] = report(LATER, **SESSION)
    assert (later.id, later.card) == (gift.id, False)
    assert not report(COMPLETED, **SESSION | {"payment_method_types": ["sepa_debit"]})[0].card


@pytest.mark.parametrize("status", ["unpaid", "no_payment_required", None])
def test_one_that_is_not_paid_is_none(status: str | None) -> None:
    assert report(COMPLETED, **SESSION | {"payment_status": status}) == []
    assert report("checkout.session.async_payment_failed", **SESSION) == []


def test_a_session_and_its_invoice_are_one_gift() -> None:
    monthly = SESSION | {"mode": "subscription", "invoice": "in_1", "payment_intent": None}
    [gift] = report(COMPLETED, **monthly)
    [paid] = report("invoice.paid", id="in_1", amount_paid=2000, currency="eur", charge="ch_1")
    [named] = report(
        "invoice_payment.paid", invoice="in_1", amount_paid=2000, currency="eur",
        payment={"type": "payment_intent", "payment_intent": "pi_1"},
    )  # fmt: skip
    assert gift.id == paid.id == named.id == "stripe:invoice:in_1"
    assert named.version < paid.version
    assert named.about == ("in_1", "pi_1")
    assert report(COMPLETED, **monthly | {"invoice": None}) == []
    nested = {"data": [{"payment": {"payment_intent": {"id": "pi_9", "object": "payment_intent"}}}]}
    [newer] = report("invoice.paid", id="in_1", amount_paid=1, currency="eur", payments=nested)
    assert newer.about == ("in_1", "pi_9")


@pytest.mark.parametrize(
    ("status", "holds"),
    [("pending", True), ("requires_action", True), ("succeeded", True), ("failed", False),
     ("canceled", False), ("of_tomorrow", True)],
)  # fmt: skip
def test_a_refund_holds_until_it_fails(status: str, *, holds: bool) -> None:
    for kind in ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated"):
        [refund] = report(kind, **REFUND | {"status": status})
        assert (refund.id, refund.holds) == ("stripe:refund:re_1", holds)
        assert refund.about == ("pi_1", "ch")


def test_the_last_state_of_a_refund_counts_whatever_comes_last() -> None:
    ways = ["pending", "requires_action", "succeeded", "failed"]
    told = [report("refund.updated", **REFUND | {"status": way})[0] for way in ways]
    assert [one.version for one in told] == sorted(one.version for one in told)


def test_a_charge_tells_what_is_refunded_in_all() -> None:
    charge: dict[str, Any] = {
        "id": "ch", "amount_refunded": 800, "currency": "eur", "payment_intent": "pi_1",
        "refunds": {"data": [REFUND | {"status": "succeeded"}]},
    }  # fmt: skip
    total, single = report("charge.refunded", **charge)
    assert (total.amount_minor, total.total, total.version) == (800, True, 800)
    assert (single.id, single.total) == ("stripe:refund:re_1", False)


def test_money_moves_when_it_is_withdrawn_or_reinstated() -> None:
    assert report("charge.dispute.created", **DISPUTE) == []
    assert report("charge.dispute.closed", **DISPUTE | {"status": "warning_closed"}) == []
    taken, fee = report("charge.dispute.funds_withdrawn", **DISPUTE)
    assert (taken.kind, taken.amount_minor) == (DonationKind.DISPUTE, 500)
    assert (fee.id, fee.kind, fee.amount_minor) == ("stripe:fee:txn_1", DonationKind.FEE, 1500)
    assert report("charge.dispute.closed", **DISPUTE)[0].id == taken.id
    back, _ = report("charge.dispute.funds_reinstated", **DISPUTE)
    assert (back.kind, back.id) == (DonationKind.REINSTATED, "stripe:dispute:dp_1:reinstated")


def test_what_was_given_before_is_not_told_but_what_was_taken_back_is() -> None:
    assert report(COMPLETED, since=NOW + HOUR, **SESSION) == []
    assert len(report("refund.created", since=NOW + HOUR, **REFUND)) == 1


def test_other_events_and_names_and_addresses_are_told_nobody() -> None:
    assert report("customer.created", id="cus_1", name="Secret") == []
    secret = {"name": "Secret", "customer_details": {"name": "Secret", "email": "Secret"}}
    for kind in EVENT_KINDS:
        for subject in (SESSION, REFUND, DISPUTE):
            told = b"".join(encode(one) for one in report(kind, **subject | secret))
            assert b"Secret" not in told


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(
        ["id", "amount", "status", "data", "object", "payment", "currency"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(st.sampled_from(EVENT_KINDS), st.sampled_from([SESSION, REFUND, DISPUTE]), st.data())
def test_whatever_shape_a_field_has_what_is_told_can_be_kept(
    kind: str, subject: dict[str, Any], data: st.DataObject
) -> None:
    harmed = dict(subject)
    for name in data.draw(st.lists(st.sampled_from(sorted(subject)), max_size=3)):
        harmed[name] = data.draw(JSON)
    for told in report_event(read_event(event(kind, harmed)), LONG_AGO):
        assert encode(told)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"5", b"{}", b"\xff", b'{"id": "evt", "type": "x", "created": 1}',
             event("x", {}), event("x", {"id": "a"}, livemode=None),
             event("x", {"id": "a"}, created="now"), event("x", {"id": "a"}, created=10**20)],
)  # fmt: skip
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_event(body)


def test_an_amount_beyond_belief_is_told_as_absurd_and_one_that_is_none_as_zero() -> None:
    assert report(COMPLETED, **SESSION | {"amount_total": 10**40})[0].amount_minor == 10**15
    [odd] = report(COMPLETED, **SESSION | {"amount_total": "20,00", "currency": "€"})
    assert (odd.amount_minor, odd.currency) == (0, "XXX")


# -- the balance -----------------------------------------------------------------------------------


def balance(cents: int, fee: int = 0, **more: Any) -> Balance:
    given = {"id": "txn_1", "type": "charge", "amount": cents, "fee": fee, "currency": "eur",
             "created": int(NOW.timestamp()), "source": "ch_1"}  # fmt: skip
    found = read_balance(given | more)
    assert found is not None
    return found


def test_a_fee_counts_with_its_payment_or_by_itself() -> None:
    expanded = {"id": "ch_1", "payment_intent": "pi_1", "livemode": True}
    assert report_fee(balance(2000), frozenset()) is None
    alone = report_fee(balance(2000, 55), frozenset())
    tied = report_fee(balance(2000, 55, source=expanded), frozenset())
    known = report_fee(balance(2000, 55), frozenset({"ch_1"}))
    assert alone is not None
    assert tied is not None
    assert known is not None
    assert (alone.about, tied.about, known.about) == ((), ("ch_1", "pi_1"), ("ch_1",))
    assert alone.id == tied.id == "stripe:fee:txn_1"
    own = report_fee(balance(-100, type="stripe_fee"), frozenset())
    assert own is not None
    assert own.amount_minor == 100
    assert balance(1, source=expanded | {"livemode": False}).live is False


def test_the_balance_and_what_was_told_agree_or_do_not() -> None:
    told = [fact(amount_minor=2000), fact(id="r", kind=DonationKind.REFUND, amount_minor=300),
            fact(id="t", kind=DonationKind.REFUND, amount_minor=300, total=True),
            fact(id="f", kind=DonationKind.FEE, amount_minor=55)]  # fmt: skip
    moved = [balance(2000, 55), balance(-300, type="refund"), balance(-1645, type="payout")]
    assert compare_balance(moved, told, NOW + HOUR) == 0
    assert compare_balance([*moved, balance(500)], told, NOW + HOUR) == 500
    assert compare_balance(moved, [*told, fact(id="g", amount_minor=700)], NOW + HOUR) == -700
    assert compare_balance([*moved, balance(500)], told, NOW) == 0


@given(st.lists(st.integers(-300, 10), max_size=20))
def test_nothing_happened_around_the_time_up_to_which_they_are_compared(minutes: list[int]) -> None:
    times = [NOW + timedelta(minutes=m) for m in minutes]
    until = choose_until(times, NOW, HOUR)
    assert until <= NOW - HOUR
    assert all(abs(at - until) >= HOUR / 6 for at in times)


def test_lists_are_read_to_their_last_page() -> None:
    assert read_list(b'{"data": [{"id": "a"}, {"id": "b"}], "has_more": true}').last == "b"
    assert read_list(b'{"data": [{"id": "a"}], "has_more": false}').last is None
    assert read_list(b'{"data": [], "has_more": true}').last is None
    for rubbish in (b"", b"[]", b"{}"):
        with pytest.raises(Unreadable):
            read_list(rubbish)
