"""The commands that operate a running system, through its operator API."""

import os
import sys
import time
from typing import Annotated, Any
from urllib.parse import quote

import typer

from antirelou.commands.client import Operator
from antirelou.commands.output import euros, say, say_json, table
from antirelou.commands.status import describe_status
from kernel.facts.records import derive_id, derive_trace
from kernel.settings.settings import load_settings
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal
from kernel.values.money import parse_micro
from kernel.values.phone import classify_number
from kernel.words.gloss import choose_language

fund = typer.Typer(help="The fund: donations, corrections, fees.", no_args_is_help=True)
unresolved = typer.Typer(
    help="Replies of which nobody knows whether they were sent.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="for machines")]
Why = Annotated[str, typer.Option("--why", help="kept with the decision")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (
        status, pause, resume, detach, attach, block, unblock, explain, test, backfill,
    ):  # fmt: skip
        app.command()(command)
    app.add_typer(fund, name="fund")
    app.add_typer(unresolved, name="unresolved")


def _operator() -> Operator:
    return Operator(load_settings())


def status(*, json: AsJson = False) -> None:
    """How the number is doing: posture, fund, messages, replies."""
    operator = _operator()
    answer = operator.get("/v1/status")
    if json:
        say_json(answer)
        return
    language = choose_language(load_settings().language, os.environ)
    for title, rows in describe_status(answer, operator.get("/v1/resume"), language).items():
        table(title, rows)
        say("")
    restoration = operator.get("/v1/restoration")["restoration"]
    if restoration is not None:
        table("Restored from a backup", _restoration_rows(restoration))


def _restoration_rows(found: dict[str, Any]) -> dict[str, Any]:
    """What was found after a restore, line by line."""
    reading = "the provider's log is being read"
    return {
        "the backup's time": _time(found["backup_at"]),
        "restored": _time(found["restored_at"]),
        "reconciled": _time(found["reconciled_at"]) if found["reconciled_at"] else reading,
        "replies sent already": found["matched"],
        "SMS without a reply here": found["recovered"],
        "messages brought back": found["received"],
        "booked for receiving since": euros(found["receive_microeuros"]),
        "booked for replies since": euros(found["reply_microeuros"]),
        "resumed": "yes" if found["resumed"] else "not yet: antirelou resume",
    }


def pause(*, why: Why) -> None:
    """Stop paying for replies; everything is still received and kept."""
    _operator().post("/v1/pause", {"reason": why})
    say("Paused. No reply is paid for until `antirelou resume`; what is received is kept.")
    say("Receiving still costs money. To stop that as well: antirelou detach")


def resume(*, yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False) -> None:
    """Pay for replies again; says first how many wait, what they cost, how long it takes."""
    operator = _operator()
    restoration = operator.get("/v1/restoration")["restoration"]
    if restoration is not None and not restoration["resumed"]:
        table("Restored from a backup", _restoration_rows(restoration))
    waiting = operator.get("/v1/resume")
    say(
        f"{waiting['waiting']} replies wait; they cost {euros(waiting['cost_microeuros'])} "
        f"and take about {round(waiting['seconds'] / 60)} min to send."
    )
    if not yes and not _confirm("Resume?"):
        raise typer.Exit(1)
    operator.post("/v1/resume")
    say("Resumed.")


def _confirm(question: str) -> bool:
    """Ask; an error of use where nobody can answer."""
    try:
        return typer.confirm(question)
    except typer.Abort:
        if sys.stdin.isatty():  # he does not want to answer
            raise
        raise Fatal("--yes: nobody is there to be asked; add it to go on", code="use") from None


def detach() -> None:
    """Take the number off at the provider: nothing is received, and it costs nothing."""
    _operator().post("/v1/detach")
    say("Detaching: it is done when `antirelou status` says so. What is sent to the number")
    say("meanwhile is lost to us but for the provider's log. Again on: antirelou attach")


def attach() -> None:
    """Put the number back on at the provider."""
    _operator().post("/v1/attach")
    say("Attaching: it is done when `antirelou status` says so.")


def _read_number(number: str) -> str | None:
    """In E.164, a national spelling read in our own number's country; None: no number."""
    return classify_number(number, load_settings().number or "").e164


def check_number(number: str) -> str:
    """In E.164; an error of use where it is no number."""
    found = _read_number(number)
    if found is None:
        raise Fatal("NUMBER: not a number; write it in E.164, such as +33639980000", code="use")
    return found


Number = Annotated[str, typer.Argument(help="E.164, such as +33639980000")]


def block(number: Number) -> None:
    """Never answer this number."""
    _operator().post("/v1/blocks", {"number": check_number(number)})
    say("Blocked.")


def unblock(number: Number) -> None:
    """Take a number off the block list."""
    _, answer = _operator().call("DELETE", "/v1/blocks", {"number": check_number(number)})
    say("No longer blocked." if answer["changed"] else "It was not blocked.")


def explain(
    what: Annotated[str, typer.Argument(metavar="NUMBER|ID", help="a number, or a message's id")],
    *,
    json: AsJson = False,
) -> None:
    """I got no SMS, why? The whole way of a number's messages, or of one."""
    number = _read_number(what)
    _, answer = _operator().post("/v1/explain", {"number": number} if number else {"id": what})
    if json:
        say_json(answer)
        return
    for way in answer["messages"]:
        table(f"{way['kind']} {way['id']}", _way_rows(way))
    if not answer["messages"]:
        say("Nothing is known of it.")


def _way_rows(way: dict[str, Any]) -> dict[str, Any]:
    """A message's way, line by line."""
    rows = {"received": _time(way["received_at"]), "trace": derive_trace(way["id"])}
    if way["kind"] != "test":
        rows["receiving cost"] = euros(way["receive_cost_microeuros"], decimals=3)
        rows["verdict"] = f"{way['verdict'] or 'not yet'} {way['reason'] or ''}".strip()
        rows |= {f"  {name}": value for name, value in way["basis"].items()}
        rows["due"] = _time(way["due_at"])
    reply = way["reply"]
    if reply:
        for step in reply["states"]:
            rows[f"{step['state']} {step['reason']}".strip()] = _time(step["at"])
        rows["reply cost"] = euros(reply["cost_microeuros"], decimals=3)
    return rows


def _time(at: str | None) -> str:
    return "–" if at is None else at[:19].replace("T", " ")


TEST_SECONDS_MAX = 20.0
"""How long `test` waits to see what the provider says."""
TEST_LOOK_SECONDS = 0.5
HANDED_OVER = frozenset({"sent", "delivered", "undelivered"})
NOT_SENT = frozenset({"failed", "refused", "expired"})
REFUSALS = {
    "400": "it takes this number or this text for invalid",
    "401": "it does not know us: ANTIRELOU_PLIVO_AUTH_ID, ANTIRELOU_PLIVO_AUTH_TOKEN",
    "402": "no credit is left; top it up at the provider",
    "403": "it may not be sent: enable the country (geo permissions) at the provider",
    "404": "no such account or number there: ANTIRELOU_PLIVO_AUTH_ID, ANTIRELOU_NUMBER",
    "429": "too many at once",
    "over_cap": "a reply would cost more than CAP_PER_EXCHANGE",
    "unsealable": "its number cannot be opened: another SENDING_PRIVATE_KEY sealed it",
}
"""Why an SMS was not taken, by the reason code of the last state."""


def test(number: Number) -> None:
    """Send one reply at once to a phone of ours, outside window and delay; it is booked.

    Exit code 1: it was refused.
    """
    operator = _operator()
    _, answer = operator.post("/v1/tests", {"number": check_number(number)})
    state, reason = _watch_test(operator, answer["id"])
    why = ": ".join(part for part in (reason, REFUSALS.get(reason, "")) if part)
    if state in HANDED_OVER:
        say("The provider has taken it.")
    elif state in NOT_SENT:
        say(f"Not sent. The provider, or the house, refused it: {why}")
    elif reason:
        say(f"Not sent yet ({why}). It is tried again for a while.")
    else:
        say("On its way.")
    say(f"What became of it: antirelou explain {answer['id']}")
    if state in NOT_SENT:
        raise typer.Exit(1)


def _watch_test(operator: Operator, test_id: str) -> tuple[str, str]:
    """State and reason that a test came to, as soon as it is sent or refused."""
    until = time.monotonic() + TEST_SECONDS_MAX
    while True:
        _, answer = operator.post("/v1/explain", {"id": test_id})
        reply = answer["messages"][0]["reply"]
        last = reply["states"][-1] if reply and reply["states"] else {"state": "", "reason": ""}
        over = last["state"] in HANDED_OVER | NOT_SENT or time.monotonic() >= until
        if over:
            return last["state"], last["reason"]
        time.sleep(TEST_LOOK_SECONDS)


Since = Annotated[str, typer.Option(help="how long ago (24h, 2d), or UTC: 2017-10-27T16:00")]


def backfill(*, since: Since) -> None:
    """Read the provider's log again, and take in what we never saw."""
    _operator().post("/v1/backfill", {"since": since})
    say("Asked for. What it finds appears in `antirelou status`.")


def _derived_today(kind: str, amount: str, note: str) -> str:
    """An id that makes the same command, typed again after a lost answer, count once."""
    try:
        micro = parse_micro(amount)
    except ValueError:
        raise Fatal("AMOUNT: decimal euros above zero, such as 12.50", code="use") from None
    return derive_id(kind, micro, note, SystemClock().now().date().isoformat())


@fund.command("add")
def fund_add(
    amount: Annotated[str, typer.Argument(help="decimal euros, such as 250.00")],
    *,
    note: Annotated[str, typer.Option(help="whose, where from")],
    id: Annotated[  # noqa: A002 - the option's name is the contract's
        str | None, typer.Option("--id", help="the same twice counts once")
    ] = None,
) -> None:
    """Book a donation."""
    donation = id or _derived_today("donation", amount, note)
    body = {"id": donation, "amount_eur": amount, "note": note}
    status_code, answer = _operator().post("/v1/donations", body)
    new = status_code == 201  # noqa: PLR2004 - HTTP's Created
    say(f"{'Booked' if new else 'Already booked, nothing changed'}: {donation}")
    if not new and id is None:
        say("The same amount with the same note counts once a day; another takes another --id.")
    say(f"Available: {euros(answer.get('available_microeuros'))}")


@fund.command("fee")
def fund_fee(
    amount: Annotated[str, typer.Argument(help="decimal euros, such as 1.00")],
    *,
    note: Annotated[str, typer.Option(help="rental of the number, platform…")],
    id: Annotated[str | None, typer.Option("--id", help="the same twice counts once")] = None,  # noqa: A002
) -> None:
    """Book a fee: the number's rental, the platform."""
    fee = id or _derived_today("fee", amount, note)
    status_code, _ = _operator().post("/v1/fees", {"id": fee, "amount_eur": amount, "note": note})
    new = status_code == 201  # noqa: PLR2004 - HTTP's Created
    say(f"{'Booked' if new else 'Already booked, nothing changed'}: {fee}")


@fund.command("show")
def fund_show(*, json: AsJson = False) -> None:
    """The fund and its entries."""
    answer = _operator().get("/v1/fund")
    if json:
        say_json(answer)
        return
    totals = {
        name.removesuffix("_microeuros").replace("_", " "): euros(value)
        for name, value in answer["fund"].items()
        if name.endswith("_microeuros")
    }
    table("The fund", totals)
    for entry in answer["entries"]:
        say(_entry_line(entry))


def _entry_line(entry: dict[str, Any]) -> str:
    amount = euros(entry["amount_microeuros"])
    return f"{_time(entry['at'])}  {entry['kind']:<10} {amount:>12}  {entry['id']}  {entry['note']}"


@fund.command("correct")
def fund_correct(
    entry: Annotated[str, typer.Argument(help="its id")],
    *,
    why: Why,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Reverse an entry, with the reason; nothing is ever edited. Asks where too little is left."""
    operator = _operator()
    left = _left_without(entry, operator.get("/v1/fund"))
    if left < 0 and not yes:
        say(f"What was spent and is reserved stays so: {euros(left)} would be left in the fund.")
        if not _confirm("Reverse it all the same?"):
            raise typer.Exit(1)
    body = {"entry": entry, "why": why, "below_zero": yes or left < 0}
    _, answer = operator.post("/v1/fund/corrections", body)
    say(f"Reversed. Left in the fund: {euros(answer['available_microeuros'])}")


def _left_without(entry: str, shown: dict[str, Any]) -> int:
    """What a donation's reversal would leave, micro-euros; 0 where it takes nothing."""
    amounts = {one["id"]: one["amount_microeuros"] for one in shown["entries"]}
    takes = f"correction:{entry}" not in amounts and amounts.get(entry, 0) > 0
    available: int = shown["fund"]["available_microeuros"]
    return available - amounts[entry] if takes else 0


LOG_SAYS = {
    "absent": "the provider's log has no SMS that could be it",
    "ambiguous": "the provider's log has several SMS that could be it",
    "unsealable": "its number cannot be opened, so the provider's log was not searched",
}
"""What a search of the provider's log found (``responder.core.outbox.Search``)."""


@unresolved.command("list")
def unresolved_list() -> None:
    """Replies whose money is held because nobody knows whether they went out."""
    replies = _operator().get("/v1/unresolved")["replies"]
    for reply in replies:
        log = LOG_SAYS.get(reply["log"], reply["log"])
        price = euros(reply["price_microeuros"])
        say(f"{reply['id']}  since {_time(reply['at'])}  {price}  {log}")
    if not replies:
        say("None.")


ReplyId = Annotated[str, typer.Argument(metavar="ID", help="the reply's id")]
WhyDecided = Annotated[str, typer.Option("--why", help="kept with the decision")]


@unresolved.command("sent")
def unresolved_sent(id: ReplyId, *, why: WhyDecided = "") -> None:  # noqa: A002
    """It was sent after all: book it."""
    _decide(id, "sent", why)
    say("Booked as sent.")


@unresolved.command("void")
def unresolved_void(id: ReplyId, *, why: WhyDecided = "") -> None:  # noqa: A002
    """It was never sent: free its money."""
    _decide(id, "void", why)
    say("Its money is free again.")


def _decide(reply_id: str, outcome: str, why: str) -> None:
    path = f"/v1/unresolved/{quote(reply_id, safe='')}"
    _operator().post(path, {"outcome": outcome, "why": why})
