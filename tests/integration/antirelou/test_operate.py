"""The commands that operate, against the real operator API on a real PostgreSQL."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from antirelou.commands import operate
from antirelou.commands.main import main
from kernel.facts.records import (
    OperatorAction,
    OperatorDecided,
    ReplyState,
    SenderBlocked,
    decode_as,
)
from services.billing.operator import ReplyWay, Step, Way
from tests.fakes.log import MemoryLog
from tests.integration.billing.scene import Desk, open_desk, phone, sender
from tests.support.operator_api import OWN_NUMBER, TOKEN, open_api
from tests.unit.billing.cases import HOUR, NOW, changed, judged, received
from tests.unit.billing.test_gift import told

PHONE = phone(1)


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


Run = Callable[..., Awaitable[Said]]


@pytest.fixture
async def desk(billing_database: str) -> AsyncIterator[Desk]:
    async with open_desk(billing_database) as opened:
        yield opened


@pytest.fixture
def log(desk: Desk) -> MemoryLog:
    return desk.log


@pytest.fixture
async def run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Run]:
    """Runs a command in a thread, while the API answers in the loop."""
    assert desk.operator is not None
    async with open_api(desk.operator, desk.log, desk.clock, desk.settings.operator) as api:
        monkeypatch.setenv("ANTIRELOU_OPERATOR_URL", api.url)
        monkeypatch.setenv("ANTIRELOU_OPERATOR_TOKEN", TOKEN)
        monkeypatch.setenv("ANTIRELOU_NUMBER", OWN_NUMBER)
        monkeypatch.setenv("ANTIRELOU_LANGUAGE", "en")

        async def run_command(*arguments: str) -> Said:
            capsys.readouterr()
            code = await asyncio.to_thread(main, list(arguments))
            said = capsys.readouterr()
            return Said(code, said.out, said.err)

        yield run_command


async def test_status_for_a_person_and_for_machines(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await run("status")
    assert said.code == 0
    assert re.search(r"posture\s+normal \(", said.out)
    assert re.search(r"available\s+0\.00 €", said.out)
    monkeypatch.setenv("ANTIRELOU_LANGUAGE", "fr")
    said = await run("status")
    assert re.search(r"posture\s+normale \(tout est calme\)", said.out)
    assert re.search(r"disponible\s+0,00 €", said.out)
    machine = await run("status", "--json")
    assert json.loads(machine.out)["fund"]["available_microeuros"] == 0


async def test_fund_add_counts_once_a_day_or_by_its_id(run: Run) -> None:
    said = await run("fund", "add", "250.00", "--note", "collected")
    assert said.code == 0
    assert said.out.startswith("Booked: 250.00 €\nIts id: ")
    assert "Available: 250.00 €" in said.out
    said = await run("fund", "add", "250", "--note", "collected")
    assert "Already booked, nothing changed" in said.out
    assert "another --id" in said.out
    said = await run("fund", "add", "250", "--note", "collected", "--id", "second")
    assert "Available: 500.00 €" in said.out
    said = await run("fund", "add", "9", "--note", "collected", "--id", "second")
    assert said.code == 1
    assert said.err.startswith("antirelou: ID: used before")


async def test_fund_fee_show_and_correct(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    await run("fund", "add", "10", "--note", "gift :tada: [b]", "--id", "gift")
    await run("fund", "fee", "0.80", "--note", "rental", "--id", "rent")
    said = await run("fund", "correct", "gift", "--why", "typed twice")
    assert said.code == 2
    assert said.err == "antirelou: --yes: nobody is there to be asked; add it to go on\n"
    assert said.out.startswith(
        "What was spent and is reserved stays so: -0.80 € would be left in the fund.\n"
    )
    said = await run("fund", "correct", "gift", "--why", "typed twice", "--yes")
    assert (said.code, said.out) == (0, "Reversed. Left in the fund: -0.80 €\n")
    for _ in range(2):  # what was reversed takes no more, and a fee brings something back
        said = await run("fund", "correct", "gift", "--why", "typed twice")
        assert (said.code, said.out) == (0, "Reversed. Left in the fund: -0.80 €\n")
    said = await run("fund", "show")
    assert re.search(r"available\s+-0\.80 €", said.out)
    assert "  donation  10.00 €\n  gift\n  gift :tada: [b]\n" in said.out
    assert "  fee  -0.80 €\n  rent\n  rental\n" in said.out
    assert re.search(r"  correction  -10\.00 €\n  \S+\n  typed twice\n", said.out)
    shown = json.loads((await run("fund", "show", "--json")).out)
    assert len(shown["entries"]) == 3
    assert (await run("fund", "correct", "nothing", "--why", "x")).code == 1


async def test_a_transfer_is_noted_once_and_no_more_than_was_raised(run: Run, desk: Desk) -> None:
    await desk.hear(told("payment", "gift", 5000, "p"))
    assert (await run("fund", "transfer", "30", "--note", "June")).code == 0
    assert "nothing changed" in (await run("fund", "transfer", "30", "--note", "June")).out
    said = await run("fund", "transfer", "30", "--note", "July")
    assert said.code == 1
    assert "more than was raised" in said.err
    said = await run("fund", "show")
    assert "  transfer to the provider  30.00 €\n" in said.out


async def test_a_statement_is_booked_once_after_it_was_shown(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    file = tmp_path / "bank.csv"
    file.write_text("Date;Libellé;Crédit\n03/11/2026;MME SECRET;20,00\n03/11/2026;M X;5\n")
    said = await run("fund", "import", str(file), "--format", "bank")
    assert said.code == 2
    assert "2 gifts to book, 25.00 € in all" in said.out
    assert "SECRET" not in said.out
    assert '"entries": []' in (await run("fund", "show", "--json")).out
    said = await run("fund", "import", str(file), "--format", "bank", "--yes")
    assert said.out.endswith("2 gifts booked.\n")
    said = await run("fund", "import", str(file), "--format", "bank", "--yes")
    assert "0 gifts to book, 0.00 € in all; 2 booked before" in said.out
    shown = json.loads((await run("fund", "show", "--json")).out)
    assert {entry["note"] for entry in shown["entries"]} == {"import bank 2026-11-03"}
    file.write_text("Date;Crédit\nhier;20\n")
    said = await run("fund", "import", str(file), "--format", "bank")
    assert (said.code, said.err) == (
        2, "antirelou: bank.csv: line 2: its day is none such as 2026-11-03 or 03/11/2026\n",
    )  # fmt: skip


async def test_what_is_not_counted_is_shown_with_why(run: Run, desk: Desk) -> None:
    dollars = told("session:usd", "gift", 500, "pi", currency="USD")
    await desk.hear(told("session:a", "gift", 900, "p"), dollars)
    said = await run("fund", "show")
    assert "  gift  9.00 EUR\n  stripe:session:a\n" in said.out
    assert said.out.endswith("  gift  5.00 USD\n  stripe:session:usd\n  not in euros\n")


async def test_pause_and_resume(run: Run) -> None:
    await run("fund", "add", "100", "--note", "x")
    said = await run("pause", "--why", "holiday")
    assert said.code == 0
    assert "antirelou detach" in said.out  # what still costs
    assert "suspended (paused by hand)" in (await run("status")).out
    said = await run("resume", "--yes")
    assert said.out.startswith("0 replies wait; they cost 0.00 €")
    assert said.out.endswith("Resumed: replies are paid for again.\n")
    assert "normal" in (await run("status")).out


async def test_detach_and_attach(run: Run) -> None:
    assert (await run("detach")).out.startswith("Detaching")
    assert (await run("attach")).out.startswith("Attaching")


async def test_block_and_unblock_tell_the_filter(run: Run, log: MemoryLog) -> None:
    assert (await run("block", "06 39 98 00 01")).out == "Blocked.\n"
    assert (await run("unblock", PHONE)).out == "No longer blocked.\n"
    assert (await run("unblock", PHONE)).out == "It was not blocked.\n"
    told = [decode_as(SenderBlocked, r.value).blocked for r in log.read_all(SenderBlocked.TOPIC)]
    assert told == [True, False]
    assert (await run("block", OWN_NUMBER)).code == 2


async def test_what_is_blocked_is_listed_without_a_number(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await run("blocked")).out == "No number is blocked.\n"
    await run("block", PHONE)
    said = await run("blocked")
    assert re.search(
        r"^[0-9a-f]{32}  blocked \d{4}-\d\d-\d\d \d\d:\d\d \(Paris\)$", said.out, re.MULTILINE
    )
    assert "antirelou unblock NUMBER" in said.out
    assert "639980001" not in said.out
    assert len(json.loads((await run("blocked", "--json")).out)["blocks"]) == 1
    monkeypatch.setenv("ANTIRELOU_LANGUAGE", "fr")
    assert "Numéros bloqués : 1\n" in (await run("blocked")).out


@pytest.mark.parametrize("typed", ["12,50", "12.5", "12,50 €", "12.500000"])
async def test_an_amount_is_taken_as_it_is_written_here(run: Run, typed: str) -> None:
    said = await run("fund", "add", typed, "--note", "gift")
    assert said.out.startswith("Booked: 12.50 €\n"), said.err
    assert "Available: 12.50 €" in said.out


@pytest.mark.parametrize(("choice", "booked"), [("1", "1.50 €"), ("2", "1,500.00 €")])
async def test_an_amount_that_may_mean_two_is_asked_about(
    run: Run, monkeypatch: pytest.MonkeyPatch, choice: str, booked: str
) -> None:
    refused = await run("fund", "add", "1.500", "--note", "gift")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert json.loads((await run("fund", "show", "--json")).out)["entries"] == []
    terminal = io.StringIO(choice + "\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    said = await run("fund", "add", "1.500", "--note", "gift")
    assert f"Booked: {booked}" in said.out


async def test_the_activists_read_french(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIRELOU_LANGUAGE", "fr")
    said = await run("fund", "add", "1 039,40", "--note", "collecte")
    assert said.out.startswith("Inscrit : 1 039,40 €\n")
    assert "Disponible : 1 039,40 €" in said.out
    assert (await run("pause", "--why", "pause")).out.startswith("En pause.")
    said = await run("status")
    assert "suspendue (mise en pause à la main)" in said.out
    assert "antirelou resume" in said.out
    assert all(len(line) <= 80 for line in said.out.splitlines())
    assert "Relancé" in (await run("resume", "--yes")).out
    assert "don  1 039,40 €" in (await run("fund", "show")).out
    assert (await run("explain", PHONE)).out == "On n'en sait rien.\n"


async def test_a_test_sms_is_on_its_way_and_explained(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operate, "TEST_SECONDS_MAX", 0.0)
    await run("fund", "add", "100", "--note", "x")
    said = await run("test", PHONE)
    assert said.code == 0, said.err
    test_id = said.out.split()[-1]
    said = await run("explain", test_id)
    assert said.code == 0, said.err
    assert test_id in said.out
    shown = json.loads((await run("explain", test_id, "--json")).out)
    assert shown["messages"][0]["kind"] == "test"


@pytest.mark.parametrize(
    "case",
    [
        ([("sending", ""), ("failed", "403")], 1, "403: it may not be sent: enable the country"),
        ([("sending", ""), ("failed", "401")], 1, "ANTIRELOU_PLIVO_AUTH_TOKEN"),
        ([("refused", "over_cap")], 1, "CAP_PER_EXCHANGE"),
        ([("failed", "409")], 1, "refused it: 409"),
        ([("sending", ""), ("authorized", "429")], 0, "Not sent yet (429: too many at once)"),
        ([("sending", ""), ("sent", "")], 0, "The provider has taken it."),
    ],
)
async def test_a_test_sms_says_what_the_provider_said(
    run: Run,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[list[tuple[str, str]], int, str],
) -> None:
    steps, code, said = case
    monkeypatch.setattr(operate, "TEST_SECONDS_MAX", 0.1)
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    way = ReplyWay([Step(at, state, reason) for state, reason in steps], 150_000, None)

    async def explain(message_id: str) -> Way:
        return Way(message_id, "test", at, None, reply=way)

    monkeypatch.setattr(desk.operator, "explain_message", explain)
    answer = await run("test", PHONE)
    assert answer.code == code, answer.err
    assert said in answer.out
    assert answer.out.split()[-1].startswith("test-")


async def test_explain_of_what_is_not_known(run: Run) -> None:
    assert (await run("explain", PHONE)).out == "Nothing is known of it.\n"
    said = await run("explain", "no-such-id")
    assert (said.code, said.err) == (
        1, "antirelou: ID: no message or test with this id is known\n",
    )  # fmt: skip


async def test_unresolved_replies(run: Run, desk: Desk) -> None:
    assert (await run("unresolved", "list")).out == "None.\n"
    said = await run("unresolved", "sent", "no/such reply")
    assert said.code == 1
    assert said.err.startswith("antirelou: ID: no such reply")
    await run("fund", "add", "100", "--note", "x")
    await desk.hear(received("r/1", at=NOW - HOUR), judged("r/1"))
    await desk.look()
    await desk.hear(changed("r/1", 1, ReplyState.UNRESOLVED, reason="absent"))
    said = await run("unresolved", "list")
    assert said.out == (
        "r/1  since 2026-11-02 13:00 (Paris)  0.15 €\n"
        "  the provider's log has no SMS that could be it\n"
    )
    said = await run("unresolved", "sent", "r/1", "--why", "he answered")
    assert (said.code, said.out) == (0, "Booked as sent.\n")
    assert (await run("unresolved", "sent", "r/1")).code == 0
    assert (await run("unresolved", "void", "r/1")).code == 1


async def test_the_whole_way_is_readable(run: Run, desk: Desk) -> None:
    of: dict[str, Any] = {"sender": sender(1)}
    await desk.hear(received("m-1", at=NOW - HOUR, amount_microunits=9_500, **of))
    await desk.hear(judged("m-1", basis={"texts": 2}, **of))
    await run("block", PHONE)
    out = (await run("explain", "m-1")).out
    assert out.splitlines()[1].startswith("Received")
    for line in (
        r"message m-1\nReceived 2026-11-02 12:00 \(Paris\)\. Deserves a reply\.",
        r"receiving cost +0\.010 €", r"texts while waiting +2", r"reply cost +–",
        r"refused after all, blocked by hand +2026-11-02 13:00",
    ):  # fmt: skip
        assert re.search(line, out), line


async def test_backfill_is_told_to_the_responder(run: Run, desk: Desk, log: MemoryLog) -> None:
    assert (await run("backfill", "--since", "2017-10-27T16:00")).code == 0
    [record] = log.read_all(OperatorDecided.TOPIC)
    assert decode_as(OperatorDecided, record.value).action is OperatorAction.BACKFILL
    for text, ago in (("24h", timedelta(days=1)), ("2d", timedelta(days=2))):
        assert (await run("backfill", "--since", text)).code == 0
        since = decode_as(OperatorDecided, log.read_all(OperatorDecided.TOPIC)[-1].value).since
        assert since == desk.now - ago
    said = await run("backfill", "--since", "yesterday")
    assert said.code == 2
    assert said.err.startswith("antirelou: --since: a time such as")


async def test_dead_records(run: Run) -> None:
    assert (await run("dead", "list")).out == "None.\n"
    assert (await run("dead", "replay")).out == "Put back: 0.\n"


async def test_a_wrong_token_names_the_setting(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIRELOU_OPERATOR_TOKEN", "another-operators-token")
    said = await run("status")
    assert said.code == 2
    assert "ANTIRELOU_OPERATOR_TOKEN" in said.err
