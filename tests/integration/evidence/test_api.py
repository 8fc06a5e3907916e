"""The operator API of evidence and the commands over it: what is answered, and what is refused."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from antirelou.commands.client import Operator
from antirelou.commands.main import main
from kernel.facts.records import SmsReceived
from kernel.facts.topics import outgoing
from kernel.sealing.privacy import Pseudonymizer
from kernel.values.errors import Fatal
from services.evidence.core.redaction import redact
from services.evidence.core.verifier import (
    commit,
    decode64,
    hash_leaf,
    read_checkpoint,
    read_note,
    root_from_inclusion,
)
from tests.support.evidence import CASE, TOKEN, Desk, open_desk
from tests.unit.evidence.cases import (
    OWN,
    PRIVATE_KEY,
    SIGNER,
    judged,
    number,
    received,
    replied,
    weekend,
)

PSEUDONYMS = Pseudonymizer(b"P" * 32)


def his(message: int, sender: int = 1, **more: Any) -> SmsReceived:
    return replace(received(message, sender, **more), sender=PSEUDONYMS.pseudonym(number(sender)))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with open_desk() as desk:
        yield desk


async def refused(desk: Desk, path: str, body: dict[str, Any]) -> str:
    with pytest.raises(Fatal) as caught:
        await desk.post(path, body)
    assert number(1)[3:] not in str(caught.value)
    return f"{caught.value.code}: {caught.value}"


async def test_nobody_is_let_in_without_the_token(desk: Desk) -> None:
    document = await desk.get("/v1/evidence/openapi.json")
    async with aiohttp.ClientSession() as client:
        for path, methods in document["paths"].items():
            for method in methods:
                url = desk.url + path.replace("{id}", "x")
                async with client.request(method, url) as answer:
                    assert answer.status == 401, (method, path)


async def test_an_empty_log_says_so(desk: Desk) -> None:
    answer = await desk.get("/v1/evidence")
    assert (answer["leaves"], answer["checkpoint"]) == (0, None)
    assert answer["log_key"] == str(SIGNER.key)
    with pytest.raises(Fatal, match="the log is empty"):
        await desk.export()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "a b"}, "use: ID"),
        ({"reason": ""}, "use: --why"),
        ({"hold_until": "tomorrow"}, "use: hold_until"),
        ({"hold_until": "2099-01-01T00:00:00"}, "use: hold_until"),
        ({"senders": ["x"]}, "use: senders"),
        ({"numbers": ["not a number"]}, "use: numbers"),
        ({"colour": "blue"}, "use:"),
        ({"since": None}, "use: senders"),
        ({"hold_until": "2001-01-01T00:00:00Z"}, "http_409: hold_until"),
    ],
)
async def test_a_case_that_is_none_is_refused(
    desk: Desk, change: dict[str, Any], said: str
) -> None:
    body = {**CASE, **change}
    body.pop("author")
    assert (await refused(desk, "/v1/evidence/cases", body)).startswith(said)


async def test_a_case_is_opened_once_listed_and_closed(desk: Desk) -> None:
    body = {name: value for name, value in CASE.items() if name != "author"}
    assert (await desk.post("/v1/evidence/cases", {**body, "numbers": [number(1)]}))[0] == 201
    assert (await desk.post("/v1/evidence/cases", {**body, "numbers": [number(1)]}))[0] == 200
    assert "http_409: ID" in await refused(desk, "/v1/evidence/cases", body)
    (case,) = (await desk.get("/v1/evidence/cases"))["cases"]
    assert case["senders"] == [PSEUDONYMS.pseudonym(number(1))]
    assert number(1)[3:] not in json.dumps(case)
    assert (await desk.post("/v1/evidence/cases/essai/close", {}))[1]["holds"] is False
    assert "http_404" in await refused(desk, "/v1/evidence/cases/other/close", {})
    with pytest.raises(Fatal, match="size"):
        await desk.get("/v1/evidence/cases/essai/records?size=x&after=0")


async def test_a_proof_is_a_tlog_proof_that_holds(desk: Desk) -> None:
    await desk.keep(weekend())
    answer = await desk.get("/v1/evidence/proofs/m-0")
    assert len(answer["proofs"]) == 3
    for told in answer["proofs"]:
        head, _, checkpoint = told["proof"].partition("\n\n")
        first, index, *hashes = head.split("\n")
        assert first == "c2sp.org/tlog-proof@v1"
        assert index == f"index {told['index']}"
        leaf = hash_leaf(commit(bytes.fromhex(told["salt"]), told["record"].encode()))
        tree = read_checkpoint(read_note(checkpoint.encode()).text)
        proof = [decode64(line) for line in hashes]
        assert root_from_inclusion(leaf, told["index"], tree.size, proof) == tree.root
    with pytest.raises(Fatal, match="no record"):
        await desk.get("/v1/evidence/proofs/nothing")


async def test_access_erasure_and_objection_reach_one_number(desk: Desk) -> None:
    mine = PSEUDONYMS.pseudonym(number(1))
    await desk.keep([his(1), his(2, 2), replace(judged(1), sender=mine), replied(2, 2)])
    _, shown = await desk.post("/v1/subjects/show", {"number": number(1)})
    assert [json.loads(r["record"])["kind"] for r in shown["records"]] == ["received", "judged"]
    assert shown["objected_at"] is None
    _, noted = await desk.post("/v1/subjects/object", {"number": number(1)})
    assert noted["objected_at"]
    _, answer = await desk.post("/v1/subjects/erase", {"number": number(1)})
    assert (answer["erased"], answer["holds"]) == (2, [])
    assert len(answer["remains"]) == 1  # there is no database here whose bytes to write anew
    _, shown = await desk.post("/v1/subjects/show", {"number": number(1)})
    assert shown["records"] == []
    _, other = await desk.post("/v1/subjects/show", {"number": number(2)})
    assert len(other["records"]) == 1
    assert "use: NUMBER" in await refused(desk, "/v1/subjects/show", {"number": "rubbish"})


async def test_erasure_is_refused_for_what_a_case_holds_and_says_so(desk: Desk) -> None:
    await desk.keep([his(1)])
    body = {name: value for name, value in CASE.items() if name != "author"}
    await desk.post("/v1/evidence/cases", body)
    _, answer = await desk.post("/v1/subjects/erase", {"number": number(1)})
    assert answer["erased"] == 0
    (hold,) = answer["holds"]
    assert (hold["case"], hold["reason"], hold["records"]) == ("essai", "plainte", 1)
    await desk.post("/v1/evidence/cases/essai/close", {})
    _, answer = await desk.post("/v1/subjects/erase", {"number": number(1)})
    assert (answer["erased"], answer["holds"]) == (1, [])


async def test_erasure_reaches_topics_and_dead_topics(desk: Desk) -> None:
    message = his(1, 1, text="un-secret")
    dead = outgoing(message)
    await desk.log.append([outgoing(message), outgoing(his(2, 2))])
    await desk.log.append([type(dead)("sms.received.dead", dead.key, b'{"value":"dW4=","v":1}')])
    _, answer = await desk.post("/v1/subjects/erase", {"number": number(1)})
    assert answer["remains"][0].startswith("1 records of the topics")  # nobody has read it yet
    (corpse,) = desk.log.read_all("sms.received.dead")
    assert json.loads(corpse.value) == {"value": "", "v": 1}


def test_what_is_redacted_is_still_a_record() -> None:
    from kernel.facts.records import decode_as

    message = received(1)
    left = decode_as(SmsReceived, redact("sms.received", outgoing(message).value))
    assert (left.text, left.sender_sealed, left.evidence_sealed) == (None, None, None)
    assert (left.id, left.sender, left.amount_microunits) == ("m-1", message.sender, 10_000)
    for rubbish in (b"\xff", b"[1]", b""):
        assert redact("sms.received", rubbish) == b"{}"


async def test_the_commands_say_what_they_did(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await desk.keep([his(1), replace(judged(1), sender=PSEUDONYMS.pseudonym(number(1)))])
    case, key = tmp_path / "case.toml", tmp_path / "key"
    case.write_text(
        f'id = "c1"\nreason = "plainte"\nhold_until = 2099-01-01T00:00:00Z\n'
        f'numbers = ["{number(1)}"]\n'
    )
    key.write_text(f"# a comment\n{PRIVATE_KEY.hex()}\n")
    monkeypatch.setenv("ANTIRELOU_OPERATOR_URL", desk.url)
    monkeypatch.setenv("ANTIRELOU_OPERATOR_TOKEN", TOKEN)
    monkeypatch.setenv("ANTIRELOU_NUMBER", OWN)
    out = str(tmp_path / "folder")
    export = ["evidence", "export", "--case", str(case), "--key", str(key), "--out", out]
    expected: list[tuple[list[str], int, str]] = [
        (["evidence", "status"], 0, "leaves"),
        (["evidence", "status", "--json"], 0, '"leaves": 3'),
        (["evidence", "cases"], 0, "None."),
        (["evidence", "hold", "--case", str(case)], 0, "holds its records until 2099-01-01"),
        (["evidence", "cases"], 0, "c1 holds until 2099-01-01 plainte"),
        (export, 0, "OK"),
        (export, 2, "exists; it is not overwritten"),
        (["evidence", "verify", out], 0, "OK"),
        (["evidence", "verify", out, "--log", "x"], 1, "the log key is not yours"),
        (["evidence", "verify", str(tmp_path / "none")], 2, "no folder"),
        (["evidence", "prove", "m-1"], 0, "c2sp.org/tlog-proof@v1"),
        (["subject", "show", number(1)], 0, "2 records."),
        (["subject", "show", number(1), "--key", str(key)], 0, "Bonjour"),
        (["subject", "show", number(1), "--json"], 0, '"kind": "received"'),
        (["subject", "erase", number(1), "--yes"], 1, "art. 17(3)(e)"),
        (["evidence", "close", "c1"], 0, "Closed"),
        (["subject", "erase", number(1)], 2, "--yes: nobody is there to be asked"),
        (["subject", "show", number(1)], 0, "2 records."),
        (["subject", "erase", number(1), "--yes"], 0, "Erased: 2 records"),
        (["subject", "erase", "rubbish"], 2, "NUMBER"),
    ]
    await _run_all(expected, capsys)


@pytest.mark.parametrize(
    "given",
    [
        ("fr n", 1, 2, ("Sera effacé : 2 enregistrements", "Rien n'a été effacé.")),
        ("fr", 130, 2, ("Reste aussi : leur place dans le journal",)),
        ("en y", 1, 1, ("Goes: 2 records", "Stays: 1 records, held by case c1", "Erased: 1")),
    ],
)
async def test_erasure_says_what_goes_and_what_stays_and_asks(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: tuple[str, int, int, tuple[str, ...]],
) -> None:
    (language, _, answer), code, left, words = given[0].partition(" "), *given[1:]
    import asyncio
    import io
    import sys

    await desk.keep([his(1), his(9)])
    case = {"id": "c1", "reason": "r", "hold_until": "2099-01-01T00:00:00Z",
            "numbers": [number(1)], "until": "2017-10-27T14:05:00Z"}  # fmt: skip
    await desk.post("/v1/evidence/cases", case)
    for name, value in (("OPERATOR_URL", desk.url), ("OPERATOR_TOKEN", TOKEN), ("NUMBER", OWN),
                        ("LANGUAGE", language)):  # fmt: skip
        monkeypatch.setenv(f"ANTIRELOU_{name}", value)
    terminal = io.StringIO(f"{answer}\n" if answer else "")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert await asyncio.to_thread(main, ["subject", "erase", number(1)]) == code
    said = re.sub(r"\s+", " ", "".join(capsys.readouterr()))
    assert [word for word in words if word not in said] == []
    _, shown = await desk.post("/v1/subjects/show", {"number": number(1)})
    assert len(shown["records"]) == left


async def _run_all(
    expected: list[tuple[list[str], int, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    import asyncio

    for arguments, code, said in expected:
        found = await asyncio.to_thread(main, arguments)
        output = "".join(capsys.readouterr())
        assert (found, said in re.sub(r"\s+", " ", output)) == (code, True), (arguments, output)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id = ", "is not TOML"),
        ('id = "a"', "missing: hold_until, reason"),
        ('id = "a"\nreason = "b"\nhold_until = 2099-01-01\ncolour = 1', "unknown: colour"),
        ('id = "a"\nreason = "b"\nhold_until = 2099-01-01', "hold_until: a time with its offset"),
    ],
)
def test_a_case_file_that_is_none_is_an_error_of_use(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "case.toml"
    path.write_text(text)
    assert main(["evidence", "hold", "--case", str(path)]) == 2
    assert said in capsys.readouterr().err
    assert main(["evidence", "export", "--case", str(path), "--key", str(tmp_path / "no")]) == 2


def test_the_client_looks_where_evidence_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from antirelou.commands.evidence import operator

    monkeypatch.setenv("ANTIRELOU_EVIDENCE_URL", "http://evidence.internal:9100")
    monkeypatch.setenv("ANTIRELOU_OPERATOR_TOKEN", TOKEN)
    assert isinstance(operator(), Operator)
    assert operator().url == "http://evidence.internal:9100"
