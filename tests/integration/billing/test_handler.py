"""Billing's handler and its timer, over memory and over a real PostgreSQL: whole flows, any cut."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.facts.records import (
    LoggedCost,
    PostureChanged,
    ProviderChecked,
    Reason,
    ReceivedKind,
    Record,
    ReplyAuthorized,
    ReplyChanged,
    ReplyState,
    SmsReceived,
)
from kernel.facts.topics import BILLING_GROUP, dead
from kernel.log.port import Partition
from kernel.stage.stage import Progress
from kernel.values.errors import Transient
from services.billing.core.ledger import Account, Movement, TransferKind, transfer
from services.billing.core.posture import Facts
from services.billing.core.unread import Unread
from services.billing.memory import MemoryStore
from tests.fakes.clock import ManualClock
from tests.integration.billing.scene import (
    Desk,
    make_desk,
    make_settings,
    open_desk,
    read_to,
    sender,
    texts,
    verdicts,
)
from tests.support.eventually import eventually
from tests.support.postgres import PostgresServer, waits_or_ends
from tests.unit.billing.cases import (
    EURO,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    backfilled,
    changed,
    checked,
    judged,
    received,
)

FLOOR = 20 * EURO
PRICE, TEXT = 150_000, 10_000


@pytest.fixture(params=["postgres", "memory"])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    if request.param == "memory":
        yield make_desk(MemoryStore())
        return
    async with open_desk(request.getfixturevalue("fresh_database")) as opened:
        yield opened


def outcome(
    number: int, sequence: int, state: ReplyState, amount: int | None = None, **fields: object
) -> ReplyChanged:
    """What the responder tells of the reply to a phone's text."""
    return changed(f"m-{number}", sequence, state, amount, sender=sender(number), **fields)


def tellings(desk: Desk) -> list[str]:
    return sorted(record.id for record in desk.told(ReplyAuthorized))


def authorized(desk: Desk) -> list[str]:
    """Whose reply was authorised, by number."""
    return sorted(set(tellings(desk)), key=lambda reply_id: int(reply_id.removeprefix("m-")))


def postures(desk: Desk) -> list[tuple[int, str, bool]]:
    return [(p.sequence, p.cause, p.attach) for p in desk.told(PostureChanged)]


# -- the whole way -------------------------------------------------------------------------------


async def test_a_message_goes_all_the_way(desk: Desk) -> None:
    await desk.give()
    await desk.hear(*texts(1, amount_microunits=9_000))
    await desk.hear(*verdicts(1))
    assert await desk.state(1) == ("waiting", "")
    assert await desk.look() == 1
    [record] = desk.told(ReplyAuthorized)
    assert (record.id, record.sender, record.price_microeuros) == ("m-1", sender(1), PRICE)
    held = await desk.balances()
    assert (held[Account.RESERVED], held[Account.FUND]) == (PRICE, 100 * EURO - 9_000 - PRICE)

    await desk.hear(outcome(1, 1, ReplyState.SENDING))
    await desk.hear(outcome(1, 2, ReplyState.SENT, 60_000))
    await desk.hear(outcome(1, 3, ReplyState.DELIVERED, 61_000, amount_confirmed=True, final=True))
    assert await desk.state(1) == ("delivered", "")
    books = await desk.balances()
    assert books[Account.SPENT_REPLY] == 61_000
    assert books[Account.RESERVED] == 0
    assert books[Account.FUND] == 100 * EURO - 9_000 - 61_000
    names = ("received", "judged.reply", "reply.waiting", "reply.authorized", "reply.delivered")
    assert await desk.count(*names) == [1, 1, 0, 0, 1]
    assert await desk.look() == 0


async def test_told_twice_changes_nothing(desk: Desk) -> None:
    await desk.give()
    batch = [*texts(1, 2, 3), *verdicts(1, 2), *verdicts(3, reason=Reason.CAMPAIGN)]
    changes = [
        outcome(1, 1, ReplyState.SENT, PRICE),
        outcome(2, 1, ReplyState.FAILED, nothing_charged=True, final=True),
    ]
    await desk.hear(*batch, *batch)
    await desk.hear(*batch)
    await desk.look()
    await desk.hear(*changes, *changes)
    books, moved = await desk.balances(), await desk.transfers()
    names = ("received", "judged.reply", "judged.campaign", "reply.sent", "reply.failed")
    counts = await desk.count(*names)
    assert counts == [3, 2, 1, 1, 1]
    for _ in range(2):
        await desk.hear(*batch, *changes)
        assert await desk.look() == 0
    assert (await desk.balances(), await desk.transfers()) == (books, moved)
    assert await desk.count(*names) == counts
    assert tellings(desk) == ["m-1", "m-2"]


async def test_a_call_costs_and_is_no_message(desk: Desk) -> None:
    call = received("c-1", kind=ReceivedKind.CALL, segments=0, amount_microunits=4_000)
    await desk.hear(call, judged("c-1", Reason.CALL, kind=ReceivedKind.CALL))
    assert (await desk.balances())[Account.SPENT_RECEIVE] == 4_000
    assert await desk.count("received", "judged.call") == [0, 0]


async def test_a_message_and_its_reply_may_both_be_adjusted(desk: Desk) -> None:
    await desk.give()
    await desk.hear(*texts(1), *verdicts(1))
    await desk.look()
    await desk.hear(
        *(backfilled("m-1", sender=sender(1), amount_microunits=n) for n in (12_000, 8_000)),
        outcome(1, 1, ReplyState.SENT, 152_000),
        outcome(1, 2, ReplyState.DELIVERED, 151_000),
    )
    books = await desk.balances()
    assert (books[Account.SPENT_RECEIVE], books[Account.SPENT_REPLY]) == (8_000, 151_000)


def logged(second: int = 0, **costs: int) -> ProviderChecked:
    """A page of the provider's log: what messages cost."""
    received = tuple(
        LoggedCost(message_id=message_id.replace("_", "-"), segments=1, amount_microunits=amount)
        for message_id, amount in costs.items()
    )
    return checked(second, received=received)


