"""``antirelou rehearse``: what it writes, that it repeats itself, and that it keeps the promises.

The judge and the ledger are tested where they are; here they pass small floods as a whole.
"""

import asyncio
import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from antirelou.commands.main import main
from antirelou.commands.rehearse.course import Course
from antirelou.commands.rehearse.house import RehearsalHouse
from antirelou.commands.rehearse.outcome import describe_fates, describe_summary, summarize
from antirelou.commands.rehearse.trace import parse_trace
from kernel.settings.settings import load_settings
from tests.unit.antirelou.rehearsals import (
    EURO,
    FUNDS,
    HOUR,
    MINUTE,
    PRICE,
    Sms,
    Stage,
    calm,
    flood,
    phone,
)

FIELDS = ["id", "decision", "reason", "score", "replied_at", "cost_microeuros"]


# -- what is written -----------------------------------------------------------------------------


def test_a_line_for_each_as_the_contract_has_it(stage: Stage) -> None:
    done = stage.rehearse([
        Sms(0 * HOUR, "é 1", phone(1), "Salut"),
        Sms(MINUTE, "b", "36000", "Gagnez"),
        Sms(2 * MINUTE, "c", phone(1), None),
    ])  # fmt: skip
    reply, short, again = done.out.decode().splitlines()
    assert re.fullmatch(
        r'\{"id":"é 1","decision":"reply","reason":"deserved","score":-?\d+\.\d+,'
        r'"replied_at":"2017-10-30T1[01]:\d\d:\d\d(\.\d+)?Z","cost_microeuros":160000\}',
        reply,
    )
    assert short == (
        '{"id":"b","decision":"silent","reason":"short_code","score":0.0,"replied_at":null,'
        '"cost_microeuros":10000}'
    )
    assert json.loads(again)["reason"] == "already_deliberating"
    assert done.out.endswith(b"}\n")


@pytest.mark.parametrize("fund", FUNDS)
def test_every_distinct_id_has_one_line_and_the_costs_are_what_was_spent(
    stage: Stage, fund: str
) -> None:
    texts = flood()
    done = stage.rehearse(texts, fund)
    assert list(done.lines) == list(dict.fromkeys(sms.id for sms in texts))
    for line in done.lines.values():
        assert list(line) == FIELDS
        assert line["decision"] == ("reply" if line["reason"] == "deserved" else "silent")
        assert line["replied_at"] is None or line["decision"] == "reply"
    summary = done.summary
    assert sum(line["cost_microeuros"] for line in done.lines.values()) == done.spent
    assert summary["available_microeuros"] == int(float(fund) * EURO) - done.spent
    assert summary["messages"] == len(done.lines)
    assert summary["repeated"] == len(texts) - len(done.lines)
    assert summary["messages"] == summary["replies"] + sum(summary["silent"].values())
    assert summary["answered"] == len(done.replied())
    assert len(summary["fund_over_time"]) > 3
    assert summary["fund_over_time"][-1]["available_microeuros"] == summary["available_microeuros"]


def test_what_a_person_reads(stage: Stage) -> None:
    trace = str(stage.write(flood()))
    assert main(["rehearse", trace, "--fund", "60"]) == 0
    said = stage.capsys.readouterr()
    assert re.search(r"messages +240\n", said.out)
    assert re.search(r"left of the fund +\d+\.\d\d € of 60\.00 €", said.out)
    assert re.search(r"the fund  [ ▁▂▃▄▅▆▇█]+\n", said.out)
    assert said.err == ""


def test_nothing_arrived(stage: Stage) -> None:
    done = stage.rehearse([], "50")
    assert done.lines == {}
    assert (done.summary["messages"], done.summary["available_microeuros"]) == (0, 50 * EURO)


def test_it_needs_no_settings_and_no_files_and_repeats_itself_to_the_byte(stage: Stage) -> None:
    trace = stage.write(flood(hours=3))
    said = []
    for seed in ("1", "2"):
        command = [
            sys.executable, "-m", "antirelou", "rehearse", str(trace), "--fund", "24",
            "--out", "out", "--report", "page.html", "--json",
        ]  # fmt: skip
        folder = stage.folder / seed
        folder.mkdir()
        root = str(Path(__file__).parents[3])
        env = {"PYTHONHASHSEED": seed, "PYTHONPATH": root, "HOME": "/nonexistent"}
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, check=True)
        assert done.stderr == b""
        assert sorted(path.name for path in folder.iterdir()) == ["out", "page.html"]
        said.append([done.stdout, *((folder / n).read_bytes() for n in ("out", "page.html"))])
    assert said[0] == said[1]


# -- in parts ------------------------------------------------------------------------------------


def pass_in_parts(texts: list[Sms], cuts: list[int], fund: int = 24 * EURO) -> tuple[Any, Any]:
    """Feed a trace part by part. Returns its lines and its summary."""

    async def pass_all() -> Course:
        house = RehearsalHouse(load_settings(), fund)
        for start, end in pairwise([0, *cuts, len(texts)]):
            await house.feed(parse_trace(sms.line().encode() for sms in texts[start:end]))
        return await house.finish()

    course = asyncio.run(pass_all())
    return list(describe_fates(course)), describe_summary(summarize(course, fund, PRICE))


