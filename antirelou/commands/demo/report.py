"""What a demo's outcome must be, as checks on facts, and its report. Pure but for the printing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from antirelou.commands.demo.watch import UNDER_WAY, euros

EXCHANGE_2017_MICROEUROS = 160_000
"""What one message and its answer cost in 2017; 25,000 of them were 4,000 €."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What the provider says, counted on its side.

    Attributes:
        accepted: distinct messages that our webhook answered with 200.
        lost: messages that it gave up on.
        senders: distinct senders among them.
        sent: SMS it sent for us.
        most_to_one: the most SMS any one phone got from us.
        received_microunits, sent_microunits: charged, in millionths of its currency.
    """

    accepted: int
    lost: int
    senders: int
    sent: int
    most_to_one: int
    received_microunits: int
    sent_microunits: int


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, and what was found."""

    claim: str
    good: bool
    found: str


def check_outcome(status: Mapping[str, Any], bill: Bill) -> list[Check]:
    """Hold the system's own account against the provider's.

    Args:
        status: ``GET /v1/status`` at rest.
        bill: the provider's side of the same; in the ledger's currency, euros.
    """
    return [
        _nothing_lost(status, bill),
        _all_judged(status),
        _all_ended(status),
        _nobody_twice(status, bill),
        _books(status, bill),
        _never_overspent(status),
        Check("no record is dead", status["dead"] == 0, f"{status['dead']} dead"),
    ]


def _nothing_lost(status: Mapping[str, Any], bill: Bill) -> Check:
    received = status["messages"]["received"]
    good = received == bill.accepted and bill.lost == 0
    found = f"{bill.accepted:,} acknowledged, {received:,} received, {bill.lost:,} given up"
    return Check("nothing lost", good, found)


def _all_judged(status: Mapping[str, Any]) -> Check:
    messages = status["messages"]
    judged = sum(messages["judged"].values())
    good = judged == messages["received"] and messages["deliberating"] == 0
    found = f"{judged:,} verdicts for {messages['received']:,} messages"
    return Check("every message has exactly one verdict", good, found)


def _all_ended(status: Mapping[str, Any]) -> Check:
    replies = status["replies"]
    open_ = {name: replies[name] for name in UNDER_WAY if replies[name]}
    ended = sum(count for name, count in replies.items() if name not in UNDER_WAY)
    deserved = status["messages"]["judged"].get("reply", 0)
    found = f"{ended:,} of {deserved:,} ended" + (f", open: {open_}" if open_ else "")
    return Check("every reply has ended", ended == deserved and not open_, found)


def _nobody_twice(status: Mapping[str, Any], bill: Bill) -> Check:
    replies = status["replies"]
    ours = sum(replies[name] for name in ("sent", "delivered", "undelivered", "failed"))
    good = bill.most_to_one <= 1 and bill.sent == ours
    found = f"{bill.sent:,} SMS by the provider, {ours:,} by us, {bill.most_to_one} at most to one"
    return Check("nobody answered twice", good, found)


def _books(status: Mapping[str, Any], bill: Bill) -> Check:
    fund = status["fund"]
    received, sent = fund["spent_receive_microeuros"], fund["spent_reply_microeuros"]
    good = (
        received == bill.received_microunits
        and sent == bill.sent_microunits
        and fund["reserved_microeuros"] == 0
        and fund["donated_microeuros"]
        == fund["available_microeuros"] + received + sent + fund["fees_microeuros"]
    )
    theirs = bill.received_microunits + bill.sent_microunits
    found = f"{received + sent:,} µ€ in the ledger, {theirs:,} µ€ on the bill"
    return Check("the provider's bill = the ledger, to the micro-unit", good, found)


def _never_overspent(status: Mapping[str, Any]) -> Check:
    fund = status["fund"]
    good = fund["available_microeuros"] >= 0
    found = f"{euros(fund['available_microeuros'])} left of {euros(fund['donated_microeuros'])}"
    return Check("never spent what the fund does not hold", good, found)


def print_report(
    console: Console, status: Mapping[str, Any], bill: Bill, checks: Sequence[Check]
) -> None:
    """Print what happened, what it cost against 2017, and each check."""
    fund, messages, replies = status["fund"], status["messages"], status["replies"]
    spent = fund["spent_receive_microeuros"] + fund["spent_reply_microeuros"]
    spent_2017 = messages["received"] * EXCHANGE_2017_MICROEUROS
    answered = replies["sent"] + replies["delivered"] + replies["undelivered"]
    grid = Table(show_header=False, box=None, pad_edge=False)
    grid.add_column(style="dim")
    grid.add_column(justify="right")
    grid.add_row("messages received", f"{messages['received']:,}")
    grid.add_row("from senders", f"{bill.senders:,}")
    grid.add_row("answered", f"{answered:,}")
    for reason, count in sorted(messages["judged"].items(), key=lambda item: -item[1]):
        if reason != "reply" and count:
            grid.add_row(f"silent: {reason}", f"{count:,}")
    grid.add_row("spent", euros(spent))
    grid.add_row("as many in 2017", euros(spent_2017))
    grid.add_row("left in the fund", euros(fund["available_microeuros"]))
    console.print(grid)
    console.print()
    for check in checks:
        mark = "[green]ok    [/]" if check.good else "[red]FAILED[/]"
        console.print(f"{mark} {check.claim}: {check.found}", soft_wrap=True)
    saved = spent_2017 - spent
    if saved > 0:
        console.print(f"\n{euros(saved)} less than as many cost in October 2017.")
