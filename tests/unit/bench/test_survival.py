import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench.survival import __main__ as command
from bench.survival import outcome, policy
from bench.survival.goals import GOALS
from bench.survival.outcome import Fate, measure, percentile
from bench.survival.page import Run, print_runs, runs_as_json
from bench.survival.policy import FUND_FLOOR, PRICE_RECEIVE, PRICE_REPLY, Text
from bench.survival.rehearsal import RehearsalError, read_fates, rehearse, write_trace
from simulator.floods import first, third
from simulator.floods.arrival import FloodKind

HOUR = 3600.0


def text(at: float, sender: str, *, genuine: bool = True, answerable: bool = True) -> Text:
    return Text(at * HOUR, f"{sender}@{at}", sender, genuine, answerable, PRICE_RECEIVE)


def fund(*, texts: int, replies: int) -> int:
    return texts * PRICE_RECEIVE + replies * PRICE_REPLY + FUND_FLOOR


TROLLS_FIRST = [
    *(text(place / 100, f"troll{place}", genuine=False) for place in range(4)),
    text(1, "anna"), text(1.1, "anna"), text(2, "bea"), text(3, "cleo"),
]  # fmt: skip


# -- the policies


def test_the_oracle_pays_for_the_genuine_alone_in_order_of_arrival() -> None:
    enough = fund(texts=8, replies=3)
    assert policy.answered_by_oracle(TROLLS_FIRST, enough) == {"anna", "bea", "cleo"}
    short = fund(texts=8, replies=2)
    assert policy.answered_by_oracle(TROLLS_FIRST, short) == {"anna", "bea"}


def test_first_come_pays_each_once_and_the_trolls_before() -> None:
    assert policy.answered_first_come(TROLLS_FIRST, fund(texts=8, replies=5)) == {"anna"}
    assert policy.answered_first_come(TROLLS_FIRST, fund(texts=8, replies=4)) == set()
    assert policy.answered_first_come(TROLLS_FIRST, fund(texts=8, replies=7)) == {
        "anna", "bea", "cleo",
    }  # fmt: skip


def test_2017_pays_for_every_text_and_keeps_no_floor() -> None:
    no_floor = fund(texts=8, replies=7) - FUND_FLOOR
    assert policy.answered_in_2017(TROLLS_FIRST, no_floor) == {"anna", "bea"}


def test_2017_answers_also_who_cannot_be_answered() -> None:
    texts = [text(0, "PROMO", genuine=False, answerable=False), text(1, "anna")]
    one_reply = fund(texts=2, replies=1)
    assert policy.answered_in_2017(texts, one_reply - FUND_FLOOR) == set()
    assert policy.answered_first_come(texts, one_reply) == {"anna"}


def test_what_receiving_costs_is_no_longer_there_for_replies() -> None:
    texts = [text(0, "anna"), *(text(0.5, "troll", genuine=False) for _ in range(1000))]
    assert policy.answered_by_oracle(texts, fund(texts=1000, replies=0)) == set()


def test_at_its_floor_the_number_is_off_and_nobody_comes_through() -> None:
    texts = [text(0, "anna"), text(5, "bea")]
    assert policy.answered_by_oracle(texts, FUND_FLOOR) == set()
    assert policy.answered_in_2017(texts, 0) == set()


def test_the_fund_is_receiving_and_the_floor_and_replies_for_the_greater_crowd() -> None:
    mostly_genuine = [text(0, "anna"), text(1, "bea"), text(2, "troll", genuine=False)]
    assert policy.price_fund(mostly_genuine) == fund(texts=3, replies=2)
    mostly_trolls = [text(0, "anna"), *(text(1, f"t{n}", genuine=False) for n in range(9))]
    assert policy.price_fund(mostly_trolls) == fund(texts=10, replies=6)


def test_texts_are_priced_by_the_segment_and_only_french_mobiles_are_answerable() -> None:
    texts = policy.price_texts(first.flood(FloodKind.MIXTURE, 1, 0.02))
    assert {one.cost % PRICE_RECEIVE for one in texts} == {0}
    assert max(one.cost for one in texts) > PRICE_RECEIVE
    assert all(one.answerable for one in texts if one.genuine)
    assert {one.answerable for one in texts if not one.sender.startswith("+33")} == {False}


# -- the outcome


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([], 50, None),
        ([7.0], 50, 7.0),
        ([7.0], 95, 7.0),
        ([4.0, 1.0, 3.0, 2.0], 50, 2.0),
        ([float(n) for n in range(1, 101)], 95, 95.0),
        ([1.0, 2.0], 0, 1.0),
        ([1.0, 2.0], 100, 2.0),
    ],
)
def test_percentile(values: list[float], percent: float, expected: float | None) -> None:
    assert percentile(values, percent) == expected


def fate(reason: str, replied_at: float | None = None) -> Fate:
    cost = PRICE_RECEIVE + (0 if replied_at is None else PRICE_REPLY)
    return Fate("reply" if reason == "deserved" else "silent", reason, 0.0,
                None if replied_at is None else replied_at * HOUR, cost)  # fmt: skip


def rehearsed() -> dict[str, Fate]:
    fates = {f"troll{place}@{place / 100}": fate("campaign") for place in range(3)}
    return fates | {
        "troll3@0.03": fate("deserved", 2.0),
        "anna@1": fate("deserved", 3.0),
        "anna@1.1": fate("already_deliberating"),
        "bea@2": fate("deserved", 76.0),
        "cleo@3": fate("campaign"),
    }