@pytest.mark.parametrize("told", [0, 5_000, 10_000, 29_000, 40_000, None])
@pytest.mark.parametrize("cost", [0, 7_500, 10_000, 50_000])
@pytest.mark.parametrize("early", ["later", "at once", "before"])
async def test_of_what_receiving_cost_the_log_has_the_last_word(
    told: int | None, cost: int, early: str
) -> None:
    """Whatever the webhook told, in whatever order the two are heard, and once however often."""
    desk = make_desk(MemoryStore())
    await desk.give()
    text, page = texts(1, amount_microunits=told), logged(m_1=cost)
    batches: dict[str, list[list[Record]]] = {
        "later": [text, [page]],
        "at once": [[*text, page]],
        "before": [[page], text],
    }
    for _ in range(2):
        for batch in batches[early]:
            await desk.hear(*batch)
    await desk.hear(*text, page, *text)
    assert (await desk.balances())[Account.SPENT_RECEIVE] == cost


async def test_the_log_s_word_waits_for_a_message_that_is_read_later(desk: Desk) -> None:
    await desk.give()
    await desk.hear(
        logged(1, m_1=8_000, m_2=10_000), logged(3, m_1=9_000), checked(2, credit_microunits=EURO)
    )
    await desk.hear(*texts(1, 2, 3, amount_microunits=0))
    await desk.hear(*texts(1, 2, 3, amount_microunits=0))
    assert (await desk.balances())[Account.SPENT_RECEIVE] == 19_000
    async with desk.store.transaction() as work:
        assert (await work.read_provider()).credit_microeuros == EURO  # a page says nothing of it


async def test_messages_brought_back_are_those_that_the_books_had_not(desk: Desk) -> None:
    await desk.hear(*texts(1, 2))
    await desk.hear(*(backfilled(f"m-{n}", sender=sender(n)) for n in (1, 2, 3)))
    await desk.hear(*texts(3, 4))
    assert await desk.count("received", "brought_back") == [4, 1]


async def test_an_amount_beyond_belief_waits_for_the_log(desk: Desk) -> None:
    await desk.give()
    await desk.hear(*texts(1, amount_microunits=40_000), *verdicts(1))
    await desk.look()
    await desk.hear(outcome(1, 1, ReplyState.SENT, 800_000))
    books = await desk.balances()
    assert (books[Account.SPENT_RECEIVE], books[Account.SPENT_REPLY]) == (TEXT, PRICE)
    for on in ("receive", "reply"):
        counter = desk.telemetry.counter("antirelou_amounts_implausible_total", on=on)
        assert counter._value.get() == 1
    await desk.hear(backfilled("m-1", sender=sender(1), amount_microunits=40_000))
    await desk.hear(outcome(1, 2, ReplyState.SENT, 800_000, amount_confirmed=True))
    books = await desk.balances()
    assert (books[Account.SPENT_RECEIVE], books[Account.SPENT_REPLY]) == (40_000, 800_000)


@pytest.mark.parametrize("told", [0, 5_000, 9_999])
async def test_an_amount_told_too_low_is_corrected_by_the_log_once(desk: Desk, told: int) -> None:
    await desk.give()
    await desk.hear(*texts(1, amount_microunits=told), *verdicts(1))
    await desk.look()
    await desk.hear(outcome(1, 1, ReplyState.DELIVERED, told))
    books = await desk.balances()
    assert (books[Account.SPENT_RECEIVE], books[Account.SPENT_REPLY]) == (told, told)
    log = backfilled("m-1", sender=sender(1), at=NOW - HOUR, amount_microunits=TEXT)
    confirmed = outcome(1, 2, ReplyState.DELIVERED, PRICE, amount_confirmed=True, final=True)
    await desk.hear(log, confirmed)
    moved, names = await desk.transfers(), ("received", "judged.reply", "reply.delivered")
    # Where PRICE_RECEIVE is wrong the log's word may come again and again; a webhook may be late.
    again = [log, confirmed, *texts(1, amount_microunits=told), *verdicts(1)]
    for _ in range(3):
        await desk.hear(*again)
        assert await desk.look() == 0
    books = await desk.balances()
    assert (books[Account.SPENT_RECEIVE], books[Account.SPENT_REPLY]) == (TEXT, PRICE)
    assert await desk.transfers() == moved
    assert await desk.count(*names) == [1, 1, 1]
    assert tellings(desk) == ["m-1"]


# -- the fund ------------------------------------------------------------------------------------


async def test_before_the_first_donation_nothing_is_paid_and_all_is_taken(desk: Desk) -> None:
    await desk.hear(*texts(1), *verdicts(1))
    await desk.look()
    assert postures(desk) == [(1, "floor", True)]
    assert (await desk.balances())[Account.FUND] == -TEXT
    await desk.give()
    await desk.look()
    assert postures(desk) == [(1, "floor", True), (2, "calm", True)]
    assert authorized(desk) == ["m-1"]


async def test_replies_stop_exactly_at_the_floor(desk: Desk) -> None:
    numbers = range(10)
    await desk.hear(*texts(*numbers), *verdicts(*numbers))
    await desk.give(FLOOR + 10 * TEXT + 4 * PRICE - 1)
    await desk.look()
    assert authorized(desk) == ["m-0", "m-1", "m-2"]
    assert (await desk.balances())[Account.FUND] == FLOOR + PRICE - 1
    assert postures(desk)[-1] == (1, "floor", True)
    # A cent more: not yet (the cause sticks by an exchange). An exchange more: exactly one.
    await desk.give(1, "cent")
    await desk.look()
    assert len(authorized(desk)) == 3
    await desk.give(160_000, "exchange")
    await desk.look()
    assert authorized(desk) == ["m-0", "m-1", "m-2", "m-3", "m-4"]
    assert (await desk.balances())[Account.FUND] == FLOOR + 10_000


async def test_money_that_comes_back_is_paid_out_again(desk: Desk) -> None:
    await desk.hear(*texts(0, 1, 2), *verdicts(0, 1, 2))
    await desk.give(FLOOR + 3 * TEXT + 2 * PRICE + 20_000)
    await desk.look()
    assert authorized(desk) == ["m-0", "m-1"]
    void = {"nothing_charged": True, "final": True}
    await desk.hear(outcome(0, 1, ReplyState.FAILED, **void))
    await desk.look()
    assert authorized(desk) == ["m-0", "m-1"], "170,000 are less than a reply and the margin"
    await desk.hear(outcome(1, 1, ReplyState.FAILED, **void))
    await desk.look()
    assert authorized(desk)[2:] == ["m-2"]


