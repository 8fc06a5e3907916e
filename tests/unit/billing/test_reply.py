"""One reply from its verdict to its end, and what of its money moves at each step."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import Reason, ReplyKind, ReplyState, derive_id
from services.billing.core.ledger import Account, Transfer, TransferKind
from services.billing.core.reply import (
    BY,
    ENDED_HERE,
    Reply,
    Reservation,
    SealedPhone,
    Stepped,
    Withdrawal,
    admit_reply,
    admit_test,
    authorize_reply,
    describe_authorization,
    describe_end,
    end_reply,
    hear_change,
    is_forgotten,
    pay_reply,
    reply_unheard_of,
)
from services.billing.core.tariff import Basis
from tests.unit.billing.cases import (
    HOUR,
    MINUTE,
    NOW,
    SENDER,
    TARIFF,
    changed,
    entry,
    judged,
    waiting,
)

LATER = NOW + MINUTE
TWO_SEGMENTS = replace(TARIFF, reply_segments=2)
PHONE = SealedPhone(SENDER, b"sealed")


def authorized(**fields: Any) -> Reply:
    return replace(authorize_reply(waiting(), NOW).reply, **fields)


def hear(reply: Reply, *args: Any, **fields: Any) -> Stepped:
    return hear_change(reply, changed("m-1", *args, **fields), TARIFF, LATER)


def moves(transfers: list[Transfer]) -> list[tuple[TransferKind, Account, Account, int]]:
    return [(t.kind, t.debit, t.credit, t.amount_microeuros) for t in transfers]


FUND, RESERVED, SPENT = Account.FUND, Account.RESERVED, Account.SPENT_REPLY
POST, RELEASE = TransferKind.POST, TransferKind.RELEASE
VOID, ADJUST = TransferKind.VOID, TransferKind.ADJUSTMENT


# -- in ------------------------------------------------------------------------------------------


def test_a_verdict_waits_to_be_paid_for() -> None:
    verdict = judged(score=1.5)
    reply = admit_reply(verdict, TARIFF, entry(HOUR, LATER))
    assert (reply.reply_id, reply.sender, reply.sender_sealed) == ("m-1", SENDER, b"sealed")
    assert (reply.state, reply.reservation) == (ReplyState.WAITING, Reservation.NONE)
    assert (reply.entered, reply.due_at, reply.price_microeuros) == (HOUR, NOW, 150_000)
    assert reply.rank == pytest.approx(1.5 - 1 / 48)
    assert (reply.received_at, reply.score, reply.changed_at) == (NOW - HOUR, 1.5, LATER)


def test_what_cannot_be_sent_or_paid_is_refused_in_this_order() -> None:
    # Both hold: the missing number is named.
    nobody = admit_reply(judged(sender_sealed=None), TWO_SEGMENTS, entry(HOUR))
    assert (nobody.state, nobody.reason) == (ReplyState.REFUSED, "no_number")
    dear = admit_reply(judged(), TWO_SEGMENTS, entry(HOUR))
    assert (dear.state, dear.reason) == (ReplyState.REFUSED, "over_cap")
    assert dear.sender_sealed is None
    test = admit_test("test-1", PHONE, TWO_SEGMENTS, entry(HOUR))
    assert (test.kind, test.state, test.reason) == (ReplyKind.TEST, ReplyState.REFUSED, "over_cap")
    assert admit_test("test-1", PHONE, TARIFF, entry(HOUR)).state is ReplyState.WAITING


# -- paid for, or not after all ------------------------------------------------------------------

STOP = Withdrawal(SENDER, Reason.OPTED_OUT, NOW - HOUR)
BLOCK = Withdrawal(SENDER, Reason.BLOCKED, None)


@pytest.mark.parametrize(
    ("withdrawal", "kind", "covered"),
    [
        (STOP, ReplyKind.REPLY, True),
        (STOP._replace(received_at=NOW), ReplyKind.REPLY, True),
        (STOP._replace(received_at=NOW - 2 * HOUR), ReplyKind.REPLY, False),
        (STOP._replace(sender="cd" * 16), ReplyKind.REPLY, False),
        (STOP, ReplyKind.TEST, False),
        (BLOCK, ReplyKind.REPLY, True),
        (BLOCK, ReplyKind.TEST, False),
        (BLOCK._replace(sender="cd" * 16), ReplyKind.REPLY, False),
    ],
)
def test_whom_a_withdrawal_covers(
    *, withdrawal: Withdrawal, kind: ReplyKind, covered: bool
) -> None:
    reply = waiting(kind=kind)
    assert withdrawal.covers(reply) is covered
    after, transfers = pay_reply(reply, [withdrawal], TARIFF, LATER)
    if covered:
        assert (after.state, after.reason) == (ReplyState.REFUSED, withdrawal.reason)
        assert transfers == []
    else:
        assert (after, transfers) == authorize_reply(reply, LATER)


def test_no_reply_is_paid_for_above_the_cap_of_now() -> None:
    lower = replace(TARIFF, cap_microeuros=159_999)
    after, transfers = pay_reply(waiting(), [], lower, LATER)
    assert (after.state, after.reason, transfers) == (ReplyState.REFUSED, "over_cap", [])
    assert pay_reply(waiting(), [STOP], lower, LATER).reply.reason == "opted_out"


def test_an_authorisation_reserves_the_price_and_is_told_anew() -> None:
    after, transfers = authorize_reply(waiting(told_at=NOW), LATER)
    assert moves(transfers) == [(TransferKind.RESERVE, FUND, RESERVED, 150_000)]
    assert (after.state, after.reservation) == (ReplyState.AUTHORIZED, Reservation.PENDING)
    assert (after.told_at, after.changed_at) == (None, LATER)
    assert authorize_reply(waiting(price_microeuros=0), NOW).transfers == []


@pytest.mark.parametrize("state", [s for s in ReplyState if s is not ReplyState.WAITING])
def test_only_what_waits_is_paid_for_or_ended(state: ReplyState) -> None:
    with pytest.raises(AssertionError):
        authorize_reply(waiting(state=state), NOW)
    with pytest.raises(AssertionError):
        end_reply(waiting(state=state), ReplyState.EXPIRED, "max_wait", NOW)


@pytest.mark.parametrize("state", [s for s in ReplyState if s not in ENDED_HERE])
def test_billing_ends_in_its_own_two_ways_alone(state: ReplyState) -> None:
    with pytest.raises(AssertionError):
        end_reply(waiting(), state, "", NOW)


# -- what the responder tells --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected", "cost", "reservation"),
    [
        # nothing is known of the cost: nothing moves
        ({"state": ReplyState.SENDING}, [], 0, Reservation.PENDING),
        ({"state": ReplyState.UNCERTAIN, "reason": "timeout"}, [], 0, Reservation.PENDING),
        ({"state": ReplyState.UNRESOLVED}, [], 0, Reservation.PENDING),
        # nothing was charged, whatever amount stands beside it
        (
            {"state": ReplyState.FAILED, "nothing_charged": True, "amount": 9, "final": True},
            [(VOID, RESERVED, FUND, 150_000)], 0, Reservation.VOIDED,
        ),
        ({"amount": 0}, [(VOID, RESERVED, FUND, 150_000)], 0, Reservation.VOIDED),
        # charged: as it is
        ({"amount": 150_000}, [(POST, RESERVED, SPENT, 150_000)], 150_000, Reservation.POSTED),
        (
            {"amount": 60_000},
            [(POST, RESERVED, SPENT, 60_000), (RELEASE, RESERVED, FUND, 90_000)],
            60_000, Reservation.POSTED,
        ),
        (
            {"amount": 151_000},
            [(POST, RESERVED, SPENT, 150_000), (ADJUST, FUND, SPENT, 1_000)],
            151_000, Reservation.POSTED,
        ),
        # beyond belief: the tariff, until the log confirms it
        ({"amount": 900_000}, [(POST, RESERVED, SPENT, 150_000)], 150_000, Reservation.POSTED),
        (
            {"amount": 900_000, "amount_confirmed": True},
            [(POST, RESERVED, SPENT, 150_000), (ADJUST, FUND, SPENT, 750_000)],
            900_000, Reservation.POSTED,
        ),
        # the end, and nobody knows what it cost: the tariff
        ({"final": True}, [(POST, RESERVED, SPENT, 150_000)], 150_000, Reservation.POSTED),
        (
            {"final": True, "segments": 2},
            [(POST, RESERVED, SPENT, 150_000), (ADJUST, FUND, SPENT, 150_000)],
            300_000, Reservation.POSTED,
        ),
    ],
)  # fmt: skip
def test_how_a_reservation_ends(
    fields: dict[str, Any], expected: Any, cost: int, reservation: Reservation
) -> None:
    after, transfers = hear(authorized(), **fields)
    assert moves(transfers) == expected
    assert (after.cost_microeuros, after.reservation) == (cost, reservation)
    assert (after.sender_sealed, after.sequence, after.changed_at) == (None, 1, LATER)
    assert after.state is fields.get("state", ReplyState.SENT)
    assert after.reason == fields.get("reason", "")


def test_what_becomes_known_later_adjusts_and_edits_nothing() -> None:
    reply, first = hear(authorized(), 1, amount=150_000)
    reply, up = hear(reply, 2, ReplyState.DELIVERED, 152_000)
    reply, same = hear(reply, 3, ReplyState.DELIVERED, 152_000, final=True)
    reply, down = hear(reply, 4, ReplyState.FAILED, nothing_charged=True)
    reply, again = hear(reply, 5, ReplyState.DELIVERED, 70_000)
    assert moves(up) == [(ADJUST, FUND, SPENT, 2_000)]
    assert same == []
    assert moves(down) == [(ADJUST, SPENT, FUND, 152_000)]
    assert moves(again) == [(ADJUST, FUND, SPENT, 70_000)]
    assert (reply.cost_microeuros, reply.revision) == (70_000, 3)
    assert len({t.id for t in [*first, *up, *down, *again]}) == 4


def test_an_end_without_an_amount_leaves_what_is_booked() -> None:
    booked, _ = hear(authorized(), 1, amount=70_000)
    after, transfers = hear(booked, 2, ReplyState.DELIVERED, final=True)
    assert (transfers, after.cost_microeuros, after.basis) == ([], 70_000, Basis.TOLD)


def test_what_left_after_a_void_is_booked_at_the_tariff_until_its_amount_is_told() -> None:
    void, moved = hear(authorized(), 3, ReplyState.FAILED, nothing_charged=True)
    assert moves(moved) == [(VOID, RESERVED, FUND, 150_000)]
    sent, moved = hear(void, 4, ReplyState.SENT)
    assert (sent.state, moved) == (ReplyState.SENT, [])
    assert moves(hear(void, 5, ReplyState.DELIVERED, final=True).transfers) == [
        (ADJUST, FUND, SPENT, 150_000)
    ]
    delivered, moved = hear(sent, 5, ReplyState.DELIVERED, final=True)
    assert (delivered.state, delivered.basis) == (ReplyState.DELIVERED, Basis.TARIFF)
    assert moves(moved) == [(ADJUST, FUND, SPENT, 150_000)]
    told, moved = hear(delivered, 6, ReplyState.DELIVERED, 65_000, final=True)
    assert moves(moved) == [(ADJUST, SPENT, FUND, 85_000)]
    assert told.cost_microeuros == 65_000


def test_what_is_old_repeated_or_our_own_says_nothing() -> None:
    heard, _ = hear(authorized(), 3, ReplyState.DELIVERED, 150_000)
    for sequence in (1, 2, 3):
        assert hear(heard, sequence, ReplyState.FAILED, nothing_charged=True) == (heard, [])
    assert hear(heard, 4, ReplyState.REFUSED, by=BY) == (heard, [])


@pytest.mark.parametrize("state", [ReplyState.WAITING, *sorted(ENDED_HERE)])
def test_a_reply_that_the_books_believe_unpaid_costs_the_fund_what_it_cost(
    state: ReplyState,
) -> None:
    # After a restore the authorisation is forgotten: nothing is reserved, so nothing is posted.
    before = waiting(state=state)
    sending, moved = hear(before, 1, ReplyState.SENDING)
    assert (sending.reservation, moved) == (Reservation.VOIDED, [])
    assert sending.price_microeuros == 0
    after, moved = hear(sending, 2, ReplyState.DELIVERED, 150_000)
    assert moves(moved) == [(ADJUST, FUND, SPENT, 150_000)]
    assert after.cost_microeuros == 150_000


@pytest.mark.parametrize("state", list(ReplyState))
def test_of_a_forgotten_authorisation_only_its_end_is_heard(state: ReplyState) -> None:
    told = changed("m-1", 4, state)
    forgotten = state in {"authorized", "sending", "uncertain", "unresolved"}
    assert is_forgotten(waiting(), told) is forgotten
    assert is_forgotten(None, told) is forgotten
    assert not is_forgotten(authorized(), told)


def test_a_reply_that_the_books_do_not_know_is_booked_all_the_same() -> None:
    told = changed("m-9", 4, ReplyState.SENT, 70_000, kind=ReplyKind.TEST)
    unknown = reply_unheard_of(told, LATER)
    assert (unknown.reply_id, unknown.sender, unknown.kind) == ("m-9", SENDER, ReplyKind.TEST)
    after, moved = hear_change(unknown, told, TARIFF, LATER)
    assert moves(moved) == [(ADJUST, FUND, SPENT, 70_000)]
    assert (after.state, after.sequence) == (ReplyState.SENT, 4)


@given(
    told=st.lists(
        st.tuples(
            st.integers(1, 6), st.none() | st.integers(0, 500_000), st.booleans(), st.booleans()
        ),
        max_size=8,
    )
)
def test_the_latest_change_counts_however_many_were_missed_or_repeated(
    told: list[tuple[int, int | None, bool, bool]],
) -> None:
    reply, spent, reserved = authorized(), 0, 150_000
    for sequence, amount, void, final in told:
        reply, transfers = hear(reply, sequence, amount=amount, nothing_charged=void, final=final)
        for moved in transfers:
            spent += moved.amount_microeuros * ((moved.credit is SPENT) - (moved.debit is SPENT))
            reserved -= moved.amount_microeuros * (moved.debit is RESERVED)
    assert reply.sequence == max((sequence for sequence, *_ in told), default=0)
    assert spent == reply.cost_microeuros
    assert reserved == (150_000 if reply.reservation is Reservation.PENDING else 0)


# -- what is told --------------------------------------------------------------------------------


def test_an_authorisation_is_told_the_same_however_often() -> None:
    record = describe_authorization(authorized())
    assert record == describe_authorization(authorized(told_at=LATER))
    assert (record.id, record.sender, record.price_microeuros) == ("m-1", SENDER, 150_000)
    assert (record.at, record.due_at, record.sender_sealed) == (NOW, NOW, b"sealed")


def test_what_is_not_authorised_or_has_no_number_is_never_told_so() -> None:
    for reply in (waiting(), authorized(sender_sealed=None)):
        with pytest.raises(AssertionError):
            describe_authorization(reply)


def test_an_end_is_told_so_that_the_sender_may_be_answered_again() -> None:
    ended = end_reply(waiting(told_at=NOW), ReplyState.EXPIRED, "max_wait", LATER)
    assert (ended.told_at, ended.sender_sealed) == (None, None)
    record = describe_end(ended)
    assert (record.by, record.sequence, record.final) == (BY, 1, True)
    assert record.id == derive_id("m-1", 1, BY)
    assert (record.state, record.reason, record.at) == (ReplyState.EXPIRED, "max_wait", LATER)
    assert (record.nothing_charged, record.amount_microunits) == (True, 0)
    with pytest.raises(AssertionError):
        describe_end(waiting())