def test_an_outcome_counts_senders_euros_and_waits() -> None:
    given = fund(texts=8, replies=5)
    found = measure(TROLLS_FIRST, rehearsed(), given)
    assert (found.texts, found.genuine, found.attackers) == (8, 3, 4)
    assert (found.answered, found.late, found.blamed, found.twice) == (2, 1, 1, 0)
    assert (found.oracle, found.first_come) == (3, 1)
    assert found.share_of_oracle == pytest.approx(2 / 3)
    assert found.share_of_first_come == 2
    assert (found.to_attackers, found.attackers_answered) == (PRICE_REPLY, 1)
    assert (found.wait_p50_hours, found.wait_p95_hours) == (2.0, 74.0)
    assert found.lost_by_reason == {"campaign": 1}
    assert found.attack_by_reason == {"campaign": 3, "deserved": 1}


def test_a_reply_to_any_text_of_a_sender_answers_him_and_two_are_told() -> None:
    fates = rehearsed() | {"anna@1.1": fate("deserved", 4.0)}
    assert measure(TROLLS_FIRST, fates, fund(texts=8, replies=5)).twice == 1


def test_a_text_without_a_line_is_an_error() -> None:
    with pytest.raises(KeyError):
        measure(TROLLS_FIRST, {}, 0)


def test_nobody_genuine_is_nobody_missing() -> None:
    troll = [text(0, "troll", genuine=False)]
    found = measure(troll, {"troll@0": fate("campaign")}, 0)
    assert found.share_of_oracle == found.share_of_all == 1
    assert found.wait_p50_hours is None


def test_every_kind_has_a_goal_and_a_miss_is_seen() -> None:
    assert set(GOALS) == set(FloodKind).difference(third.KINDS), "the third's have none yet"
    found = measure(TROLLS_FIRST, rehearsed(), fund(texts=8, replies=5))
    met = {kind: all(goal.is_met([found]) for goal in GOALS[kind]) for kind in GOALS}
    assert [kind for kind, is_met in met.items() if is_met] == [FloodKind.DRIP]


# -- the command, with a rehearsal that answers whoever comes first


def answer_all(trace: Path, fund: int, out: Path, settings: Sequence[str]) -> None:
    assert fund > 0
    seen: set[str] = set()
    with out.open("w", encoding="utf-8") as file:
        for line in trace.read_text(encoding="utf-8").splitlines():
            given = json.loads(line)
            assert "genuine" not in given
            first_text = given["from"] not in seen and "SILENT=1" not in settings
            seen.add(given["from"])
            judged = {
                "id": given["id"],
                "decision": "reply" if first_text else "silent",
                "reason": "deserved" if first_text else "already_deliberating",
                "score": 0.0,
                "replied_at": given["at"] if first_text else None,
                "cost_microeuros": PRICE_RECEIVE + (PRICE_REPLY if first_text else 0),
            }
            file.write(json.dumps(judged) + "\n")


def plan(*variants: str) -> command.Plan:
    return command.Plan(
        generators=list(command.GENERATORS),
        kinds=[FloodKind.CALM, FloodKind.DRIP],
        seeds=[1, 2],
        scale=0.02,
        quick=False,
        settings=[],
        variants=["", *variants],
    )


def test_a_plan_is_rehearsed_cell_by_cell_and_variant_by_variant(tmp_path: Path) -> None:
    asked = plan("SILENT=1")
    runs = list(command.run_plan(asked, tmp_path, answer_all))
    assert len(runs) == asked.rehearsals == 16
    assert {run.outcome.share_of_all for run in runs if not run.variant} == {1.0}
    assert {run.outcome.share_of_all for run in runs if run.variant} == {0.0}


def test_the_table_marks_goals_and_the_json_has_every_run(tmp_path: Path) -> None:
    runs = list(command.run_plan(plan("SILENT=1"), tmp_path, answer_all))
    console = Console(file=(shown := StringIO()), width=300)
    assert print_runs(console, runs), "the variant's misses do not count"
    for expected in ("met all ≥ 0.99", "missed all ≥ 0.99", "; -1.000"):
        assert expected in shown.getvalue()
    found = json.loads(json.dumps(runs_as_json(runs, {"scale": 0.02})))
    assert len(found["runs"]) == len(runs)
    assert found["runs"][0]["shares"]["share_of_oracle"] == 1.0


def test_a_sender_answered_twice_fails_the_measurement(tmp_path: Path) -> None:
    runs = list(command.run_plan(plan(), tmp_path, answer_all))
    twice = outcome.measure(
        TROLLS_FIRST,
        rehearsed() | {"anna@1.1": fate("deserved", 4.0)},
        fund(texts=8, replies=5),
    )
    spoilt = Run("first", FloodKind.DRIP, 9, "", 0.0, twice)
    assert not print_runs(Console(quiet=True), [*runs, spoilt])


def test_two_lines_for_one_id_are_an_error(tmp_path: Path) -> None:
    trace, out = tmp_path / "trace", tmp_path / "out"
    write_trace(trace, list(first.flood(FloodKind.CALM, 1, 0.01)))
    answer_all(trace, 1, out, [])
    out.write_text(out.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(RehearsalError, match="two lines"):
        read_fates(out)


def test_what_the_command_says_when_it_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match="exit 2"):
        rehearse(tmp_path / "missing", 10**6, tmp_path / "out", ["NO_SUCH_SETTING=1"])


def test_a_generator_is_asked_only_for_the_kinds_that_it_makes() -> None:
    plan = command.Plan(list(command.GENERATORS), list(FloodKind), [1, 2], 1.0, False, [], [""])
    kinds = {maker: {kind for by, kind in plan.floods if by == maker} for maker in plan.generators}
    assert kinds["third"] == set(third.KINDS)
    assert kinds["first"] == kinds["second"] == set(GOALS)
    assert plan.rehearsals == 2 * len(plan.floods)
