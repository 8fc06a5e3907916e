"""Billing's store, kept by PostgreSQL and by memory alike; and what PostgreSQL itself refuses."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.database.migrations import Schema, migrate
from kernel.database.pool import Pool, open_pool, role_of
from kernel.facts.records import (
    LoggedCost,
    Posture,
    Reason,
    ReceivedKind,
    Reconciled,
    ReplyKind,
    ReplyState,
)
from kernel.values.errors import Rejected
from services.billing.core.books import Interval, PostureStep, ProviderState, Step
from services.billing.core.ledger import (
    EMPTY,
    Account,
    Movement,
    Transfer,
    TransferKind,
    apply_transfers,
    open_receipt,
    transfer,
)
from services.billing.core.posture import FIRST, Cause, Standing
from services.billing.core.price import Asked
from services.billing.core.release import Act, Action, put_behind
from services.billing.core.reply import (
    Reply,
    Reservation,
    Withdrawal,
    authorize_reply,
    end_reply,
    hear_change,
)
from services.billing.core.room import order_of
from services.billing.core.tariff import Basis
from services.billing.memory import MemoryStore
from services.billing.store import PostgresStore, Store
from tests.unit.billing.cases import (
    EURO,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    TARIFF,
    changed,
    checked,
    judged,
    received,
    scored,
    waiting,
)

SCHEMA = Schema("billing", Path("services/billing/sql").resolve())
OTHER = "cd" * 16


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    await migrate(fresh_database, [SCHEMA])
    role = role_of("billing")
    async with open_pool(fresh_database, role=role, schema="billing", size_max=6) as opened:
        yield opened


@pytest.fixture(params=["postgres", "memory"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore()
    return PostgresStore(request.getfixturevalue("pool"))


def move(kind: TransferKind, debit: Account, credit: Account, amount: int, of: str) -> Transfer:
    return transfer(Movement(kind, debit, credit, amount), of, NOW)


def donation(amount: int = 100 * EURO, of: str = "gift") -> Transfer:
    return move(TransferKind.DONATION, Account.DONATIONS, Account.FUND, amount, of)


def reservation(amount: int, of: str = "m-1") -> Transfer:
    return move(TransferKind.RESERVE, Account.FUND, Account.RESERVED, amount, of)


def authorized(reply_id: str, **fields: object) -> Reply:
    return replace(authorize_reply(waiting(reply_id), NOW).reply, **fields)  # type: ignore[arg-type]


async def save(store: Store, *replies: Reply) -> None:
    async with store.transaction() as work:
        added = await work.add_replies(replies)
        await work.save_replies([reply for reply in replies if reply.reply_id not in added])


async def load(store: Store, *reply_ids: str) -> dict[str, Reply]:
    async with store.transaction() as work:
        return await work.load_replies(reply_ids)


async def book(store: Store, *transfers: Transfer) -> None:
    async with store.transaction() as work:
        await work.add_transfers(transfers)


def ids(replies: Iterable[Reply]) -> list[str]:
    return [reply.reply_id for reply in replies]


# -- receipts and verdicts -----------------------------------------------------------------------


async def test_costs_are_kept_until_they_are_taken_or_too_old(store: Store) -> None:
    costs = [LoggedCost(message_id=f"m-{n}", segments=n, amount_microunits=n) for n in range(1, 5)]
    async with store.transaction() as work:
        await work.keep_costs([], NOW)
        await work.keep_costs([LoggedCost(message_id="m-1", segments=9, amount_microunits=9)], NOW)
        await work.keep_costs(costs, NOW)
    async with store.transaction() as work:
        assert await work.take_costs(["m-1", "m-9"]) == costs[:1]
        assert await work.take_costs(["m-1"]) == []
    assert await store.prune_costs(NOW, 2)
    assert not await store.prune_costs(NOW + MINUTE, 2)
    assert await store.prune_costs(NOW + MINUTE, 2)
    async with store.transaction() as work:
        assert await work.take_costs(["m-2", "m-3", "m-4"]) == []


async def test_receipts_come_back_as_they_were_saved(store: Store) -> None:
    first = open_receipt(received("m-1", amount_microunits=9_000), TARIFF)
    second = open_receipt(received("m-2"), TARIFF)
    async with store.transaction() as work:
        assert await work.add_receipts([second, first]) == {"m-1", "m-2"}
        assert await work.add_receipts([]) == set()
    booked = replace(first, cost_microeuros=8_000, basis=Basis.CONFIRMED, revision=1)
    async with store.transaction() as work:
        assert await work.add_receipts([replace(first, cost_microeuros=1)]) == set()
        assert await work.load_receipts(["m-1", "m-9"]) == {"m-1": first}
        await work.save_receipts([booked])
        await work.save_receipts([])
    async with store.transaction() as work:
        assert await work.load_receipts(["m-2", "m-1"]) == {"m-1": booked, "m-2": second}
        assert await work.load_receipts([]) == {}


async def test_a_verdict_is_noted_once(store: Store) -> None:
    verdict = judged(basis={"texts": 3, "score": 0.5, "of": "a"})
    async with store.transaction() as work:
        assert await work.add_verdicts([verdict, judged("m-2")]) == {"m-1", "m-2"}
        assert await work.add_verdicts([]) == set()
    async with store.transaction() as work:
        assert await work.add_verdicts([judged("m-1"), judged("m-3")]) == {"m-3"}


async def test_withdrawals_are_the_latest_that_a_sender_was_given(store: Store) -> None:
    third = "ef" * 16
    verdicts = [
        judged("m-1", Reason.OPTED_OUT, received_at=NOW),
        judged("m-2", Reason.BLOCKED, received_at=NOW + MINUTE),
        judged("m-3", Reason.OPTED_OUT, received_at=NOW - MINUTE),
        judged("m-4", received_at=NOW + HOUR),
        judged("m-5", Reason.OPTED_OUT, sender=OTHER, received_at=NOW),
        judged("m-6", Reason.CAMPAIGN, sender=third, received_at=NOW),
    ]
    async with store.transaction() as work:
        await work.add_verdicts(verdicts)
        sender = verdicts[0].sender
        found = await work.find_withdrawals([third, sender, sender])
        assert found == [Withdrawal(sender, "blocked", NOW + MINUTE)]
        both = await work.find_withdrawals([OTHER, sender])
        assert sorted(w.reason for w in both) == ["blocked", "opted_out"]
        assert await work.find_withdrawals([]) == []


# -- replies -------------------------------------------------------------------------------------


async def test_replies_come_back_as_they_were_saved_in_every_state(store: Store) -> None:
    every = [
        waiting("m-1", score=0.25, entered=HOUR + SECOND / 2),
        waiting("m-2", kind=ReplyKind.TEST, told_at=NOW),
        end_reply(waiting("m-3"), ReplyState.EXPIRED, "max_wait", NOW),
        authorized("m-4", told_at=NOW),
        hear_change(authorized("m-5"), changed("m-5", 3, amount=60_000), TARIFF, NOW).reply,
        hear_change(authorized("m-6"), changed("m-6", 2, nothing_charged=True), TARIFF, NOW).reply,
    ]
    await save(store, *every)
    assert await load(store, "nobody", *ids(every)) == {each.reply_id: each for each in every}
    later = hear_change(
        every[4], changed("m-5", 9, ReplyState.DELIVERED, 61_000), TARIFF, NOW + MINUTE
    ).reply
    await save(store, later)
    assert await load(store, "m-5") == {"m-5": later}
    unpaid = hear_change(every[0], changed("m-1", 2, amount=60_000), TARIFF, NOW).reply
    await save(store, unpaid)
    assert await load(store, "m-1") == {"m-1": unpaid}
    assert await load(store) == {}


async def test_a_reply_that_is_there_is_not_added_again(store: Store) -> None:
    await save(store, authorized("m-1"))
    async with store.transaction() as work:
        assert await work.add_replies([waiting("m-2"), waiting("m-1")]) == {"m-2"}
        assert await work.add_replies([]) == set()
    assert (await load(store, "m-1"))["m-1"].state is ReplyState.AUTHORIZED


async def test_the_room_is_in_order(store: Store) -> None:
    await save(
        store,
        scored("c", 0.5),
        scored("b", 0.5),
        scored("B", 0.5),
        scored("a", 1.0, entered=48 * HOUR),
        scored("d", 0.6, sender=OTHER),
        scored("e", -9.0, kind=ReplyKind.TEST),
        authorized("f", rank=9.0),
    )
    async with store.transaction() as work:
        assert ids(await work.load_waiting(9, tests_only=False)) == ["e", "d", "B", "b", "c", "a"]
        assert ids(await work.load_waiting(2, tests_only=False)) == ["e", "d"]
        assert ids(await work.load_waiting(9, tests_only=True)) == ["e"]
        assert ids(await work.find_waiting([OTHER])) == ["d"]
        assert ids(await work.find_waiting([waiting().sender])) == ["B", "a", "b", "c", "e"]
        assert await work.find_waiting([]) == []


@given(
    room=st.lists(
        st.tuples(
            st.sampled_from([0.0, -0.0, 1.0, -1e-300]) | st.floats(-99, 99),
            st.integers(0, 10**6).map(lambda seconds: seconds * SECOND),
            st.sampled_from(ReplyKind),
        ),
        max_size=24,
    )
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_both_give_the_same_order(
    postgres_room: "PostgresRoom", room: list[tuple[float, timedelta, ReplyKind]]
) -> None:
    """However scores, ages and kinds are mixed, memory and PostgreSQL pay in one order."""
    replies = [
        scored(f"{'mMé'[n % 3]}-{n % 7}-{n}", score, entered, kind=kind)
        for n, (score, entered, kind) in enumerate(room)
    ]
    expected = asyncio.run(orders_of(MemoryStore(), replies))
    assert postgres_room.run(replies) == expected
    best, tests, some, _ = expected
    assert best == ids(sorted(replies, key=order_of))
    assert tests == [r for r in best if r in {t.reply_id for t in replies if t.kind == "test"}]
    assert some == best[:3]


async def orders_of(store: Store, replies: list[Reply]) -> list[list[str]]:
    """How a store orders the room: all, tests alone, the first three, by age."""
    await save(store, *replies)
    async with store.transaction() as work:
        return [
            ids(await work.load_waiting(99, tests_only=False)),
            ids(await work.load_waiting(99, tests_only=True)),
            ids(await work.load_waiting(3, tests_only=False)),
            sorted(ids(await work.load_expired(500_000 * SECOND, 99))),
        ]


class PostgresRoom:
    """Orders of rooms on a PostgreSQL, each on an empty table; a loop of its own."""

    def __init__(self, url: str) -> None:
        self._url = url

    def run(self, replies: list[Reply]) -> list[list[str]]:
        return asyncio.run(self._run(replies))

    async def _run(self, replies: list[Reply]) -> list[list[str]]:
        role = role_of("billing")
        async with open_pool(self._url, role=role, schema="billing", size_max=2) as pool:
            try:
                return await orders_of(PostgresStore(pool), replies)
            finally:
                owner = await asyncpg.connect(self._url)
                await owner.execute("TRUNCATE billing.replies")
                await owner.close()


@pytest.fixture
def postgres_room(fresh_database: str) -> PostgresRoom:
    asyncio.run(migrate(fresh_database, [SCHEMA]))
    return PostgresRoom(fresh_database)


async def test_cards_are_who_waits_with_what_he_wrote_since_and_why(store: Store) -> None:
    basis = {"texts": 2, "weight_text": 0.25, "weight_surge": -0.5, "campaign": "ab"}
    written = [
        open_receipt(received("m-0", at=NOW - 2 * HOUR), TARIFF),
        open_receipt(received("m-1", at=NOW - HOUR), TARIFF),
        open_receipt(received("m-2", at=NOW - MINUTE), TARIFF),
        open_receipt(received("m-3", at=NOW, kind=ReceivedKind.CALL), TARIFF),
        open_receipt(received("m-4", at=NOW, sender=OTHER), TARIFF),
    ]
    best, next_ = scored("m-1", 0.5), scored("m-4", 0.25, sender=OTHER)
    await save(
        store, next_, best, scored("t", 9.0, kind=ReplyKind.TEST), authorized("m-5"),
        scored("m-6", -9.0, sender="ef" * 16),
    )  # fmt: skip
    async with store.transaction() as work:
        await work.add_receipts(written)
        await work.add_verdicts([judged("m-1", basis=basis)])
    async with store.transaction() as work:
        first, second, third = await work.load_cards(9)
        assert await work.load_cards(1) == [first]
    assert (first.reply, first.texts, first.last_at) == (best, 2, NOW - MINUTE)
    assert first.reasons() == ["surge", "text"]
    assert (second.reply, second.texts, second.reasons()) == (next_, 1, [])
    assert (third.texts, third.last_at) == (0, third.reply.received_at)


async def test_later_is_behind_all_and_counts_no_tests(store: Store) -> None:
    async with store.transaction() as work:
        assert await work.read_last_rank() == 0.0
    test = scored("t", 9.0, kind=ReplyKind.TEST, rank=-(10.0**9))
    await save(store, test, scored("a", 0.5), scored("b", -9.0), scored("c", 0.25))
    for expected in (["c", "b", "a"], ["b", "a", "c"]):
        async with store.transaction() as work:
            first = (await work.load_cards(1))[0].reply
            await work.save_replies([put_behind(first, await work.read_last_rank())])
        async with store.transaction() as work:
            assert [card.reply.reply_id for card in await work.load_cards(9)] == expected


async def test_what_was_done_with_a_card_is_kept_and_ends_it_once(store: Store) -> None:
    later = Act("m-1", NOW, Action.LATER, "Anne")
    sent = Act("m-1", NOW + MINUTE, Action.SEND, "Béa")
    async with store.transaction() as work:
        assert await work.load_act("m-1") is None
        for act in (later, later, sent):
            await work.add_act(act)
            assert await work.load_act("m-1") == act
        assert await work.load_act("m-2") is None
    with pytest.raises((AssertionError, asyncpg.UniqueViolationError, Rejected)):
        async with store.transaction() as work:
            await work.add_act(Act("m-1", NOW, Action.SKIP, "Anne"))


async def test_expired_is_who_entered_before(store: Store) -> None:
    await save(store, *(waiting(f"m-{n}", entered=n * HOUR) for n in range(4)), authorized("m-9"))
    async with store.transaction() as work:
        assert ids(await work.load_expired(2 * HOUR, 9)) == ["m-0", "m-1"]
        assert ids(await work.load_expired(9 * HOUR, 1)) == ["m-0"]
        assert await work.load_expired(timedelta(), 9) == []


async def test_what_is_told_is_not_told_again(store: Store) -> None:
    ended = end_reply(waiting("m-2"), ReplyState.REFUSED, "blocked", NOW - MINUTE)
    heard = hear_change(authorized("m-4"), changed("m-4", 1, ReplyState.AUTHORIZED), TARIFF, NOW)
    await save(store, authorized("m-1"), ended, waiting("m-3"), heard.reply)
    # What the responder has heard of needs no telling; its number is gone.
    assert ids(await store.load_untold([], NOW, 9)) == ["m-2", "m-1"]
    assert ids(await store.load_untold([], NOW, 1)) == ["m-2"]
    await store.mark_told(["m-2"], NOW)
    await store.mark_told([], NOW)
    assert ids(await store.load_untold(["m-2"], NOW, 9)) == ["m-1"]
    assert (await load(store, "m-2"))["m-2"].told_at == NOW


async def test_untold_is_what_one_names_and_what_has_lain(store: Store) -> None:
    old = authorized("m-1", changed_at=NOW - MINUTE)
    await save(store, old, authorized("m-2"), authorized("m-3"), waiting("m-4"))
    assert ids(await store.load_untold([], NOW - SECOND, 9)) == ["m-1"]
    assert ids(await store.load_untold(["m-1", "m-3", "m-4"], NOW - SECOND, 9)) == ["m-1", "m-3"]
    assert ids(await store.load_untold(["m-3"], NOW - HOUR, 9)) == ["m-3"]


async def test_unanswered_is_what_was_told_long_ago_and_nothing_heard_of(store: Store) -> None:
    heard = hear_change(
        authorized("m-3", told_at=NOW), changed("m-3", 1, ReplyState.AUTHORIZED), TARIFF, NOW
    ).reply
    await save(store, authorized("m-1"), authorized("m-2", told_at=NOW), heard)
    assert await store.load_unanswered(NOW, 9) == []
    assert ids(await store.load_unanswered(NOW + SECOND, 9)) == ["m-2"]
    await store.mark_told(["m-1"], NOW - MINUTE)
    assert ids(await store.load_unanswered(NOW + SECOND, 9)) == ["m-1", "m-2"]
    assert ids(await store.load_unanswered(NOW + SECOND, 1)) == ["m-1"]


async def test_deliveries_are_of_the_last_that_ended(store: Store) -> None:
    states = [ReplyState.DELIVERED, ReplyState.FAILED, ReplyState.UNDELIVERED, ReplyState.SENT]
    replies = [
        authorized(f"m-{n}", state=state, changed_at=NOW + n * MINUTE)
        for n, state in enumerate([*states, ReplyState.DELIVERED])
    ]
    await save(store, *replies)
    async with store.transaction() as work:
        assert await work.read_deliveries(9) == [True, False, False, True]
        assert await work.read_deliveries(2) == [True, False]


async def test_what_the_operator_declared_never_sent_is_no_failed_delivery(store: Store) -> None:
    voided = authorized("m-1", state=ReplyState.FAILED, reason="operator")
    await save(store, voided, authorized("m-2", state=ReplyState.FAILED, reason="402"))
    async with store.transaction() as work:
        assert await work.read_deliveries(9) == [False]
    await save(store, replace(voided, state=ReplyState.DELIVERED, changed_at=NOW + MINUTE))
    async with store.transaction() as work:
        assert await work.read_deliveries(9) == [True, False]


async def test_of_deliveries_that_ended_at_once_the_order_is_by_id(store: Store) -> None:
    states = [ReplyState.DELIVERED, ReplyState.FAILED]
    await save(store, *(authorized(f"m-{n}", state=states[n % 2]) for n in (3, 0, 2, 1)))
    async with store.transaction() as work:
        assert await work.read_deliveries(3) == [False, True, False]


@pytest.mark.parametrize(
    "wrong",
    [
        waiting(reservation=Reservation.PENDING),
        waiting(sender_sealed=None),
        authorized("m-1", reservation=Reservation.NONE),
        waiting(state=ReplyState.EXPIRED),
        waiting(cost_microeuros=-1),
    ],
)
async def test_a_reply_that_cannot_be_is_refused(store: Store, wrong: Reply) -> None:
    with pytest.raises((asyncpg.CheckViolationError, AssertionError)):
        await save(store, wrong)


# -- a restore -----------------------------------------------------------------------------------


async def test_the_mark_of_a_restore_suspends_and_tells_again(
    fresh_database: str, pool: Pool
) -> None:
    store = PostgresStore(pool)
    sending = changed("m-2", 1, ReplyState.SENDING)
    heard = hear_change(authorized("m-2", told_at=NOW), sending, TARIFF, NOW).reply
    await save(store, authorized("m-1", told_at=NOW), heard, waiting("m-3"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("SELECT mark_restored('x', now(), now(), 1)")
    login = await asyncpg.connect(fresh_database)
    await login.execute("SELECT billing.mark_restored($1, $2, $3, 9)", "r-1", NOW, NOW + MINUTE)
    await login.close()
    assert ids(await store.load_untold([], NOW + MINUTE, 9)) == ["m-1"]
    assert (await load(store, "m-1"))["m-1"].changed_at == NOW + MINUTE
    assert [step.sequence for step in await store.load_postures()] == [10]
    async with store.transaction() as work:
        standing = await work.read_standing()
        assert (standing.posture, standing.cause) == ("suspended", "restored")
        assert (standing.restored, standing.sequence) == ("r-1", 10)
        assert standing.shown_at == NOW + MINUTE
        mine = Reconciled(restoration="r-1", matched=2, recovered=3)
        await work.note_reconciled(mine, NOW + 2 * MINUTE)
        other = Reconciled(restoration="r-0", matched=8, recovered=8)
        await work.note_reconciled(other, NOW + HOUR)
    found = await pool.fetchrow("SELECT reconciled_at, matched, recovered FROM restorations")
    assert tuple(found or ()) == (NOW + 2 * MINUTE, 2, 3)


# -- money ---------------------------------------------------------------------------------------


async def test_balances_follow_the_transfers(store: Store) -> None:
    transfers = [
        donation(),
        move(TransferKind.RECEIVE, Account.FUND, Account.SPENT_RECEIVE, 10_000, "m-1"),
        reservation(150_000),
        move(TransferKind.POST, Account.RESERVED, Account.SPENT_REPLY, 60_000, "m-1"),
        move(TransferKind.RELEASE, Account.RESERVED, Account.FUND, 90_000, "m-1"),
        move(TransferKind.ADJUSTMENT, Account.SPENT_REPLY, Account.FUND, 5_000, "m-1"),
        move(TransferKind.FEE, Account.FUND, Account.FEES, EURO, "rent"),
    ]
    await book(store, *transfers[:3])
    await book(store, *transfers[3:])
    await book(store)
    expected = apply_transfers(EMPTY, transfers)
    async with store.transaction() as work:
        assert await work.read_balances() == expected == await work.lock_balances()
    assert sum(expected.values()) == 0


async def test_a_transfer_is_never_booked_twice(store: Store) -> None:
    await book(store, donation())
    with pytest.raises((asyncpg.UniqueViolationError, AssertionError)):
        await book(store, donation(5, "other"), donation())
    async with store.transaction() as work:
        assert (await work.read_balances())[Account.FUND] == 100 * EURO


async def test_a_reservation_that_would_overdraw_is_refused_and_a_cost_is_not(
    store: Store,
) -> None:
    await book(store, donation(EURO))
    with pytest.raises((asyncpg.CheckViolationError, AssertionError)):
        await book(store, reservation(EURO + 1))
    await book(store, reservation(EURO))
    cost = move(TransferKind.RECEIVE, Account.FUND, Account.SPENT_RECEIVE, 10_000, "m-2")
    await book(store, cost)
    async with store.transaction() as work:
        assert (await work.read_balances())[Account.FUND] == -10_000
    with pytest.raises((asyncpg.CheckViolationError, AssertionError)):
        await book(store, reservation(1, "m-3"))


async def test_no_reservation_is_ended_twice(store: Store) -> None:
    await book(store, donation(), reservation(150_000))
    with pytest.raises((asyncpg.CheckViolationError, AssertionError)):
        await book(store, move(TransferKind.VOID, Account.RESERVED, Account.FUND, 150_001, "m-1"))


async def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    async def fail() -> None:
        async with store.transaction() as work:
            await work.add_receipts([open_receipt(received(), TARIFF)])
            await work.add_verdicts([judged()])
            await work.add_replies([authorized("m-1")])
            await work.add_steps([Step("m-1", NOW, "waiting", "")])
            await work.add_transfers([donation(), reservation(150_000)])
            await work.add_tallies({"received": 1})
            await work.add_receiving([Interval(NOW, 10_000, webhook_at=NOW)])
            await work.save_standing(replace(FIRST, sequence=1))
            await work.add_posture(PostureStep(1, NOW, Posture.NORMAL, Cause.CALM, attach=True))
            await work.save_provider(ProviderState(NOW, 1, 1, attached=True))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.transaction() as work:
        assert await work.load_receipts(["m-1"]) == {}
        assert await work.add_verdicts([judged()]) == {"m-1"}
        assert await work.load_replies(["m-1"]) == {}
        assert await work.read_balances() == EMPTY
        assert await work.read_tallies() == {}
        assert await work.read_receiving(NOW - HOUR) == Interval(NOW - HOUR)
        assert await work.load_standing() == FIRST
        assert await work.read_provider() == ProviderState()
    assert await store.load_untold([], NOW, 9) == []
    assert await store.load_postures() == []


# -- counts, receiving, posture, provider --------------------------------------------------------


async def test_counts_add_up(store: Store) -> None:
    for deltas in ({"b": 2, "a": 1}, {"a": -1, "c": 3, "d": 0}, {}):
        async with store.transaction() as work:
            await work.add_tallies(deltas)
    async with store.transaction() as work:
        counts = await work.read_tallies()
    assert {name: count for name, count in counts.items() if count} == {"b": 2, "c": 3}


async def test_what_was_asked_of_the_fund_adds_up_by_its_time(store: Store) -> None:
    first = [
        Interval(NOW, 10, 300, 1, webhook_at=NOW + SECOND),
        Interval(NOW - HOUR, 5, 150, 4),
    ]
    async with store.transaction() as work:
        await work.add_receiving(first)
        await work.add_receiving([Interval(NOW, -3, 150, 2)])
        await work.add_receiving([])
        for ago, expected in (
            (2 * HOUR, (12, 600, 7)), (HOUR, (7, 450, 3)), (0 * HOUR, (0, 0, 0)),
        ):  # fmt: skip
            assert await work.read_receiving(NOW - ago) == Interval(NOW - ago, *expected)
        # What comes late counts as well, where it belongs.
        await work.add_receiving([Interval(NOW - HOUR / 2, 1, 2, 4)])
        assert await work.read_receiving(NOW - HOUR) == Interval(NOW - HOUR, 8, 452, 7)
        assert await work.read_receiving(NOW - SECOND) == Interval(NOW - SECOND, 7, 450, 3)
        seen = Interval(
            NOW - HOUR / 2, replied_microeuros=150, receive_price_microeuros=12,
            reply_price_microeuros=7,
        )  # fmt: skip
        await work.add_receiving([seen, Interval(NOW, replied_microeuros=-20)])
        other = seen._replace(receive_price_microeuros=11, reply_price_microeuros=9)
        await work.add_receiving([other])
        found = await work.read_receiving(NOW - HOUR)
        assert found.replied_microeuros == 150 - 20 + 150
        assert (found.receive_price_microeuros, found.reply_price_microeuros) == (12, 9)
        found = await work.read_receiving(NOW - SECOND)
        assert (found.replied_microeuros, *found[-2:]) == (-20, 0, 0)
    await store.prune_receiving(NOW + HOUR)  # the latest webhook's is kept
    async with store.transaction() as work:
        kept = Interval(NOW - 2 * HOUR, 7, 450, 3, replied_microeuros=-20)
        assert await work.read_receiving(NOW - 2 * HOUR) == kept
        await work.add_receiving([Interval(NOW + MINUTE, 1)])
        assert (await work.read_receiving(NOW)).spent_microeuros == 1


async def test_without_a_webhook_nothing_is_pruned(store: Store) -> None:
    async with store.transaction() as work:
        await work.add_receiving([Interval(NOW, 10)])
    await store.prune_receiving(NOW + HOUR)
    async with store.transaction() as work:
        assert (await work.read_receiving(NOW - HOUR)).spent_microeuros == 10


async def test_the_standing_is_one(store: Store) -> None:
    async with store.transaction() as work:
        assert await work.load_standing() == FIRST == await work.read_standing()
        changed_ = Standing(
            Posture.SUSPENDED, Cause.FLOOR, attach=False, sequence=7, paused="why", detached=True,
            given_then=1, at_donation=2, donated_at=NOW - HOUR, replies_before=5,
            day=date(2026, 11, 2), spent_before=3, probe_at=NOW,
            probes=4, shown=HOUR + SECOND / 4, shown_at=NOW, unread=501, unread_at=NOW - SECOND,
        )  # fmt: skip
        await work.save_standing(changed_)
    async with store.transaction() as work:
        assert await work.load_standing() == changed_ == await work.read_standing()
    async with store.transaction() as work:
        assert await work.claim_standing() == changed_


async def test_changes_of_posture_are_told_in_order_once(store: Store) -> None:
    steps = [
        PostureStep(n, NOW, Posture.GUARDED, Cause.BURN, attach=n > 1, detail=f"{n} wait")
        for n in (2, 1, 3)
    ]
    for step in steps:
        async with store.transaction() as work:
            await work.add_posture(step)
    assert await store.load_postures() == sorted(steps)
    await store.mark_postures([1, 2], NOW)
    await store.mark_postures([], NOW)
    assert await store.load_postures() == [steps[2]]
    with pytest.raises((asyncpg.UniqueViolationError, AssertionError)):
        async with store.transaction() as work:
            await work.add_posture(steps[0])


async def test_of_the_provider_the_latest_counts(store: Store) -> None:
    at = checked().at
    async with store.transaction() as work:
        assert await work.read_provider() == ProviderState()
        await work.save_provider(ProviderState(at, 5, 7, attached=True))
        await work.save_provider(ProviderState(at - SECOND, 6, 8, attached=False))
        assert await work.read_provider() == ProviderState(at, 5, 7, attached=True)
        await work.save_provider(ProviderState(at + SECOND, None, 9, attached=None))
        assert await work.read_provider() == ProviderState(at + SECOND, None, 9, attached=True)


# -- two at once ---------------------------------------------------------------------------------


async def test_two_members_that_add_the_same_do_not_undo_each_other(store: Store) -> None:
    receipts = [open_receipt(received(f"m-{n}"), TARIFF) for n in range(30)]

    async def add(order: int) -> int:
        async with store.transaction() as work:
            added = await work.add_receipts(receipts[::order])
            mine = await work.add_replies([waiting(r.message_id) for r in receipts[::-order]])
            assert mine == added
            return len(added)

    assert sorted(await asyncio.gather(*(add((-1) ** n) for n in range(4)))) == [0, 0, 0, 30]


async def test_counts_of_two_at_once_add_up(store: Store) -> None:
    async def count(number: int) -> None:
        async with store.transaction() as work:
            await work.add_tallies({"a": 1, "b": 2} if number % 2 else {"b": 2, "a": 1})
            await work.add_asked([Asked(NOW, 3, 2), Asked(NOW - HOUR, 1000, 5)])
            await work.add_receiving([Interval(NOW, 1, 2, 4), Interval(NOW + MINUTE, 1)])

    await asyncio.gather(*(count(number) for number in range(8)))
    async with store.transaction() as work:
        assert await work.read_tallies() == {"a": 8, "b": 16}
        assert await work.read_receiving(NOW - HOUR) == Interval(NOW - HOUR, 16, 16, 32)
        asked = [Asked(NOW - HOUR, 1000, 40), Asked(NOW, 3, 16)]
        assert await work.read_asked(NOW - HOUR) == asked
        assert await work.read_asked(NOW) == asked[1:]
    await store.prune_asked(NOW)
    async with store.transaction() as work:
        assert await work.read_asked(NOW - 2 * HOUR) == asked[1:]


async def test_nobody_reserves_what_another_has_reserved_meanwhile(store: Store) -> None:
    await book(store, donation(EURO))

    async def reserve(number: int) -> int:
        async with store.transaction() as work:
            if (await work.lock_balances())[Account.FUND] < 300_000:
                return 0
            await work.add_transfers([reservation(300_000, f"m-{number}")])
            return 1

    assert sum(await asyncio.gather(*(reserve(number) for number in range(6)))) == 3


async def test_the_room_leaves_out_what_another_has_locked(pool: Pool) -> None:
    store = PostgresStore(pool)
    await save(store, *(waiting(f"m-{n}") for n in range(4)))
    async with store.transaction() as first, store.transaction() as second:
        assert ids(await first.load_waiting(2, tests_only=False)) == ["m-0", "m-1"]
        assert ids(await second.load_waiting(9, tests_only=False)) == ["m-2", "m-3"]
        assert await second.load_expired(HOUR, 9) == await second.load_waiting(9, tests_only=False)
    async with store.transaction() as first, store.transaction() as second:
        await first.load_replies(["m-3"])
        assert ids(await second.load_waiting(9, tests_only=False)) == ["m-0", "m-1", "m-2"]


async def test_one_decides_at_a_time(pool: Pool) -> None:
    store = PostgresStore(pool)
    order: list[str] = []

    async def decide(name: str) -> None:
        async with store.transaction() as work:
            standing = await work.load_standing()
            order.append(name)
            await work.save_standing(replace(standing, sequence=standing.sequence + 1))
            await work.read_tallies()
            order.append(name)

    await asyncio.gather(*(decide(name) for name in "abcd"))
    assert order[::2] == order[1::2]
    async with store.transaction() as work:
        assert (await work.load_standing()).sequence == 4


async def test_who_finds_another_deciding_does_not(pool: Pool) -> None:
    store = PostgresStore(pool)
    for claim in (True, False):
        async with store.transaction() as first, store.transaction() as second:
            assert await (first.claim_standing() if claim else first.load_standing()) == FIRST
            assert await second.claim_standing() is None
            assert await second.read_standing() == FIRST


# -- what the database itself refuses ------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfers SET amount_microeuros = 1",
        "DELETE FROM transfers",
        "TRUNCATE transfers",
        "UPDATE accounts SET balance_microeuros = 0",
        "INSERT INTO accounts VALUES ('fund', 0)",
        "DELETE FROM accounts",
        "DELETE FROM receipts",
        "DELETE FROM replies",
        "DELETE FROM standing",
        "UPDATE steps SET state = 'sent'",
        "UPDATE entries SET amount_microeuros = 1",
        "UPDATE verdicts SET reason = 'deserved'",
        "ALTER TABLE transfers DISABLE TRIGGER transfers_booked",
        "DROP FUNCTION book_transfers CASCADE",
    ],
)
async def test_the_role_may_not_change_what_was_booked(pool: Pool, statement: str) -> None:
    await book(PostgresStore(pool), donation())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)


async def test_the_role_may_not_swap_accounts(pool: Pool) -> None:
    with pytest.raises((asyncpg.CheckViolationError, asyncpg.UniqueViolationError)):
        await pool.execute("UPDATE accounts SET name = 'fund' WHERE name = 'fees'")


@pytest.mark.parametrize(
    "wrong",
    [
        move(TransferKind.DONATION, Account.FUND, Account.DONATIONS, 1, "a"),
        move(TransferKind.RECEIVE, Account.RESERVED, Account.SPENT_RECEIVE, 1, "a"),
        move(TransferKind.RESERVE, Account.FUND, Account.SPENT_REPLY, 1, "a"),
        move(TransferKind.POST, Account.FUND, Account.SPENT_REPLY, 1, "a"),
        move(TransferKind.VOID, Account.SPENT_REPLY, Account.FUND, 1, "a"),
        move(TransferKind.ADJUSTMENT, Account.FUND, Account.RESERVED, 1, "a"),
        replace(donation(), amount_microeuros=0),
        replace(donation(), amount_microeuros=-1),
        replace(donation(), credit=Account.DONATIONS),
    ],
)
async def test_a_transfer_that_is_none_is_refused(pool: Pool, wrong: Transfer) -> None:
    store = PostgresStore(pool)
    await book(store, donation(EURO, "first"), reservation(150_000, "first"))
    with pytest.raises(asyncpg.CheckViolationError):
        await book(store, wrong)


async def test_a_count_below_nothing_is_refused(pool: Pool) -> None:
    async with PostgresStore(pool).transaction() as work:
        with pytest.raises(asyncpg.CheckViolationError):
            await work.add_tallies({"reply.waiting": -1})