async def test_a_flood_keeps_what_receiving_will_cost(desk: Desk) -> None:
    await desk.give()
    flood = [received(f"f-{n}", at=NOW - MINUTE, segments=100) for n in range(50)]
    # 12 euros in an hour would keep 72; half of the donation is the most that is kept.
    await desk.hear(*flood, *texts(1), *verdicts(1))
    spent = 100 * EURO - (await desk.balances())[Account.FUND]
    assert spent == 50 * 24 * TEXT + TEXT
    await desk.give(1, "more")
    await desk.look()
    async with desk.store.transaction() as work:
        floor, _ = await desk.accountant.read_outlook(work, desk.now)
        assert floor == (100 * EURO - spent + 1) // 2
    desk.clock.advance(3 * 3600)
    async with desk.store.transaction() as work:
        floor, _ = await desk.accountant.read_outlook(work, desk.now)
        assert floor == FLOOR


async def test_the_number_goes_off_at_the_floor_and_comes_back_with_a_donation(desk: Desk) -> None:
    await desk.give(FLOOR + TEXT)
    await desk.look()
    await desk.hear(*texts(1))
    await desk.look()
    assert postures(desk) == [(1, "floor", True), (2, "floor", False)]
    await desk.give(160_000, "too little")
    await desk.look()
    assert postures(desk)[2:] == []
    await desk.give(1, "enough for the number")
    await desk.look()
    assert postures(desk)[2:] == [(3, "floor", True)]


async def test_the_daily_cap_ends_with_the_day(fresh_database: str) -> None:
    async with open_desk(fresh_database, daily_cap="0.50") as desk:
        await desk.give()
        await desk.look()
        await desk.hear(*texts(*range(6)), *verdicts(*range(6)))
        await desk.look()
        # 0.06 for receiving leave 0.44 for replies: two.
        assert len(authorized(desk)) == 2
        assert postures(desk)[-1] == (1, "daily_cap", True)
        desk.clock.advance(11 * 3600 - 1)
        await desk.look()
        assert len(authorized(desk)) == 2, "it is 23:59 in Paris"
        desk.clock.advance(1)
        await desk.look()
        # Both are reserved still and will be spent today: 0.20 are left.
        assert len(authorized(desk)) == 3
        assert postures(desk)[-2:] == [(2, "calm", True), (3, "daily_cap", True)]


async def test_the_daily_cap_is_not_begun_anew_by_a_clock_that_is_behind(
    fresh_database: str,
) -> None:
    """Two members around midnight: by one of them it is the next day, by the other not yet."""
    async with open_desk(fresh_database, daily_cap="0.50") as ahead:
        await ahead.give()
        await ahead.hear(*texts(*range(20)), *verdicts(*range(20)))
        behind = make_desk(ahead.store, ahead.settings, ahead.log, ManualClock(NOW))
        ahead.clock.advance(11 * 3600)  # midnight in Paris
        behind.clock.advance(11 * 3600 - 3)
        for _ in range(4):
            await ahead.look()
            sent = [outcome(int(n[2:]), 1, ReplyState.SENT, PRICE) for n in authorized(ahead)]
            await behind.hear(*sent)
            await behind.look()
        assert len(authorized(ahead)) == 3


async def test_the_providers_credit_is_not_overdrawn(desk: Desk) -> None:
    await desk.give()
    # Ten exchanges stay; 0.30 are for two replies.
    await desk.hear(checked(1, credit_microunits=1_900_000))
    await desk.hear(*texts(1, 2, 3), *verdicts(1, 2, 3))
    await desk.look()
    # What was received since was paid out of it, by our own books.
    assert authorized(desk) == ["m-1"]
    assert postures(desk)[-1][1] == "credit"
    await desk.hear(checked(0, credit_microunits=90_000_000))
    await desk.look()
    assert authorized(desk) == ["m-1"], "an older look counts nothing"
    await desk.hear(checked(2, credit_microunits=90_000_000))
    await desk.look()
    assert authorized(desk) == ["m-1", "m-2", "m-3"]
    await desk.hear(checked(3, credit_microunits=-5))
    await desk.look()
    assert postures(desk)[-1][1] == "credit"
    await desk.hear(checked(4, credit_microunits=None))
    await desk.look()
    assert postures(desk)[-1][1] == "calm"


async def read_facts(desk: Desk) -> Facts:
    """What billing believes now."""
    async with desk.store.transaction() as work:
        balances = await work.read_balances()
        return await desk.accountant._read_facts(work, balances, 0, desk.now)


@pytest.mark.parametrize("order", ["flood first", "check first", "one batch", "check again"])
async def test_credit_read_before_a_flood_is_less_the_flood(desk: Desk, order: str) -> None:
    """Billing was away, or one partition was faster: an hour ago five euros were left."""
    await desk.give()
    check = checked(credit_microunits=5 * EURO, at=NOW - HOUR)
    flood = [received(f"f-{n}", sender=sender(n), at=NOW - HOUR / 2) for n in range(400)]
    match order:
        case "flood first":
            await desk.hear(*flood)
            await desk.hear(check)
        case "check first":
            await desk.hear(check)
            await desk.hear(*flood)
        case "one batch":
            await desk.hear(*flood, check)
        case _:
            await desk.hear(check, *flood, check)
    assert (await read_facts(desk)).credit == EURO


async def test_credit_read_before_replies_were_sent_is_less_the_replies(desk: Desk) -> None:
    await desk.give()
    await desk.hear(*texts(1, 2, 3), *verdicts(1, 2, 3))
    await desk.look()
    check = checked(credit_microunits=50 * EURO, at=NOW - HOUR)
    sent = [outcome(n, 1, ReplyState.SENT, 140_000, at=NOW - MINUTE) for n in (1, 2)]
    await desk.hear(*sent, outcome(1, 2, ReplyState.DELIVERED, 145_000, at=NOW), check)
    # Two are charged since, the third is reserved; receiving came in the minute of the check.
    expected = 50 * EURO - 145_000 - 140_000 - PRICE - 3 * TEXT
    assert (await read_facts(desk)).credit == expected


async def test_credit_of_which_nobody_knows_what_came_since_pays_for_nothing(desk: Desk) -> None:
    await desk.give()
    await desk.hear(*texts(1), *verdicts(1))
    await desk.hear(checked(credit_microunits=1_600_000 + PRICE, at=NOW - 25 * HOUR))
    await desk.look()
    assert authorized(desk) == []
    assert postures(desk)[-1][1] == "credit"
    await desk.hear(checked(1, credit_microunits=50 * EURO))
    await desk.look()
    assert authorized(desk) == ["m-1"]


