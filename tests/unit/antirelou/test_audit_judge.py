"""The judge of an audit: a house that is well is found well, at any moment; each harm is found."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antirelou.commands.audit.facts import (
    AuditRules,
    Books,
    Facts,
    Judgement,
    Logged,
    MessageRow,
    OutboxRow,
    ProviderLog,
    ReceiptRow,
    ReplyRow,
    Told,
)
from antirelou.commands.audit.judge import judge
from kernel.facts.topics import BILLING_GROUP, FILTER_GROUP, RESPONDER_GROUP

NOW = datetime(2026, 11, 1, tzinfo=UTC)
RULES = AuditRules(timedelta(days=180), 160_000, 10_000, 1_000_000)
RECEIVE, PRICE, GIVEN = 10_000, 150_000, 100_000_000
DONE = "delivered"

STAGES = ("appended", "deliberated", "silent", "judged", "waiting", "authorized", "sent", DONE)
"""How far a message of the house below has come."""


def at_least(stage: str, other: str) -> bool:
    return stage != "silent" and STAGES.index(stage) >= STAGES.index(other)


def house(*stages: str) -> Facts:
    """A house that is well, with a message at each of these stages."""
    draft: dict[str, dict[Any, Any]] = defaultdict(dict)
    for number, stage in enumerate(stages):
        _add(draft, f"m{number}", f"{number:032x}", stage)
    return Facts(
        RULES,
        received=draft["received"],
        judged=draft["judged"],
        authorized=draft["authorized"],
        changed=draft["changed"],
        messages=draft["messages"],
        outbox=draft["outbox"],
        books=_books(draft),
        provider=ProviderLog(NOW - timedelta(days=1), NOW, draft["logged"], draft["sms"]),
    )


def _add(draft: dict[str, dict[Any, Any]], id_: str, sender: str, stage: str) -> None:
    unread = frozenset({FILTER_GROUP, BILLING_GROUP}) if stage == "appended" else frozenset[str]()
    draft["received"][id_] = Told({""}, unread)
    draft["logged"][id_] = Logged("delivered", RECEIVE, sender)
    if stage == "appended":
        return
    draft["receipts"][id_] = ReceiptRow("message", NOW - timedelta(hours=2), RECEIVE, doubted=False)
    draft["net"]["spent.receive", id_] = RECEIVE
    verdict = {"silent": "silent burst", "deliberated": None}.get(stage, "reply deserved")
    draft["messages"][id_] = MessageRow(verdict, emitted=stage != "judged")
    if verdict is None or stage == "judged":
        return
    draft["judged"][id_] = Told({verdict})
    draft["verdicts"][id_] = verdict
    if stage == "silent":
        return
    _add_reply(draft, id_, sender, stage)


def _add_reply(draft: dict[str, dict[Any, Any]], id_: str, sender: str, stage: str) -> None:
    reserved, done = at_least(stage, "authorized"), stage == DONE
    draft["replies"][id_] = ReplyRow(
        sender, "reply", stage, 2 if at_least(stage, "sent") else 0, NOW, PRICE,
        PRICE if done else 0, "posted" if done else "pending" if reserved else "none",
        told=reserved,
    )  # fmt: skip
    if not reserved:
        return
    draft["reserves"][id_] = (1, PRICE)
    draft["net"]["spent.reply" if done else "reserved", id_] = PRICE
    draft["authorized"][id_] = Told({f"{sender} {PRICE} reply"})
    sent = at_least(stage, "sent")
    draft["outbox"][id_] = OutboxRow(
        sender,
        "reply",
        stage,
        2 if sent else 0,
        f"u-{id_}" if sent else None,
        NOW if sent else None,
    )
    if sent:
        draft["changed"][id_, 2] = Told({stage})
        draft["sms"][f"u-{id_}"] = Logged(stage, PRICE, sender)


def _books(draft: dict[str, dict[Any, Any]]) -> Books:
    moved = Counter({"donations": -GIVEN, "fund": GIVEN})
    for (account, _), amount in draft["net"].items():
        moved[account] += amount
        moved["fund"] -= amount
    tallies = Counter(f"reply.{reply.state}" for reply in draft["replies"].values())
    tallies["received"] = len(draft["receipts"])
    names = {"silent burst": "judged.burst", "reply deserved": "judged.reply"}
    tallies.update(names[verdict] for verdict in draft["verdicts"].values())
    kept: dict[str, Any] = {
        name: draft[name] for name in ("receipts", "verdicts", "replies", "reserves", "net")
    }
    return Books(accounts=dict(moved), moved=dict(moved), tallies=dict(tallies), **kept)


def broken(judgements: list[Judgement]) -> set[str]:
    return {judgement.invariant for judgement in judgements if not judgement.holds}


@given(st.lists(st.sampled_from(STAGES), max_size=12))
def test_whatever_is_under_way_is_no_violation(stages: list[str]) -> None:
    judgements = judge(house(*stages))
    assert broken(judgements) == set(), judgements


@given(st.lists(st.just(DONE), min_size=1, max_size=5), st.data())
def test_a_row_that_is_missing_at_rest_is_found(stages: list[str], data: st.DataObject) -> None:
    facts = house(*stages)
    id_ = f"m{data.draw(st.integers(0, len(stages) - 1))}"
    table = data.draw(st.sampled_from(["messages", "outbox", "receipts", "verdicts", "replies"]))
    if table == "messages":
        facts = replace(facts, judged=_without(facts.judged, id_))
    judgements = judge(_drop(facts, table, id_))
    assert "I1" in broken(judgements)
    assert any(id_ in finding.ids for one in judgements for finding in one.violations)


def _without(table: Any, id_: str) -> Any:
    return {key: row for key, row in table.items() if key != id_}


def _drop(facts: Facts, table: str, id_: str) -> Facts:
    if table in {"receipts", "verdicts", "replies"}:
        rows = _without(getattr(facts.books, table), id_)
        return replace(facts, books=replace(facts.books, **{table: rows}))
    if table == "outbox":
        # The SMS it stands for is nobody's then: I3 as well.
        return replace(facts, outbox=_without(facts.outbox, id_))
    return replace(facts, messages=_without(facts.messages, id_))


def _books_with(facts: Facts, **changes: Any) -> Facts:
    return replace(facts, books=replace(facts.books, **changes))


def _reply_with(facts: Facts, id_: str, **changes: Any) -> Facts:
    reply = replace(facts.books.replies[id_], **changes)
    return _books_with(facts, replies={**facts.books.replies, id_: reply})


def _row_with(facts: Facts, id_: str, **changes: Any) -> Facts:
    return replace(facts, outbox={**facts.outbox, id_: replace(facts.outbox[id_], **changes)})


def _logged_with(facts: Facts, received: Any = None, sent: Any = None) -> Facts:
    assert facts.provider is not None
    provider = replace(
        facts.provider,
        received={**facts.provider.received, **(received or {})},
        sent={**facts.provider.sent, **(sent or {})},
    )
    return replace(facts, provider=provider)


def _bill_nothing(facts: Facts) -> Facts:
    return replace(facts, provider=ProviderLog(NOW - timedelta(days=1), NOW, {}, {}))


def _second_reply(facts: Facts, late: timedelta) -> Facts:
    """The sender of m0 is answered again, so much after the end of the window."""
    first = facts.books.replies["m0"]
    due_at = first.due_at + facts.rules.window + late
    return _reply_with(facts, "m2", sender=first.sender, due_at=due_at)


def _open_twice(facts: Facts) -> Facts:
    rows = facts.outbox.items()
    open_ = {id_: replace(row, sender="a", state="sending", message_id=None) for id_, row in rows}
    return replace(facts, outbox=open_)


def _give_up(facts: Facts) -> Facts:
    received = {**facts.received, "m1": Told({""}, dead=True)}
    gone = replace(facts, judged=_without(facts.judged, "m1"), received=received)
    return _drop(gone, "messages", "m1")


HARMS: list[tuple[str, str, Callable[[Facts], Facts]]] = [
    (
        "I1",
        "two verdicts",
        lambda f: replace(f, judged={**f.judged, "m0": Told({"reply deserved", "silent burst"})}),
    ),
    (
        "I1",
        "store and topic disagree",
        lambda f: replace(
            f, messages={**f.messages, "m0": MessageRow("silent burst", emitted=True)}
        ),
    ),
    ("I1", "told and not on the topic", lambda f: replace(f, judged=_without(f.judged, "m1"))),
    (
        "I1",
        "billing has another verdict",
        lambda f: _books_with(f, verdicts={**f.books.verdicts, "m1": "silent campaign"}),
    ),
    ("I1", "states disagree", lambda f: _row_with(f, "m0", state="undelivered")),
    ("I1", "a change was read and not booked", lambda f: _row_with(f, "m0", sequence=3)),
    (
        "I1",
        "authorised, told, and not on the topic",
        lambda f: replace(f, authorized={}, outbox={}),
    ),
    (
        "I1",
        "acknowledged, and nowhere",
        lambda f: _logged_with(f, received={"x": Logged("delivered", 0, None)}),
    ),
    ("I2", "above the cap", lambda f: replace(f, rules=replace(RULES, cap_microeuros=159_999))),
    (
        "I2",
        "reserved twice",
        lambda f: _books_with(f, reserves={**f.books.reserves, "m0": (2, 2 * PRICE)}),
    ),
    (
        "I2",
        "reserved for nobody",
        lambda f: _books_with(f, reserves={**f.books.reserves, "x": (1, PRICE)}),
    ),
    (
        "I2",
        "more than was given",
        lambda f: _books_with(f, accounts={**f.books.accounts, "donations": 0}),
    ),
    ("I2", "reserved before it was given", lambda f: _books_with(f, uncovered=["m0"])),
    ("I3", "a second reply", lambda f: _reply_with(f, "m2", sender=f.books.replies["m0"].sender)),
    (
        "I3",
        "a second reply, just within the window",
        lambda f: _second_reply(f, -timedelta(seconds=1)),
    ),
    ("I3", "two open sends", _open_twice),
    ("I3", "one SMS for two", lambda f: _row_with(f, "m2", message_id="u-m0")),
    (
        "I3",
        "an SMS of nobody",
        lambda f: _logged_with(f, sent={"x": Logged("sent", PRICE, "c" * 32)}),
    ),
    ("I4", "a sum", lambda f: _books_with(f, accounts={**f.books.accounts, "fund": 1})),
    ("I4", "an account", lambda f: _books_with(f, moved={**f.books.moved, "fund": 1})),
    (
        "I4",
        "an account that transfers name and that is not there",
        lambda f: _books_with(f, moved={**f.books.moved, "found": 1}),
    ),
    ("I4", "a tally", lambda f: _books_with(f, tallies={**f.books.tallies, "received": 99})),
    (
        "I4",
        "a receipt's cost",
        lambda f: _books_with(f, net={**f.books.net, ("spent.receive", "m0"): 1}),
    ),
    (
        "I4",
        "a reservation left",
        lambda f: _books_with(f, net={**f.books.net, ("reserved", "m0"): PRICE}),
    ),
    (
        "I4",
        "the bill for receiving",
        lambda f: _logged_with(f, received={"m0": Logged("delivered", 11_000, None)}),
    ),
    (
        "I4",
        "the bill for a reply",
        lambda f: _logged_with(f, sent={"u-m0": Logged("delivered", 1, None)}),
    ),
    ("I4", "not on the bill", _bill_nothing),
    (
        "I5",
        "told in two ways",
        lambda f: replace(f, authorized={**f.authorized, "m0": Told({"a", "b"})}),
    ),
    (
        "I5",
        "changed in two ways",
        lambda f: replace(f, changed={**f.changed, ("m0", 2): Told({"a", "b"})}),
    ),
    ("I6", "a number", lambda f: replace(f, leaks={"table billing.entries": 2})),
]


@pytest.mark.parametrize(("invariant", "_", "harm"), HARMS, ids=[harm[1] for harm in HARMS])
def test_each_harm_breaks_its_invariant(
    invariant: str, _: str, harm: Callable[[Facts], Facts]
) -> None:
    well = house(DONE, "silent", DONE)
    assert broken(judge(well)) == set()
    assert invariant in broken(judge(harm(well)))


UNDER_WAY: list[tuple[str, Callable[[Facts], Facts]]] = [
    ("a record that was given up stands on its dead topic", _give_up),
    (
        "an authorisation not read yet",
        lambda f: replace(
            f, outbox={}, authorized={"m0": Told({""}, frozenset({RESPONDER_GROUP}))}
        ),
    ),
    (
        "an authorisation told just now",
        lambda f: _reply_with(replace(f, outbox={}, authorized={}), "m0", told=False),
    ),
    (
        "a change not told yet",
        lambda f: replace(
            _row_with(f, "m0", sequence=3, state="sent"), untold=frozenset({("m0", 3)})
        ),
    ),
    (
        "a change not read yet",
        lambda f: replace(
            _row_with(f, "m0", sequence=3),
            changed={("m0", 3): Told({""}, frozenset({BILLING_GROUP}))},
        ),
    ),
    (
        "a message that only the provider's log has",
        lambda f: _logged_with(f, received={"x": Logged("undelivered", 0, None)}),
    ),
]


@pytest.mark.parametrize(("_", "moment"), UNDER_WAY, ids=[moment[0] for moment in UNDER_WAY])
def test_what_is_under_way_is_said_and_is_no_violation(
    _: str, moment: Callable[[Facts], Facts]
) -> None:
    facts = moment(house("authorized" if "authorisation" in _ else DONE, "silent"))
    judgements = judge(facts)
    assert "I1" not in broken(judgements), judgements
    assert judgements[0].under_way


@pytest.mark.parametrize(("known_phone", "holds"), [("0" * 32, True), ("1" * 32, False)])
def test_an_sms_may_be_that_of_an_uncertain_send_to_the_same_phone(
    known_phone: str, *, holds: bool
) -> None:
    facts = _row_with(house(DONE), "m0", state="uncertain", message_id=None)
    facts = _logged_with(facts, sent={"u-m0": Logged("sent", PRICE, known_phone)})
    assert ("I3" not in broken(judge(facts))) is holds


def test_a_second_reply_after_the_window_is_none_within_it() -> None:
    assert broken(judge(_second_reply(house(DONE, "silent", DONE), timedelta()))) == set()


def test_one_uncertain_send_stands_for_one_sms() -> None:
    facts = _row_with(house(DONE), "m0", state="uncertain", message_id=None)
    sent = {id_: Logged("sent", PRICE, "0" * 32) for id_ in ("u-m0", "u-again")}
    assert "I3" in broken(judge(_logged_with(facts, sent=sent)))


def test_without_the_provider_the_rest_is_judged() -> None:
    assert broken(judge(replace(house(DONE), provider=None))) == set()
