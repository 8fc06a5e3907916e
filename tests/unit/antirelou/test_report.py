"""The demo's checks: a weekend that went well passes, and each way to go wrong fails one."""

import copy
import io
import re
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from antirelou.commands.demo.report import Bill, check_outcome, print_report
from antirelou.commands.demo.watch import Moment, draw

STATUS: dict[str, Any] = {
    "fund": {
        "donated_microeuros": 1_000_000,
        "available_microeuros": 650_000,
        "reserved_microeuros": 0,
        "spent_receive_microeuros": 50_000,
        "spent_reply_microeuros": 300_000,
        "fees_microeuros": 0,
    },
    "messages": {
        "received": 5,
        "deliberating": 0,
        "judged": {"reply": 3, "already_deliberating": 2},
    },
    "replies": {
        "waiting": 0, "authorized": 0, "sending": 0, "sent": 1, "delivered": 1, "undelivered": 0,
        "failed": 0, "uncertain": 0, "unresolved": 0, "expired": 1, "refused": 0,
    },
    "dead": 0,
}  # fmt: skip
BILL = Bill(
    accepted=5, lost=0, senders=3, sent=2, most_to_one=1,
    received_microunits=50_000, sent_microunits=300_000,
)  # fmt: skip


def failed(status: dict[str, Any], bill: Bill) -> list[str]:
    return [check.claim for check in check_outcome(status, bill) if not check.good]


def test_a_weekend_that_went_well_passes() -> None:
    assert failed(STATUS, BILL) == []


@pytest.mark.parametrize(
    ("path", "value", "claim"),
    [
        ("messages.received", 4, "nothing lost"),
        ("messages.judged.reply", 2, "every message has exactly one verdict"),
        ("messages.deliberating", 1, "every message has exactly one verdict"),
        ("replies.waiting", 1, "every reply has ended"),
        ("replies.expired", 0, "every reply has ended"),
        ("replies.delivered", 2, "nobody answered twice"),
        (
            "fund.spent_reply_microeuros", 299_999,
            "the provider's bill = the ledger, to the micro-unit",
        ),
        ("fund.reserved_microeuros", 1, "the provider's bill = the ledger, to the micro-unit"),
        (
            "fund.available_microeuros", 650_001,
            "the provider's bill = the ledger, to the micro-unit",
        ),
        ("fund.available_microeuros", -1, "never spent what the fund does not hold"),
        ("dead", 1, "no record is dead"),
    ],
)  # fmt: skip
def test_each_way_to_go_wrong_is_seen(path: str, value: int, claim: str) -> None:
    status = copy.deepcopy(STATUS)
    *folders, name = path.split(".")
    place = status
    for folder in folders:
        place = place[folder]
    place[name] = value
    assert claim in failed(status, BILL)


@pytest.mark.parametrize(
    ("bill", "claim"),
    [
        (replace(BILL, accepted=6), "nothing lost"),
        (replace(BILL, lost=1), "nothing lost"),
        (replace(BILL, most_to_one=2), "nobody answered twice"),
        (replace(BILL, sent=3), "nobody answered twice"),
        (
            replace(BILL, received_microunits=50_001),
            "the provider's bill = the ledger, to the micro-unit",
        ),
    ],
)
def test_what_the_provider_says_otherwise_is_seen(bill: Bill, claim: str) -> None:
    assert claim in failed(STATUS, bill)


def printed(status: dict[str, Any]) -> str:
    console = Console(width=100, file=io.StringIO())
    print_report(console, status, BILL, check_outcome(status, BILL))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("received", "cost", "saved"),
    [(25_000, "4,000.00 €", "3,999.65 €"), (500, "80.00 €", "79.65 €")],
)
def test_it_is_held_against_as_many_messages(received: int, cost: str, saved: str) -> None:
    status = copy.deepcopy(STATUS)
    status["messages"]["received"] = received
    out = printed(status)
    assert re.search(rf"as many in 2017 +{re.escape(cost)}", out)
    assert f"{saved} less than as many cost in October 2017." in out


def test_a_full_bar_says_what_it_waits_for() -> None:
    status = copy.deepcopy(STATUS)
    status["posture"] = "normal"
    status["messages"] |= {"received": 5, "deliberating": 2}
    status["replies"]["sending"] = 3
    console = Console(width=100, file=io.StringIO())
    for delivered in (4, 5):
        console.print(draw(Moment(status, delivered, 5, None)))
    assert isinstance(console.file, io.StringIO)
    before, _, after = console.file.getvalue().partition("5 of 5 texted")
    assert "waiting for" not in before
    assert "waiting for 2 messages to be judged, once their delay is over, 3 replies" in after
