"""A person releases (``RELEASE=person``): the operator API over the real books."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kernel.facts.records import Reason, ReplyAuthorized, ReplyChanged
from services.billing.core.ledger import Account
from tests.integration.billing.scene import Desk, open_desk, sender, texts, verdicts
from tests.support.operator_api import Api, open_api
from tests.unit.billing.cases import EURO, HOUR, NOW, judged

PRICE = 150_000


@pytest.fixture
async def desk(billing_database: str) -> AsyncIterator[Desk]:
    async with open_desk(billing_database, release="person") as opened:
        yield opened


@pytest.fixture
async def api(desk: Desk) -> AsyncIterator[Api]:
    assert desk.operator is not None
    async with open_api(desk.operator, desk.log, desk.clock, desk.settings.operator) as opened:
        yield opened


async def arrive(desk: Desk, *numbers: int) -> None:
    await desk.hear(*texts(*numbers), *verdicts(*numbers))
    await desk.look()


async def cards(api: Api) -> list[str]:
    """The ids of all that wait, in their order."""
    return [card["reply_id"] for card in (await api.get("/v1/releases?limit=100"))["cards"]]


async def act(api: Api, number: int, action: str, actor: str = "Anne") -> int:
    status, answer = await api.post(f"/v1/releases/m-{number}", action=action, actor=actor)
    if status == 200:
        assert answer == {"reply_id": f"m-{number}", "action": action, "actor": actor}
    return status


async def test_what_is_deserved_waits_and_nothing_is_reserved(desk: Desk, api: Api) -> None:
    await desk.give()
    await arrive(desk, 2, 1)
    assert desk.told(ReplyAuthorized) == []
    assert (await desk.balances())[Account.RESERVED] == 0
    found = await api.get("/v1/releases?limit=1")
    assert found["waiting"] == 2
    (card,) = found["cards"]
    assert card == {
        "reply_id": "m-1",
        "first_at": "2026-11-02T11:00:00Z",
        "last_at": "2026-11-02T11:00:00Z",
        "texts": 1,
        "score": -0.001,
        "reasons": [],
        "price_microeuros": PRICE,
        "expires_at": "2026-11-05T12:00:00Z",
    }


async def test_one_sends_and_exactly_that_one_is_authorised(desk: Desk, api: Api) -> None:
    await desk.give()
    await arrive(desk, 1, 2, 3)
    assert await act(api, 2, "send") == 200
    assert (await desk.balances())[Account.RESERVED] == PRICE
    await desk.look()
    assert [told.id for told in desk.told(ReplyAuthorized)] == ["m-2"]
    assert await cards(api) == ["m-1", "m-3"]
    assert await act(api, 2, "send") == 200, "he heard no answer and says so again"
    assert await act(api, 2, "send", "Béa") == 409
    assert await act(api, 2, "skip") == 409
    await desk.look()
    assert [told.id for told in desk.told(ReplyAuthorized)] == ["m-2"]
    assert (await desk.balances())[Account.RESERVED] == PRICE
    (row,) = await desk.rows("SELECT reply_id, at, action, actor FROM releases")
    assert tuple(row) == ("m-2", NOW, "send", "Anne")


async def test_of_many_who_act_at_once_one_does(desk: Desk, api: Api) -> None:
    await desk.give()
    await arrive(desk, 1)
    actions = ("send", "skip", "send", "send", "skip", "send")
    found = await asyncio.gather(
        *(act(api, 1, action, f"actor {n}") for n, action in enumerate(actions))
    )
    assert sorted(found) == [200] + [409] * 5
    await desk.look()
    won = actions[found.index(200)]
    assert len(desk.told(ReplyAuthorized)) == (won == "send")
    assert len(await desk.rows("SELECT * FROM releases")) == 1


async def test_not_this_one_ends_it_with_its_reason(desk: Desk, api: Api) -> None:
    await desk.give()
    await arrive(desk, 1, 2)
    assert await act(api, 1, "skip") == 200
    assert await desk.state(1) == ("refused", "skipped")
    await desk.look()
    (told,) = desk.told(ReplyChanged)
    assert (told.reply_id, told.reason, told.nothing_charged) == ("m-1", "skipped", True)
    assert await cards(api) == ["m-2"]
    assert await act(api, 1, "send") == 409


async def test_later_is_behind_all_and_may_still_be_sent(desk: Desk, api: Api) -> None:
    await desk.give()
    await arrive(desk, 1, 2, 3)
    assert await act(api, 1, "later") == 200
    assert await cards(api) == ["m-2", "m-3", "m-1"]
    assert await act(api, 2, "later", "Béa") == 200
    assert await cards(api) == ["m-3", "m-1", "m-2"]
    assert await act(api, 1, "send", "Béa") == 200


@pytest.mark.parametrize("given", [0, 20 * EURO])
async def test_without_money_it_is_refused_and_waits_on(desk: Desk, api: Api, given: int) -> None:
    if given:
        await desk.give(given)
    await arrive(desk, 1)
    status, said = await api.post("/v1/releases/m-1", action="send", actor="Anne")
    assert status == 402
    assert "money" in said["error"]
    assert await desk.state(1) == ("waiting", "")
    assert await desk.rows("SELECT * FROM releases") == []
    await desk.give(30 * EURO, "more")
    await desk.look()
    assert await act(api, 1, "send") == 200


async def test_the_money_reaches_for_so_many_and_no_more(desk: Desk, api: Api) -> None:
    await desk.give(21 * EURO)
    await arrive(desk, *range(1, 10))
    found = await asyncio.gather(*(act(api, n, "send", f"actor {n}") for n in range(1, 10)))
    sent = found.count(200)
    assert set(found) == {200, 402}
    balances = await desk.balances()
    assert balances[Account.RESERVED] == sent * PRICE
    assert balances[Account.FUND] >= 20 * EURO


async def test_a_pause_holds_what_a_person_sends_and_not_what_he_skips(
    desk: Desk, api: Api
) -> None:
    await desk.give()
    await arrive(desk, 1, 2)
    await api.post("/v1/pause", reason="a rest")
    assert await act(api, 1, "send") == 423
    assert await act(api, 2, "skip") == 200
    await api.post("/v1/resume")
    assert await act(api, 1, "send") == 200


async def test_who_said_stop_meanwhile_gets_nothing(desk: Desk, api: Api) -> None:
    await desk.give()
    await desk.hear(*texts(1), *verdicts(1))
    stop = judged("m-9", Reason.OPTED_OUT, sender=sender(1), received_at=NOW)
    async with desk.store.transaction() as work:  # as where his STOP was told before his text
        await work.add_verdicts([stop])
    await desk.look()
    assert await act(api, 1, "send") == 409
    assert await desk.state(1) == ("refused", "opted_out")
    assert (await desk.balances())[Account.RESERVED] == 0


async def test_what_nobody_touches_expires_as_usual(desk: Desk, api: Api) -> None:
    await desk.give()
    await arrive(desk, 1)
    await desk.wait(71, lag=0)
    assert await cards(api) == ["m-1"]
    await desk.wait(2, lag=0)
    assert await desk.state(1) == ("expired", "max_wait")
    assert await cards(api) == []
    assert await act(api, 1, "send") == 409


async def test_nobody_knows_what_is_unread_so_nobody_sends(desk: Desk, api: Api) -> None:
    await desk.give()
    await arrive(desk, 1)
    desk.clock.advance(HOUR.total_seconds())
    assert await act(api, 1, "send") == 503
    await desk.look()
    assert await act(api, 1, "send") == 200


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("m-1", {"action": "keep", "actor": "Anne"}, "action"),
        ("m-1", {"action": "send"}, "actor"),
        ("m-1", {"action": "send", "actor": "+33639980001"}, "actor"),
        ("+33639980001", {"action": "send", "actor": "Anne"}, "reply_id"),
    ],
)
async def test_bad_acts_are_refused(
    api: Api, desk: Desk, path: str, body: dict[str, str], field: str
) -> None:
    await desk.give()
    await arrive(desk, 1)
    status, said = await api.post(f"/v1/releases/{path}", **body)
    assert (status, said["field"]) == (422, field)
    assert "39980001" not in said["error"]
    assert await act(api, 7, "send") == 404
    for limit in ("0", "101", "x", "-1", "1.5"):
        assert (await api.call("GET", f"/v1/releases?limit={limit}"))[0] == 422
    assert await cards(api) == ["m-1"]