async def test_credit_and_costs_are_in_the_providers_currency(fresh_database: str) -> None:
    async with open_desk(fresh_database, provider_rate="0.5", provider_currency="USD") as desk:
        await desk.give()
        await desk.hear(*texts(1, amount_microunits=16_000), *verdicts(1))
        await desk.hear(checked(1, credit_microunits=3_500_000))  # 1.75: 1.60 and one reply
        await desk.look()
        assert authorized(desk) == ["m-1"]
        await desk.hear(outcome(1, 1, ReplyState.SENT, 290_000))
        books = await desk.balances()
        assert (books[Account.SPENT_RECEIVE], books[Account.SPENT_REPLY]) == (8_000, 145_000)
        assert (await read_facts(desk)).credit == 1_750_000 - 145_000


async def test_while_deliveries_fail_a_few_probes_go(desk: Desk) -> None:
    await desk.give()
    first = range(20)
    await desk.hear(*texts(*range(40)), *verdicts(*first))
    await desk.look()
    lost = [outcome(n, 1, ReplyState.UNDELIVERED, PRICE, final=True) for n in first]
    await desk.hear(*lost, *verdicts(*range(20, 40)))
    await desk.look()
    assert (len(authorized(desk)), postures(desk)[-1][1]) == (20, "deliveries_failing")
    for probes in (5, 10):
        desk.clock.advance(30 * 60)
        await desk.look()
        await desk.look()
        assert len(authorized(desk)) == 20 + probes
    arrived = [outcome(n, 1, ReplyState.DELIVERED, PRICE, final=True) for n in range(20, 30)]
    await desk.hear(*arrived)
    await desk.look()
    assert (len(authorized(desk)), postures(desk)[-1][1]) == (40, "calm")


# -- guarded -------------------------------------------------------------------------------------


async def test_in_a_surge_money_is_kept_for_the_better_until_it_is_over(desk: Desk) -> None:
    await desk.give(FLOOR + 4 * EURO)
    await desk.look()
    surge = {"basis": {"surge": 9.5}}
    await desk.hear(*texts(*range(20)))
    await desk.hear(
        *verdicts(*range(10, 20), score=-2.0, **surge),
        *verdicts(*range(9), score=0.5, **surge),
        *verdicts(9, score=3.0),
    )
    desk.clock.advance(900)
    await desk.look()
    # The floor leaves 3.80 for replies; a week of ones like the best would cost more.
    assert authorized(desk) == ["m-9"]
    [told] = desk.told(PostureChanged)
    assert (told.posture, told.cause, told.attach) == ("guarded", "surge", True)
    assert told.detail == "20 wait; 3.00 EUR would answer them all"
    desk.clock.advance(49 * 3600)
    await desk.look()
    # It is two days ago: nothing is kept any more, and all who wait are paid.
    assert postures(desk)[-1] == (2, "calm", True)
    assert len(authorized(desk)) == 20


async def test_who_is_in_doubt_is_paid_where_nobody_sure_asks(desk: Desk) -> None:
    await desk.give(100 * EURO)
    await desk.look()
    await desk.hear(*texts(*range(12)))
    await desk.hear(*verdicts(*range(12), score=-5.0, basis={"surge": 9.5}))
    await desk.look()
    assert postures(desk) == [(1, "surge", True)]
    assert len(authorized(desk)) == 12


async def test_a_fund_that_burns_is_guarded_until_it_burns_no_more(desk: Desk) -> None:
    # Thirty cents an hour are even; 14.4 times that is 4.29, and 29 replies cost 4.35.
    await desk.give(50 * EURO)
    await desk.look()
    many = range(29)
    await desk.hear(*texts(*many), *verdicts(*many))
    await desk.look()
    assert postures(desk) == [(1, "burn", True)]
    desk.clock.advance(3599)
    await desk.look()
    assert postures(desk)[1:] == []
    desk.clock.advance(1)
    await desk.look()
    assert postures(desk)[1:] == [(2, "calm", True)]


async def test_what_is_refused_at_the_door_asks_nothing_of_the_fund(desk: Desk) -> None:
    await desk.give(50 * EURO)
    many = range(200)
    await desk.hear(*verdicts(*many, sender_sealed=None, basis={"surge": 9.5}))
    await desk.look()
    assert postures(desk) == []
    assert await desk.count("reply.refused") == [200]


# -- the waiting room ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["postgres", "memory"])
async def test_the_best_is_paid_first_and_age_counts_as_score(
    kind: str, request: pytest.FixtureRequest
) -> None:
    async with AsyncExitStack() as stack:
        if kind == "memory":
            desk = make_desk(MemoryStore(), make_settings(send_rate=0.01))
        else:
            url = request.getfixturevalue("fresh_database")
            desk = await stack.enter_async_context(open_desk(url, send_rate=0.01))
        await desk.give()
        await desk.look()
        await desk.hear(*texts(*range(4)), *verdicts(0, score=1.0), *verdicts(1, score=-3.0))
        await desk.wait(24)
        # A day is half a nat: who came first with 1.0 is as good as who comes now with 1.5.
        await desk.hear(*verdicts(2, score=1.4), *verdicts(3, score=1.6))
        order: list[str] = []
        for number in range(4):
            await desk.look()
            [new] = set(tellings(desk)) - set(order)
            order.append(new)
            await desk.hear(changed(new, 1, ReplyState.SENT, PRICE))
            assert len(order) == number + 1
        assert order == ["m-3", "m-0", "m-2", "m-1"]


async def test_no_more_than_a_minute_of_sending_is_authorised_ahead(desk: Desk) -> None:
    await desk.give()
    await desk.hear(*texts(*range(50)), *verdicts(*range(50)))
    await desk.look()
    assert authorized(desk) == [f"m-{n}" for n in range(30)]
    await desk.hear(*(outcome(n, 1, ReplyState.SENDING) for n in (3, 7)))
    await desk.look()
    assert authorized(desk)[30:] == ["m-30", "m-31"]


@pytest.mark.parametrize("reason", [Reason.OPTED_OUT, Reason.BLOCKED])
async def test_who_opts_out_while_he_waits_is_not_answered(desk: Desk, reason: Reason) -> None:
    await desk.hear(*texts(1, 2), *verdicts(1, 2))
    stop = judged("s-1", reason, sender=sender(1), received_at=NOW)
    await desk.hear(stop)
    assert await desk.state(1) == ("refused", reason)
    await desk.give()
    await desk.look()
    assert authorized(desk) == ["m-2"]
    [end] = desk.told(ReplyChanged)
    assert (end.reply_id, end.state, end.reason, end.by) == ("m-1", "refused", reason, "billing")


