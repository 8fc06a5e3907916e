"""The commands that operate a running system, through its operator API."""

import time
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from antirelou.commands.client import Operator
from antirelou.commands.explain import describe_way, tell_way
from antirelou.commands.output import say, say_json, table
from antirelou.commands.statement import (
    Format,
    WrongStatement,
    decode_statement,
    read_statement,
)
from antirelou.commands.status import describe_fund, describe_restoration, describe_status
from antirelou.commands.voice import confirm, settle_amount, tell_exactly, voice_of
from kernel.facts.records import Posture, derive_id
from kernel.settings.settings import load_settings
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal
from kernel.values.money import MICRO, format_euros
from kernel.values.phone import classify_number
from kernel.words.gloss import GLOSS, Voice

fund = typer.Typer(
    help="The fund: donations, gifts, transfers, corrections, fees.", no_args_is_help=True
)
unresolved = typer.Typer(
    help="Replies of which nobody knows whether they were sent.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="for machines")]
Why = Annotated[str, typer.Option("--why", help="kept with the decision")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (
        status, pause, resume, detach, attach, block, unblock, blocked, explain, test, backfill,
    ):  # fmt: skip
        app.command()(command)
    app.add_typer(fund, name="fund")
    app.add_typer(unresolved, name="unresolved")


def _operator() -> Operator:
    return Operator(load_settings())


def _voice() -> Voice:
    return voice_of(load_settings())


def _say(code: str, **values: object) -> None:
    say(_voice().word("say", code, **values))


def status(*, json: AsJson = False) -> None:
    """How the number is doing: posture, fund, messages, replies."""
    operator = _operator()
    answer = operator.get("/v1/status")
    if json:
        say_json(answer)
        return
    for title, rows in describe_status(answer, operator.get("/v1/resume"), _voice()).items():
        table(title, rows)
        say("")
    restoration = operator.get("/v1/restoration")["restoration"]
    if restoration is not None:
        _show_restoration(restoration)


def _show_restoration(found: dict[str, Any]) -> None:
    voice = _voice()
    table(voice.word("restoration", "title"), describe_restoration(found, voice))


def pause(*, why: Why) -> None:
    """Stop paying for replies; everything is still received and kept."""
    _operator().post("/v1/pause", {"reason": why})
    _say("paused")
    _say("paused_costs")


def resume(*, yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False) -> None:
    """Pay for replies again; says first how many wait, what they cost, how long it takes."""
    operator, voice = _operator(), _voice()
    restoration = operator.get("/v1/restoration")["restoration"]
    if restoration is not None and not restoration["resumed"]:
        _show_restoration(restoration)
    waiting = operator.get("/v1/resume")
    _say(
        "waiting",
        waiting=voice.figure(waiting["waiting"]),
        cost=voice.euros(waiting["cost_microeuros"]),
        minutes=voice.figure(round(waiting["seconds"] / 60)),
    )
    if not yes and not confirm(voice.word("say", "resume?"), voice):
        raise typer.Exit(1)
    _, answer = operator.post("/v1/resume")
    _tell_posture(answer["posture"], answer["posture_cause"], voice)


def _tell_posture(posture: str, posture_cause: str, voice: Voice) -> None:
    """What came of ``resume``: the pause is over, which another cause may outlast."""
    cause = voice.word("cause", posture_cause)
    if posture == Posture.SUSPENDED:
        _say("still_suspended", cause=cause)
        _say("to_do", remedy=voice.word("remedy", posture_cause))
    elif posture == Posture.GUARDED:
        _say("resumed_guarded", cause=cause)
    else:
        _say("resumed")


def detach() -> None:
    """Take the number off at the provider: nothing is received, and it costs nothing."""
    _operator().post("/v1/detach")
    _say("detaching")
    _say("detached_loses")


def attach() -> None:
    """Put the number back on at the provider."""
    _operator().post("/v1/attach")
    _say("attaching")


def _read_number(number: str) -> str | None:
    """In E.164, a national spelling read in our own number's country; None: no number."""
    return classify_number(number, load_settings().number or "").e164


def check_number(number: str) -> str:
    """In E.164; an error of use where it is no number."""
    found = _read_number(number)
    if found is None:
        raise Fatal(_voice().word("wrong", "number"), code="use")
    return found


Number = Annotated[str, typer.Argument(help="E.164, such as +33639980000")]


def block(number: Number) -> None:
    """Never answer this number."""
    _operator().post("/v1/blocks", {"number": check_number(number)})
    _say("blocked")


def unblock(number: Number) -> None:
    """Take a number off the block list."""
    _, answer = _operator().call("DELETE", "/v1/blocks", {"number": check_number(number)})
    _say("unblocked" if answer["changed"] else "not_blocked")


def blocked(*, json: AsJson = False) -> None:
    """The block list: pseudonyms, and since when. No number is kept, so none is shown."""
    answer = _operator().get("/v1/blocks")
    if json:
        say_json(answer)
        return
    voice, blocks = _voice(), answer["blocks"]
    if not blocks:
        _say("blocks_none")
        return
    _say("blocks", count=voice.figure(len(blocks)))
    for block_ in blocks:
        _say("block", sender=block_["sender"], at=voice.time(block_["at"]))
    _say("blocks_note")


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
    voice = _voice()
    for way in answer["messages"]:
        say(f"{voice.word('explain', way['kind'])} {way['id']}")
        table(tell_way(way, voice), describe_way(way, voice))
        say("")
    if not answer["messages"]:
        say(voice.word("explain", "nothing"))


TEST_SECONDS_MAX = 20.0
"""How long `test` waits to see what the provider says."""
TEST_LOOK_SECONDS = 0.5
HANDED_OVER = frozenset({"sent", "delivered", "undelivered"})
NOT_SENT = frozenset({"failed", "refused", "expired"})


def test(number: Number) -> None:
    """Send one reply at once to a phone of ours, outside window and delay; it is booked.

    Exit code 1: it was refused.
    """
    operator, voice = _operator(), _voice()
    _, answer = operator.post("/v1/tests", {"number": check_number(number)})
    state, reason = _watch_test(operator, answer["id"])
    why = reason
    if reason in GLOSS["provider"]:
        why += f": {voice.word('provider', reason)}"
    if state in HANDED_OVER:
        _say("test_taken")
    elif state in NOT_SENT:
        _say("test_refused", why=why)
    elif reason:
        _say("test_waits", why=why)
    else:
        _say("test_sent")
    _say("what_became", id=answer["id"])
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
    _say("backfill")


def _book(path: str, kind: str, amount: str, note: str, id_: str | None) -> Any:
    """Book an entry and say so, the amount as it was understood. Returns the answer.

    Without an id it is derived, so that the same command, typed again after a lost answer, counts
    once.
    """
    voice = _voice()
    micro = settle_amount(amount, voice)
    entry = id_ or derive_id(kind, micro, note, SystemClock().now().date().isoformat())
    body = {"id": entry, "amount_eur": format_euros(micro, decimals=6), "note": note}
    status_code, answer = _operator().post(path, body)
    new = status_code == HTTPStatus.CREATED
    _say("booked" if new else "booked_before", amount=tell_exactly(micro, voice))
    _say("entry_id", id=entry)
    if not new and id_ is None:
        _say("once_a_day")
    return answer


@fund.command("add")
def fund_add(
    amount: Annotated[str, typer.Argument(help="euros, such as 250 or 12,50")],
    *,
    note: Annotated[str, typer.Option(help="whose, where from")],
    id: Annotated[str | None, typer.Option("--id", help="the same twice counts once")] = None,
) -> None:
    """Book a donation."""
    answer = _book("/v1/donations", "donation", amount, note, id)
    _say("available", amount=_voice().euros(answer.get("available_microeuros")))


@fund.command("fee")
def fund_fee(
    amount: Annotated[str, typer.Argument(help="euros, such as 1 or 0,80")],
    *,
    note: Annotated[str, typer.Option(help="rental of the number, platform…")],
    id: Annotated[str | None, typer.Option("--id", help="the same twice counts once")] = None,
) -> None:
    """Book a fee: the number's rental, the platform."""
    _book("/v1/fees", "fee", amount, note, id)


@fund.command("show")
def fund_show(*, json: AsJson = False) -> None:
    """The fund and its entries."""
    answer = _operator().get("/v1/fund")
    if json:
        say_json(answer)
        return
    voice = _voice()
    table(voice.word("status", "the_fund"), describe_fund(answer["fund"], voice))
    for entry in answer["entries"]:
        _show_entry(entry, voice)
    for part in reversed(answer["gifts"]):
        if not part["uncounted"]:
            _show_part(part, voice)
    if answer["uncounted"]:
        say("")
        _say("uncounted")
        for part in reversed(answer["uncounted"]):
            _show_part(part, voice)


def _show_entry(entry: dict[str, Any], voice: Voice) -> None:
    """Three lines at most; the id has one to itself, to be copied."""
    say("")
    kind, amount = voice.word("entry", entry["kind"]), voice.euros(entry["amount_microeuros"])
    say(f"{voice.time(entry['at'])}  {kind}  {amount}")
    say(f"  {entry['id']}")
    if entry["note"]:
        say(f"  {entry['note']}")


def _show_part(part: dict[str, Any], voice: Voice) -> None:
    """What a platform reported, and why it is not counted, where it is not."""
    say("")
    kind = voice.word("gift", part["kind"])
    amount = f"{format_euros(part['amount_minor'] * MICRO // 100)} {part['currency']}"
    state = "" if part["holds"] else f"  ({voice.word('gift', 'void')})"
    say(f"{voice.time(part['at'])}  {kind}  {amount}{state}")
    say(f"  {part['id']}")
    if part["uncounted"]:
        say(f"  {voice.word('uncounted', part['uncounted'])}")


@fund.command("transfer")
def fund_transfer(
    amount: Annotated[str, typer.Argument(help="euros, such as 250 or 12,50")],
    *,
    note: Annotated[str, typer.Option(help="which payment to the provider")] = "",
    id: Annotated[str | None, typer.Option("--id", help="the same twice counts once")] = None,
) -> None:
    """Note what was moved from a platform of gifts to the provider."""
    answer = _book("/v1/transfers", "transfer", amount, note, id)
    _say("available", amount=_voice().euros(answer.get("available_microeuros")))


@fund.command("import")
def fund_import(
    file: Annotated[Path, typer.Argument(help="CSV of a bank or of a pot")],
    *,
    format: Annotated[Format, typer.Option("--format", help="whose statement")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Book the gifts of a statement; says first what it would book. The same file twice is once."""
    voice = _voice()
    try:
        statement = read_statement(decode_statement(file.read_bytes()), format)
    except OSError as error:
        raise Fatal(f"{file}: {error.strerror}", code="use") from None
    except WrongStatement as wrong:
        raise Fatal(f"{file.name}: {wrong}", code="use") from None
    booked = {entry["id"] for entry in _operator().get("/v1/fund")["entries"]}
    new = [line for line in statement.lines if line.id not in booked]
    for line in new:
        say(f"{line.day.isoformat()}  {voice.euros(line.amount_microeuros)}")
    _say(
        "import",
        count=voice.figure(len(new)),
        amount=voice.euros(sum(line.amount_microeuros for line in new)),
        known=voice.figure(len(statement.lines) - len(new)),
        passed=voice.figure(statement.passed),
    )
    if not new:
        return
    if not yes and not confirm(voice.word("say", "import?"), voice):
        raise typer.Exit(1)
    for line in new:
        note = f"import {format} {line.day.isoformat()}"
        amount = format_euros(line.amount_microeuros, decimals=6)
        _operator().post("/v1/donations", {"id": line.id, "amount_eur": amount, "note": note})
    _say("imported", count=voice.figure(len(new)))


@fund.command("correct")
def fund_correct(
    entry: Annotated[str, typer.Argument(help="its id")],
    *,
    why: Why,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Reverse an entry, with the reason; nothing is ever edited. Asks where too little is left."""
    operator, voice = _operator(), _voice()
    left = _left_without(entry, operator.get("/v1/fund"))
    if left < 0 and not yes:
        _say("below_zero", left=voice.euros(left))
        if not confirm(voice.word("say", "reverse_all_the_same"), voice):
            raise typer.Exit(1)
    body = {"entry": entry, "why": why, "below_zero": yes or left < 0}
    _, answer = operator.post("/v1/fund/corrections", body)
    _say("reversed", left=voice.euros(answer["available_microeuros"]))


def _left_without(entry: str, shown: dict[str, Any]) -> int:
    """What a donation's reversal would leave, micro-euros; 0 where it takes nothing."""
    amounts = {one["id"]: one["amount_microeuros"] for one in shown["entries"]}
    takes = f"correction:{entry}" not in amounts and amounts.get(entry, 0) > 0
    available: int = shown["fund"]["available_microeuros"]
    return available - amounts[entry] if takes else 0


@unresolved.command("list")
def unresolved_list() -> None:
    """Replies whose money is held because nobody knows whether they went out."""
    replies = _operator().get("/v1/unresolved")["replies"]
    voice = _voice()
    for reply in replies:
        price = voice.euros(reply["price_microeuros"])
        _say("unresolved", id=reply["id"], at=voice.time(reply["at"]), price=price)
        say(f"  {voice.word('log_says', reply['log'])}")
    if not replies:
        _say("none")


ReplyId = Annotated[str, typer.Argument(metavar="ID", help="the reply's id")]
WhyDecided = Annotated[str, typer.Option("--why", help="kept with the decision")]


@unresolved.command("sent")
def unresolved_sent(id: ReplyId, *, why: WhyDecided = "") -> None:
    """It was sent after all: book it."""
    _decide(id, "sent", why)
    _say("booked_sent")


@unresolved.command("void")
def unresolved_void(id: ReplyId, *, why: WhyDecided = "") -> None:
    """It was never sent: free its money."""
    _decide(id, "void", why)
    _say("freed")


def _decide(reply_id: str, outcome: str, why: str) -> None:
    path = f"/v1/unresolved/{quote(reply_id, safe='')}"
    _operator().post(path, {"outcome": outcome, "why": why})
