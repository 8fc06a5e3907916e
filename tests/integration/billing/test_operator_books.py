"""The operator at the real books: the API over PostgreSQL, with billing's timer beside it."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kernel.facts.records import (
    OperatorAction,
    OperatorDecided,
    PostureChanged,
    Reason,
    Record,
    ReplyAuthorized,
    ReplyChanged,
    ReplyKind,
    ReplyState,
    SenderBlocked,
)
from kernel.log.port import LogRecord
from kernel.sealing.privacy import Unsealer
from kernel.stage.dead import bury
from services.billing.core.ledger import Account
from tests.integration.billing.scene import (
    Desk,
    make_desk,
    open_desk,
    phone,
    sender,
    texts,
    verdicts,
)
from tests.support.operator_api import OWN_NUMBER, PRIVATE_KEY, TOKEN, Api, open_api
from tests.unit.billing.cases import EURO, HOUR, NOW, changed, checked, judged, received

FLOOR, PRICE, TEXT = 20 * EURO, 150_000, 10_000


@pytest.fixture
async def desk(billing_database: str) -> AsyncIterator[Desk]:
    async with open_desk(billing_database) as opened:
        yield opened


@pytest.fixture
async def api(desk: Desk) -> AsyncIterator[Api]:
    assert desk.operator is not None
    async with open_api(desk.operator, desk.log, desk.clock, desk.settings.operator) as opened:
        yield opened


async def donate(api: Api, amount: str = "100", of: str = "gift") -> tuple[int, Any]:
    return await api.post("/v1/donations", id=of, amount_eur=amount, note="a note")


async def fund_of(api: Api) -> dict[str, int]:
    """The fund as the status shows it; it adds up."""
    status = await api.get("/v1/status")
    fund: dict[str, int] = {
        name.removesuffix("_microeuros"): amount for name, amount in status["fund"].items()
    }
    spent = fund["spent_receive"] + fund["spent_reply"]
    assert fund["available"] == fund["donated"] - spent - fund["fees"] - fund["reserved"]
    return fund


def authorized(desk: Desk) -> set[str]:
    return {record.id for record in desk.told(ReplyAuthorized)}


def outcome(reply_id: str, sequence: int, state: ReplyState, **fields: Any) -> Record:
    return changed(reply_id, sequence, state, **fields)


# -- who is let in, and what is refused ----------------------------------------------------------


async def test_without_the_token_no_route_answers(api: Api) -> None:
    document = await api.get("/v1/openapi.json")
    calls = [(m, path) for path, methods in document["paths"].items() for m in methods]
    assert len(calls) > 20
    for method, path in calls:
        for token in ("", TOKEN + "x", TOKEN[:-1], TOKEN.upper()):
            status, said = await api.call(
                method.upper(), re.sub(r"{[^}]*}", "r", path), token=token
            )
            assert (status, "token" in said["error"]) == (401, True), path


REFUSED: list[tuple[str, str, object, int, str | None]] = [
    ("POST", "/v1/donations", b"{", 400, None),
    ("POST", "/v1/donations", b"[1]", 400, None),
    ("POST", "/v1/donations", {"amount_eur": "1"}, 422, "id"),
    ("POST", "/v1/donations", {"id": "a"}, 422, "amount_eur"),
    ("POST", "/v1/donations", {"id": "a", "amount_eur": "-1"}, 422, "amount_eur"),
    ("POST", "/v1/donations", {"id": "a", "amount_eur": "1", "note": 5}, 422, "note"),
    ("POST", "/v1/donations", {"id": phone(1), "amount_eur": "1"}, 422, "id"),
    ("POST", "/v1/fees", {"id": "a", "amount_eur": "x"}, 422, "amount_eur"),
    ("POST", "/v1/fund/corrections", {"entry": "a"}, 422, "why"),
    ("POST", "/v1/fund/corrections", {"entry": "a", "why": "x", "below_zero": 1}, 422,
     "below_zero"),
    ("POST", "/v1/transfers", {"id": "a", "amount_eur": "1"}, 409, "amount_eur"),
    ("POST", "/v1/pause", {}, 422, "reason"),
    ("POST", "/v1/pause", {"reason": f"because of {phone(1)}"}, 422, "reason"),
    ("POST", "/v1/blocks", {}, 422, "number"),
    ("POST", "/v1/blocks", {"number": "Chloé"}, 422, "number"),
    ("POST", "/v1/blocks", {"number": OWN_NUMBER}, 422, "number"),
    ("DELETE", "/v1/blocks", {"number": 5}, 422, "number"),
    ("POST", "/v1/explain", {}, 422, "number"),
    ("POST", "/v1/explain", {"number": phone(1), "id": "m"}, 422, "number"),
    ("POST", "/v1/tests", {"number": "+33140000000"}, 422, "number"),
    ("POST", "/v1/unresolved/r", {"outcome": "lost"}, 422, "outcome"),
    ("POST", f"/v1/unresolved/{phone(1)}", {"outcome": "sent"}, 422, "id"),
    ("POST", "/v1/backfill", {}, 422, "since"),
    ("POST", "/v1/backfill", {"since": "2999-01-01"}, 422, "since"),
    ("POST", "/v1/audits", {"broken": {"I1": -1}}, 422, "broken"),
    ("POST", "/v1/donations", b"x" * 70_000, 413, None),
]  # fmt: skip


async def test_bad_input_names_the_field_and_the_fix_and_changes_nothing(
    desk: Desk, api: Api
) -> None:
    for method, path, body, status, field in REFUSED:
        answered, said = await api.call(method, path, body)
        assert (answered, said.get("field")) == (status, field), (path, body)
        assert said["error"].startswith(field or "")
        assert len(said["error"]) > 10
    assert phone(1) not in str(api.lines)
    assert await desk.transfers() == []
    assert [row["at"] for row in await desk.rows("SELECT at FROM audits")] == [None]
    for table in ("operator_records", "blocks", "decisions"):
        assert await desk.rows(f"SELECT * FROM {table}") == []


async def test_while_the_database_is_away_the_answer_is_503_and_says_so(
    desk: Desk, api: Api
) -> None:
    await desk.operator._pool.close()  # type: ignore[union-attr]
    url, headers = f"{api.url}/v1/donations", {"Authorization": f"Bearer {TOKEN}"}
    body = {"id": "a", "amount_eur": "1"}
    async with api.session.post(url, json=body, headers=headers) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert "try again" in (await answer.json())["error"]


# -- the fund ------------------------------------------------------------------------------------


async def test_a_donation_is_booked_once(desk: Desk, api: Api) -> None:
    status, answer = await donate(api)
    assert (status, answer["available_microeuros"]) == (201, 100 * EURO)
    assert (await donate(api))[0] == 200
    status, answer = await donate(api, "100.01")
    assert status == 409
    status, _ = await api.post("/v1/fees", id="gift", amount_eur="100")
    assert status == 409
    assert (await fund_of(api))["donated"] == 100 * EURO
    [entry] = (await api.get("/v1/fund"))["entries"]
    assert entry == {
        "at": "2026-11-02T12:00:00Z", "kind": "donation", "amount_microeuros": 100 * EURO,
        "id": "gift", "note": "a note",
    }  # fmt: skip
    assert len(api.woken) == 2  # a donation may let waiting replies go
    many = await asyncio.gather(*(donate(api, "5", "twice") for _ in range(5)))
    assert sorted(status for status, _ in many) == [200, 200, 200, 200, 201]
    assert (await fund_of(api))["available"] == 105 * EURO
    assert len(await desk.transfers()) == 2


async def test_fees_and_corrections_are_entries_of_their_own(desk: Desk, api: Api) -> None:
    await donate(api)
    assert (await api.post("/v1/fees", id="rent", amount_eur="3"))[0] == 201
    fund = await fund_of(api)
    assert (fund["fees"], fund["available"]) == (3 * EURO, 97 * EURO)

    async def correct(entry: str) -> tuple[int, Any]:
        return await api.post("/v1/fund/corrections", entry=entry, why="mistyped")

    assert (await correct("rent"))[0] == 201
    assert (await correct("rent"))[0] == 200
    assert (await correct("gift"))[0] == 201
    assert (await correct("nobody's"))[0] == 404
    assert (await correct("correction:gift"))[0] == 409
    fund = await fund_of(api)
    assert (fund["donated"], fund["fees"], fund["available"]) == (0, 0, 0)
    book = (await api.get("/v1/fund"))["entries"]
    assert [(e["kind"], e["amount_microeuros"]) for e in book] == [
        ("donation", 100 * EURO), ("fee", -3 * EURO),
        ("correction", 3 * EURO), ("correction", -100 * EURO),
    ]  # fmt: skip
    assert len(await desk.transfers()) == 4


async def test_a_correction_below_zero_is_asked_about(desk: Desk, api: Api) -> None:
    await donate(api, "30", "right")
    await donate(api, "100", "mistyped")
    await api.post("/v1/fees", id="rent", amount_eur="30.01")
    asked = {"entry": "mistyped", "why": "one zero too many"}
    moved = await desk.transfers()
    status, said = await api.post("/v1/fund/corrections", **asked)
    assert (status, said["field"]) == (409, "below_zero")
    for wrong in ("yes", 1):
        assert (await api.post("/v1/fund/corrections", **asked, below_zero=wrong))[0] == 422
    assert await desk.transfers() == moved
    status, said = await api.post("/v1/fund/corrections", **asked, below_zero=True)
    assert (status, said["available_microeuros"]) == (201, -10_000)
    assert (await api.post("/v1/fund/corrections", **asked))[0] == 200, "it was done before"
    status, said = await api.post("/v1/fund/corrections", entry="rent", why="mistyped")
    assert (status, said["available_microeuros"]) == (201, 30 * EURO)


async def test_an_id_that_looks_like_a_correction_is_none(api: Api) -> None:
    await donate(api)
    await donate(api, "1", "correction:gift")
    status, _ = await api.post("/v1/fund/corrections", entry="gift", why="mistyped")
    assert status == 409
    assert (await fund_of(api))["donated"] == 101 * EURO


async def test_the_floor_under_a_flood_goes_by_what_was_given_after_all(
    desk: Desk, api: Api
) -> None:
    await donate(api, "30", "right")
    await donate(api, "1000", "mistyped")
    flood = [received(f"f-{n}", at=NOW, segments=24) for n in range(20)]
    await desk.hear(*flood)
    assert (await fund_of(api))["floor"] == 6 * 20 * 24 * TEXT
    await api.post("/v1/fund/corrections", entry="mistyped", why="one zero too many")
    assert (await fund_of(api))["floor"] == FLOOR


async def test_a_donation_pays_for_who_waits(desk: Desk, api: Api) -> None:
    await desk.hear(*texts(1), *verdicts(1))
    await desk.look()
    status = await api.get("/v1/status")
    assert (status["posture"], status["posture_cause"]) == ("suspended", "floor")
    await donate(api)
    assert api.woken
    assert (await api.get("/v1/status"))["posture"] == "normal"
    # What is not read may cost anything: the donation itself pays for nobody.
    assert (await desk.state(1))[0] == "waiting"
    await desk.look()
    assert authorized(desk) == {"m-1"}


async def test_the_status_counts_and_adds_up(desk: Desk, api: Api) -> None:
    await donate(api)
    await desk.hear(checked(1, credit_microunits=50_000_000, attached=True))
    await desk.hear(*texts(1, 2, 3), *verdicts(1, 2), *verdicts(3, reason=Reason.BURST))
    await desk.look()
    await desk.hear(outcome("m-1", 1, ReplyState.DELIVERED, amount=PRICE, final=True))
    status = await api.get("/v1/status")
    assert status["messages"]["received"] == 3
    assert {n: c for n, c in status["messages"]["judged"].items() if c} == {"reply": 2, "burst": 1}
    assert {n: c for n, c in status["replies"].items() if c} == {"authorized": 1, "delivered": 1}
    assert (status["attached"], status["posture"]) == (True, "normal")
    assert status["last_webhook_at"].startswith("2026-11-02T11:00")
    fund = await fund_of(api)
    assert (fund["reserved"], fund["spent_receive"]) == (PRICE, 3 * TEXT)
    assert (fund["spent_reply"], fund["floor"]) == (PRICE, FLOOR)
    assert fund["provider_credit"] == 50 * EURO


# -- the posture ---------------------------------------------------------------------------------


async def test_a_pause_holds_at_once_and_lets_go(desk: Desk, api: Api) -> None:
    await donate(api)
    await desk.hear(*texts(1, 2), *verdicts(1, 2))
    status, answer = await api.post("/v1/pause", reason="a journalist calls")
    assert (status, answer["posture"], answer["changed"]) == (200, "suspended", True)
    assert answer["posture_cause"] == "operator"
    assert (await api.post("/v1/pause", reason="again"))[1]["changed"] is False
    await desk.look()
    assert authorized(desk) == set()
    waiting = await api.get("/v1/resume")
    assert waiting == {"waiting": 2, "cost_microeuros": 2 * PRICE, "seconds": 4.0}
    status, answer = await api.post("/v1/resume")
    assert (answer["posture"], answer["changed"]) == ("normal", True)
    assert (await api.post("/v1/resume"))[1]["changed"] is False
    await desk.look()
    assert authorized(desk) == {"m-1", "m-2"}
    told = [(p.sequence, p.cause) for p in desk.told(PostureChanged)]
    assert told == [(1, "operator"), (2, "calm")]


async def test_who_waits_during_a_pause_does_not_expire(desk: Desk, api: Api) -> None:
    await donate(api)
    await api.post("/v1/pause", reason="holidays")
    await desk.hear(*texts(1), *verdicts(1))
    desk.clock.advance(1000 * 3600)
    await desk.look()
    await api.post("/v1/resume")
    await desk.look()
    assert authorized(desk) == {"m-1"}


async def test_the_number_is_taken_off_and_put_on_by_the_operator(desk: Desk, api: Api) -> None:
    await donate(api, "20.17")
    assert (await api.post("/v1/detach"))[1]["changed"] is True
    assert (await api.post("/v1/detach"))[1]["changed"] is False
    assert (await api.post("/v1/attach"))[1]["changed"] is True
    await desk.look()
    assert [p.attach for p in desk.told(PostureChanged)] == [False, True]


# -- senders -------------------------------------------------------------------------------------


async def test_a_block_ends_what_waits_and_what_is_on_its_way(desk: Desk, api: Api) -> None:
    await desk.hear(*texts(1, 2, 3), *verdicts(1, 2))
    status, answer = await api.post("/v1/blocks", number=phone(1))
    assert (status, answer["sender"], answer["changed"]) == (201, sender(1), True)
    assert await desk.state(1) == ("refused", "blocked")
    assert await desk.count("reply.waiting", "reply.refused") == [1, 1]
    # The block of another crosses the verdict on him.
    assert (await api.post("/v1/blocks", number=phone(3)))[0] == 201
    assert (await api.post("/v1/blocks", number=phone(3)))[0] == 200
    await desk.hear(*verdicts(3))
    await donate(api)
    await desk.look()
    assert authorized(desk) == {"m-2"}
    assert await desk.state(3) == ("refused", "blocked")
    assert {c.reply_id for c in desk.told(ReplyChanged)} == {"m-1", "m-3"}
    assert len(desk.told(SenderBlocked)) == 2
    assert {block["sender"] for block in (await api.get("/v1/blocks"))["blocks"]} == {
        sender(1), sender(3),
    }  # fmt: skip


def refused(desk: Desk) -> float:
    value: float = desk.telemetry.counter("antirelou_replies_total", outcome="refused")._value.get()
    return value


async def test_what_a_block_refuses_is_counted(desk: Desk, api: Api) -> None:
    await desk.hear(*texts(1), *verdicts(1))
    await desk.look()
    for _ in range(2):
        await api.post("/v1/blocks", number=phone(1))
        assert refused(desk) == 1
    await desk.look()
    assert refused(desk) == 1


async def test_a_test_that_is_refused_is_counted_and_a_block_ends_none(
    desk: Desk, api: Api
) -> None:
    lower = replace(desk.settings.tariff, cap_microeuros=PRICE + TEXT - 1)
    assert desk.operator is not None
    desk.operator._settings = replace(desk.settings, tariff=lower)
    await api.post("/v1/tests", number=phone(7))
    assert refused(desk) == 1
    desk.operator._settings = desk.settings
    await api.post("/v1/tests", number=phone(8))
    await api.post("/v1/blocks", number=phone(8))
    assert refused(desk) == 1
    assert await desk.count("reply.waiting", "reply.refused") == [1, 1]


async def test_a_correction_leaves_the_pace_where_it_was(desk: Desk, api: Api) -> None:
    await donate(api, "100", "right")
    await donate(api, "900", "mistyped")
    await desk.hear(*texts(*range(20)), *verdicts(*range(20)))
    await desk.look()
    await api.post("/v1/fund/corrections", entry="mistyped", why="one zero too many")
    [row] = await desk.rows("SELECT * FROM standing")
    assert row["at_donation"] == 100 * EURO - 20 * TEXT
    assert row["donated_at"] == NOW


async def test_who_is_taken_off_the_list_is_answered_again(desk: Desk, api: Api) -> None:
    await donate(api)
    await api.post("/v1/blocks", number=phone(1))
    assert (await api.call("DELETE", "/v1/blocks", {"number": phone(1)}))[0] == 200
    await desk.hear(*texts(1), *verdicts(1))
    await desk.look()
    assert authorized(desk) == {"m-1"}


async def test_the_way_of_a_message_is_explained(desk: Desk, api: Api) -> None:
    await donate(api)
    await desk.hear(*texts(1), *verdicts(1, basis={"texts": 2}))
    await desk.hear(received("n-1", sender=sender(1), at=NOW))
    await desk.look()
    await desk.hear(outcome("m-1", 1, ReplyState.SENT, amount=60_000, sender=sender(1), reason=""))
    _, answer = await api.post("/v1/explain", number=phone(1))
    new, old = answer["messages"]
    assert (new["id"], new["verdict"], new["reply"]) == ("n-1", None, None)
    assert (old["id"], old["verdict"], old["basis"]) == ("m-1", "reply", {"texts": 2})
    assert old["receive_cost_microeuros"] == TEXT
    assert [step["state"] for step in old["reply"]["states"]] == ["waiting", "authorized", "sent"]
    assert (old["reply"]["price_microeuros"], old["reply"]["cost_microeuros"]) == (PRICE, 60_000)
    _, answer = await api.post("/v1/explain", id="m-1")
    assert answer["messages"] == [old]
    assert (await api.post("/v1/explain", id="m-9"))[0] == 404
    assert (await api.post("/v1/explain", number=phone(9)))[1] == {"messages": []}


# -- tests ---------------------------------------------------------------------------------------


async def test_a_test_goes_at_once_though_paused(desk: Desk, api: Api) -> None:
    await donate(api)
    await desk.hear(*texts(1), *verdicts(1))
    await api.post("/v1/pause", reason="first a test")
    status, answer = await api.post("/v1/tests", number=phone(7), id="mine")
    assert status == 201
    assert (await api.post("/v1/tests", number=phone(7), id="mine")) == (200, answer)
    assert (await api.post("/v1/tests", number=phone(8), id="mine"))[0] == 409
    await desk.look()
    [record] = desk.told(ReplyAuthorized)
    assert (record.id, record.kind) == (answer["id"], ReplyKind.TEST)
    assert Unsealer(PRIVATE_KEY).unseal(record.sender_sealed).decode() == phone(7)
    assert (await fund_of(api))["reserved"] == PRICE
    _, way = await api.post("/v1/explain", id=answer["id"])
    assert way["messages"][0]["kind"] == "test"


async def test_not_even_a_test_is_paid_for_with_the_floor_or_above_the_cap(
    desk: Desk, api: Api
) -> None:
    await donate(api, "20.14")
    await api.post("/v1/tests", number=phone(7))
    await desk.look()
    assert authorized(desk) == set()
    await donate(api, "1", "more")
    lower = replace(desk.settings.tariff, cap_microeuros=PRICE + TEXT - 1)
    restarted = make_desk(desk.store, replace(desk.settings, tariff=lower), desk.log, desk.clock)
    await restarted.look()
    assert authorized(desk) == set()
    assert await desk.count("reply.waiting", "reply.refused") == [0, 1]


# -- what only a person can decide ---------------------------------------------------------------


async def test_what_is_unresolved_keeps_its_money_until_it_is_decided(desk: Desk, api: Api) -> None:
    await donate(api)
    await desk.hear(*texts(1, 2), *verdicts(1, 2))
    await desk.look()
    for number in (1, 2):
        await desk.hear(outcome(f"m-{number}", 1, ReplyState.UNRESOLVED, reason="absent"))
    listed = (await api.get("/v1/unresolved"))["replies"]
    assert [reply["log"] for reply in listed] == ["absent", "absent"]
    assert [(r["id"], r["price_microeuros"]) for r in listed] == [("m-1", PRICE), ("m-2", PRICE)]
    assert (await fund_of(api))["reserved"] == 2 * PRICE
    assert (await api.post("/v1/unresolved/m-1", outcome="sent"))[0] == 200
    assert (await api.post("/v1/unresolved/m-1", outcome="sent"))[0] == 200
    assert (await api.post("/v1/unresolved/m-1", outcome="void"))[0] == 409
    assert (await api.post("/v1/unresolved/m-9", outcome="void"))[0] == 404
    assert (await api.post("/v1/unresolved/m-2", outcome="void"))[0] == 200
    assert (await api.get("/v1/unresolved"))["replies"] == []
    told = [(d.action, d.reply_id) for d in desk.told(OperatorDecided)]
    assert told == [(OperatorAction.REPLY_SENT, "m-1"), (OperatorAction.REPLY_VOID, "m-2")]
    await desk.hear(
        outcome("m-1", 2, ReplyState.SENT, reason="operator", final=True),
        outcome("m-2", 2, ReplyState.FAILED, reason="operator", nothing_charged=True, final=True),
    )
    fund = await fund_of(api)
    assert (fund["reserved"], fund["spent_reply"]) == (0, PRICE)


async def test_what_is_resolved_is_not_decided(desk: Desk, api: Api) -> None:
    await donate(api)
    await desk.hear(*texts(1), *verdicts(1))
    await desk.look()
    assert (await api.post("/v1/unresolved/m-1", outcome="void"))[0] == 409
    assert (await desk.balances())[Account.RESERVED] == PRICE


async def test_what_was_decided_while_the_log_was_away_is_told_later(desk: Desk, api: Api) -> None:
    desk.log.away = True
    assert (await api.post("/v1/blocks", number=phone(1)))[0] == 201
    desk.log.away = False
    assert desk.told(SenderBlocked) == []
    await desk.look()
    assert [b.sender for b in desk.told(SenderBlocked)] == [sender(1)]


async def test_a_backfill_is_told(desk: Desk, api: Api) -> None:
    status, answer = await api.post("/v1/backfill", since="2017-10-27T18:00:00+02:00")
    assert (status, answer) == (202, {"since": "2017-10-27T16:00:00Z"})
    [told] = desk.told(OperatorDecided)
    assert (told.action, told.since) == (
        OperatorAction.BACKFILL, datetime(2017, 10, 27, 16, tzinfo=UTC),
    )  # fmt: skip


async def test_the_dead_are_counted_listed_and_put_back(desk: Desk, api: Api) -> None:
    record = LogRecord("sms.received", 3, 7, b"k", b"secret \xff", NOW)
    await desk.log.append(
        [bury(record, service="filter", reason="unreadable", error="odd", at=NOW)]
    )
    assert (await api.get("/v1/status"))["dead"] == 1
    answer = await api.get("/v1/dead")
    assert (answer["total"], answer["records"]) == (
        1,
        [{"at": "2026-11-02T12:00:00Z", "topic": "sms.received", "partition": 3, "offset": 7,
          "service": "filter", "reason": "unreadable", "error": "odd"}],
    )  # fmt: skip
    assert "no JSON" in answer["explanations"]["unreadable"]["meaning"]
    assert await api.post("/v1/dead/replay") == (200, {"replayed": 1})
    assert (await api.get("/v1/dead"))["records"] == []
    desk.log.away = True
    assert (await api.get("/v1/status"))["dead"] is None
    for method, path in (("GET", "/v1/dead"), ("POST", "/v1/dead/replay")):
        assert (await api.call(method, path))[0] == 503


async def test_an_audit_is_noted(desk: Desk, api: Api) -> None:
    broken = {"I1": 0, "I4": 2}
    assert await api.post("/v1/audits", broken=broken) == (201, {"broken": broken})
    assert desk.operator is not None
    audit = (await desk.operator.read_status(NOW)).watched.audit
    assert audit is not None
    assert (audit.at, audit.broken) == (NOW, broken)


async def test_a_stop_heard_long_ago_keeps_no_test_from_going(desk: Desk, api: Api) -> None:
    await donate(api)
    stop = judged("s-1", Reason.OPTED_OUT, sender=sender(7), received_at=NOW + HOUR)
    await desk.hear(stop)
    await api.post("/v1/tests", number=phone(7))
    await desk.look()
    assert len(authorized(desk)) == 1