async def test_a_stop_that_overtakes_the_verdict_is_heard_all_the_same(desk: Desk) -> None:
    # The filter judged, then he opted out, and the second verdict was appended first.
    await desk.hear(judged("s-1", Reason.OPTED_OUT, sender=sender(1), received_at=NOW))
    await desk.hear(*texts(1), *verdicts(1))
    await desk.give()
    await desk.look()
    assert authorized(desk) == []
    assert await desk.state(1) == ("refused", "opted_out")
    assert await desk.count("reply.waiting", "reply.refused") == [0, 1]
    assert (await desk.balances())[Account.RESERVED] == 0


async def test_who_writes_again_after_a_stop_is_answered(desk: Desk) -> None:
    stop = judged("s-1", Reason.OPTED_OUT, sender=sender(1), received_at=NOW - 2 * HOUR)
    await desk.hear(*texts(1), stop, *verdicts(1))
    await desk.hear(stop)
    await desk.give()
    await desk.look()
    assert authorized(desk) == ["m-1"]


async def test_who_waited_too_long_expires_but_not_while_suspended(desk: Desk) -> None:
    # Nothing was given: suspended from the first look on.
    await desk.look()
    await desk.hear(*texts(1), *verdicts(1))
    await desk.wait(100)
    assert await desk.state(1) == ("waiting", "")
    # Calm, but receipts are unread: the clock goes, and nobody is paid.
    await desk.give()
    await desk.look(lag=501)
    await desk.wait(72)
    assert await desk.state(1) == ("waiting", "")
    desk.clock.advance(1)
    await desk.look(lag=501)
    assert await desk.state(1) == ("expired", "max_wait")
    [end] = desk.told(ReplyChanged)
    assert (end.state, end.nothing_charged, end.final) == ("expired", True, True)
    await desk.look()
    assert authorized(desk) == []


async def test_an_outage_of_billing_is_no_waiting(desk: Desk) -> None:
    await desk.give()
    await desk.hear(*texts(1), *verdicts(1))
    await desk.look(lag=501)
    await desk.wait(71)
    desk.clock.advance(100 * 3600)  # nobody looks
    await desk.look(lag=501)
    assert await desk.state(1) == ("waiting", "")
    await desk.hear(*texts(2), *verdicts(2))
    desk.clock.advance(100 * 3600)
    await desk.hear(*texts(3), *verdicts(3))
    await desk.look(lag=501)
    assert await desk.state(1) == ("waiting", "")
    await desk.wait(1)
    assert await desk.state(1) == ("expired", "max_wait")
    await desk.look()
    assert authorized(desk) == ["m-2", "m-3"]


async def test_who_expires_is_not_paid_in_the_same_look(desk: Desk) -> None:
    await desk.give()
    await desk.hear(*texts(1), *verdicts(1))
    await desk.look(lag=501)
    await desk.wait(72)
    await desk.hear(*texts(2), *verdicts(2))
    desk.clock.advance(1)
    await desk.look()
    assert await desk.state(1) == ("expired", "max_wait")
    assert authorized(desk) == ["m-2"]
    assert (await desk.balances())[Account.RESERVED] == PRICE


async def test_at_night_nobody_is_paid_and_the_clock_stands_still() -> None:
    quiet = make_settings(quiet_hours="12:00-11:00", max_wait="3h")
    desk = make_desk(MemoryStore(), quiet)
    await desk.give()
    await desk.look()
    await desk.hear(*texts(1), *verdicts(1))
    await desk.wait(20, lag=0)  # 09:00 in Paris: two hours to go
    assert authorized(desk) == []
    desk.clock.advance(2 * 3600)
    await desk.look()
    assert authorized(desk) == ["m-1"]


async def test_what_nobody_answers_is_told_again_the_same(desk: Desk) -> None:
    await desk.give()
    await desk.hear(*texts(1, 2), *verdicts(1, 2))
    await desk.look()
    await desk.hear(outcome(2, 1, ReplyState.SENDING))
    desk.clock.advance(600)
    assert await desk.look() == 0
    desk.clock.advance(1)
    assert await desk.look() == 1
    assert tellings(desk) == ["m-1", "m-1", "m-2"]
    values = {r.value for r in desk.log.read_all(ReplyAuthorized.TOPIC)}
    assert len(values) == 2, "the same, byte by byte"
    assert (await desk.balances())[Account.RESERVED] == 2 * PRICE


def count_ended(desk: Desk, state: ReplyState) -> float:
    value: float = desk.telemetry.counter("antirelou_replies_total", outcome=state)._value.get()
    return value


async def test_what_billing_ends_is_counted_once(desk: Desk) -> None:
    await desk.hear(*texts(1, 2), *verdicts(1, 2))
    stop = judged("s-1", Reason.OPTED_OUT, sender=sender(1), received_at=NOW)
    for _ in range(3):
        await desk.hear(stop, *verdicts(3, sender_sealed=None))
        await desk.look()
    assert count_ended(desk, ReplyState.REFUSED) == 2
    await desk.give()
    await desk.look(lag=501)
    await desk.wait(72)
    desk.clock.advance(1)
    for _ in range(2):
        await desk.look(lag=501)
        assert count_ended(desk, ReplyState.EXPIRED) == 1


# -- what is not read yet ------------------------------------------------------------------------


@pytest.mark.parametrize(("lag", "paid"), [(0, 4), (30, 2), (75, 0), (500, 0), (501, 0)])
async def test_unread_receipts_hold_money_back(desk: Desk, lag: int, paid: int) -> None:
    await desk.hear(*texts(*range(9)), *verdicts(*range(9)))
    await desk.give(FLOOR + 9 * TEXT + 4 * PRICE)
    await desk.look(lag)
    assert len(authorized(desk)) == paid


async def test_beyond_the_bound_nothing_is_paid_whatever_the_fund_holds(desk: Desk) -> None:
    await desk.give(10_000 * EURO)
    await desk.hear(*texts(1), *verdicts(1))
    await desk.look(lag=501)
    assert authorized(desk) == []
    await desk.look(lag=500)
    assert authorized(desk) == ["m-1"]