def test_a_trace_in_parts_gives_the_same_as_whole(stage: Stage) -> None:
    texts = flood(seed=3, hours=14, per_hour=12)
    whole = pass_in_parts(texts, [])
    for cuts in ([1], [len(texts) // 2], [40, 41, 42, 90], list(range(1, len(texts), 7))):
        assert pass_in_parts(texts, cuts) == whole
    assert pass_in_parts([], []) == ([], pass_in_parts([], [0])[1])
    done = stage.rehearse(texts, "24")
    assert done.out.decode().splitlines() == whole[0]
    assert done.summary == whole[1]


# -- ids, senders --------------------------------------------------------------------------------


def test_a_repeated_id_is_no_new_message_whatever_stands_in_it(stage: Stage) -> None:
    once = [*calm(6)]
    repeated = sorted(
        [*once, *(replace(sms, after=sms.after + 3 * HOUR, sender=phone(99)) for sms in once)],
        key=lambda sms: sms.after,
    )
    assert stage.rehearse(repeated).lines == stage.rehearse(once).lines


# -- policies ------------------------------------------------------------------------------------


def test_settings_are_tried_and_two_policies_stand_side_by_side(stage: Stage) -> None:
    trace = str(stage.write(calm(6)))
    asked = ["rehearse", trace, "--fund", "100", "--set", "REPLY_DELAY=2h"]
    assert main([*asked, "--compare", "ANTIRELOU_REPLY_DELAY=3h", "--json"]) == 0
    first, second = json.loads(stage.capsys.readouterr().out)
    assert main([*asked, "--json"]) == 0
    assert json.loads(stage.capsys.readouterr().out) == first
    assert main(["rehearse", trace, "--fund", "100", "--set=reply_delay=3h", "--json"]) == 0
    assert json.loads(stage.capsys.readouterr().out) == second
    assert first != second
    assert main([*asked, "--compare", "REPLY_DELAY=3h"]) == 0
    said = stage.capsys.readouterr().out
    assert "left: as set; right: REPLY_DELAY=3h" in said
    assert re.search(r"answered +6 +6\n", said)


def test_the_horizon_may_be_given(stage: Stage) -> None:
    trace = str(stage.write(calm(2)))
    said = []
    for option in (["--horizon", "3d"], ["--set", "FUND_HORIZON=3d"]):
        assert main(["rehearse", trace, "--fund", "100", "--json", *option]) == 0
        said.append(stage.capsys.readouterr().out)
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "--fund"),
        (["--fund", "much"], "--fund: decimal euros, such as 12.50"),
        (["--fund=-1"], "--fund: decimal euros"),
        (["--fund", "nan"], "--fund: decimal euros"),
        (["--fund", "9", "--set", "BURST"], "--set: was 'BURST', accepted: NAME=VALUE"),
        (["--fund", "9", "--set", "BURTS=3"], "--set: was 'BURTS=3'"),
        (["--fund", "9", "--compare", "BURTS=3"], "--compare: was 'BURTS=3'"),
        (["--fund", "9", "--set", "BURST=many"], "ANTIRELOU_BURST: was 'many'"),
        (["--fund", "9", "--compare", "BURST=0"], "ANTIRELOU_BURST: was '0'"),
        (["--fund", "9", "--horizon", "soon"], "ANTIRELOU_FUND_HORIZON: was 'soon'"),
        (["--fund", "9", "--set", "PRICE_REPLY=1"], "CAP_PER_EXCHANGE"),
        (["--fund", "9", "--out", "no/where"], "no/where: no folder no; make it"),
        (["--fund", "9", "--report", "no/where"], "no/where: no folder no; make it"),
        (["--fund", "9", "--report", "."], ".: is a folder; name a file in it"),
        (["--fund", "9", "--out", "trace.jsonl"], "trace.jsonl: this is TRACE itself"),
    ],
)
def test_what_is_wrong_is_named_before_anything_is_done(
    stage: Stage, arguments: list[str], named: str
) -> None:
    trace = stage.write([])
    trace.write_text("{\n", encoding="utf-8")  # it is not even read
    assert main(["rehearse", str(trace), *arguments]) == 2
    said = stage.capsys.readouterr()
    assert named in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_wrong_trace_is_named_and_nothing_is_written(stage: Stage) -> None:
    trace = stage.write(calm(2))
    trace.write_text(trace.read_text("utf-8") + '{"at":"secret"}\n', encoding="utf-8")
    asked = ["--fund", "9", "--out", "out", "--report", "page"]
    assert main(["rehearse", str(trace), *asked]) == 2
    said = stage.capsys.readouterr()
    assert said.err.startswith("antirelou: TRACE line 3: id: accepted: ")
    assert said.err.count("\n") == 1
    assert "secret" not in said.err
    assert [path.name for path in stage.folder.iterdir()] == ["trace.jsonl"]
    for missing in ("nowhere", "."):
        assert main(["rehearse", missing, *asked]) == 2
        assert stage.capsys.readouterr().err.startswith(f"antirelou: TRACE: {missing}: ")
