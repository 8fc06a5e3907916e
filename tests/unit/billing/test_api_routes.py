"""Every route of the operator API over a store in memory: answers, refusals, faults."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from kernel.facts.records import (
    DeadRecord,
    OperatorAction,
    OperatorDecided,
    SenderBlocked,
    decode_as,
)
from kernel.facts.topics import DEAD_GROUP, dead
from kernel.log.port import LogRecord
from kernel.sealing.privacy import Pseudonymizer, Unsealer
from kernel.stage.dead import bury
from services.billing.operator import ReplyWay, Step, Unresolved, Waiting, Way
from tests.fakes.log import MemoryLog
from tests.fakes.operator_store import FakeOperatorStore
from tests.support.operator_api import (
    OWN_NUMBER,
    PRIVATE_KEY,
    SETTINGS,
    TOKEN,
    Api,
    open_api,
)

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
PHONE = "+33639980001"
SENDER = Pseudonymizer(SETTINGS.pseudonym_key).pseudonym(PHONE)


@pytest.fixture
def store() -> FakeOperatorStore:
    return FakeOperatorStore()


@pytest.fixture
async def api(store: FakeOperatorStore, log: MemoryLog) -> AsyncIterator[Api]:
    async with open_api(store, log) as opened:
        yield opened


# -- who is let in -------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", TOKEN[:-1], TOKEN.upper()])
async def test_without_the_token_no_route_answers(api: Api, token: str) -> None:
    document = await api.get("/v1/openapi.json")
    for path, operations in document["paths"].items():
        for method in operations:
            status, said = await api.call(method.upper(), path.replace("{id}", "r-1"), token=token)
            assert status == 401, path
            assert "token" in said["error"]


# -- the status -----------------------------------------------------------------------------------


async def test_the_status_has_the_shape_of_the_contract(api: Api, store: FakeOperatorStore) -> None:
    store.received, store.judged = 10, {"reply": 3, "already_answered": 2}
    status = await api.get("/v1/status")
    assert status["posture"] == "normal"
    assert status["posture_cause"] == "calm"
    assert status["attached"] is True
    assert status["last_webhook_at"] is None
    assert status["fund"] == {
        "donated_microeuros": 0, "available_microeuros": 0, "reserved_microeuros": 0,
        "spent_receive_microeuros": 0, "spent_reply_microeuros": 0, "fees_microeuros": 0,
        "floor_microeuros": 20_000_000, "provider_credit_microeuros": None,
        "raised_microeuros": 0, "transferred_microeuros": 0, "held_microeuros": 0,
    }  # fmt: skip
    messages = status["messages"]
    assert (messages["received"], messages["deliberating"]) == (10, 5)
    assert messages["judged"]["reply"] == 3
    assert messages["judged"]["burst"] == 0
    assert "deserved" not in messages["judged"]
    assert sum(messages["judged"].values()) + messages["deliberating"] == 10
    assert set(status["replies"]) == {
        "waiting", "authorized", "sending", "sent", "delivered", "undelivered", "failed",
        "uncertain", "unresolved", "expired", "refused",
    }  # fmt: skip
    assert status["dead"] == 0


async def test_a_verdict_read_before_its_message_makes_nothing_negative(
    api: Api, store: FakeOperatorStore
) -> None:
    store.received, store.judged = 1, {"reply": 2}
    assert (await api.get("/v1/status"))["messages"]["deliberating"] == 0


async def test_the_status_is_told_while_the_log_is_away(api: Api, log: MemoryLog) -> None:
    log.away = True
    assert (await api.get("/v1/status"))["dead"] is None


# -- the fund -------------------------------------------------------------------------------------


async def test_a_donation_counts_once(api: Api) -> None:
    gift = {"id": "gift-1", "amount_eur": "12.50", "note": "a friend"}
    status, answer = await api.post("/v1/donations", **gift)
    assert status == 201
    assert answer == {
        "id": "gift-1", "amount_microeuros": 12_500_000, "available_microeuros": 12_500_000,
    }  # fmt: skip
    status, answer = await api.post("/v1/donations", **gift)
    assert (status, answer["available_microeuros"]) == (200, 12_500_000)
    status, answer = await api.post("/v1/donations", **gift | {"amount_eur": "12.51"})
    assert (status, answer["field"]) == (409, "id")
    status, answer = await api.post("/v1/fees", **gift)
    assert status == 409
    entries = (await api.get("/v1/fund"))["entries"]
    assert [(e["kind"], e["amount_microeuros"], e["note"]) for e in entries] == [
        ("donation", 12_500_000, "a friend")
    ]
    assert len(api.woken) == 2  # a donation may let waiting replies go


async def test_a_fee_is_taken_off(api: Api) -> None:
    await api.post("/v1/donations", id="gift", amount_eur="10")
    status, answer = await api.post("/v1/fees", id="rent", amount_eur="0.80", note="rental")
    assert (status, answer["available_microeuros"]) == (201, 9_200_000)
    fund = await api.get("/v1/fund")
    assert fund["fund"]["fees_microeuros"] == 800_000
    assert [e["amount_microeuros"] for e in fund["entries"]] == [10_000_000, -800_000]


async def test_a_correction_reverses_once(api: Api) -> None:
    await api.post("/v1/donations", id="gift", amount_eur="10")
    correction = {"entry": "gift", "why": "typed twice"}
    assert await api.post("/v1/fund/corrections", **correction) == (
        201, {"entry": "gift", "available_microeuros": 0},
    )  # fmt: skip
    assert (await api.post("/v1/fund/corrections", **correction))[0] == 200
    entries = (await api.get("/v1/fund"))["entries"]
    assert [e["amount_microeuros"] for e in entries] == [10_000_000, -10_000_000]
    assert entries[1]["note"] == "typed twice"


async def test_a_correction_of_nothing_or_of_a_correction_is_refused(api: Api) -> None:
    status, answer = await api.post("/v1/fund/corrections", entry="gift", why="x")
    assert (status, answer["field"]) == (404, "entry")
    await api.post("/v1/donations", id="gift", amount_eur="10")
    await api.post("/v1/fund/corrections", entry="gift", why="x")
    corrected = (await api.get("/v1/fund"))["entries"][1]["id"]
    assert (await api.post("/v1/fund/corrections", entry=corrected, why="x"))[0] == 409


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "/v1/donations", b"{", 400, None),
        ("POST", "/v1/donations", b"[1]", 400, None),
        ("POST", "/v1/donations", {"amount_eur": "1"}, 422, "id"),
        ("POST", "/v1/donations", {"id": "a"}, 422, "amount_eur"),
        ("POST", "/v1/donations", {"id": "a", "amount_eur": "-1"}, 422, "amount_eur"),
        ("POST", "/v1/donations", {"id": "a", "amount_eur": "1", "note": 5}, 422, "note"),
        ("POST", "/v1/donations", {"id": PHONE, "amount_eur": "1"}, 422, "id"),
        ("POST", "/v1/fees", {"id": "a", "amount_eur": "x"}, 422, "amount_eur"),
        ("POST", "/v1/fund/corrections", {"entry": "a"}, 422, "why"),
        ("POST", "/v1/pause", {}, 422, "reason"),
        ("POST", "/v1/pause", {"reason": f"because of {PHONE}"}, 422, "reason"),
        ("POST", "/v1/blocks", {}, 422, "number"),
        ("POST", "/v1/blocks", {"number": "Chloé"}, 422, "number"),
        ("POST", "/v1/blocks", {"number": OWN_NUMBER}, 422, "number"),
        ("DELETE", "/v1/blocks", {"number": 5}, 422, "number"),
        ("POST", "/v1/explain", {}, 422, "number"),
        ("POST", "/v1/explain", {"number": PHONE, "id": "m"}, 422, "number"),
        ("POST", "/v1/tests", {"number": "+33140000000"}, 422, "number"),
        ("POST", "/v1/unresolved/r", {"outcome": "lost"}, 422, "outcome"),
        ("POST", "/v1/backfill", {}, 422, "since"),
        ("POST", "/v1/backfill", {"since": "2999-01-01"}, 422, "since"),
        ("POST", "/v1/donations", b"x" * 70_000, 413, None),
    ],
)  # fmt: skip
async def test_bad_input_names_the_field_and_the_fix(  # noqa: PLR0917 - one row of the table
    api: Api, store: FakeOperatorStore, method: str, path: str, body: object, status: int,
    field: str | None,
) -> None:  # fmt: skip
    answered, said = await api.call(method, path, body)
    assert (answered, said.get("field")) == (status, field)
    assert said["error"].startswith(field or "")
    assert len(said["error"]) > 10
    assert PHONE not in said["error"]
    assert not store.entries
    assert not store.told


# -- the posture ----------------------------------------------------------------------------------


async def test_pause_and_resume_say_whether_they_changed_anything(api: Api) -> None:
    assert await api.post("/v1/pause", reason="holiday") == (
        200,
        {"posture": "suspended", "posture_cause": "operator", "attached": True, "changed": True},
    )
    assert (await api.post("/v1/pause", reason="holiday"))[1]["changed"] is False
    status, resumed = await api.post("/v1/resume")
    assert (status, resumed["posture"], resumed["changed"]) == (200, "normal", True)
    assert (await api.post("/v1/resume"))[1]["changed"] is False
    assert api.woken


async def test_before_resuming_one_sees_what_it_takes(api: Api, store: FakeOperatorStore) -> None:
    store.waiting = Waiting(90, 13_500_000)
    assert await api.get("/v1/resume") == {
        "waiting": 90, "cost_microeuros": 13_500_000, "seconds": 180.0,
    }  # fmt: skip


async def test_detach_and_attach(api: Api, store: FakeOperatorStore) -> None:
    assert (await api.post("/v1/detach"))[0] == 200
    assert store.attached is False
    assert (await api.post("/v1/attach"))[1]["changed"] is True
    assert store.attached is True


# -- senders --------------------------------------------------------------------------------------


async def test_a_block_is_told_and_listed_by_pseudonym(api: Api, log: MemoryLog) -> None:
    status, answer = await api.post("/v1/blocks", number="06 39 98 00 01")
    assert (status, answer) == (201, {"sender": SENDER, "blocked": True, "changed": True})
    status, answer = await api.post("/v1/blocks", number=PHONE)
    assert (status, answer["changed"]) == (200, False)
    [block] = (await api.get("/v1/blocks"))["blocks"]
    assert block["sender"] == SENDER
    status, answer = await api.call("DELETE", "/v1/blocks", {"number": PHONE})
    assert (status, answer["blocked"], answer["changed"]) == (200, False, True)
    assert (await api.call("DELETE", "/v1/blocks", {"number": PHONE}))[1]["changed"] is False
    assert (await api.get("/v1/blocks"))["blocks"] == []
    told = [decode_as(SenderBlocked, r.value) for r in log.read_all(SenderBlocked.TOPIC)]
    assert [(t.sender, t.blocked) for t in told] == [(SENDER, True), (SENDER, False)]
    assert told[0].id != told[1].id


async def test_what_cannot_be_told_now_is_kept_and_answered_200(
    api: Api, store: FakeOperatorStore, log: MemoryLog
) -> None:
    log.away = True
    assert (await api.post("/v1/blocks", number=PHONE))[0] == 201
    assert len(store.told) == 1
    assert api.woken  # billing's timer goes on with it
    log.away = False
    assert await store.tell(log.append) == 1
    assert len(log.read_all(SenderBlocked.TOPIC)) == 1


async def test_explain_shows_the_whole_way(api: Api, store: FakeOperatorStore) -> None:
    steps = [Step(AT, "waiting", ""), Step(AT + timedelta(hours=1), "delivered", "")]
    store.ways["m-1"] = Way(
        "m-1", "message", AT, 10_000, "reply", "deserved", {"texts": 2}, AT + timedelta(hours=1),
        ReplyWay(steps, 150_000, 149_000),
    )  # fmt: skip
    store.senders["m-1"] = SENDER
    expected = {
        "id": "m-1", "kind": "message", "received_at": "2026-11-20T12:00:00Z",
        "receive_cost_microeuros": 10_000, "verdict": "reply", "reason": "deserved",
        "basis": {"texts": 2}, "due_at": "2026-11-20T13:00:00Z",
        "reply": {
            "state": "delivered",
            "states": [
                {"at": "2026-11-20T12:00:00Z", "state": "waiting", "reason": ""},
                {"at": "2026-11-20T13:00:00Z", "state": "delivered", "reason": ""},
            ],
            "price_microeuros": 150_000, "cost_microeuros": 149_000,
        },
    }  # fmt: skip
    assert await api.post("/v1/explain", id="m-1") == (200, {"messages": [expected]})
    assert await api.post("/v1/explain", number=PHONE) == (200, {"messages": [expected]})
    assert await api.post("/v1/explain", number="+33639980009") == (200, {"messages": []})
    status, said = await api.post("/v1/explain", id="m-2")
    assert (status, said["field"]) == (404, "id")


async def test_a_test_is_sealed_for_sending_and_asked_for_once(
    api: Api, store: FakeOperatorStore
) -> None:
    status, answer = await api.post("/v1/tests", number="06 39 98 00 01", id="mine")
    assert status == 201
    test = store.tests[answer["id"]]
    assert test.sender == SENDER
    assert Unsealer(PRIVATE_KEY).unseal(test.sender_sealed) == PHONE.encode()
    assert await api.post("/v1/tests", number=PHONE, id="mine") == (200, answer)
    assert (await api.post("/v1/tests", number="+33639980002", id="mine"))[0] == 409
    status, other = await api.post("/v1/tests", number=PHONE)
    assert status == 201
    assert other != answer


# -- what only a person can decide ----------------------------------------------------------------


async def test_an_unresolved_reply_is_decided_once(
    api: Api, store: FakeOperatorStore, log: MemoryLog
) -> None:
    store.unresolved["r/1"] = Unresolved("r/1", AT, 150_000, "absent")
    assert await api.get("/v1/unresolved") == {
        "replies": [
            {
                "id": "r/1",
                "at": "2026-11-20T12:00:00Z",
                "price_microeuros": 150_000,
                "log": "absent",
            }
        ]
    }
    path = "/v1/unresolved/r%2F1"
    assert await api.post(path, outcome="sent", why="his answer") == (
        200, {"id": "r/1", "outcome": "sent"},
    )  # fmt: skip
    assert (await api.post(path, outcome="sent"))[0] == 200
    assert (await api.post(path, outcome="void"))[0] == 409
    status, said = await api.post("/v1/unresolved/r-2", outcome="void")
    assert (status, said["field"]) == (404, "id")
    assert (await api.get("/v1/unresolved"))["replies"] == []
    [told] = [decode_as(OperatorDecided, r.value) for r in log.read_all(OperatorDecided.TOPIC)]
    assert (told.action, told.reply_id, told.why) == (
        OperatorAction.REPLY_SENT, "r/1", "his answer",
    )  # fmt: skip


async def test_a_backfill_is_told(api: Api, log: MemoryLog) -> None:
    status, answer = await api.post("/v1/backfill", since="2017-10-27T18:00:00+02:00")
    assert (status, answer) == (202, {"since": "2017-10-27T16:00:00Z"})
    [told] = [decode_as(OperatorDecided, r.value) for r in log.read_all(OperatorDecided.TOPIC)]
    assert told.action is OperatorAction.BACKFILL
    assert told.since == datetime(2017, 10, 27, 16, tzinfo=UTC)


# -- dead records ---------------------------------------------------------------------------------


async def let_die(log: MemoryLog, topic: str, value: bytes, key: bytes = b"k") -> None:
    record = LogRecord(topic, 3, 7, key, value, AT)
    await log.append([bury(record, service="filter", reason="unreadable", error="odd", at=AT)])


async def test_dead_records_are_listed_without_their_values_and_put_back_as_they_were(
    api: Api, log: MemoryLog
) -> None:
    await let_die(log, "sms.received", b"secret text \xff")
    await let_die(log, "sms.judged", b"second")
    assert (await api.get("/v1/status"))["dead"] == 2
    answer = await api.get("/v1/dead")
    records = answer["records"]
    assert answer["total"] == 2
    assert "no JSON" in answer["explanations"]["unreadable"]["meaning"]
    assert records[0] == {
        "at": "2026-11-20T12:00:00Z", "topic": "sms.received", "partition": 3, "offset": 7,
        "service": "filter", "reason": "unreadable", "error": "odd",
    }  # fmt: skip
    assert len(records) == 2
    assert await api.post("/v1/dead/replay") == (200, {"replayed": 2})
    [back] = log.read_all("sms.received")
    assert (back.key, back.value) == (b"k", b"secret text \xff")
    assert (await api.get("/v1/status"))["dead"] == 0
    assert (await api.get("/v1/dead"))["records"] == []
    assert await api.post("/v1/dead/replay") == (200, {"replayed": 0})
    await let_die(log, "sms.judged", b"third")
    assert len((await api.get("/v1/dead"))["records"]) == 1  # not those that were put back


async def test_what_two_services_put_aside_is_put_back_once(api: Api, log: MemoryLog) -> None:
    """All its readers read it again: put back twice, what dies for good would double each time."""
    record = LogRecord("sms.received", 3, 7, b"k", b"rubbish", AT)
    for service in ("filter", "billing"):
        await log.append([bury(record, service=service, reason="unreadable", error="odd", at=AT)])
    answer = await api.get("/v1/dead")
    assert [one["service"] for one in answer["records"]] == ["filter", "billing"]
    assert await api.post("/v1/dead/replay") == (200, {"replayed": 1})
    assert len(log.read_all("sms.received")) == 1
    assert (await api.get("/v1/status"))["dead"] == 0


async def test_what_is_no_dead_record_is_listed_and_dropped(api: Api, log: MemoryLog) -> None:
    from kernel.log.port import Outgoing

    astray = DeadRecord(
        topic="sms.judged", partition=0, offset=0, key=b"", value=b"x", service="s",
        reason="r", error="e", at=AT,
    )  # fmt: skip
    await log.append(
        [
            Outgoing(dead("sms.received"), b"", b"rubbish"),
            Outgoing(dead("sms.received"), b"", msgspec.json.encode(astray)),
        ]
    )
    await let_die(log, "sms.received", b"good")
    reasons = [r["reason"] for r in (await api.get("/v1/dead"))["records"]]
    assert reasons == ["unreadable_corpse", "unreadable_corpse", "unreadable"]
    assert await api.post("/v1/dead/replay") == (200, {"replayed": 1})
    assert log.read_all("sms.judged") == []
    assert (await api.get("/v1/status"))["dead"] == 0


async def test_a_replay_whose_acknowledgement_is_lost_loses_nothing(
    api: Api, log: MemoryLog
) -> None:
    await let_die(log, "sms.received", b"one")
    log.fail_after_append = 1
    assert (await api.post("/v1/dead/replay"))[0] == 503
    assert (await api.get("/v1/status"))["dead"] == 1  # uncommitted: put back again
    assert await api.post("/v1/dead/replay") == (200, {"replayed": 1})
    assert [r.value for r in log.read_all("sms.received")] == [b"one", b"one"]
    assert sum((await log.group_lag(DEAD_GROUP, dead("sms.received"))).values()) == 0


async def test_while_something_is_away_the_answer_is_503_and_says_so(
    api: Api, store: FakeOperatorStore, log: MemoryLog
) -> None:
    store.away = True
    status, said = await api.post("/v1/donations", id="a", amount_eur="1")
    assert status == 503
    assert "try again" in said["error"]
    store.away, log.away = False, True
    assert (await api.call("GET", "/v1/dead"))[0] == 503
    assert (await api.post("/v1/dead/replay"))[0] == 503