async def test_a_member_asks_for_the_lag_of_the_others(desk: Desk) -> None:
    await desk.give()
    await desk.hear(*texts(1), *verdicts(1))
    lags = {Partition(SmsReceived.TOPIC, n): 0 for n in range(6)}
    half = Progress(lags=lags, at=desk.now)
    await desk.append(*[received(f"x-{n}", sender=sender(n)) for n in range(501)])
    for progress in (Progress(), half):
        await desk.handler.due(progress, desk.now)
        assert (await desk.state(1))[0] == "waiting"
    async with desk.log.reader(BILLING_GROUP, [SmsReceived.TOPIC]) as reader:
        await reader.commit(await reader.read(records_max=9, bytes_max=10**6, wait_seconds=0))
    await desk.handler.due(half, desk.now)
    assert (await desk.state(1))[0] == "waiting", "it was asked a moment ago"
    desk.clock.advance(1.5)
    await desk.handler.due(half, desk.now)
    assert (await desk.state(1))[0] == "authorized"
    desk.log.away = True
    desk.clock.advance(1.5)
    with pytest.raises(Transient):
        await desk.handler.due(half, desk.now)


HALF = {Partition(SmsReceived.TOPIC, n): 0 for n in range(6)}
ALL = HALF | {Partition(SmsReceived.TOPIC, n): 0 for n in range(6, 12)}
UNKNOWN = Partition(SmsReceived.TOPIC, 3)


@pytest.mark.parametrize(
    "progress",
    [
        Progress(),
        Progress(lags=ALL),
        Progress(at=NOW),
        Progress(lags=ALL, at=NOW - 6 * SECOND),
        Progress(lags=ALL, at=NOW + 6 * SECOND),
        Progress(lags=ALL | {UNKNOWN: -1}, at=NOW),
        Progress(lags=ALL | {UNKNOWN: -2000, Partition(SmsReceived.TOPIC, 4): 2000}, at=NOW),
        Progress(
            watermarks=dict.fromkeys(ALL, NOW),
            lags={place: 0 for place in ALL if place != UNKNOWN},
            at=NOW,
        ),
    ],
    ids=["nothing", "void", "of-no-partition", "old", "clock-put-back", "negative",
         "negative-and-its-like", "one-unknown"],
)  # fmt: skip
async def test_who_does_not_know_what_is_unread_pays_nothing(
    desk: Desk, progress: Progress
) -> None:
    await desk.give()
    await desk.hear(*texts(1), *verdicts(1))
    await desk.handler.due(progress, desk.now)
    assert (await desk.balances())[Account.RESERVED] == 0
    await desk.handler.due(Progress(lags=ALL, at=NOW - 4 * SECOND), desk.now)
    assert (await desk.balances())[Account.RESERVED] == PRICE


@pytest.mark.parametrize("lag", [-1, -2000])
async def test_a_negative_lag_is_no_money(desk: Desk, lag: int) -> None:
    """Committed beyond the end: the topic was made anew, or truncated; who knows what is unread."""
    await desk.give(FLOOR + EURO)
    await desk.hear(*texts(*range(20)), *verdicts(*range(20)))

    async def count_lag() -> int:
        return lag

    member = make_desk(desk.store, desk.settings, desk.log, desk.clock, count_lag)
    await member.handler.due(Progress(lags=HALF, at=NOW), desk.now)
    assert (await desk.balances())[Account.FUND] == FLOOR + EURO - 20 * TEXT


async def test_the_posture_is_told_while_the_lag_is_not_known(desk: Desk) -> None:
    """Committed beyond the end it may stay so for long: the number must go off all the same."""
    await desk.give(FLOOR + 2 * TEXT)
    await desk.hear(*texts(1, 2), *verdicts(1, 2))

    async def count_lag() -> int:
        raise Transient("committed beyond the end", code="lag_unknown")

    member = make_desk(desk.store, desk.settings, desk.log, desk.clock, count_lag)
    due = await member.handler.due(Progress(lags=HALF, at=NOW), desk.now)
    assert [record.topic for record in due.records] == [PostureChanged.TOPIC]
    assert (await desk.balances())[Account.RESERVED] == 0


# -- crashes -------------------------------------------------------------------------------------


async def test_a_crash_between_look_and_tell_loses_and_repeats_nothing(desk: Desk) -> None:
    await desk.give()
    await desk.hear(*texts(1, 2), *verdicts(1, 2))
    await desk.hear(judged("s-2", Reason.OPTED_OUT, sender=sender(2), received_at=NOW))
    await desk.accountant.look(Unread(0, desk.now), desk.now)
    again = make_desk(desk.store, desk.settings, desk.log, desk.clock)
    moved = await desk.transfers()
    assert await again.look() == 0, "who decided it may be about to tell it"
    desk.clock.advance(5)
    due = await again.handler.due(read_to(at=desk.now), desk.now)
    await desk.log.append(due.records)  # and dies before it marks them
    await again.look()
    assert await desk.transfers() == moved
    assert tellings(desk) == ["m-1", "m-1"]
    values = [r.value for r in desk.log.read_all(ReplyAuthorized.TOPIC)]
    assert values[0] == values[1]
    ends = desk.told(ReplyChanged)
    assert [end.id for end in ends] == [ends[0].id] * 2


async def test_an_answer_that_comes_before_the_telling_is_noted_stops_nothing(desk: Desk) -> None:
    # Told, the mark was lost, told again: the responder says that it has it.
    await desk.give()
    await desk.hear(*texts(1, 2), *verdicts(1))
    await desk.accountant.look(Unread(0, desk.now), desk.now)
    await desk.hear(outcome(1, 1, ReplyState.AUTHORIZED, reason="429"), *verdicts(2))
    await desk.look()
    assert authorized(desk) == ["m-2"]
    # As after a restore: nobody here knows it, and the responder has it.
    await desk.hear(outcome(3, 4, ReplyState.AUTHORIZED))
    assert await desk.look() == 0


async def test_a_restored_database_hears_what_became_of_what_it_forgot(desk: Desk) -> None:
    await desk.give()
    await desk.hear(*verdicts(1, 2))
    await desk.hear(
        outcome(1, 2, ReplyState.SENDING),
        outcome(2, 4, ReplyState.DELIVERED, PRICE, final=True),
        outcome(3, 4, ReplyState.DELIVERED, PRICE, final=True),
    )
    await desk.hear(*verdicts(3))
    await desk.look()
    # What was only on its way is paid for anew: the responder finds out whether it left.
    assert authorized(desk) == ["m-1"]
    await desk.hear(outcome(1, 3, ReplyState.DELIVERED, PRICE))
    books = await desk.balances()
    assert (books[Account.SPENT_REPLY], books[Account.RESERVED]) == (3 * PRICE, 0)
    assert await desk.count("reply.waiting", "reply.delivered") == [0, 3]


async def test_a_stage_that_loses_its_acknowledgements_pays_once(desk: Desk) -> None:
    await desk.give()
    desk.log.fail_after_append = 0
    await desk.append(*texts(1, 2, 3), *verdicts(1, 2, 3))
    stage = desk.stage()
    desk.log.fail_after_append, desk.log.fail_commit = 1, 1
    running = asyncio.create_task(stage.run())
    await eventually(lambda: len(authorized(desk)) == 3, seconds_max=10)
    await eventually(lambda: stage.trouble is None, seconds_max=10)
    stage.drain()
    await asyncio.wait_for(running, 10)
    assert (await desk.balances())[Account.RESERVED] == 3 * PRICE


async def test_a_record_that_cannot_be_is_dead_and_the_rest_goes_on(desk: Desk) -> None:
    await desk.give()
    lie = outcome(1, 1, ReplyState.WAITING)
    await desk.append(*texts(1, 2), *verdicts(1, 2), lie)
    stage = desk.stage()
    running = asyncio.create_task(stage.run())
    await eventually(lambda: "m-2" in authorized(desk), seconds_max=10)
    await eventually(lambda: desk.log.read_all(dead(ReplyChanged.TOPIC)), seconds_max=10)
    stage.drain()
    await asyncio.wait_for(running, 10)
    assert await desk.count("received", "judged.reply") == [2, 2]


# -- the same whatever the batches ---------------------------------------------------------------

Cut = Callable[[Sequence[Record]], list[Sequence[Record]]]


def before_the_look(chance: random.Random) -> list[Record]:
    """Texts, repeats, the log's word, verdicts, and who opts out, each sender's in some order."""
    records: list[Record] = []
    for number in range(24):
        told: list[Record] = [
            *texts(number, amount_microunits=chance.choice([None, 9_000, 99_000]))
        ]
        log = [
            backfilled(f"m-{number}", sender=sender(number), amount_microunits=n)
            for n in chance.choices([8_000, 11_000, 12_000, None], k=chance.randrange(4))
        ]
        told += chance.sample([*told, *log], len(log) + 1)
        for reason in chance.choices([Reason.DESERVED, Reason.BURST], k=2):
            told += verdicts(number, reason=reason)
        if chance.random() < 0.3:
            at = NOW - chance.choice([0, 2]) * HOUR
            stop = judged(f"s-{number}", Reason.OPTED_OUT, sender=sender(number), received_at=at)
            told.insert(chance.randrange(len(told) + 1), stop)
        records += told
    return shuffle(records, chance)


def after_the_look(chance: random.Random) -> list[Record]:
    """What became of them, repeated and out of order."""
    changes: list[Record] = []
    for number in range(24):
        sequence = range(1, chance.randrange(1, 5))
        told: list[Record] = [
            outcome(
                number, n, chance.choice([ReplyState.SENT, ReplyState.DELIVERED]),
                chance.choice([None, 60_000, PRICE, 155_000, 999_000]),
                amount_confirmed=chance.random() < 0.3,
                nothing_charged=chance.random() < 0.2,
                final=chance.random() < 0.3,
            )
            for n in sequence
        ]  # fmt: skip
        changes += chance.sample([*told, *told], 2 * len(told))
    return shuffle(changes, chance)


def shuffle(records: list[Record], chance: random.Random) -> list[Record]:
    """Mix the senders; each sender's records keep their order, as in the log."""
    lanes: dict[bytes, list[Record]] = {}
    for record in records:
        lanes.setdefault(record.key(), []).append(record)
    mixed = []
    while lanes:
        key = chance.choice(list(lanes))
        mixed.append(lanes[key].pop(0))
        if not lanes[key]:
            del lanes[key]
    return mixed


def whole(records: Sequence[Record]) -> list[Sequence[Record]]:
    return [records]


def singly(records: Sequence[Record]) -> list[Sequence[Record]]:
    return [[record] for record in records]


def by_chance(seed: int) -> Cut:
    def cut(records: Sequence[Record]) -> list[Sequence[Record]]:
        chance = random.Random(seed)
        left, batches = list(records), list[Sequence[Record]]()
        while left:
            size = chance.randrange(1, 20)
            batches.append(left[:size])
            left = left[size:]
        return batches

    return cut


async def run_all(desk: Desk, seed: int, cut: Cut) -> list[object]:
    """The books after everything was heard in these batches."""
    chance = random.Random(seed)
    first, second = before_the_look(chance), after_the_look(chance)
    await desk.give()
    for batch in cut(first):
        await desk.hear(*batch)
    await desk.look()
    for batch in cut(second):
        await desk.hear(*batch)
    await desk.look()
    states = [f"reply.{state}" for state in ReplyState]
    names = ("received", "judged.reply", "judged.burst", "judged.opted_out")
    return [await desk.balances(), await desk.transfers(), await desk.count(*names, *states)]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(0, 10**6))
def test_the_same_records_give_the_same_books_whatever_the_batches(seed: int, cut: int) -> None:
    async def compare() -> None:
        expected = await run_all(make_desk(MemoryStore()), seed, singly)
        for batches in (whole, by_chance(cut)):
            assert await run_all(make_desk(MemoryStore()), seed, batches) == expected

    asyncio.run(compare())


@pytest.mark.parametrize("seed", [1, 2])
async def test_postgresql_gives_the_same_books_as_memory(
    postgres_server: PostgresServer, seed: int
) -> None:
    expected = await run_all(make_desk(MemoryStore()), seed, singly)
    assert len(expected[1]) > 60  # type: ignore[arg-type]
    for cut in (whole, singly, by_chance(seed)):
        async with AsyncExitStack() as stack:
            url = postgres_server.create_database()
            stack.callback(postgres_server.drop_database, url)
            desk = await stack.enter_async_context(open_desk(url))
            assert await run_all(desk, seed, cut) == expected


# -- two members ---------------------------------------------------------------------------------


async def test_each_decision_is_told_once(fresh_database: str) -> None:
    async with open_desk(fresh_database) as one, open_desk(fresh_database) as two:
        assert one.operator is not None
        await one.give()
        stop = judged("s-3", Reason.OPTED_OUT, sender=sender(3), received_at=NOW)
        await one.hear(*texts(1, 2, 3), *verdicts(1, 2, 3), stop)
        await one.operator.pause("to see", NOW)
        await one.operator.resume(NOW)
        first = await one.handler.due(read_to(), NOW)
        second = await two.handler.due(read_to(), NOW)  # before the first has noted what it told
        kinds = [record.topic for record in first.records]
        topics = [PostureChanged.TOPIC] * 2 + [ReplyAuthorized.TOPIC] * 2 + [ReplyChanged.TOPIC]
        assert sorted(kinds) == sorted(topics)
        assert not second.records
        # The first has died: what has lain is told in its place, the same.
        later = NOW + 5 * SECOND
        second = await two.handler.due(read_to(at=later), later)
        assert set(second.records) == set(first.records)


async def test_who_is_cut_off_from_the_log_does_not_pay(fresh_database: str) -> None:
    async with open_desk(fresh_database) as one, open_desk(fresh_database) as cut_off:
        await one.give()
        await one.hear(*texts(1, 2), *verdicts(1, 2))
        await one.handler.due(read_to(5000), NOW)
        for at in (NOW - MINUTE, NOW - SECOND, NOW):  # what its stage published before
            await cut_off.handler.due(read_to(at=at), NOW)
            assert (await one.balances())[Account.RESERVED] == 0
        await cut_off.handler.due(read_to(at=NOW + SECOND), NOW + SECOND)  # it has read again
        assert (await one.balances())[Account.RESERVED] == 2 * PRICE


async def test_two_members_at_once_overspend_nothing(fresh_database: str) -> None:
    numbers = list(range(120))
    async with open_desk(fresh_database, send_rate=2) as one:
        two = make_desk(one.store, one.settings, one.log, one.clock)
        await one.hear(*texts(*numbers))
        await one.give(FLOOR + 120 * TEXT + 40 * PRICE + 7)
        await asyncio.gather(
            *(member.hear(*verdicts(*numbers[start::3]))
              for start in range(3) for member in (one, two)),
            *(member.look() for member in (one, two) for _ in range(4)),
        )  # fmt: skip
        await one.look()
        assert len(authorized(one)) == 40
        assert (await one.balances())[Account.FUND] == FLOOR + 7
        paid = [int(reply_id.removeprefix("m-")) for reply_id in authorized(one)]
        ends: list[Record] = [
            outcome(n, 1, ReplyState.DELIVERED, PRICE, final=True) if n % 4
            else outcome(n, 1, ReplyState.FAILED, nothing_charged=True, final=True)
            for n in paid
        ]  # fmt: skip
        batches = [ends, ends[::-1], ends[::2], ends[::-3]]
        await asyncio.gather(
            *(member.hear(*batch) for batch in batches for member in (one, two)),
            *(member.look() for member in (one, two) for _ in range(4)),
        )
        await one.look()
        books = await one.balances()
        assert books[Account.FUND] >= FLOOR
        replies = await one.rows("SELECT * FROM replies WHERE reservation = 'pending'")
        assert books[Account.RESERVED] == len(replies) * PRICE
        spent = sum(n % 4 > 0 for n in paid)
        assert books[Account.SPENT_REPLY] == spent * PRICE
        reserved = await one.rows("SELECT subject FROM transfers WHERE kind = 'reserve'")
        assert len(reserved) == len(authorized(one)) == 40 + (40 - spent)


async def test_what_is_booked_while_one_decides_is_not_spent_on_replies(
    fresh_database: str,
) -> None:
    """Receipts are booked by another member between the look at the fund and the reservation."""
    async with open_desk(fresh_database) as desk:
        await desk.give(FLOOR + PRICE + TEXT)
        await desk.hear(*texts(1), *verdicts(1))
        other = transfer(
            Movement(TransferKind.RECEIVE, Account.FUND, Account.SPENT_RECEIVE, 1), "m-2", NOW
        )
        async with desk.store.transaction() as work:
            await work.add_transfers([other])
            looking = asyncio.create_task(desk.look())
            await waits_or_ends(work._connection, looking)
        await looking
        assert authorized(desk) == []
        assert (await desk.balances())[Account.FUND] == FLOOR + PRICE - 1


async def test_who_looks_while_another_decides_goes_on(fresh_database: str) -> None:
    async with open_desk(fresh_database) as desk:
        await desk.give()
        await desk.hear(*texts(1), *verdicts(1))
        async with desk.store.transaction() as other:
            await other.load_standing()
            looking = asyncio.create_task(desk.look())
            await waits_or_ends(other._connection, looking)
            assert looking.done(), "it waits"
        assert authorized(desk) == []
        await desk.look()
        assert len(authorized(desk)) == 1


async def test_two_members_that_read_the_same_book_it_once(fresh_database: str) -> None:
    chance = random.Random(5)
    records = before_the_look(chance)
    expected = make_desk(MemoryStore())
    await expected.hear(*records)

    async def hear_all(member: Desk, size: int) -> None:
        for start in range(0, len(records), size):
            await member.hear(*records[start : start + size])

    async with open_desk(fresh_database) as one:
        two = make_desk(one.store, one.settings, one.log, one.clock)
        await asyncio.gather(hear_all(one, 20), hear_all(two, 13))
        names = ("received", "judged.reply", "judged.opted_out")
        assert await one.count(*names) == await expected.count(*names)
        receipts = await one.rows("SELECT sum(cost_microeuros)::bigint AS sum FROM receipts")
        assert (await one.balances())[Account.SPENT_RECEIVE] == receipts[0]["sum"]


async def test_two_stages_share_the_log_and_one_dies(fresh_database: str) -> None:
    async with open_desk(fresh_database) as one:
        two = make_desk(one.store, one.settings, one.log, one.clock)
        await one.give()
        stages = [one.stage(), two.stage()]
        running = [asyncio.create_task(stage.run()) for stage in stages]
        await one.append(*texts(*range(20)), *verdicts(*range(10)))
        await eventually(lambda: authorized(one), seconds_max=10)
        running[0].cancel()
        await asyncio.gather(running[0], return_exceptions=True)
        await one.append(*verdicts(*range(10, 20)))

        async def all_paid() -> bool:
            one.clock.advance(1.5)
            return len(authorized(one)) == 20

        await eventually(all_paid, seconds_max=15)
        stages[1].drain()
        await asyncio.wait_for(running[1], 10)
        books = await one.balances()
        assert books[Account.RESERVED] == 20 * PRICE
        assert books[Account.FUND] == 100 * EURO - 20 * (TEXT + PRICE)
        assert await one.count("received", "reply.authorized") == [20, 20]
